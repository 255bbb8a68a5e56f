"""A table in a file, for the tests of the table, of its feed and of the stores over it."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Final

from demand_adapters.local.item_table import LocalItemTable
from demand_adapters.memory.clock import MemoryClock
from demand_adapters.testing.change_feed import AgeingTable
from demand_adapters.testing.strategies import NOON
from tests.contract.local.folders import passing_database

EVERYTHING: Final = 2**63 - 1


@contextmanager
def local_table() -> Iterator[AgeingTable]:
    """An empty one that can be made to forget, and is removed in the end."""
    with passing_database() as database:
        clock = MemoryClock(NOON)
        table = LocalItemTable(database, clock)

        def age(by: timedelta) -> None:
            clock.advance(by)
            while table.expire() or table.trim(EVERYTHING):
                pass

        yield AgeingTable(
            table=table,
            feed=table,
            clock=clock,
            pass_time=clock.advance,
            settle=lambda: None,
            age=age,
        )
