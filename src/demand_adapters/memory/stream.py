"""A stream that behaves as Kinesis does, as far as a reader can tell."""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from datetime import datetime, timedelta
from operator import attrgetter
from typing import Final
from zlib import crc32

from demand_adapters.deliveries import StreamRecord, check_record
from demand_adapters.shard_reader import FeedTrimmed, Shard
from demand_core.errors import WiringError
from demand_core.ports.clock import Clock

_SEQUENCE: Final = attrgetter("sequence")
_AT: Final = attrgetter("at")


class MemoryStream:
    """One list a shard, ascending by sequence and by time; all count with one counter."""

    def __init__(
        self, clock: Clock, *, shards: int = 4, keep: timedelta = timedelta(hours=24)
    ) -> None:
        """Begin empty."""
        if shards < 1:
            raise WiringError(f"a stream of {shards} shards")
        self._clock = clock
        self._keep = keep
        self._sequence = 0
        self._shards: dict[str, list[StreamRecord]] = {str(n): [] for n in range(shards)}
        self._trimmed = dict.fromkeys(self._shards, 0)

    def put(self, records: Sequence[tuple[str, bytes]], /) -> Sequence[int]:
        """Take (partition key, payload) pairs; answers as an Outlet does."""
        for partition, payload in records:
            check_record(partition, payload)
        at = self._clock.now()
        for partition, payload in records:
            self._sequence += 1
            shard = str(crc32(partition.encode()) % len(self._shards))
            self._shards[shard].append(
                StreamRecord(
                    shard=shard,
                    sequence=self._sequence,
                    at=at,
                    partition=partition,
                    payload=payload,
                )
            )
        return ()

    @property
    def sequence(self) -> int:
        """How many were ever taken, which is the newest one's number."""
        return self._sequence

    def next_at(self, shard: str, after: int, /) -> datetime | None:
        """When the first record behind *after* was written, None when there is none yet."""
        records, start = self._behind(shard, after)
        return records[start].at if start < len(records) else None

    def shards(self) -> Sequence[Shard]:
        """As many as at the beginning."""
        return tuple(map(Shard, self._shards))

    def read(self, shard: str, after: int | None, limit: int, /) -> Sequence[StreamRecord]:
        """Read on; refuse to skip what was trimmed."""
        records, start = self._behind(shard, after)
        return records[start : start + limit]

    def trim(self) -> None:
        """Forget what is older than the stream keeps."""
        oldest = self._clock.now() - self._keep
        for shard, records in self._shards.items():
            lost = bisect_left(records, oldest, key=_AT)
            if lost:
                self._trimmed[shard] = records[lost - 1].sequence
                del records[:lost]

    def _behind(self, shard: str, after: int | None) -> tuple[list[StreamRecord], int]:
        """The records of *shard*, and where those behind *after* begin."""
        if after is not None and after < self._trimmed[shard]:
            raise FeedTrimmed(f"shard {shard} is kept from {self._trimmed[shard]} on")
        records = self._shards[shard]
        return records, 0 if after is None else bisect_right(records, after, key=_SEQUENCE)
