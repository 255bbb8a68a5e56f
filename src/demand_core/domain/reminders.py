"""What a reminder has to say of one sale of one event, before it is put into words."""

from datetime import timedelta

from demand_core.domain.events import Event
from demand_core.domain.links import LinkState, link_state
from demand_core.domain.sales import Sale
from demand_core.domain.wording import Reminder


def reminder_of(
    event: Event, sale: Sale, *, lead: timedelta, locale: str | None = None
) -> Reminder | None:
    """The matter of a reminder of *sale*; None while nobody has announced its start.

    Where no artist is named, the event's name says who plays. The link is the short one while
    it stands for the event's url, else that url. The locale is the event's, unless another is
    given.
    """
    if sale.start_at is None:
        return None
    linked = event.short_url if link_state(event) is LinkState.LINKED else None
    headliner = event.artists[0].name if event.artists else None
    return Reminder(
        locale=locale or event.locale,
        brand=event.brand,
        artist=headliner or event.name,
        starts_at=sale.start_at,
        lead=lead,
        link=linked or event.url,
        time_zone=event.time_zone,
        venue=event.venue.name,
        city=event.venue.city,
        presale=None if sale.is_public else sale.name,
    )
