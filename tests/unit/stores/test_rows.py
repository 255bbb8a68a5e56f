"""What a store remembers of a value spares it a read, and never costs anybody a change."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from random import Random

import pytest
from attrs import define, field, frozen
from hypothesis import given
from hypothesis import strategies as st

from demand_adapters.item_table import Item, ItemTable, Key
from demand_adapters.memory.clock import MemoryClock
from demand_adapters.memory.item_table import MemoryItemTable
from demand_adapters.stores.rows import Rows
from demand_adapters.testing.meddled_table import MeddledTable
from demand_adapters.testing.strategies import NOON
from demand_adapters.wire.books import Rate
from demand_adapters.wire.item_keys import rate_key
from demand_adapters.wire.items import RATE
from demand_core.errors import Unknown

KEY = rate_key("demand")
KEYS = [rate_key(f"s{n}") for n in range(3)]


@define
class Counting(MeddledTable):
    """Counts the items that are asked for."""

    read: int = field(default=0, kw_only=True)

    def get_many(
        self, keys: Sequence[Key], /, *, consistent: bool = True
    ) -> Mapping[Key, Item]:
        self.read += len(keys)
        return super().get_many(keys, consistent=consistent)


def a_table() -> Counting:
    return Counting(MemoryItemTable(MemoryClock(NOON), Random(1)))


def rows(table: ItemTable) -> Rows[Rate]:
    return Rows(table=table, clock=MemoryClock(NOON), kind=RATE)


def first() -> Rate:
    return Rate(next_free_at=NOON, per_second=1)


def one_more(rate: Rate | None) -> Rate:
    count = rate.per_second if rate else 0
    return Rate(next_free_at=NOON + timedelta(seconds=count), per_second=count + 1)


def test_what_was_written_is_changed_again_without_a_read() -> None:
    table = a_table()
    ours = rows(table)
    for _ in range(5):
        ours.amend(KEY, one_more)
    assert table.read == 1
    assert ours.get_many([KEY])[KEY].per_second == 5


def test_a_change_that_somebody_made_meanwhile_is_built_upon() -> None:
    table = a_table()
    ours, theirs = rows(table), rows(table)
    ours.amend(KEY, one_more)
    theirs.amend(KEY, one_more)
    assert ours.amend(KEY, one_more) == theirs.get_many([KEY])[KEY]
    assert theirs.get_many([KEY])[KEY].per_second == 3


def test_what_would_stay_as_it_was_is_read_before_that_counts() -> None:
    table = a_table()
    ours, theirs = rows(table), rows(table)
    ours.amend(KEY, one_more)
    theirs.amend(KEY, one_more)
    found = ours.amend(KEY, lambda rate: rate)
    assert found is not None
    assert found.per_second == 2


def test_what_was_deleted_meanwhile_is_seen_to_be_gone() -> None:
    table = a_table()
    ours, theirs = rows(table), rows(table)
    ours.amend(KEY, one_more)
    assert theirs.delete_many([KEY]) == []
    assert ours.amend(KEY, lambda rate: rate and one_more(rate)) is None


def test_what_is_kept_first_stays_and_is_answered() -> None:
    table = a_table()
    ours, theirs = rows(table), rows(table)
    assert ours.keep(KEY, first()) == first()
    assert theirs.keep(KEY, one_more(first())) == first()
    assert table.read == 0


def test_a_write_without_an_answer_is_no_memory_to_build_upon() -> None:
    table = a_table()
    ours = rows(table)
    ours.amend(KEY, one_more)
    table.unsure.add(KEY)
    with pytest.raises(Unknown):
        ours.amend(KEY, one_more)
    table.unsure.clear()
    found = ours.amend(KEY, one_more)
    assert found is not None
    assert found.per_second == 3


@frozen
class Turn:
    """One of several stores over one table changes some values, or only looks at them."""

    who: int
    keys: Sequence[Key]
    adds: bool


@given(
    turns=st.lists(
        st.builds(
            Turn,
            st.integers(0, 2),
            st.lists(st.sampled_from(KEYS), unique=True, min_size=1),
            st.booleans(),
        ),
        max_size=30,
    )
)
def test_no_change_of_anybody_is_ever_lost(turns: Sequence[Turn]) -> None:
    table = a_table()
    stores = [rows(table) for _ in range(3)]
    counted = dict.fromkeys(KEYS, 0)
    for turn in turns:
        steps = {key: one_more if turn.adds else (lambda rate: rate) for key in turn.keys}
        values, unsure, lost = stores[turn.who].amend_many(steps)
        assert not unsure
        assert not lost
        for key in turn.keys:
            counted[key] += turn.adds
            value = values[key]
            assert (value.per_second if value else 0) == counted[key]
