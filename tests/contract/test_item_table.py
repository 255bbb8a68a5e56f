"""The table in memory keeps what every ItemTable promises, and is late where it may be."""

from contextlib import AbstractContextManager, nullcontext
from datetime import timedelta
from random import Random
from typing import Final

import pytest

from demand_adapters.item_table import Entry, Item, Page, every
from demand_adapters.memory.clock import MemoryClock
from demand_adapters.memory.item_table import LAG, MemoryItemTable
from demand_adapters.testing.item_table import (
    ItemTableContract,
    ItemTableProperties,
    LargestItemContract,
    TableAtHand,
    all_pages,
    altered,
    an_item,
    at,
    stood,
)
from demand_adapters.testing.strategies import NOON
from tests.contract.memory_table import memory_table

SECOND: Final = timedelta(seconds=1)


class TestMemoryItemTable(ItemTableContract, LargestItemContract, ItemTableProperties):
    engine = "memory"

    def fresh(self) -> AbstractContextManager[TableAtHand]:
        return nullcontext(memory_table())


@pytest.fixture
def clock() -> MemoryClock:
    return MemoryClock(NOON)


@pytest.fixture
def table(clock: MemoryClock) -> MemoryItemTable:
    return MemoryItemTable(clock, Random(7))


def seen(table: MemoryItemTable) -> list[Entry]:
    return all_pages(lambda after: table.query_index("byTime", "g", limit=9, after=after))


def test_a_memory_index_is_late_with_every_kind_of_write(
    clock: MemoryClock, table: MemoryItemTable
) -> None:
    stored = stood(table.put_new([at("1", "a")])[0])
    assert not any(seen(table) for _ in range(20))
    clock.advance(LAG / 2)
    assert {len(seen(table)) for _ in range(50)} == {0, 1}
    clock.advance(LAG)
    table.delete([stored])
    assert all(seen(table) for _ in range(20))
    clock.advance(LAG)
    assert not any(seen(table) for _ in range(20))


def test_a_memory_table_reads_an_older_state_where_it_may(
    clock: MemoryClock, table: MemoryItemTable
) -> None:
    first = stood(table.put_new([an_item(n=1)])[0])
    clock.advance(LAG)
    second = stood(table.replace([altered(first, body={"n": 2})])[0])
    clock.advance(LAG / 2)
    found = [table.get_many([first.key], consistent=False)[first.key] for _ in range(50)]
    assert {item.revision for item in found} == {first.revision, second.revision}
    clock.advance(LAG)
    found = [table.get_many([first.key], consistent=False)[first.key] for _ in range(50)]
    assert {item.revision for item in found} == {second.revision}


def test_a_memory_table_cuts_its_pages_short(table: MemoryItemTable) -> None:
    table.put_new([an_item(f"{n}") for n in range(9)])
    sizes = {len(table.query("p", limit=4, after=None).rows) for _ in range(50)}
    assert sizes == {0, 1, 2, 3, 4}


def test_a_memory_table_removes_what_has_expired_when_it_is_told_to(
    clock: MemoryClock, table: MemoryItemTable
) -> None:
    soon, later = int(NOON.timestamp()) + 10, int(NOON.timestamp()) + 100
    table.put_new([altered(at("1", "a"), expires_at=soon), an_item("for ever")])
    kept = stood(table.put_new([altered(an_item("kept"), expires_at=soon)])[0])
    table.replace([altered(kept, expires_at=later)])
    clock.advance(9 * SECOND)
    assert table.expire() == 0
    clock.advance(SECOND)
    assert table.expire() == 1
    assert [item.key[1] for item in table.items()] == ["for ever", "kept"]
    clock.advance(LAG)
    assert seen(table) == []


def test_a_memory_table_draws_all_its_chance_from_its_seed() -> None:
    def pages(seed: int) -> list[int]:
        table = MemoryItemTable(MemoryClock(NOON), Random(seed))
        table.put_new([an_item(f"{n}") for n in range(9)])
        return [len(table.query("p", limit=4, after=None).rows) for _ in range(20)]

    assert pages(1) == pages(1) != pages(2)


def test_an_item_shows_the_names_of_what_it_holds_and_no_values() -> None:
    shown = repr(Item(key=("contact:canary", "a"), body={"phone": ["canary"]}))
    assert "phone" in shown
    assert "canary" not in shown


def test_two_items_in_no_index_share_nothing_that_can_be_changed() -> None:
    one, other = an_item(), an_item()
    assert one.index is not other.index or not isinstance(one.index, dict)


def test_all_rows_of_all_pages_are_read() -> None:
    pages = {
        None: Page([1], "a"),
        "a": Page([], "b"),
        "b": Page([2, 3], "c"),
        "c": Page([], None),
    }
    assert list(every(lambda after: pages[after])) == [1, 2, 3]
