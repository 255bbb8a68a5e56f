"""End User Messaging over a real socket, on good days and on every kind of bad one.

No emulator knows it, so that a twin of our own answers, in the words of the SDK's model.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from datetime import timedelta
from socket import socket
from typing import Final

import pytest
from attrs import evolve

from demand_adapters.aws.calls import Patience
from demand_adapters.aws.sms_sender import AwsSmsSender
from demand_adapters.memory.clock import MemoryClock
from demand_adapters.testing.sms_sender import (
    SilentSmsContract,
    SmsAtHand,
    SmsSenderContract,
)
from demand_adapters.testing.strategies import NOON
from demand_core.domain.answers import Accepted
from demand_core.domain.delivery import DeliveryPolicy
from demand_core.errors import Transient, Unknown, Unsent
from entrypoints.metering import Meter
from entrypoints.twins.serving import Served, WireFault, seeded
from tests.served_aws_sms import AwsSmsTwin, aws_sms_desk, calling

SECOND: Final = timedelta(seconds=1)

# What the caller is told of each, if it is not the receipt, and whether the text goes out.
TOLD: Final[dict[WireFault, tuple[type[Transient] | None, bool]]] = {
    WireFault.RESET_BEFORE: (Unknown, False),
    WireFault.THROTTLED: (Transient, False),
    # Of a failure nobody here promises that nothing was done.
    WireFault.BUSY: (Unknown, False),
    WireFault.RESET_AFTER: (Unknown, True),
    WireFault.HANG: (Unknown, True),
    WireFault.BARE_500: (Unknown, True),
    WireFault.ERROR_IN_200: (Unknown, True),
    # The SDK reads what it can.
    WireFault.WRONG_TYPE: (None, True),
    WireFault.OVERSIZED: (Unknown, True),
    WireFault.TRUNCATED: (Unknown, True),
    WireFault.SLOW_HEAD: (None, True),
    WireFault.SLOW_BODY: (None, True),
}
# Long enough for an answer while other tests keep every core busy.
HURRY_S: Final = 1.0


class TestAwsSms(SmsSenderContract, SilentSmsContract):
    engine = "twin of aws"

    @contextmanager
    def fresh(self) -> Iterator[SmsAtHand]:
        with aws_sms_desk() as desk:
            yield desk.hand


def test_every_fault_of_the_wire_is_tried() -> None:
    assert TOLD.keys() == {*WireFault}


@pytest.mark.parametrize("fault", WireFault, ids=lambda fault: fault.name.lower())
def test_a_fault_is_told_for_what_it_may_have_done_and_never_repeated(
    fault: WireFault,
) -> None:
    told, taken = TOLD[fault]
    hurry = HURRY_S if fault is WireFault.HANG else 10
    with aws_sms_desk(fault, within_s=hurry) as desk:
        if told is None:
            assert desk.sms.send(desk.hand.order()).message_id == desk.twin.message_id(1)
        else:
            with pytest.raises(Transient) as failed:
                desk.sms.send(desk.hand.order())
            later = NOON + SECOND if fault is WireFault.THROTTLED else None
            assert (type(failed.value), failed.value.retry_at) == (told, later)
        assert len(desk.twin.history) == taken
        assert (desk.served.calls, desk.slept) == (1, [])


def told_of(sms: AwsSmsSender, hand: SmsAtHand, n: int) -> Accepted | Transient:
    try:
        return sms.send(hand.order(n))
    except Transient as fault:
        return fault


@pytest.mark.parametrize("seed", range(3))
def test_on_a_bad_wire_nothing_goes_out_twice_and_what_is_told_is_true(seed: int) -> None:
    with aws_sms_desk(endless=seeded(seed, 0.6), within_s=HURRY_S) as desk:
        hand = desk.hand
        for n in range(1, 25):
            told = told_of(desk.sms, hand, n)
            arrived = hand.arrived().count(hand.order(n).reference)
            if isinstance(told, Unknown):
                assert arrived <= 1
            else:
                assert arrived == isinstance(told, Accepted)
        assert desk.served.calls == 24
        assert sum(desk.served.faults.values()) > 5


@contextmanager
def deaf() -> Iterator[int]:
    """A port that is taken, and at which nobody listens."""
    with socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


def hand_of(sms: AwsSmsSender, clock: MemoryClock) -> SmsAtHand:
    return SmsAtHand(sms=sms, clock=clock, pass_time=clock.advance, arrived=list)


class Pauses(list[float]):
    """Seven seconds each, in which something happens."""

    def __init__(self, clock: MemoryClock, happens: Callable[[], object]) -> None:
        super().__init__()
        self.clock = clock
        self.happens = happens

    def append(self, seconds: float) -> None:
        super().append(seconds)
        self.clock.advance(7 * SECOND)
        self.happens()


def test_what_could_not_leave_is_tried_again_and_good_for_what_is_left() -> None:
    clock, twin = MemoryClock(NOON), AwsSmsTwin()
    with ExitStack() as closed, ExitStack() as opened:
        port = closed.enter_context(deaf())

        def listen() -> None:
            closed.close()
            opened.enter_context(Served(twin, port=port))

        slept = Pauses(clock, listen)
        aws = opened.enter_context(calling(f"http://127.0.0.1:{port}", clock, slept, 10))
        sms = AwsSmsSender(aws=aws, sender="demand")
        order = hand_of(sms, clock).order()
        assert sms.send(order).message_id == twin.message_id(1)
        (text,) = twin.history
        assert text["Context"] == {"reference": order.reference}
        assert text["TimeToLive"] == 28 * 60 - 7
        assert len(slept) == 1


def test_no_try_begins_so_late_that_its_answer_would_be_too_late() -> None:
    clock = MemoryClock(NOON)
    patience = Patience(tries=100, first_pause=7 * SECOND, longest_pause=7 * SECOND)
    with deaf() as port, calling(f"http://127.0.0.1:{port}", clock, [], 10) as aws:
        slow = evolve(aws, patience=patience, sleep=lambda s: clock.advance(s * SECOND))
        sms = AwsSmsSender(aws=slow, sender="demand")
        with closing(slow), pytest.raises(Unsent):
            sms.send(hand_of(sms, clock).order())
    access, deadline = slow.access, DeliveryPolicy().deadline
    latest = NOON + deadline - access.connect_within - access.answer_within
    assert latest - 7 * SECOND < clock.now() <= latest


def test_while_nothing_can_leave_all_of_us_rest() -> None:
    clock, slept, meter = MemoryClock(NOON), list[float](), Meter()
    with deaf() as port, calling(f"http://127.0.0.1:{port}", clock, slept, 10) as aws:
        sms = AwsSmsSender(aws=aws, sender="demand")
        with pytest.raises(Unsent) as lost:
            meter.around("sms", sms).send(hand_of(sms, clock).order())
    assert lost.value.retry_at == NOON + 30 * SECOND
    assert len(slept) == aws.patience.tries - 1
    assert meter.measured["sms"].outcomes == {"resting": 1}
