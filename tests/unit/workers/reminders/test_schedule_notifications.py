"""Each tick orders the reminders of every sale that is due, once, whatever came before."""

from datetime import datetime, timedelta
from functools import partial
from typing import Final

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from demand_adapters.testing.strategies import NOON
from demand_core.batch import Outcome
from demand_core.domain.generation import finished
from demand_core.domain.ids import EventId
from demand_core.domain.sales import ListedSale, public_sale
from demand_core.topology.channels import GENERATION
from tests.unit.workers.reminders.casting import E1, HOUR, MINUTE, OPENS, Cast, an_order
from tests.unit.workers.reminders.desk import Desk

TICK: Final = OPENS - 30 * MINUTE


def listed(desk: Desk, *starts: datetime) -> None:
    for n, start in enumerate(starts):
        event_id = EventId(f"E{n}")
        desk.ports.sales.relist(
            event_id, [public_sale(event_id, ListedSale(start_at=start))], NOON
        )
    desk.engines.table.lag = timedelta(0)


def tick(desk: Desk, at: datetime) -> list[str]:
    """The events whose sales are ordered by a tick of that time."""
    desk.tray(GENERATION).taken.clear()
    assert desk.worker("schedule_notifications")(at) == Outcome()
    return [order.event_id for order in desk.tray(GENERATION).taken]


@pytest.mark.check("W-N1", "N-IN1")
def test_each_due_sale_is_ordered_once_even_if_its_tick_runs_twice_or_late() -> None:
    desk = Desk()
    listed(desk, OPENS, OPENS + 29 * MINUTE, OPENS + 30 * MINUTE)
    # What counts is the time that was due, and not the one on the wall.
    desk.clock.move_to(NOON + 5 * HOUR)
    assert tick(desk, TICK) == ["E0", "E1"]
    assert tick(desk, TICK) == []
    for n, start in enumerate((OPENS, OPENS + 29 * MINUTE)):
        (sale,) = desk.ports.sales.of_event(EventId(f"E{n}"))
        desk.ports.sales.amend(sale.sale_id, partial(finished, start_at=start))
    assert tick(desk, TICK + 30 * MINUTE) == ["E2"]


def test_an_order_is_for_the_start_that_the_sale_has_and_is_noted_on_it() -> None:
    cast = Cast()
    cast.know()
    cast.settle()
    tick(cast, TICK)
    assert cast.tray(GENERATION).taken == [an_order()]
    generation = cast.sale().generation
    assert generation is not None
    assert (generation.start_at, generation.ordered_at) == (OPENS, TICK)


@pytest.mark.check("N-R2")
def test_sales_are_found_by_their_start_in_what_is_stored_and_nobody_is_called() -> None:
    cast = Cast()
    cast.know()
    cast.settle()
    assert tick(cast, TICK) == [E1]
    assert cast.source.calls == []


@pytest.mark.check("N-R3")
def test_a_tick_leaves_later_sales_alone_and_makes_good_what_was_missed() -> None:
    desk = Desk()
    missed, own, later = OPENS - 15 * MINUTE, OPENS + 10 * MINUTE, OPENS + HOUR
    listed(desk, missed, own, later)
    assert tick(desk, TICK) == ["E0", "E1"]


def test_what_could_not_be_ordered_is_ordered_by_the_next_tick() -> None:
    desk = Desk()
    listed(desk, OPENS, OPENS + MINUTE)
    desk.tray(GENERATION).refuses = [0]
    assert tick(desk, TICK) == ["E1"]
    desk.tray(GENERATION).refuses = []
    assert tick(desk, TICK + 5 * MINUTE) == ["E0", "E1"]


def test_an_order_that_nobody_finished_is_given_again_and_a_finished_one_is_not() -> None:
    cast = Cast()
    cast.know()
    cast.settle()
    assert tick(cast, TICK) == [E1]
    assert tick(cast, TICK + 4 * MINUTE) == []
    assert tick(cast, TICK + 5 * MINUTE) == [E1]
    cast.ports.sales.amend(cast.sale().sale_id, lambda sale: finished(sale, OPENS))
    assert tick(cast, TICK + 10 * MINUTE) == []


def test_a_sale_without_a_start_or_withdrawn_is_never_ordered() -> None:
    cast = Cast(public=None)
    cast.know(public=None)
    cast.settle()
    assert tick(cast, TICK) == []
    cast.know()
    cast.ports.sales.amend(cast.sale().sale_id, lambda sale: evolve(sale, withdrawn_at=NOON))
    assert tick(cast, TICK) == []


@given(st.lists(st.integers(0, 300), max_size=12), st.sets(st.integers(0, 12)))
def test_whichever_ticks_are_missed_every_sale_that_can_be_in_time_is_ordered_once(
    minutes: list[int], missed: set[int]
) -> None:
    desk = Desk()
    starts = [NOON + minute * MINUTE for minute in minutes]
    listed(desk, *starts)
    ran = [NOON + 30 * n * MINUTE for n in range(13) if n not in missed]
    ordered = list[tuple[str, datetime]]()
    for at in ran:
        for event_id in tick(desk, at):
            ordered.append((event_id, at))
            known = desk.ports.sales.of_event(EventId(event_id))
            for sale in known:
                start = sale.start_at
                assert start is not None
                desk.ports.sales.amend(sale.sale_id, partial(finished, start_at=start))
    counted = [event_id for event_id, _ in ordered]
    assert len(counted) == len(set(counted))
    for n, start in enumerate(starts):
        # Its own tick, or any later one before a reminder would be of no use.
        mine = NOON + (start - 30 * MINUTE - NOON) // (30 * MINUTE) * 30 * MINUTE
        able = [at for at in ran if mine <= at < start - 2 * MINUTE]
        assert ([at for event_id, at in ordered if event_id == f"E{n}"]) == able[:1]
