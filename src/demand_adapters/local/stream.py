"""A stream in the database: shards, each in the order in which it was written."""

from collections.abc import Sequence
from datetime import timedelta
from itertools import takewhile
from typing import Final
from zlib import crc32

from demand_adapters.deliveries import StreamRecord, check_record
from demand_adapters.local.clock import milliseconds, moment
from demand_adapters.local.database import Database
from demand_adapters.shard_reader import FeedTrimmed, Shard
from demand_core.ports.clock import Clock

# Another number would send a partition key elsewhere than before.
SHARDS: Final = ("0", "1", "2", "3")
KEPT: Final = timedelta(hours=24)
# What a sweep removes at once: the next writer waits as long.
PIECE: Final = 500

PUT: Final = """
    INSERT INTO records (stream, shard, at, partition_key, payload) VALUES (?, ?, ?, ?, ?)"""
TRIMMED: Final = "SELECT max(trimmed) FROM shards WHERE stream = ? AND shard = ?"
READ: Final = """
    SELECT sequence, at, partition_key, payload FROM records
    WHERE stream = ? AND shard = ? AND sequence > ? ORDER BY sequence LIMIT ?"""
OLDEST: Final = """
    SELECT sequence, at FROM records
    WHERE stream = ? AND shard = ? AND sequence <= ? ORDER BY sequence LIMIT ?"""
DROP: Final = "DELETE FROM records WHERE sequence = ?"
TRIM: Final = "INSERT OR REPLACE INTO shards VALUES (?, ?, ?)"


class LocalStream:
    """The records of one *name*; the shards of all streams count with one counter."""

    def __init__(self, database: Database, clock: Clock, *, name: str) -> None:
        """Find what was left in it."""
        self._database = database
        self._clock = clock
        self._name = name

    def put(self, records: Sequence[tuple[str, bytes]], /) -> Sequence[int]:
        """Take (partition key, payload) pairs; answers as an Outlet does."""
        for partition, payload in records:
            check_record(partition, payload)
        with self._database.write() as cursor:
            at = milliseconds(self._clock.now())
            cursor.executemany(
                PUT,
                [
                    (self._name, _shard(partition), at, partition, payload)
                    for partition, payload in records
                ],
            )
        return ()

    def shards(self) -> Sequence[Shard]:
        """Four, by partition key."""
        return tuple(map(Shard, SHARDS))

    def read(self, shard: str, after: int | None, limit: int, /) -> Sequence[StreamRecord]:
        """Read on; refuse to skip what was trimmed."""
        with self._database.read() as cursor:
            (trimmed,) = cursor.execute(TRIMMED, (self._name, shard)).fetchone()
            if after is not None and after < (trimmed or 0):
                raise FeedTrimmed(f"shard {shard} is kept from {trimmed} on")
            rows = cursor.execute(READ, (self._name, shard, after or 0, limit)).fetchall()
        return [
            StreamRecord(
                shard=shard,
                sequence=sequence,
                at=moment(at),
                partition=partition,
                payload=payload,
            )
            for sequence, at, partition, payload in rows
        ]

    def trim(self, shard: str, read: int) -> int:
        """Forget some records of *shard*, and answer how many: 0 says that it is done for now.

        Those that are older than 24 hours, and no further than *read*, the checkpoint of the
        slowest reader: a machine that was off for a week still has what it must read.
        """
        before = milliseconds(self._clock.now() - KEPT)
        with self._database.write() as cursor:
            oldest = cursor.execute(OLDEST, (self._name, shard, read, PIECE)).fetchall()
            past = [sequence for sequence, _ in takewhile(lambda row: row[1] < before, oldest)]
            if past:
                cursor.executemany(DROP, [(sequence,) for sequence in past])
                cursor.execute(TRIM, (self._name, shard, past[-1]))
        return len(past)


def _shard(partition: str) -> str:
    return SHARDS[crc32(partition.encode()) % len(SHARDS)]
