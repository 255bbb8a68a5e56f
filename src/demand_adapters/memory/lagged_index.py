"""Sparse indexes that answer as they were a moment ago."""

import json
from bisect import insort
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from operator import attrgetter
from typing import Final

from demand_adapters.item_table import Entry, Key, Page


class Pointer:
    """An item's entry in one index, from when it was written to when it was taken out."""

    __slots__ = ("at", "born", "died", "pk")

    def __init__(self, pk: str, at: tuple[str, Key, int], born: datetime) -> None:
        """*at* is the place in *pk*: sort key, item, and the write that put it there."""
        self.pk = pk
        self.at = at
        self.born = born
        self.died: datetime | None = None


_BY_PLACE: Final = attrgetter("at")


class LaggedIndex:
    """Entries of all indexes, each list in order; those that died are kept while they show."""

    def __init__(self) -> None:
        """Begin empty."""
        self._pointers: dict[tuple[str, str], list[Pointer]] = {}

    def move(
        self,
        key: Key,
        known: Mapping[str, Pointer],
        entries: Mapping[str, Key],
        sequence: int,
        now: datetime,
    ) -> Mapping[str, Pointer]:
        """Put an item where *entries* say; what stands there already stays as it is."""
        pointers: dict[str, Pointer] = {}
        for name, (pk, sk) in entries.items():
            pointer = known.get(name)
            if pointer is None or pointer.at[0] != sk or pointer.pk != pk:
                pointer = Pointer(pk, (sk, key, sequence), now)
                insort(self._pointers.setdefault((name, pk), []), pointer, key=_BY_PLACE)
            pointers[name] = pointer
        for name, pointer in known.items():
            if pointers.get(name) is not pointer:
                pointer.died = now
        return pointers

    def page(
        self,
        place: tuple[str, str],
        bounds: tuple[str, str | None],
        moments: tuple[datetime, datetime],
        most: int,
        after: str | None,
    ) -> Page[Entry]:
        """At most *most* entries of one partition, as it was at a moment since the oldest."""
        lo, hi = bounds
        behind = (lo, ("", ""), -1) if after is None else _behind(after)
        rows: list[Entry] = []
        for sort, key, number in self._living(place, *moments):
            if sort < lo or (sort, key, number) <= behind or (hi is not None and sort > hi):
                continue
            if len(rows) == most:
                last = _token(rows[-1]) if rows else after
                return Page(rows, last or _token(Entry("", ("", ""))))
            rows.append(Entry(sort, key))
        return Page(rows, None)

    def _living(
        self, place: tuple[str, str], oldest: datetime, moment: datetime
    ) -> Iterator[tuple[str, Key, int]]:
        pointers = self._pointers.get(place, [])
        pointers[:] = [p for p in pointers if p.died is None or p.died > oldest]
        for pointer in pointers:
            if pointer.born <= moment and (pointer.died is None or pointer.died > moment):
                yield pointer.at


def leave(pointers: Iterable[Pointer], now: datetime) -> None:
    """Take an item out of the indexes that it was in."""
    for pointer in pointers:
        pointer.died = now


def _token(entry: Entry) -> str:
    return json.dumps([entry.sort, *entry.key])


def _behind(token: str) -> tuple[str, Key, float]:
    sort, pk, sk = json.loads(token)
    return sort, (pk, sk), float("inf")
