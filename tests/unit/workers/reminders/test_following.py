"""A new wish and a sale that moves are seen to at once where no tick will."""

from datetime import timedelta
from typing import Final

import pytest
from attrs import evolve

from demand_adapters.testing.strategies import NOON
from demand_core.batch import Outcome
from demand_core.domain.demands import Demand
from demand_core.domain.generation import ordered
from demand_core.domain.ids import EventId, SaleId
from demand_core.domain.sales import SaleRef
from demand_core.topology.channels import EVENTS, GENERATION
from tests.unit.workers.reminders.casting import (
    ANY,
    E1,
    HOUR,
    MINUTE,
    OPENS,
    PUBLIC,
    Cast,
    a_wish,
    an_order,
    look_up,
)
from tests.unit.workers.reminders.desk import batch

# A wish of this moment the tick at half past may not see: indexes lag.
LATE: Final = OPENS - 30 * MINUTE - 2 * MINUTE


def follow(cast: Cast, *wishes: Demand) -> Outcome:
    outcome = cast.worker("follow_demand")(batch(*(wish.ref for wish in wishes)))
    assert isinstance(outcome, Outcome)
    return outcome


def moved(cast: Cast, *sale_ids: str) -> Outcome:
    refs = [SaleRef(event_id=E1, sale_id=SaleId(sale_id)) for sale_id in sale_ids]
    outcome = cast.worker("follow_sales")(batch(*refs))
    assert isinstance(outcome, Outcome)
    return outcome


def test_a_wish_for_an_event_that_nobody_knows_has_it_looked_up_once() -> None:
    cast = Cast()
    wishes = [a_wish(n) for n in range(3)]
    cast.asked(*wishes)
    assert follow(cast, *wishes) == Outcome()
    assert cast.tray(EVENTS).taken == [look_up()]
    assert cast.tray(GENERATION).taken == []


def test_a_known_event_that_nobody_wanted_before_is_asked_for_to_be_kept_fresh() -> None:
    cast = Cast()
    cast.know()
    cast.asked(a_wish())
    follow(cast, a_wish())
    assert cast.tray(EVENTS).taken == [look_up()]
    cast.ports.events.wanted(E1)
    cast.tray(EVENTS).taken.clear()
    follow(cast, a_wish())
    assert cast.tray(EVENTS).taken == []


@pytest.mark.parametrize("sale_id", [PUBLIC, ANY])
@pytest.mark.parametrize(
    ("before", "late"),
    [
        (LATE - timedelta(milliseconds=1), False),
        (LATE, True),
        (OPENS - 2 * MINUTE - timedelta(milliseconds=1), True),
        (OPENS - 2 * MINUTE, False),
        (OPENS + HOUR, False),
    ],
    ids=["before the tick", "the tick may miss it", "the last moment", "too late", "open"],
)
def test_who_asks_after_the_tick_is_seen_to_at_once(
    sale_id: str, before: object, *, late: bool
) -> None:
    cast = Cast()
    cast.know()
    wish = a_wish(sale_id=sale_id)
    cast.asked(wish)
    cast.clock.move_to(before)  # type: ignore[arg-type]  # the parameters are times
    follow(cast, wish)
    found = cast.tray(GENERATION).taken
    assert found == ([an_order(refs=(wish.ref,))] if late else [])


def test_a_wish_that_was_taken_back_is_dropped_and_one_not_taken_comes_again() -> None:
    cast = Cast()
    cast.asked(a_wish(0))
    cast.tray(EVENTS).refuses = [0]
    outcome = follow(cast, a_wish(0), a_wish(9))
    assert outcome == Outcome(retry=frozenset({"r0"}), dropped={"r1": "withdrawn"})


def test_a_late_wish_whose_order_was_not_taken_comes_again() -> None:
    cast = Cast()
    cast.know()
    cast.ports.events.wanted(E1)
    cast.asked(a_wish(0), a_wish(1))
    cast.clock.move_to(OPENS - 10 * MINUTE)
    cast.tray(GENERATION).refuses = [1]
    assert follow(cast, a_wish(0), a_wish(1)).retry == {"r1"}


@pytest.mark.check("N-CAP1")
def test_a_sale_that_moved_after_its_tick_is_ordered_again_without_an_operator() -> None:
    cast = Cast()
    cast.know()
    cast.clock.move_to(OPENS - 20 * MINUTE)
    cast.ports.sales.amend(SaleId(PUBLIC), lambda sale: ordered(sale, OPENS, cast.clock.now()))
    assert moved(cast, PUBLIC) == Outcome()
    assert cast.tray(GENERATION).taken == []
    sooner = OPENS - 5 * MINUTE
    cast.describe(public=sooner)
    cast.know(public=sooner)
    assert moved(cast, PUBLIC) == Outcome()
    assert cast.tray(GENERATION).taken == [an_order(sooner)]
    # How old the list is stands with the event, and what makes it younger is a worker of ours.
    (event,) = cast.ports.events.get_many([E1]).values()
    assert event.cached_at == cast.clock.now()


def test_a_sale_that_moved_ahead_of_its_tick_or_was_withdrawn_needs_nobody() -> None:
    cast = Cast()
    cast.know(public=OPENS + 5 * HOUR)
    assert moved(cast, PUBLIC) == Outcome()
    cast.know()
    cast.clock.move_to(OPENS - 20 * MINUTE)
    cast.ports.sales.amend(SaleId(PUBLIC), lambda sale: evolve(sale, withdrawn_at=NOON))
    assert moved(cast, PUBLIC) == Outcome()
    assert moved(cast, "E1.p0123456789ab") == Outcome(dropped={"r0": "gone"})
    assert cast.tray(GENERATION).taken == []
    assert EventId("E1") == E1
