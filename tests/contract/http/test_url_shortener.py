"""The link shortener over a real socket, on good days and on every kind of bad one."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Final

import pytest
from attrs import evolve

from demand_adapters.http.calls import Patience
from demand_adapters.testing.strategies import NOON
from demand_adapters.testing.url_shortener import UrlShortenerContract
from demand_core.errors import Transient, Unknown
from demand_core.ports.url_shortener import UrlShortener
from entrypoints.twins.serving import WireFault
from tests.served import HURRY, URL, desk

SECOND: Final = timedelta(seconds=1)

# What the caller is told of each, and whether there is a link all the same.
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


class TestHttpUrlShortener(UrlShortenerContract):
    engine = "twin"

    @contextmanager
    def fresh(self) -> Iterator[UrlShortener]:
        with desk(patience=Patience()) as both:
            yield both.shortener


def test_every_fault_of_the_wire_is_tried() -> None:
    assert TOLD.keys() == {*WireFault}


@pytest.mark.parametrize("fault", WireFault, ids=lambda fault: fault.name.lower())
def test_a_fault_is_told_for_what_it_may_have_done(fault: WireFault) -> None:
    told, linked = TOLD[fault]
    with desk(fault, patience=HURRY if fault in NEVER else Patience()) as both:
        with pytest.raises(Transient) as failed:
            both.shortener.shorten(URL)
        later = NOON + SECOND if fault is WireFault.THROTTLED else None
        assert (type(failed.value), failed.value.retry_at) == (told, later)
        assert len(both.memory.history) == linked
        assert (both.served.calls, both.slept) == (1, [])


@pytest.mark.parametrize(
    "fault",
    [fault for fault in TOLD if fault not in NEVER],
    ids=lambda fault: fault.name.lower(),
)
def test_after_a_fault_the_same_url_still_gets_its_one_link(fault: WireFault) -> None:
    with desk(fault, patience=Patience()) as both:
        with pytest.raises(Transient):
            both.shortener.shorten(URL)
        link = both.shortener.shorten(URL)
        assert {call.answer for call in both.memory.history} == {link}


@pytest.mark.parametrize(
    "fault", [WireFault.SLOW_HEAD, WireFault.SLOW_BODY], ids=lambda fault: fault.name.lower()
)
def test_an_answer_in_small_steps_ends_at_the_deadline_of_the_whole_call(
    fault: WireFault,
) -> None:
    began = time.monotonic()
    with desk(fault, patience=evolve(HURRY, silence=timedelta(minutes=1))) as both:
        with pytest.raises(Unknown):
            both.shortener.shorten(URL)
        took = time.monotonic() - began
    assert HURRY.deadline.total_seconds() <= took < 10


def test_a_service_that_says_nothing_is_left_before_the_deadline() -> None:
    quick = Patience(silence=timedelta(milliseconds=50))
    began = time.monotonic()
    with desk(WireFault.HANG, patience=quick) as both, pytest.raises(Unknown):
        both.shortener.shorten(URL)
    assert time.monotonic() - began < 10


@pytest.mark.check("N-OUT2")
def test_a_throttled_call_says_when_to_come_again_and_then_gets_its_link() -> None:
    with desk(calls_per_s=1) as both:
        link = both.shortener.shorten(URL)
        with pytest.raises(Transient) as throttled:
            both.shortener.shorten(URL)
        assert not isinstance(throttled.value, Unknown)
        assert throttled.value.retry_at == NOON + SECOND
        both.clock.advance(SECOND)
        assert both.shortener.shorten(URL) == link
        assert [call.answer for call in both.memory.history] == [link, "throttled", link]


def test_a_url_that_it_chokes_on_had_no_effect() -> None:
    with desk(sour=frozenset({URL})) as both:
        with pytest.raises(Transient) as fault:
            both.shortener.shorten(URL)
        assert not isinstance(fault.value, Unknown)
        assert fault.value.retry_at is None
