"""Events that somebody waits for are looked up again: often when a sale is near."""

from datetime import timedelta
from typing import Final

from attrs import evolve

from demand_adapters.testing.strategies import NOON, an_event
from demand_core.batch import Outcome
from demand_core.domain.ids import EventId
from demand_core.domain.refreshing import LookUpReason
from demand_core.topology.channels import EVENTS
from tests.unit.workers.reminders.casting import look_up
from tests.unit.workers.reminders.desk import Desk

MINUTE: Final = timedelta(minutes=1)


def known(count: int, *, wanted: bool = True, stale_in: timedelta = timedelta(0)) -> Desk:
    desk = Desk()
    events = [evolve(an_event(n), refresh_at=NOON + stale_in) for n in range(count)]
    desk.ports.events.refresh(events)
    if wanted:
        for event in events:
            desk.ports.events.wanted(event.event_id)
    desk.clock.move_to(NOON + 5 * MINUTE)
    return desk


def refreshed(desk: Desk) -> set[EventId]:
    assert desk.worker("refresh_events")(desk.clock.now()) == Outcome()
    return {order.event_id for order in desk.tray(EVENTS).taken}


def test_every_stale_event_that_somebody_wants_is_ordered() -> None:
    desk = known(250)
    assert refreshed(desk) == {EventId(f"E{n}") for n in range(250)}
    assert look_up(LookUpReason.STALE) in desk.tray(EVENTS).taken


def test_what_nobody_wants_or_is_still_fresh_is_left_alone() -> None:
    assert refreshed(known(5, wanted=False)) == set()
    assert refreshed(known(5, stale_in=6 * MINUTE)) == set()


def test_what_was_not_taken_is_stale_still_at_the_next_tick() -> None:
    desk = known(5)
    desk.tray(EVENTS).away = True
    assert refreshed(desk) == set()
    desk.tray(EVENTS).away = False
    desk.clock.advance(15 * MINUTE)
    assert len(refreshed(desk)) == 5
