"""The gateway in memory keeps what every SmsSender promises, whatever it remembers."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from random import Random
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from demand_adapters.memory.clock import MemoryClock
from demand_adapters.memory.sms_sender import AcceptedText, MemorySmsSender
from demand_adapters.testing.sms_sender import (
    KeyedSmsContract,
    QueryableSmsContract,
    SilentSmsContract,
    SmsAtHand,
    SmsSenderContract,
)
from demand_adapters.testing.strategies import NOON
from demand_core.domain.delivery import Keyed, Queryable, Silent
from demand_core.domain.reports import SIGNALS
from demand_core.domain.statuses import Status
from demand_core.errors import Permanent, Transient, Unknown

SECOND: Final = timedelta(seconds=1)


def a_gateway(**like: Any) -> tuple[MemorySmsSender, SmsAtHand]:
    clock = MemoryClock(NOON)
    memory = MemorySmsSender(clock, **like)
    hand = SmsAtHand(
        sms=memory,
        clock=clock,
        pass_time=clock.advance,
        arrived=lambda: [text.order.reference for text in memory.history],
    )
    return memory, hand


class TestMemoryKeyedSms(SmsSenderContract, KeyedSmsContract):
    engine = "memory"

    @contextmanager
    def fresh(self) -> Iterator[SmsAtHand]:
        yield a_gateway(capability=Keyed())[1]


class TestMemoryQueryableSms(SmsSenderContract, QueryableSmsContract):
    engine = "memory"

    @contextmanager
    def fresh(self) -> Iterator[SmsAtHand]:
        yield a_gateway(capability=Queryable())[1]


class TestMemorySilentSms(SmsSenderContract, SilentSmsContract):
    engine = "memory"

    @contextmanager
    def fresh(self) -> Iterator[SmsAtHand]:
        yield a_gateway(capability=Silent())[1]


def test_a_key_that_is_forgotten_lets_a_second_text_out() -> None:
    memory, hand = a_gateway(capability=Keyed(timedelta(hours=1)))
    order = hand.order(valid_until=NOON + timedelta(hours=2))
    memory.send(order)
    hand.pass_time(timedelta(hours=1))
    memory.send(order)
    assert [text.at for text in memory.history] == [NOON, NOON + timedelta(hours=1)]


@pytest.mark.parametrize("capability", [Queryable(), Silent()], ids=lambda c: type(c).__name__)
def test_without_keys_every_repeat_goes_out_and_can_be_told_from_the_first(
    capability: Queryable | Silent,
) -> None:
    memory, hand = a_gateway(capability=capability)
    receipts = [memory.send(hand.order()).message_id for _ in range(2)]
    assert receipts == [text.message_id for text in memory.history] == ["m1", "m2"]


def test_it_is_asked_in_vain_until_the_lag_is_over() -> None:
    memory, hand = a_gateway(capability=Queryable(10 * SECOND))
    memory.send(hand.order())
    hand.pass_time(10 * SECOND - timedelta(milliseconds=1))
    assert memory.look_up(hand.order().reference) is None


def test_with_keys_the_same_reference_has_the_same_message_id_in_every_process() -> None:
    # Written down from another process.
    memory, hand = a_gateway()
    assert memory.send(hand.order()).message_id == "c73eed726a3a30ba82678b4ed3e9692c"


def test_a_bad_number_is_refused_and_a_sour_one_never_taken() -> None:
    memory, hand = a_gateway(bad_numbers={"+12125550001"}, sour={"+12125550002"})
    with pytest.raises(Permanent) as refusal:
        memory.send(hand.order(1))
    assert refusal.value.code == "invalid_number"
    for _ in range(3):
        with pytest.raises(Transient) as fault:
            memory.send(hand.order(2))
        assert not isinstance(fault.value, Unknown)
        assert fault.value.retry_at is None
    assert memory.history == []


def test_the_limit_stands_in_front_of_everything_and_says_when_to_come_again() -> None:
    memory, hand = a_gateway(capability=Queryable(), calls_per_s=1)
    memory.send(hand.order())
    order = hand.order()
    calls: list[Callable[[], object]] = [
        partial(memory.send, order),
        partial(memory.look_up, order.reference),
    ]
    for call in calls:
        with pytest.raises(Transient) as fault:
            call()
        assert fault.value.retry_at == NOON + SECOND
    hand.pass_time(SECOND)
    memory.send(hand.order(2))
    assert len(memory.history) == 2


def test_every_call_is_kept_with_its_answer() -> None:
    memory, hand = a_gateway(capability=Queryable(), bad_numbers={"+12125550002"})
    first, bad = hand.order(1).reference, hand.order(2).reference
    memory.send(hand.order(1))
    with pytest.raises(Permanent):
        memory.send(hand.order(2))
    hand.pass_time(10 * SECOND)
    memory.look_up(first)
    memory.look_up(bad)
    later = NOON + 10 * SECOND
    assert memory.calls == [
        (NOON, "send", first, "m1"),
        (NOON, "send", bad, "invalid_number"),
        (later, "look_up", first, "m1"),
        (later, "look_up", bad, "not_found"),
    ]


def test_whoever_wants_to_hears_of_each_text_that_goes_out_and_of_no_repeat() -> None:
    heard = list[AcceptedText]()
    memory, hand = a_gateway(on_accepted=heard.append)
    for order in (hand.order(1), hand.order(1), hand.order(2)):
        memory.send(order)
    assert heard == memory.history
    assert len(heard) == 2


@given(seed=st.integers(0, 999))
def test_reports_of_a_text_come_in_order_and_end_as_its_number_does(seed: int) -> None:
    memory, hand = a_gateway(undeliverable={"+12125550002"})
    for n, last in ((1, Status.DELIVERED), (2, Status.FAILED)):
        memory.send(hand.order(n))
        text = memory.history[-1]
        told = memory.reports_of(text, Random(seed))
        assert told == memory.reports_of(text, Random(seed))
        assert [report.status for _, report in told] == [Status.QUEUED, Status.SENT, last]
        delays = [delay for delay, _ in told]
        assert delays == sorted(delays)
        assert delays[0] > timedelta()
        assert [report.occurred_at for _, report in told] == [NOON + d for d in delays]
        for _, report in told:
            assert report.status in SIGNALS
            assert report.message_id == text.message_id
            assert report.reference == text.order.reference
            assert (report.error_code is not None) == (report.status is Status.FAILED)


def test_the_words_of_a_kept_text_are_not_shown_when_it_is_printed() -> None:
    memory, hand = a_gateway()
    order = hand.order()
    memory.send(order)
    printed = repr((memory.history, memory.calls))
    assert order.to.reveal() not in printed
    assert order.body.reveal() not in printed
