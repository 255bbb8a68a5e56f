"""A table in one SQLite file, and the feed of what was done to it.

A write adds a row to `images` and points the item at it: each body is stored once, and is both
what stands there and what the feed tells of. All in one transaction, so there is no item
without its change, whatever becomes of the process.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from sqlite3 import Cursor
from typing import Any, Final, NamedTuple

from demand_adapters.item_table import NOWHERE, Change, Did, Entry, Item, Key, Page, Wrote
from demand_adapters.local.clock import milliseconds, moment
from demand_adapters.local.database import Database
from demand_adapters.shard_reader import FeedTrimmed, Shard
from demand_adapters.wire.values import check, check_index
from demand_core.domain.changes import ChangeKind, RemovedBy
from demand_core.errors import WiringError
from demand_core.ports.clock import Clock

# One file has one writer: more shards would buy nothing, and cost an index over all changes.
SHARD: Final = Shard("0")
KEPT: Final = timedelta(hours=24)
# What a sweep does at once: nobody else writes meanwhile.
PIECE: Final = 500
# In SQLite's order every BLOB stands behind all TEXT.
BEHIND_ALL: Final = b""

FIND: Final = """
    SELECT sequence, body, indexed, images.expires_at
    FROM items JOIN images ON sequence = image WHERE items.pk = ? AND items.sk = ?"""
QUERY: Final = """
    SELECT items.sk, sequence, body, indexed, images.expires_at
    FROM items JOIN images ON sequence = image
    WHERE items.pk = ? AND items.sk BETWEEN ? AND ? ORDER BY items.sk LIMIT ?"""
QUERY_INDEX: Final = """
    SELECT sk, item_pk, item_sk FROM entries
    WHERE name = ? AND pk = ? AND (sk, item_pk, item_sk) > (?, ?, ?) AND sk <= ?
    ORDER BY sk, item_pk, item_sk LIMIT ?"""
EXPIRED: Final = """
    SELECT items.pk, items.sk, sequence, body, indexed, images.expires_at
    FROM items JOIN images ON sequence = image
    WHERE items.expires_at <= ? ORDER BY items.expires_at LIMIT ?"""
# The last change itself may be forgotten: then nobody minds what time it was.
LAST: Final = """
    SELECT seq, coalesce((SELECT at FROM images WHERE sequence = seq), 0)
    FROM sqlite_sequence WHERE name = 'images'"""
ADD_IMAGE: Final = """
    INSERT INTO images (sequence, at, pk, sk, old, removed_by, expires_at, indexed, body)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"""
SET_ITEM: Final = "INSERT OR REPLACE INTO items (pk, sk, image, expires_at) VALUES (?, ?, ?, ?)"
DROP_ITEM: Final = "DELETE FROM items WHERE pk = ? AND sk = ?"
ENTER: Final = "INSERT INTO entries (name, pk, sk, item_pk, item_sk) VALUES (?, ?, ?, ?, ?)"
LEAVE: Final = """
    DELETE FROM entries WHERE name = ? AND pk = ? AND sk = ? AND item_pk = ? AND item_sk = ?"""
CHANGES: Final = """
    SELECT new.at, new.pk, new.sk, new.removed_by,
        new.sequence, new.body, new.indexed, new.expires_at,
        old.sequence, old.body, old.indexed, old.expires_at
    FROM images AS new LEFT JOIN images AS old ON old.sequence = new.old
    WHERE new.sequence > ? ORDER BY new.sequence LIMIT ?"""
OLDEST: Final = """
    SELECT sequence, at, old, removed_by FROM images
    WHERE sequence > ? AND sequence <= ? ORDER BY sequence LIMIT ?"""

encoded: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


class _Image(NamedTuple):
    """A row of `images`, as far as an item is made of it."""

    sequence: int
    body: str
    indexed: str | None
    expires_at: int | None

    def item(self, key: Key) -> Item:
        body = partial(json.loads, self.body)
        return Item(key, body, _index(self.indexed), self.expires_at, str(self.sequence))


class LocalItemTable:
    """ItemTable and ChangeFeed of one file; its indexes are never late."""

    def __init__(self, database: Database, clock: Clock, *, told_for: timedelta = KEPT) -> None:
        """*clock* says when a change was, and what has expired; changes are told so long."""
        self._database = database
        self._clock = clock
        self._told_for = told_for

    def get_many(
        self,
        keys: Sequence[Key],
        /,
        *,
        consistent: bool = True,  # noqa: ARG002  # it always is
    ) -> Mapping[Key, Item]:
        """Read what stands there now, all of one moment."""
        with self._database.read() as cursor:
            found = [(key, _find(cursor, key)) for key in dict.fromkeys(keys)]
        return {key: image.item(key) for key, image in found if image}

    def put_new(self, items: Sequence[Item], /) -> Sequence[Wrote]:
        """Store what is not there."""
        return self._store(items, [None] * len(items))

    def replace(self, items: Sequence[Item], /) -> Sequence[Wrote]:
        """Store what has not moved since."""
        return self._store(items, [item.revision for item in items])

    def delete(self, items: Sequence[Item], /) -> Sequence[Wrote]:
        """Remove what has not moved since."""
        check(items)
        answers = []
        with self._database.write() as cursor:
            writes = _Writes(cursor, self._clock.now())
            for item in items:
                there = _find(cursor, item.key)
                if there is None or str(there.sequence) != item.revision:
                    answers.append(_lost(item.key, there))
                else:
                    writes.remove(item.key, there, RemovedBy.USER)
                    answers.append(Wrote(Did.DONE, None))
            writes.run()
        return answers

    def query(
        self, pk: str, /, *, lo: str = "", hi: str | None = None, limit: int, after: str | None
    ) -> Page[Item]:
        """Read on from the first text that can stand behind *after*."""
        start = lo if after is None else after + "\x00"
        end = BEHIND_ALL if hi is None else hi
        with self._database.read() as cursor:
            rows = cursor.execute(QUERY, (pk, start, end, limit)).fetchall()
        items = [_Image(*image).item((pk, sk)) for sk, *image in rows]
        return Page(items, items[-1].key[1] if len(items) == limit else None)

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
        """Read on behind the last entry, which *after* spells out."""
        check_index(name)
        behind = (lo, "", "") if after is None else json.loads(after)
        end = BEHIND_ALL if hi is None else hi
        with self._database.read() as cursor:
            rows = cursor.execute(QUERY_INDEX, (name, pk, *behind, end, limit)).fetchall()
        entries = [Entry(sort, (item_pk, item_sk)) for sort, item_pk, item_sk in rows]
        return Page(entries, json.dumps(rows[-1]) if len(rows) == limit else None)

    def shards(self) -> Sequence[Shard]:
        """One, with all changes in the order in which they were done."""
        return (SHARD,)

    def read(self, shard: str, after: int | None, limit: int, /) -> Sequence[Change]:
        """Read on; refuse to skip what was trimmed."""
        if shard != SHARD.name:
            raise WiringError(f"the feed has no shard {shard!r}")
        with self._database.read() as cursor:
            (trimmed,) = cursor.execute("SELECT trimmed FROM feed").fetchone()
            if after is not None and after < trimmed:
                raise FeedTrimmed(f"kept from {trimmed} on")
            start = trimmed if after is None else after
            return [_change(row) for row in cursor.execute(CHANGES, (start, limit))]

    def trim(self, checkpoint: int) -> int:
        """Forget some changes, and answer how many: 0 says that there is no more to forget.

        Those told for long enough, up to the *checkpoint* of the slowest reader: who was off
        for a week finds what it has not read.
        """
        before = milliseconds(self._clock.now() - self._told_for)
        with self._database.write() as cursor:
            (trimmed,) = cursor.execute("SELECT trimmed FROM feed").fetchone()
            oldest = cursor.execute(OLDEST, (trimmed, checkpoint, PIECE)).fetchall()
            past = [row for row in oldest if row[1] < before]
            # What a change took the place of was told before; what it made may stand there yet.
            gone = [(old,) for _, _, old, _ in past]
            gone += [(sequence,) for sequence, _, _, removed_by in past if removed_by]
            cursor.executemany("DELETE FROM images WHERE sequence = ?", gone)
            cursor.executemany("UPDATE feed SET trimmed = ?", [row[:1] for row in past[-1:]])
        return len(past)

    def expire(self) -> int:
        """Remove some of what has expired, and answer how many: 0 says that nothing has."""
        now = self._clock.now()
        with self._database.write() as cursor:
            rows = cursor.execute(EXPIRED, (int(now.timestamp()), PIECE)).fetchall()
            writes = _Writes(cursor, now)
            for pk, sk, *image in rows:
                writes.remove((pk, sk), _Image(*image), RemovedBy.EXPIRY)
            writes.run()
        return len(rows)

    def _store(self, items: Sequence[Item], expected: Sequence[str | None]) -> Sequence[Wrote]:
        check(items)
        bodies = [encoded(item.body) for item in items]
        answers = []
        with self._database.write() as cursor:
            writes = _Writes(cursor, self._clock.now())
            for item, body, revision in zip(items, bodies, expected, strict=True):
                there = _find(cursor, item.key)
                if (there and str(there.sequence)) == revision:
                    answers.append(Wrote(Did.DONE, writes.store(item, body, there)))
                else:
                    answers.append(_lost(item.key, there))
            writes.run()
        return answers


class _Writes:
    """What one transaction writes, gathered: a statement runs over all its rows at once."""

    def __init__(self, cursor: Cursor, now: datetime) -> None:
        """Go on behind the last change; the wall clock of a restart may be behind it."""
        self._cursor = cursor
        self._sequence, last = _last(cursor)
        self._at = max(milliseconds(now), last)
        self._rows: dict[str, list[tuple[object, ...]]] = {
            statement: [] for statement in (ADD_IMAGE, SET_ITEM, DROP_ITEM, LEAVE, ENTER)
        }

    def store(self, item: Item, body: str, old: _Image | None) -> Item:
        """Put *item* in the place of *old*, and answer it as it stands there."""
        key, expires_at = item.key, item.expires_at
        indexed = encoded(dict(item.index)) if item.index else None
        self._add(key, old, None, expires_at, indexed, body)
        self._rows[SET_ITEM].append((*key, self._sequence, expires_at))
        if indexed != (old and old.indexed):
            self._leave(key, old)
            self._rows[ENTER] += [(name, *at, *key) for name, at in item.index.items()]
        return Item(key, item.body, item.index, expires_at, str(self._sequence))

    def remove(self, key: Key, old: _Image, by: RemovedBy) -> None:
        """Take an item out."""
        self._add(key, old, by.value, None, None, None)
        self._rows[DROP_ITEM].append(key)
        self._leave(key, old)

    def run(self) -> None:
        """Do it all."""
        for statement, rows in self._rows.items():
            self._cursor.executemany(statement, rows)

    def _add(self, key: Key, old: _Image | None, *new: object) -> None:
        self._sequence += 1
        row = (self._sequence, self._at, *key, old and old.sequence, *new)
        self._rows[ADD_IMAGE].append(row)

    def _leave(self, key: Key, old: _Image | None) -> None:
        if old:
            entries = _index(old.indexed).items()
            self._rows[LEAVE] += [(name, *at, *key) for name, at in entries]


def _last(cursor: Cursor) -> tuple[int, int]:
    return cursor.execute(LAST).fetchone() or (0, 0)


def _find(cursor: Cursor, key: Key) -> _Image | None:
    row = cursor.execute(FIND, key).fetchone()
    return row and _Image(*row)


def _lost(key: Key, there: _Image | None) -> Wrote:
    return Wrote(Did.LOST, there and there.item(key))


def _index(indexed: str | None) -> Mapping[str, Key]:
    if indexed is None:
        return NOWHERE
    return {name: (pk, sk) for name, (pk, sk) in json.loads(indexed).items()}


def _change(row: tuple[Any, ...]) -> Change:
    at, pk, sk, removed_by = row[:4]
    key, new, old = (pk, sk), _Image(*row[4:8]), _Image(*row[8:])
    kind = ChangeKind.MODIFY if row[8] else ChangeKind.INSERT
    return Change(
        change_id=f"s{new.sequence}",
        sequence=new.sequence,
        at=moment(at),
        kind=ChangeKind.REMOVE if removed_by else kind,
        key=key,
        old=old.item(key) if row[8] else None,
        new=None if removed_by else new.item(key),
        removed_by=RemovedBy(removed_by) if removed_by else None,
    )
