"""Channels seen from the reading side: what a source hands out and takes back.

A queue hides a message while it is worked on and shows it again unless it is deleted. A stream
keeps its records and lets every reader remember how far it came. Both deliver at least once.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from itertools import chain
from typing import Final, Protocol

from attrs import field, frozen

from demand_adapters.shard_reader import Shard
from demand_core.errors import Permanent

# What the narrowest of the real ones carries.
BODY_BYTES_MAX: Final = 256 * 1024
RECORD_BYTES_MAX: Final = 1024 * 1024
# What every account takes, partition key included; some take more.
PARTITION_CHARS_MAX: Final = 256
DELAY_MAX: Final = timedelta(minutes=15)
HIDDEN_MAX: Final = timedelta(hours=12)
ATTRIBUTES_MAX: Final = 10

# What a record of a stream tells of itself beside its payload.
SHARD: Final = "shard"
AT: Final = "at"

# What XML can't hold, and so SQS refuses.
_NO_TEXT: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")


@frozen(kw_only=True)
class Delivery:
    """One message as a source handed it out; *record_id* names this message at its source."""

    record_id: str
    payload: bytes
    received: int = 1
    receipt: str = ""
    attributes: Mapping[str, str] = field(factory=dict)


@frozen(kw_only=True)
class StreamRecord:
    """One record of a stream; *sequence* grows within its shard and is never used twice."""

    shard: str
    sequence: int
    at: datetime
    partition: str
    payload: bytes

    def delivered(self) -> Delivery:
        """As one message among others, that still knows where it stood."""
        return Delivery(
            record_id=str(self.sequence),
            payload=self.payload,
            attributes={SHARD: self.shard, AT: self.at.isoformat()},
        )


class QueueSource(Protocol):
    """A queue: any order, at least once, dead letters after too many receives."""

    def receive(self, limit: int, /) -> Sequence[Delivery]:
        """At most *limit* visible messages, each hidden for the visibility time from now on."""
        ...

    def delete(self, receipts: Sequence[str], /) -> None:
        """Be done with messages. A receipt is good until its message is received again."""
        ...

    def release(self, receipts: Sequence[str], delay: timedelta, /) -> None:
        """Show messages again after *delay*. By a receipt that is no longer good, or not."""
        ...

    def dead_letters(self) -> Sequence[Delivery]:
        """The messages that were received too often, as they came."""
        ...


class StreamSource(Protocol):
    """A stream in shards: in order within a shard, kept for a while whoever has read it."""

    def shards(self) -> Sequence[Shard]:
        """The shards there are, parents before their children.

        One partition key falls into one open shard, until that is split or merged.
        """
        ...

    def read(self, shard: str, after: int | None, limit: int, /) -> Sequence[StreamRecord]:
        """At most *limit* records behind *after* (None: from the oldest kept).

        An empty answer of a closed shard means that it is read to its end. Raises FeedTrimmed
        when what follows *after* is no longer kept.
        """
        ...


def message_size(payload: bytes, attributes: Mapping[str, str]) -> int:
    """As SQS counts: attributes are part of the body, the name of their type too."""
    more = sum(len(f"{name}String{text}".encode()) for name, text in attributes.items())
    return len(payload) + more


def check_messages(payloads: Sequence[bytes], attributes: Mapping[str, str]) -> None:
    """Refuse with Permanent what no queue carries, with these *attributes* each."""
    if len(attributes) > ATTRIBUTES_MAX:
        raise Permanent(
            "too_many_attributes", f"{len(attributes)}, of at most {ATTRIBUTES_MAX}"
        )
    longest = message_size(max(payloads, key=len, default=b""), attributes)
    if longest > BODY_BYTES_MAX:
        raise Permanent("body_too_long", f"{longest} bytes, of at most {BODY_BYTES_MAX}")
    texts = (text.encode() for named in attributes.items() for text in named)
    if not all(map(_is_text, chain(payloads, texts))):
        raise Permanent("bad_text", "a message is text in UTF-8, not empty, without controls")


def _is_text(payload: bytes) -> bool:
    try:
        return bool(payload) and not _NO_TEXT.search(payload.decode())
    except UnicodeDecodeError:
        return False


def check_record(partition: str, payload: bytes) -> None:
    """Refuse with Permanent what no stream carries."""
    if not 0 < len(partition) <= PARTITION_CHARS_MAX:
        raise Permanent("bad_partition", f"{len(partition)} characters")
    size = record_size(partition, payload)
    if size > RECORD_BYTES_MAX:
        raise Permanent("body_too_long", f"{size} bytes, of at most {RECORD_BYTES_MAX}")


def record_size(partition: str, payload: bytes) -> int:
    """As Kinesis counts."""
    return len(partition.encode()) + len(payload)
