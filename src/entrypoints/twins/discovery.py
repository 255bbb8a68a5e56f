"""The source of events' twin: Discovery, version 2, that knows a show for every id."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Final
from urllib.parse import parse_qs, unquote

from demand_adapters.http.event_source import LOCALE, NOT_FOUND, PATH, SPIKE
from demand_adapters.memory.call_limit import CallLimit
from demand_core.domain.ids import ALPHABETS, EventId
from demand_core.ports.clock import Clock
from entrypoints.simulation.discovery_documents import Described, described
from entrypoints.twins.serving import Asked, Said, document

SUFFIX: Final = ".json"
# Ids that begin so are nobody's.
NOBODY: Final = "none"
HOUR: Final = timedelta(hours=1)
_GATEWAY: Final = {401: "oauth.v2.InvalidApiKey", 429: SPIKE, 503: "messaging.adaptors.http"}


class DiscoveryTwin:
    """Every event that is asked for is one, whose public sale opens so long after that."""

    def __init__(
        self, clock: Clock, calls_per_s: int | None = None, *, opens_in: timedelta = HOUR
    ) -> None:
        """Know nothing yet."""
        self._clock = clock
        self._opens_in = opens_in
        self._limit = CallLimit(calls_per_s)
        self._opens: dict[EventId, datetime] = {}

    def answer(self, asked: Asked, /) -> Said:
        """Tell the show, or say in the service's words why not."""
        path, _, query = asked.path.partition("?")
        event_id = unquote(path.removeprefix(PATH).removesuffix(SUFFIX))
        if self._limit.shut_until(self._clock.now()):
            return self.complaint(429)
        told = parse_qs(query)
        if not told.get("apikey"):
            return self.complaint(401)
        is_event = path.startswith(PATH) and path.endswith(SUFFIX)
        known = ALPHABETS["eventId"].fullmatch(event_id) and not event_id.startswith(NOBODY)
        if asked.method != "GET" or not is_event or not known or told.get("locale") != [LOCALE]:
            error = {"code": NOT_FOUND, "detail": "Resource not found", "status": "404"}
            return document(404, {"errors": [error]})
        return document(200, self._show(EventId(event_id)))

    def complaint(self, status: int, /) -> Said:
        """In the gateway's envelope, which stands before the service."""
        code = {"errorcode": _GATEWAY[status]}
        return document(status, {"fault": {"faultstring": "refused", "detail": code}})

    def settings(self, url: str, /) -> Mapping[str, str]:
        """Where it is."""
        return {"event_source_url": url}

    def _show(self, event_id: EventId) -> Mapping[str, object]:
        now = self._clock.now().astimezone(UTC).replace(second=0, microsecond=0)
        opens = self._opens.setdefault(event_id, now + self._opens_in)
        return described(
            Described(
                event_id=event_id,
                artist="Lanterns at Low Tide",
                artist_id="K8vZ917Lantern",
                public=opens,
            )
        )
