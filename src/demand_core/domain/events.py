"""An event: a show with tickets, as we last understood it."""

from datetime import datetime

from attrs import Factory, evolve, field, frozen

from demand_core.domain.artists import Artist
from demand_core.domain.ids import EventId
from demand_core.domain.segments import Segment
from demand_core.domain.venues import Venue


@frozen(kw_only=True)
class EventDates:
    """When we first saw an event, and when what it says last became something else."""

    first_seen: datetime | None = None
    updated: datetime | None = None


@frozen(kw_only=True)
class EventStart:
    """When a show begins: as an instant, and by the clock and calendar of its place."""

    date_time: datetime | None = None
    local_date: str | None = None
    local_time: str | None = None
    date_tba: bool = False
    time_tba: bool = False


@frozen(kw_only=True)
class EventDate:
    """When a show takes place."""

    start: EventStart = field(factory=EventStart)


def _or_none(text: str | None) -> str | None:
    """Empty text says nothing."""
    return text or None


def _since_now(event: "Event") -> EventDates:
    """What holds unless an earlier look-up is known."""
    return EventDates(first_seen=event.cached_at, updated=event.cached_at)


@frozen(kw_only=True, cache_hash=True)
class Event:
    """One show. All but the link and the dates belongs to whoever looked it up last."""

    event_id: EventId
    name: str
    url: str
    brand: str
    country: str
    storefront: str
    locale: str
    status: str
    cached_at: datetime
    time_zone: str | None = field(default=None, converter=_or_none)
    event_date: EventDate = field(factory=EventDate)
    venue: Venue = field(factory=Venue)
    artists: tuple[Artist, ...] = ()
    segment: Segment = field(factory=Segment)
    image_url: str | None = field(default=None, converter=_or_none)
    is_test: bool = False
    # Why nobody was told of it as it was looked up, to be shown: whoever acts asks again.
    suppression: tuple[str, ...] = ()
    # Somebody asked to be told of it: from then on it is looked up again and again.
    has_demand: bool = False
    refresh_at: datetime | None = None
    short_url: str | None = None
    short_url_for: str | None = None
    link_attempts: int = 0
    link_failed_at: datetime | None = None
    dates: EventDates = field(default=Factory(_since_now, takes_self=True))


@frozen
class EventCached:
    """An event was cached, for the first time or anew; what it says now is in the cache."""

    event_id: EventId


def recached(known: Event, fresh: Event) -> Event:
    """*known* brought up to *fresh*, keeping what was never the look-up's to say.

    The link stays, for the url may change and change back; the calls counted against one url
    say nothing of another.
    """
    same_url = known.url == fresh.url
    merged = evolve(
        fresh,
        short_url=known.short_url,
        short_url_for=known.short_url_for,
        link_attempts=known.link_attempts if same_url else 0,
        link_failed_at=known.link_failed_at if same_url else None,
        has_demand=known.has_demand,
        dates=known.dates,
    )
    as_before = evolve(merged, cached_at=known.cached_at, refresh_at=known.refresh_at)
    if as_before == known:
        return merged
    return evolve(merged, dates=evolve(known.dates, updated=fresh.cached_at))


def wanted(known: Event) -> Event:
    """*known* when somebody asked to be told of it: looked up again as soon as may be."""
    if known.has_demand:
        return known
    return evolve(known, has_demand=True, refresh_at=known.refresh_at or known.cached_at)
