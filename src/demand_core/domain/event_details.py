"""What an app is told of an event: the show, its sales, and whether anybody is told of them."""

from datetime import datetime, timedelta
from enum import Enum

from attrs import field, frozen

from demand_core.domain.artists import Artist
from demand_core.domain.events import Event, EventDate
from demand_core.domain.ids import EventId, SaleId
from demand_core.domain.links import LinkState, link_state
from demand_core.domain.sale_kinds import SaleKind
from demand_core.domain.sales import Sale
from demand_core.domain.suppression import SuppressionPolicy, event_silences, silences
from demand_core.domain.venues import Venue

DEFAULT_MARKET = "TM_US"


@frozen(kw_only=True)
class EventQuery:
    """Which event somebody wants to see, and in which shop: *market_id* is a storefront.

    The id is text as it came: one that no event can have is answered, not refused.
    """

    event_id: str
    market_id: str = DEFAULT_MARKET
    locale: str | None = None


class EventProblem(Enum):
    """Why there is nothing to see."""

    INVALID_ID = "INVALID_ID"
    NOT_FOUND = "NOT_FOUND"
    UNAVAILABLE = "UNAVAILABLE"


@frozen(kw_only=True)
class SaleDetails:
    """One sale; a wish for it carries this id."""

    sale_id: SaleId
    name: str
    kind: SaleKind
    start_at: datetime | None = None
    end_at: datetime | None = None
    is_suppressed: bool
    suppression: tuple[str, ...] = ()


@frozen(kw_only=True)
class EventDetails:
    """One event as we know it; *stale*: its source could not be asked how it is by now."""

    event_id: EventId
    name: str
    url: str
    short_url: str | None = None
    market_id: str
    status: str
    event_date: EventDate = field(factory=EventDate)
    time_zone: str | None = None
    venue: Venue = field(factory=Venue)
    artists: tuple[Artist, ...] = ()
    image_url: str | None = None
    sales: tuple[SaleDetails, ...] = ()
    is_suppressed: bool
    suppression: tuple[str, ...] = ()
    cached_at: datetime
    stale: bool


@frozen(kw_only=True)
class EventAnswer:
    """Either of the two."""

    event: EventDetails | None = None
    problem: EventProblem | None = None


@frozen(kw_only=True)
class LookUpPolicy:
    """For how long what we know of an event is shown without asking, and at the very most."""

    good_for: timedelta = timedelta(minutes=15)
    at_most: timedelta = timedelta(hours=24)


def details(
    event: Event,
    sales: tuple[Sale, ...],
    query: EventQuery,
    policy: SuppressionPolicy,
    *,
    stale: bool,
) -> EventDetails:
    """What is shown of *event*; sales that are no longer listed are not."""
    reasons = tuple(silence.reason.value for silence in event_silences(event, policy))
    return EventDetails(
        event_id=event.event_id,
        name=event.name,
        url=event.url,
        short_url=event.short_url if link_state(event) is LinkState.LINKED else None,
        market_id=query.market_id,
        status=event.status,
        event_date=event.event_date,
        time_zone=event.time_zone,
        venue=event.venue,
        artists=event.artists,
        image_url=event.image_url,
        sales=tuple(_sale(event, sale, policy) for sale in sales if sale.withdrawn_at is None),
        is_suppressed=bool(reasons),
        suppression=reasons,
        cached_at=event.cached_at,
        stale=stale,
    )


def _sale(event: Event, sale: Sale, policy: SuppressionPolicy) -> SaleDetails:
    reasons = tuple(silence.reason.value for silence in silences(event, sale, policy))
    return SaleDetails(
        sale_id=sale.sale_id,
        name=sale.name,
        kind=sale.kind,
        start_at=sale.start_at,
        end_at=sale.end_at,
        is_suppressed=bool(reasons),
        suppression=reasons,
    )
