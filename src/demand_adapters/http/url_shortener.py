"""The link shortener: Bitly's API, version 4."""

import re
from datetime import UTC, datetime, time, timedelta
from functools import partial
from typing import Final

from attrs import frozen

from demand_adapters.http.calls import Answer, Calls, Service
from demand_core.errors import Permanent, Transient, WiringError

URL: Final = "https://api-ssl.bitly.com"
HOSTS: Final = frozenset({"api-ssl.bitly.com"})
PATH: Final = "/v4/shorten"

# What the service says of our settings, whatever url it was given.
OURS: Final = frozenset(
    {
        "DNS_CONFIGURATION_ERROR",
        "INVALID_ARG_DOMAIN",
        "INVALID_ARG_GROUP_GUID",
        "NOT_FOUND",
        "UNPROCESSABLE_ENTITY",
    }
)

_WORD: Final = re.compile(r"[A-Z]+(?:_[A-Z]+)*")
_BACK_HALF: Final = r"[A-Za-z0-9_-]{1,24}"


def bitly(token: str | None, *, url: str = URL, loopback: bool = False) -> Service:
    """Where the shortener is, and who asks; with *loopback* it is a twin, which asks nobody."""
    return Service(
        name="link shortener",
        url=url,
        hosts=HOSTS,
        headers={} if token is None else {"Authorization": f"Bearer {token}"},
        loopback=loopback,
    )


@frozen(kw_only=True)
class HttpUrlShortener:
    """One call a link, never repeated once it left: who asks counts the calls and paces them.

    *host* is where the links live, *group* whose they are: a url has one link in each group.
    """

    calls: Calls
    host: str = "bit.ly"
    group: str | None = None

    def shorten(self, url: str, /) -> str:
        """Ask for the link; a quota that is used up is not asked again on the same day."""
        asked = {"long_url": url, "domain": self.host}
        if self.group:
            asked["group_guid"] = self.group
        return self.calls.post(PATH, asked, partial(self._link, url))

    def _link(self, url: str, answer: Answer) -> str:
        said = answer.document if isinstance(answer.document, dict) else {}
        link, word = said.get("link"), _word(said.get("message"))
        if answer.done and self._is_ours(link):
            return str(link)
        if answer.refused and word:
            if word == "ALREADY_A_BITLY_LINK" and self._is_ours(url):
                return url
            if word == "INVALID_ARG_LONG_URL":
                raise Permanent("bad_url", "the link shortener will not take it")
            if word in OURS:
                raise WiringError(f"the link shortener says {word}: correct its settings")
            if "MONTHLY" in word:
                raise Transient(f"the link shortener says {word}", retry_at=self._tomorrow())
        raise answer.error(word)

    def _is_ours(self, link: object) -> bool:
        form = rf"https://{re.escape(self.host)}/{_BACK_HALF}"
        return isinstance(link, str) and re.fullmatch(form, link) is not None

    def _tomorrow(self) -> datetime:
        day = self.calls.clock.now().date() + timedelta(days=1)
        return datetime.combine(day, time(), UTC)


def _word(said: object) -> str | None:
    """The service's word for what is wrong; one of another form may hold what it was given."""
    return said if isinstance(said, str) and _WORD.fullmatch(said) else None
