"""What every OptOutBook promises is kept over the table in a file."""

from contextlib import AbstractContextManager

from demand_adapters.testing.item_table import TableAtHand
from demand_adapters.testing.opt_out_book import (
    TableOptOutBookProperties,
)
from tests.contract.local.local_table import local_table


class TestLocalOptOutBook(TableOptOutBookProperties):
    engine = "local"

    def fresh_table(self) -> AbstractContextManager[TableAtHand]:
        return local_table()
