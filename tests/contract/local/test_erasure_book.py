"""What every ErasureBook promises is kept over the table in a file."""

from contextlib import AbstractContextManager

from demand_adapters.testing.erasure_book import (
    ErasureBookContract,
)
from demand_adapters.testing.item_table import TableAtHand
from tests.contract.local.local_table import local_table


class TestLocalErasureBook(ErasureBookContract):
    engine = "local"

    def fresh_table(self) -> AbstractContextManager[TableAtHand]:
        return local_table()
