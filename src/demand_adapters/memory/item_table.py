"""A table in memory that is no kinder than DynamoDB: lagging indexes, short pages, shards."""

import marshal
from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from heapq import heappop, heappush
from operator import itemgetter
from random import Random
from types import MappingProxyType
from typing import Final, NamedTuple
from zlib import crc32

from demand_adapters.item_table import NOWHERE, Body, Change, Did, Entry, Item, Key, Page, Wrote
from demand_adapters.memory.lagged_index import LaggedIndex, Pointer, leave
from demand_adapters.shard_reader import FeedTrimmed, Shard
from demand_adapters.wire.values import check, check_index
from demand_core.domain.changes import ChangeKind, RemovedBy
from demand_core.ports.clock import Clock

SHARDS: Final = ("0", "1", "2", "3")
KEPT: Final = timedelta(hours=24)
LAG: Final = timedelta(seconds=30)


class _Row(NamedTuple):
    """A stored item. The body is marshalled: a private copy, in and out, in one C call."""

    body: Callable[[], Body]
    indexed: Mapping[str, Key]
    expires_at: int | None
    revision: str
    born: datetime
    pointers: Mapping[str, Pointer]

    def item(self, key: Key) -> Item:
        return Item(key, self.body, self.indexed, self.expires_at, self.revision)


class _Logged(NamedTuple):
    """A change as it is kept."""

    sequence: int
    at: datetime
    key: Key
    old: _Row | None
    new: _Row | None
    removed_by: RemovedBy | None


