"""What every UrlShortener promises."""

from typing import Final

import pytest

from demand_adapters.testing.contract import Contract
from demand_core.errors import Permanent
from demand_core.ports.url_shortener import UrlShortener

URL: Final = "https://www.ticketmaster.com/event/E1?brand=tm&locale=en-us"
CANARY: Final = "hunter2"


class UrlShortenerContract(Contract[UrlShortener]):
    """For a service that has no limit to its calls, or a limit that these do not reach."""

    port = "UrlShortener"

    def test_a_link_is_short_and_has_its_scheme(self, hand: UrlShortener) -> None:
        link = hand.shorten(URL)
        assert link.startswith("https://")
        assert len(link) < 40

    def test_the_same_url_always_gets_the_same_link(self, hand: UrlShortener) -> None:
        first = hand.shorten(URL)
        hand.shorten(URL + "&other")
        assert hand.shorten(URL) == first

    def test_two_urls_get_two_links(self, hand: UrlShortener) -> None:
        links = {hand.shorten(f"{URL}&n={n}") for n in range(20)}
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
        self, hand: UrlShortener, url: str
    ) -> None:
        with pytest.raises(Permanent) as refusal:
            hand.shorten(url)
        assert CANARY not in str(refusal.value)
