"""What every Pace promises is kept over the table in a file."""

from contextlib import AbstractContextManager

from demand_adapters.testing.item_table import TableAtHand
from demand_adapters.testing.pace import TablePaceProperties
from tests.contract.local.local_table import local_table


class TestLocalPace(TablePaceProperties):
    engine = "local"

    def fresh_table(self) -> AbstractContextManager[TableAtHand]:
        return local_table()
