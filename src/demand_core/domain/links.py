"""The short link of an event: whose it is, when it counts, and when to stop asking for one."""

from datetime import datetime
from enum import Enum
from typing import Final

from attrs import evolve, frozen

from demand_core.domain.alerts import Alert
from demand_core.domain.events import Event
from demand_core.domain.ids import EventId, digest

# What the gate before the shortener is called.
SHORTENER: Final = "shortener"


class LinkState(Enum):
    """What an event's present url has of a short link."""

    WANTED = "none yet, and calls are left"
    LINKED = "has one"
    FAILED = "given up: the fall-back applies"


@frozen
class LinkRequest:
    """Somebody wants a short link for this event."""

    event_id: EventId


@frozen(kw_only=True)
class LinkPolicy:
    """How often the shortener is called for one url before it is given up."""

    calls_max: int = 3


def link_state(event: Event) -> LinkState:
    """A link counts only while the event still has the url that it was made for."""
    if event.short_url and event.short_url_for == event.url:
        return LinkState.LINKED
    return LinkState.FAILED if event.link_failed_at else LinkState.WANTED


def linked(event: Event, url: str, short_url: str) -> Event:
    """*event* with the link for *url*; the first stays, and one for another url is none."""
    if event.url != url or link_state(event) is LinkState.LINKED:
        return event
    return evolve(event, short_url=short_url, short_url_for=url, link_failed_at=None)


def after_failed_call(event: Event, url: str, at: datetime, calls_max: int) -> Event:
    """*event* with one more failed call for *url* on its account, given up at *calls_max*."""
    if event.url != url or link_state(event) is not LinkState.WANTED:
        return event
    attempts = event.link_attempts + 1
    return evolve(
        event, link_attempts=attempts, link_failed_at=at if attempts >= calls_max else None
    )


def given_up(event: Event) -> Alert:
    """What people are told, under one key for each url however often it is said."""
    return Alert(
        key=f"link-failed:{event.event_id}:{digest('demand.alert/1', event.url)[:8]}",
        summary=f"no short link for event {event.event_id} after {event.link_attempts} calls; "
        "messages fall back to the long link or to e-mail",
    )
