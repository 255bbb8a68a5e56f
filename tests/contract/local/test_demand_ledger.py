"""What every DemandLedger promises is kept over the table in a file."""

from contextlib import AbstractContextManager

from demand_adapters.testing.demand_ledger import (
    TableDemandLedgerProperties,
)
from demand_adapters.testing.item_table import TableAtHand
from tests.contract.local.local_table import local_table


class TestLocalDemandLedger(TableDemandLedgerProperties):
    engine = "local"

    def fresh_table(self) -> AbstractContextManager[TableAtHand]:
        return local_table()
