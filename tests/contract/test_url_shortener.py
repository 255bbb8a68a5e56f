"""The shortener in memory keeps what every UrlShortener promises, and its limits."""

from contextlib import AbstractContextManager, nullcontext
from datetime import timedelta
from typing import Final

import pytest

from demand_adapters.memory.clock import MemoryClock
from demand_adapters.memory.url_shortener import MemoryUrlShortener
from demand_adapters.testing.strategies import NOON
from demand_adapters.testing.url_shortener import URL, UrlShortenerContract
from demand_core.errors import Permanent, Transient, Unknown
from demand_core.ports.url_shortener import UrlShortener

SECOND: Final = timedelta(seconds=1)


class TestMemoryUrlShortener(UrlShortenerContract):
    engine = "memory"

    def fresh(self) -> AbstractContextManager[UrlShortener]:
        return nullcontext(MemoryUrlShortener(MemoryClock(NOON)))


def test_the_memory_shortener_answers_the_same_in_every_process() -> None:
    # Written down from another process.
    shortener = MemoryUrlShortener(MemoryClock(NOON), host="tix.example")
    assert shortener.shorten(URL) == "https://tix.example/kLHRgwvg"


def test_a_sour_url_never_gets_a_link() -> None:
    shortener = MemoryUrlShortener(MemoryClock(NOON), sour=frozenset({URL}))
    for _ in range(3):
        with pytest.raises(Transient) as fault:
            shortener.shorten(URL)
        assert not isinstance(fault.value, Unknown)
        assert fault.value.retry_at is None
    assert shortener.shorten(URL + "&other")


def test_calls_beyond_the_rate_are_sent_away_until_the_next_second() -> None:
    clock = MemoryClock(NOON + timedelta(milliseconds=300))
    shortener = MemoryUrlShortener(clock, calls_per_s=2)
    shortener.shorten(URL)
    clock.advance(timedelta(milliseconds=699))
    shortener.shorten(URL)
    for url in (URL, "http://bad"):  # the limit stands in front of everything else
        with pytest.raises(Transient) as fault:
            shortener.shorten(url)
        assert fault.value.retry_at == NOON + SECOND
    clock.move_to(NOON + SECOND)
    assert shortener.shorten(URL)


def test_the_history_holds_every_call_as_the_service_saw_it() -> None:
    clock = MemoryClock(NOON)
    sour, bad = URL + "&sour", "http://bad"
    shortener = MemoryUrlShortener(clock, calls_per_s=3, sour={sour})
    link = shortener.shorten(URL)
    for url in (bad, sour, URL):
        with pytest.raises((Transient, Permanent)):
            shortener.shorten(url)
    clock.advance(SECOND)
    shortener.shorten(URL)
    assert shortener.history == [
        (NOON, URL, link),
        (NOON, bad, "bad_url"),
        (NOON, sour, "server_error"),
        (NOON, URL, "throttled"),
        (NOON + SECOND, URL, link),
    ]


def test_a_bad_url_has_its_code() -> None:
    with pytest.raises(Permanent) as refusal:
        MemoryUrlShortener(MemoryClock(NOON)).shorten("http://bad")
    assert refusal.value.code == "bad_url"
