"""The link shortener's twin: Bitly's API, version 4, in front of the one in memory."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Final

from demand_adapters.memory.url_shortener import MemoryUrlShortener
from demand_adapters.wire.bodies import plain
from demand_adapters.wire.converters import instant
from demand_core.errors import Permanent, Transient
from demand_core.ports.clock import Clock
from entrypoints.twins.serving import Asked, Said, document

PATH: Final = "/v4/shorten"
_SECOND: Final = timedelta(seconds=1)

_WORDS: Final = {
    400: "INVALID_ARG_LONG_URL",
    403: "FORBIDDEN",
    404: "NOT_FOUND",
    422: "UNPROCESSABLE_ENTITY",
    429: "RATE_LIMIT_EXCEEDED",
    503: "TEMPORARILY_UNAVAILABLE",
}


class ShortenerTwin:
    """Answers whoever has the *token*; without one, everybody. Links live on *host*."""

    def __init__(
        self,
        shortener: MemoryUrlShortener,
        clock: Clock,
        *,
        host: str = "sho.rt",
        token: str | None = None,
    ) -> None:
        """Stand in front of *shortener*, whose history shows what was really done."""
        self._shortener = shortener
        self._clock = clock
        self._host = host
        self._token = token
        self._known = set[str]()

    def answer(self, asked: Asked, /) -> Said:
        """Shorten, or say in Bitly's words why not."""
        if self._token and asked.headers.get("authorization") != f"Bearer {self._token}":
            return self.complaint(403)
        if (asked.method, asked.path) != ("POST", PATH):
            return self.complaint(404)
        try:
            wanted = plain(asked.body)
        except Permanent:
            return self.complaint(422)
        if not isinstance(wanted, dict) or not isinstance(wanted.get("long_url"), str):
            return self.complaint(400)
        if wanted.get("domain", self._host) != self._host:
            return _complaint(400, "INVALID_ARG_DOMAIN")
        return self._shorten(wanted["long_url"])

    def complaint(self, status: int, /, wait_s: int = 1) -> Said:
        """The usual words for *status*."""
        return _complaint(status, _WORDS[status], wait_s)

    def settings(self, url: str, /) -> Mapping[str, str]:
        """Where it is, and where its links live."""
        return {"shortener_url": url, "shortener_domain": self._host}

    def _shorten(self, url: str) -> Said:
        now = self._clock.now()
        try:
            link = self._shortener.shorten(url)
        except Permanent:
            return self.complaint(400)
        except Transient as fault:
            if fault.retry_at is None:
                return self.complaint(503)
            return self.complaint(429, -((now - fault.retry_at) // _SECOND))
        status = 200 if url in self._known else 201
        self._known.add(url)
        told = {"link": link, "id": link.removeprefix("https://"), "long_url": url}
        return document(status, told | {"created_at": instant(now)})


def _complaint(status: int, word: str, wait_s: int = 1) -> Said:
    said = {"message": word, "description": "", "resource": "bitlinks"}
    later = {"Retry_After": str(wait_s)} if status == 429 else {}  # noqa: PLR2004  # throttled
    return document(status, said, **later)
