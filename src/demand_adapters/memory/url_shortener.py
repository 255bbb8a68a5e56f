"""A link shortener with a rate limit and a few urls that it chokes on."""

from collections.abc import Container
from datetime import datetime
from hashlib import sha256
from string import ascii_letters, digits
from typing import Final, NamedTuple
from urllib.parse import urlsplit

from demand_adapters.memory.call_limit import CallLimit
from demand_core.errors import Permanent, Transient
from demand_core.ports.clock import Clock

_ALPHABET: Final = digits + ascii_letters
_LENGTH: Final = 8


class ShortenerCall(NamedTuple):
    """One call as the service saw it: *answer* is the link, or the word for what went wrong."""

    at: datetime
    url: str
    answer: str


class MemoryUrlShortener:
    """Answers from the url alone. *history* is what the service saw, call by call."""

    def __init__(
        self,
        clock: Clock,
        *,
        host: str = "sho.rt",
        calls_per_s: int | None = None,
        sour: Container[str] = frozenset(),
    ) -> None:
        """Answer at most *calls_per_s* calls in each second, and never one for a *sour* url."""
        self._clock = clock
        self._host = host
        self._limit = CallLimit(calls_per_s)
        self._sour = sour
        self.history: list[ShortenerCall] = []

    def shorten(self, url: str, /) -> str:
        """The limit stands before everything else, as it does in front of a real service."""
        now = self._clock.now()
        if opens := self._limit.shut_until(now):
            self._note(now, url, "throttled")
            raise Transient("too many calls in this second", retry_at=opens)
        if flaw := _flaw(url):
            self._note(now, url, "bad_url")
            raise Permanent("bad_url", flaw)
        if url in self._sour:
            self._note(now, url, "server_error")
            raise Transient("the shortener answered 503 and did nothing")
        return self._note(now, url, f"https://{self._host}/{_slug(url)}")

    def _note(self, at: datetime, url: str, answer: str) -> str:
        self.history.append(ShortenerCall(at, url, answer))
        return answer


def _flaw(url: str) -> str | None:
    """Say what is wrong without showing the url: it may hold somebody's password."""
    if not url.isprintable() or " " in url:
        return "blanks or control characters"
    try:
        parts = urlsplit(url)
    except ValueError:
        return "no url at all"
    if parts.scheme != "https" or not parts.hostname:
        return "not an https url with a host"
    return "a user name in it" if "@" in parts.netloc else None


def _slug(url: str) -> str:
    number = int.from_bytes(sha256(url.encode()).digest())
    letters = []
    for _ in range(_LENGTH):
        number, place = divmod(number, len(_ALPHABET))
        letters.append(_ALPHABET[place])
    return "".join(letters)
