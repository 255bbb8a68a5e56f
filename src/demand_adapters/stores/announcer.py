"""Alerts as files: whoever looks finds each once, and one line in the log when it is new."""

import json
import logging

from attrs import frozen

from demand_core.domain.alerts import Alert
from demand_core.domain.ids import digest
from demand_core.ports.file_store import FileStore

_LOG = logging.getLogger("demand.alerts")


@frozen(kw_only=True)
class FileAnnouncer:
    """One file a key, which is written once: also by many processes, and after a restart."""

    files: FileStore

    def announce(self, alert: Alert, /) -> None:
        """Log what was not there yet. Whoever dies in between leaves the file."""
        document = {"key": alert.key, "summary": alert.summary}
        written = json.dumps(document, indent=1).encode()
        name = f"alerts/{digest('demand.alertfile/1', alert.key)}.json"
        if self.files.put(name, [written], only_new=True):
            _LOG.warning("%s: %s", alert.key, alert.summary)
