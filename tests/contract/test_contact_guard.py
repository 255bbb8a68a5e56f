"""What every ContactGuard promises is kept over the table in memory."""

from contextlib import AbstractContextManager, nullcontext

from demand_adapters.testing.contact_guard import TableContactGuardProperties
from demand_adapters.testing.item_table import TableAtHand
from tests.contract.memory_table import memory_table


class TestMemoryContactGuard(TableContactGuardProperties):
    engine = "memory"

    def fresh_table(self) -> AbstractContextManager[TableAtHand]:
        return nullcontext(memory_table())
