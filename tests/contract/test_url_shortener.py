"""What every UrlShortener promises."""

from datetime import UTC, datetime, timedelta
from typing import Final

import pytest

from demand_adapters.memory.clock import MemoryClock
from demand_adapters.memory.url_shortener import MemoryUrlShortener
from demand_core.errors import Permanent, Transient, Unknown
from demand_core.ports.url_shortener import UrlShortener

NOON: Final = datetime(2025, 2, 14, 12, tzinfo=UTC)
SECOND: Final = timedelta(seconds=1)
URL: Final = "https://www.ticketmaster.com/event/E1?brand=tm&locale=en-us"
CANARY: Final = "hunter2"


class UrlShortenerContract:
    """Subclasses provide one fixture: shortener."""

    def test_a_link_is_short_and_has_its_scheme(self, shortener: UrlShortener) -> None:
        link = shortener.shorten(URL)
        assert link.startswith("https://")
        assert len(link) < 40

    def test_the_same_url_always_gets_the_same_link(self, shortener: UrlShortener) -> None:
        first = shortener.shorten(URL)
        shortener.shorten(URL + "&other")
        assert shortener.shorten(URL) == first

    def test_two_urls_get_two_links(self, shortener: UrlShortener) -> None:
        links = {shortener.shorten(f"{URL}&n={n}") for n in range(20)}
        assert len(links) == 20

    @pytest.mark.parametrize(
        "url",
        [
            "",
            "E1",
            "/event/E1",
            "http://www.ticketmaster.com/event/E1",
            "javascript:alert(1)",
            "https://",
            "https:///event/E1",
            "https://[::1",
            f"https://fan:{CANARY}@www.ticketmaster.com/",
            f"https://{CANARY}@www.ticketmaster.com/",
            f"https://www.ticket\nmaster.com/{CANARY}",
            f"https://www.ticketmaster.com/ {CANARY}",
        ],
    )
    def test_a_bad_url_is_refused_without_being_shown(
        self, shortener: UrlShortener, url: str
    ) -> None:
        with pytest.raises(Permanent) as refusal:
            shortener.shorten(url)
        assert CANARY not in str(refusal.value)


class TestMemoryUrlShortener(UrlShortenerContract):
    @pytest.fixture
    def shortener(self) -> UrlShortener:
        return MemoryUrlShortener(MemoryClock(NOON))


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
