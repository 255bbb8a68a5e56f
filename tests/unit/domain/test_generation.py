"""How far the reminders of a sale are made, whatever comes twice or out of order."""

from datetime import datetime, timedelta
from random import Random
from typing import Final

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from demand_adapters.testing.strategies import NOON
from demand_core.domain.generation import (
    GenerationOrder,
    done_for,
    finished,
    ordered,
    ordered_at,
    parts,
    with_part,
)
from demand_core.domain.ids import SHARDS, EventId
from demand_core.domain.refreshing import RefreshPolicy, refresh_at
from demand_core.domain.sales import ListedSale, Sale, public_sale

STARTS: Final = NOON + timedelta(hours=1)
SALE: Final = public_sale(EventId("E1"), ListedSale(start_at=STARTS))
ORDER: Final = GenerationOrder(event_id=SALE.event_id, sale_id=SALE.sale_id, start_at=STARTS)
MINUTE: Final = timedelta(minutes=1)


def test_an_order_falls_into_a_part_for_each_shard_of_both_groups() -> None:
    found = parts(ORDER, SHARDS)
    assert {(part.group, part.shard) for part in found} == {
        (group, shard) for group in ("E1.public", "E1.any") for shard in SHARDS
    }
    assert len(found) == 32


@given(seed=st.integers(0, 10_000), again=st.integers(0, 40))
def test_the_reminders_are_made_when_every_part_is_in_any_order(seed: int, again: int) -> None:
    chance, whole = Random(seed), parts(ORDER, SHARDS)
    sale, missing = ordered(SALE, STARTS, NOON), chance.choice(whole)
    reported = [*whole, *chance.choices(whole, k=again)]
    chance.shuffle(reported)
    for part in reported:
        if part != missing:
            sale = with_part(sale, part, len(whole))
    assert not done_for(sale, STARTS)
    sale = with_part(sale, missing, len(whole))
    assert done_for(sale, STARTS)
    assert not done_for(sale, STARTS + MINUTE)
    assert with_part(sale, chance.choice(whole), len(whole)) is sale


def test_a_part_for_another_start_counts_for_nothing() -> None:
    sale = ordered(SALE, STARTS, NOON)
    assert with_part(sale, evolve(ORDER, start_at=STARTS + MINUTE), 1) is sale
    assert with_part(SALE, ORDER, 1) is SALE


def test_a_sale_that_moved_was_never_ordered() -> None:
    sale = finished(ordered(SALE, STARTS, NOON), STARTS)
    assert (ordered_at(sale), done_for(sale, STARTS)) == (NOON, True)
    moved = evolve(sale, start_at=STARTS + MINUTE)
    assert ordered_at(moved) is None
    anew = ordered(moved, STARTS + MINUTE, NOON + MINUTE)
    assert (ordered_at(anew), done_for(anew, STARTS + MINUTE)) == (NOON + MINUTE, False)
    assert ordered(moved, STARTS, NOON) is moved


def test_what_is_done_is_not_begun_again_and_what_is_open_keeps_its_parts() -> None:
    half = with_part(ordered(SALE, STARTS, NOON), parts(ORDER, SHARDS)[0], 32)
    again = ordered(half, STARTS, NOON + MINUTE)
    assert again.generation
    assert half.generation
    assert again.generation.shards == half.generation.shards
    assert ordered_at(again) == NOON + MINUTE
    done = finished(half, STARTS)
    assert ordered(done, STARTS, NOON + MINUTE) is done


@pytest.mark.parametrize(
    ("ahead", "again"),
    [
        (timedelta(minutes=1), timedelta(minutes=15)),
        (timedelta(hours=1, minutes=59), timedelta(minutes=15)),
        (timedelta(hours=2), timedelta(hours=1)),
        (timedelta(hours=47), timedelta(hours=1)),
        (timedelta(hours=48), timedelta(hours=12)),
        (None, timedelta(hours=12)),
    ],
)
def test_the_nearer_a_sale_the_sooner_its_event_is_looked_up_again(
    ahead: timedelta | None, again: timedelta
) -> None:
    sale = evolve(SALE, start_at=None if ahead is None else NOON + ahead)
    assert refresh_at([sale], NOON, RefreshPolicy()) == NOON + again


def past(start: datetime | None) -> Sale:
    return evolve(SALE, start_at=start)


def test_an_event_with_no_sale_to_come_is_looked_up_no_more() -> None:
    gone = evolve(past(STARTS), withdrawn_at=NOON)
    assert refresh_at([past(NOON), gone], NOON, RefreshPolicy()) is None
    assert refresh_at([], NOON, RefreshPolicy()) is None
    both = [past(NOON), past(NOON + timedelta(hours=3))]
    assert refresh_at(both, NOON, RefreshPolicy()) == NOON + timedelta(hours=1)
