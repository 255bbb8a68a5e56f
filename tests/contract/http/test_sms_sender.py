"""The SMS gateway over a real socket, on good days and on every kind of bad one."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Final

import pytest
from attrs import evolve

from demand_adapters.http.sms_sender import declared
from demand_adapters.testing.sms_sender import (
    KeyedSmsContract,
    QueryableSmsContract,
    SilentSmsContract,
    SmsAtHand,
    SmsSenderContract,
)
from demand_adapters.testing.strategies import NOON
from demand_core.domain.delivery import Capability, Keyed, Queryable, Silent
from demand_core.domain.orders import SmsOrder
from demand_core.errors import Transient, Unknown
from entrypoints.twins.serving import WireFault, seeded
from tests.served import HURRY, RESTLESS
from tests.served_sms import sms_desk

SECOND: Final = timedelta(seconds=1)

# What the caller is told of each, and whether the text goes out all the same.
TOLD: Final[dict[WireFault, tuple[type[Transient], bool]]] = {
    WireFault.RESET_BEFORE: (Unknown, False),
    WireFault.THROTTLED: (Transient, False),
    WireFault.BUSY: (Transient, False),
    WireFault.RESET_AFTER: (Unknown, True),
    WireFault.HANG: (Unknown, True),
    WireFault.BARE_500: (Unknown, True),
    WireFault.ERROR_IN_200: (Unknown, True),
    WireFault.WRONG_TYPE: (Unknown, True),
    WireFault.OVERSIZED: (Unknown, True),
    WireFault.TRUNCATED: (Unknown, True),
    WireFault.SLOW_HEAD: (Unknown, True),
    WireFault.SLOW_BODY: (Unknown, True),
}

# Those whose answer nobody can wait for.
NEVER: Final = frozenset({WireFault.HANG, WireFault.SLOW_HEAD, WireFault.SLOW_BODY})


@contextmanager
def at_hand(capability: Capability) -> Iterator[SmsAtHand]:
    with sms_desk(capability=capability) as both:
        yield both.hand


class TestServedKeyedSms(SmsSenderContract, KeyedSmsContract):
    engine = "twin"

    @contextmanager
    def fresh(self) -> Iterator[SmsAtHand]:
        with at_hand(Keyed()) as hand:
            yield hand


class TestServedQueryableSms(SmsSenderContract, QueryableSmsContract):
    engine = "twin"

    @contextmanager
    def fresh(self) -> Iterator[SmsAtHand]:
        with at_hand(Queryable()) as hand:
            yield hand


class TestServedSilentSms(SmsSenderContract, SilentSmsContract):
    engine = "twin"

    @contextmanager
    def fresh(self) -> Iterator[SmsAtHand]:
        with at_hand(Silent()) as hand:
            yield hand


@pytest.mark.parametrize("capability", [Keyed(), Queryable(), Silent()], ids=repr)
def test_a_gateway_declares_what_it_can(capability: Capability) -> None:
    with sms_desk(capability=capability) as both:
        assert declared(both.calls) == capability


def test_every_fault_of_the_wire_is_tried() -> None:
    assert TOLD.keys() == {*WireFault}


@pytest.mark.parametrize("fault", WireFault, ids=lambda fault: fault.name.lower())
def test_a_fault_is_told_for_what_it_may_have_done_and_never_repeated(
    fault: WireFault,
) -> None:
    told, taken = TOLD[fault]
    with sms_desk(fault, patience=HURRY if fault in NEVER else None) as both:
        with pytest.raises(Transient) as failed:
            both.sms.send(both.hand.order())
        later = NOON + SECOND if fault is WireFault.THROTTLED else None
        assert (type(failed.value), failed.value.retry_at) == (told, later)
        assert len(both.memory.history) == taken
        assert (both.served.calls, both.slept) == (1, [])


def sent_at_last(hand: SmsAtHand, order: SmsOrder) -> str:
    while True:
        try:
            return hand.sms.send(order).message_id
        except Transient:
            hand.pass_time(SECOND)


@pytest.mark.check("REQ-007")
def test_on_a_bad_wire_repeats_under_a_key_bring_each_text_exactly_once() -> None:
    short = evolve(RESTLESS, deadline=timedelta(milliseconds=150))
    with sms_desk(endless=seeded(7, 0.4), patience=short) as both:
        hand = both.hand
        for n in range(1, 13):
            told = sent_at_last(hand, hand.order(n))
            assert told == both.memory.history[-1].message_id
        assert len(hand.arrived()) == len(set(hand.arrived())) == 12
        assert sum(both.served.faults.values()) > 5


def test_a_look_up_that_gets_no_answer_is_made_again() -> None:
    faults = [None, WireFault.RESET_AFTER, WireFault.BARE_500]
    with sms_desk(*faults, capability=Queryable()) as both:
        receipt = both.sms.send(both.hand.order())
        both.clock.advance(10 * SECOND)
        assert both.sms.look_up(both.hand.order().reference) == receipt
        assert (both.served.calls, len(both.slept)) == (4, 2)


def test_a_look_up_without_any_answer_says_nothing_of_the_text() -> None:
    with sms_desk(*3 * [WireFault.BUSY], capability=Queryable()) as both:
        with pytest.raises(Transient):
            both.sms.look_up(both.hand.order().reference)
        assert both.served.calls == 3


def test_a_throttled_call_says_when_to_come_again_and_is_then_taken() -> None:
    with sms_desk(calls_per_s=1) as both:
        both.sms.send(both.hand.order(1))
        with pytest.raises(Transient) as throttled:
            both.sms.send(both.hand.order(2))
        assert not isinstance(throttled.value, Unknown)
        assert throttled.value.retry_at == NOON + SECOND
        both.clock.advance(SECOND)
        both.sms.send(both.hand.order(2))
        assert len(both.memory.history) == 2
