"""What lies below a store over a table, for contracts that look there and write there."""

from typing import Any, Self

from attrs import frozen

from demand_adapters.item_table import Change, Item, Key
from demand_adapters.testing.change_feed import everything
from demand_adapters.testing.item_table import TableAtHand, altered, stood
from demand_adapters.testing.meddled_table import MeddledTable


@frozen(kw_only=True)
class Stored:
    """The table *below* a store, and the way by which the store comes to it: *meddled*."""

    below: TableAtHand
    meddled: MeddledTable

    @classmethod
    def over(cls, below: TableAtHand) -> Self:
        """With nobody meddling yet."""
        return cls(below=below, meddled=MeddledTable(below.table))

    def item(self, key: Key) -> Item:
        """What is stored there."""
        return self.below.table.get_many([key])[key]

    def plant(self, key: Key, /, **fields: Any) -> Item:
        """Make the stored item what another writer may have made of it; `...` takes away."""
        item = self.item(key)
        body = {name: v for name, v in (item.body | fields).items() if v is not ...}
        return stood(self.below.table.replace([altered(item, body=body)])[0])

    def remove(self, key: Key) -> None:
        """Take it away, as somebody else would."""
        self.below.table.delete([self.item(key)])

    def changes(self) -> list[Change]:
        """Everything that was ever written."""
        return everything(self.below)
