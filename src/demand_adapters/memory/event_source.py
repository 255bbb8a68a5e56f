"""A source of events that holds its answers as the real one words them."""

from datetime import datetime
from typing import NamedTuple

from demand_adapters.wire.discovery import listing
from demand_core.domain.ids import EventId
from demand_core.domain.listings import Listing
from demand_core.errors import Transient
from demand_core.ports.clock import Clock


class EventLookUp(NamedTuple):
    """One call as the source saw it."""

    at: datetime
    event_id: EventId
    found: bool


class MemoryEventSource:
    """`calls` is what was asked; while it is down nobody is answered."""

    def __init__(self, clock: Clock) -> None:
        """Begin without events."""
        self._clock = clock
        self._documents: dict[EventId, bytes] = {}
        self._down_until: datetime | None = None
        self.calls: list[EventLookUp] = []

    def put(self, event_id: EventId, document: bytes) -> None:
        """Answer so from now on."""
        self._documents[event_id] = document

    def remove(self, event_id: EventId) -> None:
        """Know it no longer."""
        self._documents.pop(event_id, None)

    def goes_down(self, until: datetime) -> None:
        """Answer nobody until then."""
        self._down_until = until

    def look_up(self, event_id: EventId, /) -> Listing | None:
        """Read the answer as everybody else's."""
        now, document = self._clock.now(), self._documents.get(event_id)
        self.calls.append(EventLookUp(now, event_id, document is not None))
        if self._down_until is not None and now < self._down_until:
            raise Transient("the source of events is down")
        return None if document is None else listing(document, now, event_id)
