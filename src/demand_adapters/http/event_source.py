"""The source of events: Ticketmaster's Discovery API, version 2."""

import json
import re
from datetime import timedelta
from typing import Any, Final
from urllib.parse import quote

from attrs import field, frozen

from demand_adapters.http.calls import Answer, Calls, Patience, Service
from demand_adapters.wire.discovery import DOCUMENT_BYTES_MAX, listing
from demand_core.domain.ids import EventId
from demand_core.domain.listings import Listing
from demand_core.errors import DemandError, Transient, Unknown

URL: Final = "https://app.ticketmaster.com"
HOSTS: Final = frozenset({"app.ticketmaster.com"})
PATH: Final = "/discovery/v2/events/"
# Names of presales come in the language asked for, and their ids are made of them.
LOCALE: Final = "en-us"
# How the service itself says that there is no such event.
NOT_FOUND: Final = "DIS1004"
SPIKE: Final = "policies.ratelimit.SpikeArrestViolation"
SPIKE_PAUSE: Final = timedelta(seconds=1)

_WORD: Final = re.compile(r"[A-Za-z0-9._-]{1,64}")


def discovery(*, url: str = URL, loopback: bool = False) -> Service:
    """Where events are looked up; with *loopback* it is a twin."""
    return Service(
        name="source of events",
        url=url,
        hosts=HOSTS,
        headers={},
        loopback=loopback,
        patience=Patience(body_max=DOCUMENT_BYTES_MAX),
    )


@frozen(kw_only=True)
class HttpEventSource:
    """One call a look-up; who asks paces them. The *key* stands in every address, as the
    service wants it, and nowhere else.
    """

    calls: Calls
    key: str = field(repr=False)

    def look_up(self, event_id: EventId, /) -> Listing | None:
        """Only the service's own word says that there is no such event."""
        path = f"{PATH}{quote(event_id, safe='')}.json?locale={LOCALE}"
        now = self.calls.clock.now()

        def read(answer: Answer) -> Listing | None:
            word = _word(answer.document)
            if word == self.key:
                word = None
            if answer.done and isinstance(answer.document, dict):
                payload = json.dumps(answer.document).encode()
                return listing(payload, now, event_id)
            if answer.status == 404 and word == NOT_FOUND:  # noqa: PLR2004  # not there
                return None
            if word == SPIKE:
                raise Transient("the source of events is hurried", retry_at=now + SPIKE_PAUSE)
            raise _harmless(answer.error(word))

        try:
            return self.calls.get(f"{path}&apikey={quote(self.key, safe='')}", read)
        except Unknown as silence:
            raise _harmless(silence) from None


def _harmless(error: DemandError) -> DemandError:
    """Who only looks has changed nothing, whatever became of the call."""
    if isinstance(error, Unknown):
        return Transient(str(error), retry_at=error.retry_at)
    return error


def _word(document: Any) -> str | None:  # whatever JSON it was
    """The word for what went wrong, in the gateway's envelope or in the service's."""
    match document:
        case {"fault": {"detail": {"errorcode": str(word)}}} if _WORD.fullmatch(word):
            return word
        case {"errors": [{"code": str(word)}, *_]} if _WORD.fullmatch(word):
            return word
    return None
