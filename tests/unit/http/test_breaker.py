"""A service that does not answer is left alone, then tried by one, then called by all again."""

import socket
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import timedelta
from functools import partial
from typing import Final

import pytest
from attrs import define
from hypothesis import example, given
from hypothesis import strategies as st

from demand_adapters.http.breaker import Breaker, Shut
from demand_adapters.http.calls import Calls, Patience
from demand_adapters.http.event_source import HttpEventSource
from demand_adapters.testing.event_source import E1, NONE
from demand_adapters.testing.strategies import NOON, a_notification
from demand_core.domain.answers import Returned
from demand_core.domain.delivery import DeliveryPolicy, Keyed
from demand_core.errors import DemandError, Permanent, Transient, Unknown, WiringError
from demand_core.ports.event_source import EventSource
from demand_core.procedures.couriers import SmsCourier
from entrypoints.twins.serving import Said, WireFault, document
from tests.served_discovery import SourceDesk, source_desk
from tests.served_sms import sms_desk

SECOND: Final = timedelta(seconds=1)
PATIENCE: Final = Patience()
AWAY: Final = [WireFault.RESET_BEFORE] * PATIENCE.tries
LONG_S: Final = 10


@define
class Stopwatch:
    """Time that passes when it is told to."""

    at: float = 0.0

    def now(self) -> float:
        return self.at


class Refused(Exception):
    """An answer that nobody likes."""


class Failed(Exception):
    """No answer."""


def called(how: type[BaseException] | None) -> str:
    if how:
        raise how
    return "done"


class Desk:
    """A breaker, its time, and how many calls it let through."""

    def __init__(self) -> None:
        self.watch = Stopwatch()
        self.made = 0
        self.breaker = Breaker(
            failures_max=5,
            rest_s=30.0,
            longest_rest_s=300.0,
            probe_s=2.0,
            monotonic=self.watch.now,
        )

    def call(
        self, how: type[BaseException] | None = None, during: Callable[[], object] | None = None
    ) -> float | None:
        """The seconds for which nobody may call; None if this call was made."""

        def made() -> str:
            self.made += 1
            if during:
                during()
            return called(how)

        try:
            assert self.breaker.around(made, lambda error: isinstance(error, Refused)) == "done"
        except Shut as shut:
            return shut.seconds
        except (Refused, Failed):
            pass
        return None

    def opens(self) -> None:
        for _ in range(5):
            assert self.call(Failed) is None
        assert self.call() == 30.0


# The states it has


@given(
    st.lists(
        st.tuples(
            st.sampled_from([0.0, 0.5, 10.0, 29.5, 30.0, 300.0]),
            st.sampled_from([None, Refused, Failed, Failed, Failed, Failed]),
        ),
        max_size=60,
    )
)
@example([(0.0, Failed)] * 5 + [(300.0, Failed)] * 6 + [(300.0, None), (0.0, None)])
@example([(0.0, Failed)] * 4 + [(0.0, Refused)] + [(0.0, Failed)] * 4 + [(0.0, None)])
def test_five_in_a_row_shut_it_and_one_answer_after_its_rest_opens_it(
    calls: list[tuple[float, type[Exception] | None]],
) -> None:
    desk, in_a_row, rests, until = Desk(), 0, list[float](), None
    for waits, how in calls:
        desk.watch.at += waits
        shut, made = desk.call(how), desk.made
        if until is not None and desk.watch.at < until:
            assert shut == until - desk.watch.at
            continue
        assert shut is None
        in_a_row = in_a_row + 1 if how is Failed else 0
        if how is not Failed:
            rests, until = [], None
        elif rests or in_a_row == 5:
            rests.append(min(30.0 * 2 ** len(rests), 300.0))
            until = desk.watch.at + rests[-1]
        assert desk.made == made


def test_each_rest_is_twice_as_long_up_to_the_longest_for_ever() -> None:
    desk = Desk()
    desk.opens()
    rests = list[float | None]()
    for _ in range(2000):
        desk.watch.at += 300.0
        assert desk.call(Failed) is None
        rests.append(desk.call())
    assert rests[:5] == [60.0, 120.0, 240.0, 300.0, 300.0]
    assert set(rests[5:]) == {300.0}


def test_after_it_was_well_again_a_rest_is_short_again() -> None:
    desk = Desk()
    desk.opens()
    desk.watch.at += 30.0
    desk.call(Failed)
    desk.watch.at += 60.0
    assert desk.call() is None
    desk.opens()


