"""A table for contracts of what lies over one: others write on it, and it may not answer."""

from collections import deque
from collections.abc import Callable, Mapping, Sequence

from attrs import define, field

from demand_adapters.item_table import Did, Entry, Item, ItemTable, Key, Page, Wrote


@define
class MeddledTable:
    """A table on which others write, and which now and then does not answer.

    What waits in *others* is done before the next write: between the reading and the writing of
    whoever comes. Of the keys in *unsure* nobody learns whether they were written; they were if
    *reached*.
    """

    table: ItemTable
    others: deque[Callable[[], object]] = field(factory=deque)
    unsure: set[Key] = field(factory=set)
    reached: bool = True

    def get_many(
        self, keys: Sequence[Key], /, *, consistent: bool = True
    ) -> Mapping[Key, Item]:
        return self.table.get_many(keys, consistent=consistent)

    def put_new(self, items: Sequence[Item], /) -> Sequence[Wrote]:
        return self._written(self.table.put_new, items)

    def replace(self, items: Sequence[Item], /) -> Sequence[Wrote]:
        return self._written(self.table.replace, items)

    def delete(self, items: Sequence[Item], /) -> Sequence[Wrote]:
        return self._written(self.table.delete, items)

    def query(
        self, pk: str, /, *, lo: str = "", hi: str | None = None, limit: int, after: str | None
    ) -> Page[Item]:
        return self.table.query(pk, lo=lo, hi=hi, limit=limit, after=after)

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
        return self.table.query_index(name, pk, lo=lo, hi=hi, limit=limit, after=after)

    def _written(
        self, write: Callable[[Sequence[Item]], Sequence[Wrote]], items: Sequence[Item]
    ) -> Sequence[Wrote]:
        if self.others:
            self.others.popleft()()
        sent = [item for item in items if self.reached or item.key not in self.unsure]
        answers = dict(zip([item.key for item in sent], write(sent), strict=True))
        nobody_knows = Wrote(Did.UNSURE, None)
        return [
            nobody_knows if item.key in self.unsure else answers[item.key] for item in items
        ]
