"""Where events come from."""

from typing import Protocol

from demand_core.domain.ids import EventId
from demand_core.domain.listings import Listing


class EventSource(Protocol):
    """One event at a time, as its source has it now; always asked for in `en-us`."""

    def look_up(self, event_id: EventId, /) -> Listing | None:
        """The event with its sales; None if there is none of that id.

        Raises Transient, with `retry_at` where all of us are asked to stay away, and Permanent
        for an answer that is no event, or another one than was asked for.
        """
        ...
