"""Reading, changing and writing values of one kind under their revision, and no other way."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final, Generic, TypeAlias, TypeVar

from attrs import field, frozen

from demand_adapters.item_table import Did, Item, ItemTable, Key, Page, Wrote, every
from demand_adapters.wire.items import Kind, Row
from demand_core.errors import Transient, Unknown
from demand_core.ports.clock import Clock

T = TypeVar("T")
Step: TypeAlias = Callable[[T | None], T | None]

ROUNDS: Final = 5
KNOWN_MAX: Final = 8192
PAGE_MAX: Final = 100


@frozen(kw_only=True)
class Rows(Generic[T]):
    """Values of one kind in the table.

    An item that does not read as its kind is left out and, when written, replaced: it must not
    stop its neighbours, and the next change mends it.
    """

    table: ItemTable
    clock: Clock
    kind: Kind[T]
    # A revision is never used twice, so what was read of it once need not be read again.
    _known: dict[Key, Row[T]] = field(factory=dict, init=False, repr=False, eq=False)

    def get_many(self, keys: Sequence[Key]) -> Mapping[Key, T]:
        """The values that are there."""
        rows = [self._row(item) for item in self.table.get_many(keys).values()]
        return {row.key: row.value for row in rows if row.value is not None}

    def all_in(self, pk: str, ours: Callable[[Key], object]) -> Sequence[T]:
        """The values of one partition, in which other kinds of items may lie beside *ours*."""

        def read(after: str | None) -> Page[Item]:
            return self.table.query(pk, limit=PAGE_MAX, after=after)

        rows = (self._row(item) for item in every(read) if ours(item.key))
        return [row.value for row in rows if row.value is not None]

    def amend(self, key: Key, step: Step[T]) -> T | None:
        """Change one value; answers it as it stands. Raises Unknown when that is not sure."""
        known = self._known.get(key)
        return self._only(key, self._amended({key: known} if known else {}, {key: step}))

    def keep(self, key: Key, value: T) -> T:
        """Store *value* where nothing stands yet; answers what stands there, as `amend`."""
        kept = self._only(key, self._amended({key: None}, {key: lambda known: known or value}))
        return kept or value

    def amend_many(
        self, steps: Mapping[Key, Step[T]]
    ) -> tuple[Mapping[Key, T | None], Sequence[Key], Sequence[Key]]:
        """Change each value by its step, again whenever somebody else was faster.

        A step is given what stands there (None: nothing) and answers what shall; the same again
        or None writes nothing. Answers the values that stand there now, the keys for which that
        is not certain, and those for which somebody else was always faster.
        """
        return self._amended(
            {key: self._known[key] for key in steps if key in self._known}, steps
        )

    def _amended(
        self, guessed: Mapping[Key, Row[T] | None], steps: Mapping[Key, Step[T]]
    ) -> tuple[Mapping[Key, T | None], Sequence[Key], Sequence[Key]]:
        """Begin with what stood there when we last looked: if it has moved, the write says so.

        A guess that would be left as it is proves nothing, so that is read before it counts.
        """
        values: dict[Key, T | None] = {}
        answers: dict[Key, Wrote] = {}
        rows = guessed
        for turn in range(ROUNDS + 1):
            written = self._write(rows, steps, values)
            answers.update(written)
            again = {
                key: self._row(item) if item else None
                for key, (did, item) in written.items()
                if did is Did.LOST
            }
            if turn == 0 and len(written) < len(steps):
                again |= self._read([key for key in steps if key not in written])
            rows = again
            if not rows:
                break
        unsure = [key for key, (did, _) in answers.items() if did is Did.UNSURE]
        return values, unsure, list(rows)

    def _read(self, keys: Sequence[Key]) -> Mapping[Key, Row[T] | None]:
        items = self.table.get_many(keys)
        return {key: self._row(items[key]) if key in items else None for key in keys}

    def _only(
        self, key: Key, ends: tuple[Mapping[Key, T | None], Sequence[Key], Sequence[Key]]
    ) -> T | None:
        values, unsure, lost = ends
        if unsure:
            raise Unknown(f"{self.kind.name} was not certainly written")
        if lost:
            raise Transient(f"{self.kind.name} was not written: others were always faster")
        return values[key]

    def delete_many(self, keys: Sequence[Key]) -> Sequence[Key]:
        """Remove each, whatever it is by then; answers those that may still be there."""
        left = list(dict.fromkeys(keys))
        for _ in range(ROUNDS):
            items = self.table.get_many(left)
            there = [items[key] for key in left if key in items]
            wrote = self.table.delete(there) if there else []
            left = [
                item.key
                for item, (did, stands) in zip(there, wrote, strict=True)
                if did is Did.UNSURE or (did is Did.LOST and stands is not None)
            ]
            if not left:
                break
        return left

    def _write(
        self,
        rows: Mapping[Key, Row[T] | None],
        steps: Mapping[Key, Step[T]],
        values: dict[Key, T | None],
    ) -> Mapping[Key, Wrote]:
        """Take one step for each row and write what came of it."""
        now = self.clock.now()
        new: list[Item] = []
        changed: list[Item] = []
        for key, row in rows.items():
            before = row.value if row else None
            values[key] = after = steps[key](before)
            if after is not None and after is not before and after != before:
                (changed if row else new).append(self.kind.item(key, after, row, now))
        answers: dict[Key, Wrote] = {}
        for items, write in ((new, self.table.put_new), (changed, self.table.replace)):
            if items:
                answers.update(zip([item.key for item in items], write(items), strict=True))
        for key, (did, item) in answers.items():
            value = values[key]
            if did is Did.DONE and item is not None and value is not None:
                self._note(self.kind.written(item, value, rows[key]))
        return answers

    def _row(self, item: Item) -> Row[T]:
        row = self._known.get(item.key)
        if row is None or row.revision != item.revision:
            row = self._note(self.kind.row(item))
        return row

    def _note(self, row: Row[T]) -> Row[T]:
        if len(self._known) >= KNOWN_MAX:
            # Those that were learned first are the least likely to be asked for again.
            for key in [*self._known][: KNOWN_MAX // 2]:
                self._known.pop(key, None)
        self._known[row.key] = row
        return row