def test_while_one_tries_it_nobody_else_does() -> None:
    desk = Desk()
    desk.opens()
    desk.watch.at += 30.0
    told = list[float | None]()

    def meanwhile() -> None:
        for waits in (0.0, 2.0, 1000.0):
            desk.watch.at += waits
            told.append(desk.call())

    assert desk.call(during=meanwhile) is None
    assert told == [2.0] * 3
    assert desk.call() is None


def test_calls_that_began_before_it_shut_neither_open_it_nor_lengthen_its_rest() -> None:
    for late in (None, Refused, Failed):
        desk = Desk()
        desk.call(late, during=desk.opens)
        assert desk.call() == 30.0


@pytest.mark.parametrize("late", [None, Failed])
def test_calls_that_began_before_it_shut_say_nothing_for_who_tries_it(
    late: type[Failed] | None,
) -> None:
    desk, came, goes = Desk(), threading.Event(), threading.Event()

    def waits() -> None:
        came.set()
        assert goes.wait(LONG_S)

    with ThreadPoolExecutor(1) as pool:
        straggler = pool.submit(desk.call, late, waits)
        assert came.wait(LONG_S)
        desk.opens()
        desk.watch.at += 30.0
        told = list[float | None]()

        def meanwhile() -> None:
            goes.set()
            told.extend([straggler.result(LONG_S), desk.call()])

        assert desk.call(Failed, during=meanwhile) is None
    assert told == [None, 2.0]
    assert desk.call() == 60.0


@pytest.mark.parametrize("how", [KeyboardInterrupt, SystemExit, GeneratorExit])
def test_who_is_stopped_while_he_tries_it_leaves_it_to_the_next(
    how: type[BaseException],
) -> None:
    desk = Desk()
    desk.opens()
    desk.watch.at += 30.0
    with pytest.raises(how):
        desk.call(how)
    assert desk.call() == 60.0
    desk.watch.at += 60.0
    assert desk.call() is None


def test_threads_that_come_at_once_after_a_rest_make_one_call() -> None:
    desk = Desk()
    desk.opens()
    desk.watch.at += 30.0
    before, together, goes = desk.made, threading.Barrier(8), threading.Event()
    refused = threading.Semaphore(0)

    def comes() -> float | None:
        together.wait(LONG_S)
        shut = desk.call(during=partial(goes.wait, LONG_S))
        refused.release()
        return shut

    with ThreadPoolExecutor(8) as pool:
        told = [pool.submit(comes) for _ in range(8)]
        for _ in range(7):
            assert refused.acquire(timeout=LONG_S)
        goes.set()
        shut = [each.result(LONG_S) for each in told]
    assert sorted(each for each in shut if each is not None) == [2.0] * 7
    assert desk.made == before + 1


# What counts


def shut_by(said: WireFault | Said) -> bool:
    """Whether five calls that meet this are the last for a while."""
    with source_desk(*[said] * 5 * PATIENCE.tries) as both:
        for _ in range(5):
            with pytest.raises(DemandError):
                both.source.look_up(E1)
        before = both.served.calls
        with pytest.raises(DemandError):
            both.source.look_up(E1)
        return both.served.calls == before


@pytest.mark.parametrize(
    "said",
    [
        WireFault.RESET_BEFORE,
        WireFault.RESET_AFTER,
        WireFault.BUSY,
        WireFault.BARE_500,
        WireFault.WRONG_TYPE,
        WireFault.TRUNCATED,
        document(503, {}),
        document(302, {}, Location="https://elsewhere.example"),
        Said(200, b"<h1>Under repair</h1>"),
    ],
    ids=str,
)
def test_no_answer_and_a_failure_count(said: WireFault | Said) -> None:
    assert shut_by(said)


def failing(both: SourceDesk, times: int) -> None:
    for _ in range(times):
        with pytest.raises(Transient):
            both.source.look_up(E1)


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (None, None),
        (document(404, {"errors": [{"code": "DIS1004"}]}), None),
        (document(429, {}), Transient),
        (document(503, {}, Retry_After="1"), Transient),
        (document(400, {"errors": [{"code": "DIS1015"}]}), Permanent),
        (document(200, {}), Permanent),
        (document(401, {}), WiringError),
    ],
)
def test_whatever_shows_that_it_is_there_begins_the_count_anew(
    said: Said | None, told: type[DemandError] | None
) -> None:
    with source_desk(*AWAY * 4, said, *AWAY * 4) as both:
        failing(both, 4)
        if told:
            with pytest.raises(told):
                both.source.look_up(E1)
        else:
            both.source.look_up(E1)
        failing(both, 4)
        assert both.source.look_up(E1) is not None


