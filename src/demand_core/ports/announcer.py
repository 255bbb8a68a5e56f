"""Telling people."""

from typing import Protocol

from demand_core.domain.alerts import Alert


class Announcer(Protocol):
    """The channel that operations read."""

    def announce(self, alert: Alert, /) -> None:
        """Tell people once for each key, however often it is called. Raises Transient."""
        ...