class MemoryItemTable:
    """ItemTable and ChangeFeed; *chance* says how old an index is and how short a page."""

    def __init__(self, clock: Clock, chance: Random, *, lag: timedelta = LAG) -> None:
        """Index queries answer as of a moment up to *lag* ago."""
        self._clock = clock
        self._chance = chance
        self.lag = lag
        self._sequence = 0
        self._rows: dict[Key, _Row] = {}
        self._sorts: dict[str, list[str]] = {}
        self._index = LaggedIndex()
        self._log: dict[str, list[_Logged]] = {shard: [] for shard in SHARDS}
        self._trimmed = dict.fromkeys(SHARDS, 0)
        self._expiring: list[tuple[int, Key]] = []

    def get_many(
        self, keys: Sequence[Key], /, *, consistent: bool = True
    ) -> Mapping[Key, Item]:
        """Read copies; without *consistent*, perhaps of what stood there a moment ago."""
        found: dict[Key, Item] = {}
        for key in keys:
            row = self._rows.get(key)
            if row and not consistent:
                row = self._perhaps_before(key, row)
            if row:
                found[key] = row.item(key)
        return found

    def put_new(self, items: Sequence[Item], /) -> Sequence[Wrote]:
        """Store what is not there."""
        check(items)
        return [self._write(item, None) for item in items]

    def replace(self, items: Sequence[Item], /) -> Sequence[Wrote]:
        """Store what has not moved since."""
        check(items)
        return [self._write(item, item.revision) for item in items]

    def delete(self, items: Sequence[Item], /) -> Sequence[Wrote]:
        """Remove what has not moved since."""
        check(items)
        answers = []
        for item in items:
            row = self._rows.get(item.key)
            if row is None or row.revision != item.revision:
                answers.append(Wrote(Did.LOST, row and row.item(item.key)))
            else:
                self._remove(item.key, RemovedBy.USER)
                answers.append(Wrote(Did.DONE, None))
        return answers

    def query(
        self, pk: str, /, *, lo: str = "", hi: str | None = None, limit: int, after: str | None
    ) -> Page[Item]:
        """Text order is byte order: UTF-8 keeps the order of code points."""
        sorts = self._sorts.get(pk, [])
        start = bisect_right(sorts, after) if after is not None and after >= lo else None
        if start is None:
            start = _first_not_below(sorts, lo)
        stop = len(sorts) if hi is None else bisect_right(sorts, hi)
        end = min(stop, start + self._page(limit))
        rows = [self._rows[pk, sk].item((pk, sk)) for sk in sorts[start:end]]
        if end >= stop:
            return Page(rows, None)
        return Page(rows, sorts[end - 1] if end > start else after or "")

    def query_index(
        self,
        name: str,
        pk: str,
        /,
        *,
        lo: str = "",
        hi: str | None = None,
        limit: int,
        after: str | None,
    ) -> Page[Entry]:
        """Answer as the index was some moment ago, another moment for each page."""
        check_index(name)
        moments = self._clock.now() - self.lag, self._moment()
        return self._index.page((name, pk), (lo, hi), moments, self._page(limit), after)

    @property
    def sequence(self) -> int:
        """How many writes were done: what is seen now was written by then."""
        return self._sequence

    def next_at(self, shard: str, after: int, /) -> datetime | None:
        """When the first change behind *after* was made, None when there is none yet."""
        log, start = self._behind(shard, after)
        return log[start].at if start < len(log) else None

    def shards(self) -> Sequence[Shard]:
        """Four, by partition key."""
        return tuple(map(Shard, SHARDS))

    def read(self, shard: str, after: int | None, limit: int, /) -> Sequence[Change]:
        """Read on; refuse to skip what was trimmed."""
        log, start = self._behind(shard, after)
        return [_change(logged) for logged in log[start : start + limit]]

    def trim(self) -> None:
        """Forget changes older than 24 hours."""
        before = self._clock.now() - KEPT
        for shard, log in self._log.items():
            kept = bisect_left(log, before, key=itemgetter(1))
            if kept:
                self._trimmed[shard] = log[kept - 1].sequence
                del log[:kept]

    def expire(self) -> int:
        """Remove what has expired by now; until then it is there for everybody to see."""
        now, removed = self._clock.now().timestamp(), 0
        while self._expiring and self._expiring[0][0] <= now:
            expires_at, key = heappop(self._expiring)
            row = self._rows.get(key)
            if row and row.expires_at == expires_at:
                self._remove(key, RemovedBy.EXPIRY)
                removed += 1
        return removed

    def items(self) -> Iterator[Item]:
        """Everything, in the order of the keys: for those who look from outside."""
        return (self._rows[key].item(key) for key in sorted(self._rows))

    def _write(self, item: Item, expected: str | None) -> Wrote:
        key = item.key
        old = self._rows.get(key)
        if (old and old.revision) != expected:
            return Wrote(Did.LOST, old and old.item(key))
        now = self._clock.now()
        self._sequence += 1
        revision = str(self._sequence)
        pointers = self._pointed(item, old, now)
        # Version 2 writes out twice what stands there twice: parts of a copy are its own.
        body = partial(marshal.loads, marshal.dumps(item.body, 2))
        index = MappingProxyType(dict(item.index)) if item.index else NOWHERE
        row = _Row(body, index, item.expires_at, revision, now, pointers)
        if old is None:
            insort(self._sorts.setdefault(key[0], []), key[1])
        # An entry of before is good as long as its time is the item's.
        if row.expires_at is not None and not (old and old.expires_at == row.expires_at):
            heappush(self._expiring, (row.expires_at, key))
        self._rows[key] = row
        self._log[_shard(key)].append(_Logged(self._sequence, now, key, old, row, None))
        return Wrote(Did.DONE, Item(key, item.body, item.index, item.expires_at, revision))

    def _remove(self, key: Key, by: RemovedBy) -> None:
        self._sequence += 1
        old = self._rows.pop(key)
        sorts = self._sorts[key[0]]
        del sorts[bisect_right(sorts, key[1]) - 1]
        now = self._clock.now()
        leave(old.pointers.values(), now)
        self._log[_shard(key)].append(_Logged(self._sequence, now, key, old, None, by))

    def _pointed(self, item: Item, old: _Row | None, now: datetime) -> Mapping[str, Pointer]:
        known = old.pointers if old else {}
        return self._index.move(item.key, known, item.index, self._sequence, now)

    def _behind(self, shard: str, after: int | None) -> tuple[list[_Logged], int]:
        """The log of *shard*, and where what is behind *after* begins."""
        if after is not None and after < self._trimmed[shard]:
            raise FeedTrimmed(f"shard {shard} is kept from {self._trimmed[shard]} on")
        log = self._log[shard]
        return log, 0 if after is None else bisect_right(log, after, key=itemgetter(0))

    def _perhaps_before(self, key: Key, row: _Row) -> _Row | None:
        """What stood there some moment ago, as far as the log still knows."""
        log = self._log[_shard(key)]
        place = bisect_right(log, int(row.revision), key=itemgetter(0)) - 1
        return row if place < 0 or row.born <= self._moment() else log[place].old

    def _moment(self) -> datetime:
        return self._clock.now() - self.lag * self._chance.random()

    def _page(self, limit: int) -> int:
        return self._chance.randint(0, limit)


def _shard(key: Key) -> str:
    return SHARDS[crc32(key[0].encode()) % len(SHARDS)]


def _first_not_below(sorts: list[str], lo: str) -> int:
    place = bisect_right(sorts, lo)
    return place - 1 if place and sorts[place - 1] == lo else place


def _change(logged: _Logged) -> Change:
    old, new = logged.old, logged.new
    kind = ChangeKind.INSERT if old is None else ChangeKind.MODIFY
    return Change(
        change_id=f"m{logged.sequence}",
        sequence=logged.sequence,
        at=logged.at,
        kind=kind if new else ChangeKind.REMOVE,
        key=logged.key,
        old=old and old.item(logged.key),
        new=new and new.item(logged.key),
        removed_by=logged.removed_by,
    )
