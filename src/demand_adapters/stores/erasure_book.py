"""ErasureBook over the table."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Final

from attrs import field, frozen

from demand_adapters.item_table import Entry, Item, ItemTable, Key, Page, every
from demand_adapters.stores.rows import PAGE_MAX, ROUNDS, Rows
from demand_adapters.wire.books import Watermark
from demand_adapters.wire.converters import parsed_instant
from demand_adapters.wire.item_keys import (
    erasure_id,
    erasure_key,
    erasure_step,
    erasure_step_key,
    fan_partition,
    tombstone_key,
    watermark_key,
)
from demand_adapters.wire.items import ERASURE, ERASURE_STEP, TOMBSTONE, WATERMARK
from demand_adapters.wire.keys import build_partition
from demand_core.domain.contacts import ContactKey
from demand_core.domain.erasures import (
    Erasure,
    Forgotten,
    Held,
    Tombstone,
    Touched,
    buried,
    forgotten,
    learned,
)
from demand_core.domain.ids import ErasureId, FanId
from demand_core.domain.subjects import Name, keyed_hash
from demand_core.errors import Permanent, Transient
from demand_core.ports.clock import Clock
from demand_core.ports.erasure_book import Step

MARK: Final = watermark_key("erasures")
NOTES_MAX: Final = 999_999


@frozen(kw_only=True)
class TableErasureBook:
    """Tombstones lie under hashes made with the first of *keys*; older ones are found too."""

    table: ItemTable
    clock: Clock
    keys: Sequence[ContactKey]
    _erasures: Rows[Erasure] = field(init=False)
    _tombstones: Rows[Tombstone] = field(init=False)
    _notes: Rows[Touched] = field(init=False)
    _marks: Rows[Watermark] = field(init=False)
    # Notes are never changed: what was read of them once holds.
    _noted: dict[ErasureId, list[Touched]] = field(factory=dict, init=False, repr=False)

    @_erasures.default
    def _jobs(self) -> Rows[Erasure]:
        return Rows(table=self.table, clock=self.clock, kind=ERASURE)

    @_tombstones.default
    def _stones(self) -> Rows[Tombstone]:
        return Rows(table=self.table, clock=self.clock, kind=TOMBSTONE)

    @_notes.default
    def _steps(self) -> Rows[Touched]:
        return Rows(table=self.table, clock=self.clock, kind=ERASURE_STEP)

    @_marks.default
    def _watermarks(self) -> Rows[Watermark]:
        return Rows(table=self.table, clock=self.clock, kind=WATERMARK)

    def forgotten(self, names: Sequence[Name], /) -> Mapping[Name, Forgotten]:
        """Look under every hash that a name may have, and of several take the latest.

        Nobody looks for tombstones before there were any: nearly all names have none.
        """
        stones = self._buried(names) if names and self.mark() else {}
        if not stones:
            return {}
        jobs = {stone.erasure_id: erasure_key(stone.erasure_id) for stone in stones.values()}
        erasures = self._erasures.get_many(tuple(jobs.values()))
        return {
            name: forgotten(stone, erasures.get(jobs[stone.erasure_id]), self.keys[0])
            for name, stone in stones.items()
        }

    def last(self, name: Name, /) -> Erasure | None:
        """By the tombstone."""
        found = [erasure_key(stone.erasure_id) for stone in self._buried([name]).values()]
        return next(iter(self._erasures.get_many(found).values()), None)

    def _buried(self, names: Sequence[Name]) -> Mapping[Name, Tombstone]:
        places = {name: [self._place(name, key) for key in self.keys] for name in names}
        found = self._tombstones.get_many([key for keys in places.values() for key in keys])
        if not found:
            return {}
        stones = dict[Name, Tombstone]()
        for name, keys in places.items():
            for stone in (found[key] for key in keys if key in found):
                stones[name] = buried(stones.get(name), stone)
        return stones

    def mark(self) -> str:
        """Read the one item that every opening changes."""
        found = self._marks.get_many([MARK])
        return str(found[MARK].reached) if MARK in found else ""

    def open(self, erasure: Erasure, /) -> None:
        """The erasure first, so that a tombstone never names one that nobody knows.

        The mark last: whoever still finds the old one wrote before all of this.
        """
        names = [name.name for name in erasure.names]
        self._erasures.amend(
            erasure_key(erasure.erasure_id),
            lambda known: erasure if known is None else _with(known, names),
        )
        stone = Tombstone(erasure_id=erasure.erasure_id, at=erasure.until)
        _, unsure, lost = self._tombstones.amend_many(
            {self._place(name, self.keys[0]): partial(_buried, stone) for name in names}
        )
        if unsure or lost:
            raise Transient(f"{erasure.erasure_id}: not every tombstone certainly stands")
        self._marks.amend(MARK, _further)

    def subject(self, name: Name, /) -> str:
        """Its hash under the key in force."""
        return keyed_hash(name, self.keys[0])

    def held(self, fan_id: FanId, until: datetime, /) -> Held:
        """Read the fan's whole partition, whatever lies there."""
        found = [*self._with(fan_id, until)]
        names = {name for item in found for name in _names(item)}
        return Held(items=len(found), names=frozenset(names | {("fan", fan_id)}))

    def forget(self, fan_id: FanId, until: datetime, /) -> None:
        """Look again after each round: what is written meanwhile goes too."""
        for _ in range(ROUNDS):
            found = [*self._with(fan_id, until)]
            if not found:
                return
            self.table.delete(found)
        raise Transient("what lies with the fan is written as fast as it is removed")

    def _with(self, fan_id: FanId, until: datetime) -> Iterator[Item]:
        partition = fan_partition(fan_id)

        def read(after: str | None) -> Page[Item]:
            return self.table.query(partition, limit=PAGE_MAX, after=after)

        return (item for item in every(read) if not _asked_later(item, until))

    def amend(self, erasure_id: ErasureId, step: Step, /) -> Erasure:
        """Step by step under the revision."""
        erasure = self._erasures.amend(
            erasure_key(erasure_id), lambda known: known and step(known)
        )
        if erasure is None:
            raise Permanent("no_erasure", erasure_id)
        return erasure

    def all(self) -> Iterator[Erasure]:
        """By the index, a page at a time."""

        def read(after: str | None) -> Page[Entry]:
            partition = build_partition("erasure")
            return self.table.query_index("byGroup", partition, limit=PAGE_MAX, after=after)

        for entry in every(read):
            if erasure_id(entry.key):
                yield from self._erasures.get_many([entry.key]).values()

    def note(self, erasure_id: ErasureId, touched: Touched, /) -> None:
        """Under the next number that is free."""
        if erasure_id not in self._noted:
            self._noted[erasure_id] = [*self.noted(erasure_id)]
        known = self._noted[erasure_id]
        while touched not in known and len(known) < NOTES_MAX:
            key = erasure_step_key(erasure_id, len(known) + 1)
            known.append(self._notes.keep(key, touched))
        if touched in known:
            return
        raise Permanent("too_many_notes", f"{erasure_id}: more than {NOTES_MAX}")

    def noted(self, erasure_id: ErasureId, /) -> Sequence[Touched]:
        """What lies beside the erasure."""
        partition = erasure_key(erasure_id)[0]
        return self._notes.all_in(partition, erasure_step)

    def _place(self, name: Name, key: ContactKey) -> Key:
        return tombstone_key(keyed_hash(name, key))


def _buried(stone: Tombstone, known: Tombstone | None) -> Tombstone:
    return buried(known, stone)


def _further(known: Watermark | None) -> Watermark:
    return Watermark(reached=known.reached + 1 if known else 1)


def _asked_later(item: Item, until: datetime) -> bool:
    """Whether it says so itself: what can't be read goes with the rest."""
    dates = item.body.get("date")
    told = dates if isinstance(dates, dict) else {}
    asked = item.body.get("askedAt") or told.get("requested") or told.get("created")
    try:
        return parsed_instant(asked) > until
    except Permanent:
        return False


def _names(item: Item) -> Iterator[Name]:
    phone, email = item.body.get("phoneNumber"), item.body.get("email")
    if isinstance(phone, str) and phone:
        yield "phone", phone
    if isinstance(email, str) and email:
        yield "email", email.lower()


def _with(known: Erasure, names: Sequence[Name]) -> Erasure:
    """One that is finished has no names any more, and gets none."""
    return known if known.finished else learned(known, names)
