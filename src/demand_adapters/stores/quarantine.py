"""Where records wait that nobody could read, each with its reason and where it came from."""

import base64
import json
from datetime import datetime

from attrs import frozen

from demand_adapters.deliveries import Delivery
from demand_adapters.wire.converters import instant
from demand_core.domain.ids import digest
from demand_core.errors import Permanent
from demand_core.ports.file_store import FileStore


@frozen(kw_only=True)
class Quarantine:
    """One file a record, under a name made of its position: a redelivery adds no second one."""

    files: FileStore

    def put(self, channel: str, delivery: Delivery, reason: Permanent, at: datetime) -> str:
        """Store the record as it came; answers its key. Raises what the file store raises."""
        key = f"quarantine/{channel}/{digest('demand.quarantine/1', delivery.record_id)}.json"
        try:
            body: object = delivery.payload.decode()
        except UnicodeDecodeError:
            body = {"base64": base64.b64encode(delivery.payload).decode()}
        document = {
            "channel": channel,
            "position": delivery.record_id,
            "reason": str(reason),
            "at": instant(at),
            "body": body,
        }
        self.files.put(key, [json.dumps(document, indent=1).encode()], only_new=True)
        return key
