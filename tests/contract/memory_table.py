"""A table in memory, for the tests of the table, of its feed and of the stores over it."""

from datetime import timedelta
from random import Random

from demand_adapters.memory.clock import MemoryClock
from demand_adapters.memory.item_table import LAG, MemoryItemTable
from demand_adapters.testing.change_feed import AgeingTable
from demand_adapters.testing.strategies import NOON


def memory_table() -> AgeingTable:
    """An empty one that can be made to forget."""
    clock = MemoryClock(NOON)
    table = MemoryItemTable(clock, Random(7))

    def age(by: timedelta) -> None:
        clock.advance(by)
        table.expire()
        table.trim()

    return AgeingTable(
        table=table,
        feed=table,
        clock=clock,
        pass_time=clock.advance,
        settle=lambda: clock.advance(LAG),
        age=age,
    )