# What a caller meets


def test_after_five_calls_without_an_answer_nobody_calls_for_half_a_minute() -> None:
    watch = Stopwatch()
    with source_desk(*AWAY * 5, monotonic=watch.now) as both:
        failing(both, 5)
        requests, slept = both.served.calls, len(both.slept)
        for passed in (0, 10, 29):
            watch.at = float(passed)
            with pytest.raises(Transient) as shut:
                both.source.look_up(E1)
            assert not isinstance(shut.value, Unknown)
            assert shut.value.retry_at == NOON + (30 - passed) * SECOND
        assert (both.served.calls, len(both.slept)) == (requests, slept) == (15, 10)
        watch.at = 30.0
        assert both.source.look_up(E1) is not None
        assert both.source.look_up(NONE) is None
        assert both.served.calls == 17


def test_a_first_call_that_fails_too_is_the_last_for_twice_as_long() -> None:
    watch = Stopwatch()
    with source_desk(*AWAY * 6, monotonic=watch.now) as both:
        failing(both, 5)
        watch.at = 30.0
        failing(both, 1)
        with pytest.raises(Transient) as shut:
            both.source.look_up(E1)
        assert shut.value.retry_at == NOON + 60 * SECOND
        assert both.served.calls == 18


def test_while_one_tries_the_service_all_others_are_told_to_come_soon() -> None:
    watch, came, goes = Stopwatch(), threading.Event(), threading.Event()
    with source_desk(*AWAY * 5, monotonic=watch.now) as both, ThreadPoolExecutor(1) as pool:
        failing(both, 5)
        watch.at = 30.0

        def slowly() -> None:
            came.set()
            assert goes.wait(LONG_S)

        both.twin.during = slowly
        tries = pool.submit(both.source.look_up, E1)
        assert came.wait(LONG_S)
        with pytest.raises(Transient) as shut:
            both.source.look_up(E1)
        goes.set()
        assert tries.result(LONG_S) is not None
        assert shut.value.retry_at == NOON + 2 * SECOND
        assert both.served.calls == 16


def nowhere(host: str, port: int) -> Sequence[str]:
    raise socket.gaierror(socket.EAI_NONAME, "no such name")


def source_of(calls: Calls) -> EventSource:
    return HttpEventSource(calls=calls, key="none")


def test_a_service_that_cannot_be_reached_is_left_alone_and_no_other() -> None:
    asked = list[str]()

    def away(host: str, port: int) -> Sequence[str]:
        asked.append(host)
        return nowhere(host, port)

    with source_desk() as both:
        calls = Calls(
            service=both.calls.service,
            clock=both.clock,
            sleep=both.slept.append,
            resolve=away,
        )
        with closing(calls):
            for _ in range(7):
                with pytest.raises(Transient):
                    source_of(calls).look_up(E1)
        assert len(asked) == 5 * PATIENCE.tries
        assert both.source.look_up(E1) is not None


def test_how_long_is_for_each_service_to_say() -> None:
    patience = Patience(failures_max=2, rest=7 * SECOND, tries=1)
    watch = Stopwatch()
    with source_desk(*AWAY[:2], patience=patience, monotonic=watch.now) as both:
        failing(both, 2)
        with pytest.raises(Transient) as shut:
            both.source.look_up(E1)
        assert shut.value.retry_at == NOON + 7 * SECOND
        watch.at = 7.0
        assert both.source.look_up(E1) is not None


def test_a_text_that_nobody_was_called_for_goes_back_and_counts_no_attempt() -> None:
    with sms_desk(*5 * [WireFault.RESET_BEFORE], capability=Keyed()) as both:
        for n in range(5):
            with pytest.raises(Unknown):
                both.sms.send(both.hand.order(n))
        with pytest.raises(Transient) as shut:
            both.sms.send(both.hand.order(5))
        assert not isinstance(shut.value, Unknown)
        assert shut.value.retry_at is not None
        assert NOON < shut.value.retry_at <= NOON + 30 * SECOND
        courier = SmsCourier(sms=both.sms, policy=DeliveryPolicy(), jitter=lambda: 0.0)
        answer = courier.call(a_notification(5))
        assert isinstance(answer, Returned)
        assert NOON < answer.look_again <= NOON + 30 * SECOND
        assert (both.served.calls, both.memory.history) == (5, [])
