"""What every EventCache promises is kept over the table in memory."""

from contextlib import AbstractContextManager, nullcontext

from demand_adapters.testing.event_cache import TableEventCacheProperties
from demand_adapters.testing.item_table import TableAtHand
from tests.contract.memory_table import memory_table


class TestMemoryEventCache(TableEventCacheProperties):
    engine = "memory"

    def fresh_table(self) -> AbstractContextManager[TableAtHand]:
        return nullcontext(memory_table())
