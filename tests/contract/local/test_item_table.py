"""The table in a file keeps what every ItemTable promises, whoever calls it at once."""

from contextlib import AbstractContextManager

from demand_adapters.testing.item_table import (
    ItemTableContract,
    ItemTableProperties,
    LargestItemContract,
    TableAtHand,
)
from demand_adapters.testing.races import ItemTableRaces
from tests.contract.local.local_table import local_table


class TestLocalItemTable(
    ItemTableContract, LargestItemContract, ItemTableProperties, ItemTableRaces
):
    engine = "local"

    def fresh(self) -> AbstractContextManager[TableAtHand]:
        return local_table()
