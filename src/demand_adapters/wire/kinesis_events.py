"""What Lambda hands a worker that reads a stream of Kinesis."""

from base64 import b64decode
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from demand_adapters.deliveries import StreamRecord
from demand_adapters.wire.bodies import plain
from demand_core.errors import Permanent


def records_in(event: bytes) -> Sequence[StreamRecord]:
    """The records of one event, in their order; raises Permanent for anything else."""
    told: Any = plain(event)
    try:
        return [_record(record) for record in told["Records"]]
    except (AttributeError, KeyError, OSError, OverflowError, TypeError, ValueError):
        raise Permanent("no_kinesis_event", "not what Lambda makes of a stream") from None


def _record(told: Any) -> StreamRecord:
    inner = told["kinesis"]
    return StreamRecord(
        shard=told["eventID"].partition(":")[0],
        sequence=int(inner["sequenceNumber"]),
        at=datetime.fromtimestamp(inner["approximateArrivalTimestamp"], UTC),
        partition=inner["partitionKey"],
        payload=b64decode(inner["data"], validate=True),
    )
