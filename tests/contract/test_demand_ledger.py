"""What every DemandLedger promises is kept over the table in memory."""

from contextlib import AbstractContextManager, nullcontext

from demand_adapters.testing.demand_ledger import TableDemandLedgerProperties
from demand_adapters.testing.item_table import TableAtHand
from tests.contract.memory_table import memory_table


class TestMemoryDemandLedger(TableDemandLedgerProperties):
    engine = "memory"

    def fresh_table(self) -> AbstractContextManager[TableAtHand]:
        return nullcontext(memory_table())
