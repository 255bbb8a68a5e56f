"""What every ErasureBook promises is kept over the table in memory."""

from contextlib import AbstractContextManager, nullcontext

from demand_adapters.testing.erasure_book import ErasureBookContract
from demand_adapters.testing.item_table import TableAtHand
from tests.contract.memory_table import memory_table


class TestMemoryErasureBook(ErasureBookContract):
    engine = "memory"

    def fresh_table(self) -> AbstractContextManager[TableAtHand]:
        return nullcontext(memory_table())
