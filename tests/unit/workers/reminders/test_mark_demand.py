"""A wish says when it was first answered, and when the answer arrived, each once."""

from typing import Final

from attrs import evolve

from demand_adapters.testing.strategies import NOON
from demand_core.batch import Outcome
from demand_core.domain.demands import Demand
from demand_core.domain.notifications import Channel, DuePage
from demand_core.domain.statuses import Status
from tests.unit.workers.reminders.desk import batch
from tests.unit.workers.reminders.dispatch import MINUTE, SECOND, Dispatch

BOTH: Final = (Channel.SMS, Channel.EMAIL)


def mark(desk: Dispatch) -> Outcome:
    outcome = desk.worker("mark_demand")(batch(desk.page()))
    assert isinstance(outcome, Outcome)
    return outcome


def wish(desk: Dispatch) -> Demand:
    (found,) = desk.ports.demands.of_fan(desk.planned[0].fan_id)
    return found


def arrive(desk: Dispatch, channel: Channel, after_s: int) -> None:
    at = NOON + after_s * SECOND
    for row in desk.planned:
        if row.channel is channel:
            desk.ports.notifications.amend(
                row.ref,
                lambda known: evolve(
                    known, status=Status.DELIVERED, date=evolve(known.date, delivered=at)
                ),
            )


def test_nothing_is_noted_before_anything_was_handed_over() -> None:
    desk = Dispatch()
    assert mark(desk) == Outcome()
    assert (wish(desk).date.triggered, wish(desk).date.notified) == (None, None)


def test_the_first_hand_over_and_the_first_arrival_are_noted_and_stay() -> None:
    desk = Dispatch(channels=BOTH)
    desk.send()
    mark(desk)
    # Nobody reports on an e-mail: sent is as good as arrived.
    assert wish(desk).date.triggered == NOON
    assert wish(desk).date.notified == NOON
    arrive(desk, Channel.SMS, 40)
    desk.later(MINUTE)
    before = desk.engines.table.sequence
    assert mark(desk) == Outcome()
    assert wish(desk).date.notified == NOON
    assert desk.engines.table.sequence == before


def test_a_text_has_arrived_when_its_provider_says_so() -> None:
    desk = Dispatch()
    desk.send()
    mark(desk)
    assert (wish(desk).date.triggered, wish(desk).date.notified) == (NOON, None)
    arrive(desk, Channel.SMS, 40)
    mark(desk)
    assert wish(desk).date.notified == NOON + 40 * SECOND


def test_a_wish_that_was_taken_back_and_a_message_that_is_gone_are_passed_over() -> None:
    desk = Dispatch()
    desk.send()
    desk.ports.demands.withdraw([wish(desk).ref])
    assert mark(desk) == Outcome()
    nobody = DuePage((Dispatch(fans=3).planned[2].ref,))
    assert desk.worker("mark_demand")(batch(nobody)) == Outcome(dropped={"r0": "gone"})
