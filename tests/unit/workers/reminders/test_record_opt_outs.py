"""Who texts back that he wants no more is not texted again, until he says otherwise."""

from datetime import timedelta
from random import Random
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from demand_adapters.testing.strategies import NOON
from demand_core.batch import Outcome
from demand_core.domain.contacts import Phone
from demand_core.domain.notifications import MessageBody
from demand_core.domain.sms_news import Inbound, SmsNews, StatusReport
from demand_core.domain.statuses import Status
from tests.unit.workers.reminders.desk import Desk, batch
from tests.unit.workers.reminders.dispatch import MINUTE, Dispatch, number

FAN: Final = Phone(number(0))


def texted(text: str | None, second: int = 0, sender: Phone = FAN) -> Inbound:
    return Inbound(
        provider="twin",
        message_id=f"in{second}",
        sender=sender,
        recipient="demand",
        text=None if text is None else MessageBody(text),
        received_at=NOON + timedelta(seconds=second),
    )


def record(desk: Desk, *news: SmsNews) -> Outcome:
    outcome = desk.worker("record_opt_outs")(batch(*news))
    assert isinstance(outcome, Outcome)
    return outcome


@pytest.mark.parametrize("word", ["STOP", "stop please", "Arrêt", "désabonnement"])
def test_who_says_stop_is_sent_nothing_more(word: str) -> None:
    desk = Dispatch()
    assert record(desk, texted(word)) == Outcome()
    desk.send()
    assert desk.told == 0
    assert (desk.row.status, desk.row.reason) == (Status.DROPPED, "opted_out")


def test_who_says_start_again_is_sent_to_again() -> None:
    desk = Dispatch()
    record(desk, texted("STOP"), texted("START", 5))
    desk.later(MINUTE)
    desk.send()
    assert desk.told == 1


def test_what_is_no_word_of_ours_changes_nothing_and_is_counted() -> None:
    report = StatusReport(
        provider="twin", message_id="m1", status=Status.SENT, occurred_at=NOON
    )
    desk = Desk()
    outcome = record(desk, texted("Stop by at 8?"), texted("HELP"), texted(None), report)
    words = {f"r{n}": "not_a_word_of_ours" for n in (0, 1, 2)}
    assert outcome == Outcome(dropped=words | {"r3": "no_text"})
    assert desk.ports.opt_outs.out([FAN]) == frozenset()


@given(
    st.lists(st.tuples(st.sampled_from(["STOP", "START"]), st.integers(0, 99)), max_size=8),
    st.randoms(use_true_random=False),
)
def test_the_later_word_holds_in_whatever_order_they_come(
    said: list[tuple[str, int]], chance: Random
) -> None:
    words = {second: word for word, second in said}
    shuffled = [*words.items()]
    chance.shuffle(shuffled)
    desk = Desk()
    record(desk, *(texted(word, second) for second, word in shuffled))
    last = words[max(words)] if words else "START"
    assert desk.ports.opt_outs.out([FAN]) == ({FAN} if last == "STOP" else frozenset())


def test_no_text_and_no_number_is_kept() -> None:
    desk = Desk()
    record(desk, texted("Stop"))
    (item,) = desk.engines.table.items()
    assert number(0) not in str((item.key, item.body))
    assert "Stop" not in str(item.body)
