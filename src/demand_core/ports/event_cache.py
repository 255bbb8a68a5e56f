"""What we last learned of each event."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from demand_core.domain.events import Event
from demand_core.domain.ids import EventId


class EventCache(Protocol):
    """Events by id. Batches of any size; repeats are allowed.

    Reading, merging and writing on condition stay in here: two callers who change different
    parts of one event both succeed. Raises Transient, or Unknown after a write without answer.
    """

    def get_many(self, event_ids: Sequence[EventId], /) -> Mapping[EventId, Event]:
        """The events that are known, in the order asked for; unknown ids are left out."""
        ...

    def refresh(self, events: Sequence[Event], /) -> Sequence[EventId]:
        """Bring the cache up to *events*; answer the ids that were not stored, to try again.

        Links are kept, and so is everything that another version of us wrote there.
        """
        ...

    def link(self, event_id: EventId, url: str, short_url: str, /) -> Event | None:
        """Store the link made for *url*; answer the event as it stands, None if it is gone.

        A link that is there already stays, and nothing happens if the event has another url.
        """
        ...

    def link_failed(
        self, event_id: EventId, url: str, at: datetime, calls_max: int, /
    ) -> Event | None:
        """Count a failed call for *url*, giving up at *calls_max*; answer as `link` does."""
        ...

    def wanted(self, event_id: EventId, /) -> Event | None:
        """Keep the event fresh from now on: somebody asked to be told of it.

        Answers it as it stands, None for one that is not known.
        """
        ...

    def stale(
        self, shard: str, now: datetime, after: str | None, limit: int, /
    ) -> tuple[Sequence[EventId], str | None]:
        """Wanted events of one shard that should be looked up again by *now*, and a cursor.

        Eventually: one may be missing, twice, or be fresh again. Only an absent cursor ends it.
        """
        ...

    def shards(self) -> Sequence[str]:
        """The shards that `stale` has, which never change."""
        ...
