"""The check before a hand-over: everything that may have changed since a message was made."""

from datetime import datetime, timedelta
from functools import lru_cache
from typing import Final, TypeAlias

from attrs import frozen

from demand_core.domain.delivery import (
    Errand,
    Terms,
    barred,
    claimed,
    given_up,
    held,
    lapsed,
    looked_at,
    sale_moved,
    silenced,
)
from demand_core.domain.events import Event
from demand_core.domain.ids import NotificationId
from demand_core.domain.notifications import Channel, Notification, due_at
from demand_core.domain.orders import request_digest
from demand_core.domain.planning import NotYet, ReminderPolicy, replanned, worded
from demand_core.domain.sales import Sale
from demand_core.domain.suppression import silences
from demand_core.domain.wording import Unsaid

# When a sale without a start is looked at again: any refresh may bring one.
UNANNOUNCED: Final = timedelta(minutes=15)


@frozen(kw_only=True)
class Standing:
    """What was known of a message's fan, event and sale at one moment."""

    at: datetime
    event: Event | None
    sale: Sale | None
    # Whether the wish it answers still stands.
    asked: bool
    opted_out: bool
    # Whether the fan, or whoever has the contact, is to be forgotten with all of that time.
    erased: bool = False
    # Whose the contact is for this sale and channel, once that was asked.
    owner: NotificationId | None = None


@frozen
class Clear:
    """Nothing stands against handing it over."""

    row: Notification


@frozen
class Stopped:
    """It must not be handed over now; *row* says why, or when to look again."""

    row: Notification


Checked: TypeAlias = Clear | Stopped


def checked(
    row: Notification, standing: Standing, terms: Terms, policy: ReminderPolicy
) -> Checked:
    """What the check makes of *row*, the fan's side before the event's."""
    if reason := _fan_says_no(row, standing):
        return Stopped(barred(row, reason))
    event, sale = standing.event, standing.sale
    if event is None or sale is None:
        return Stopped(silenced(row, "sale_unknown"))
    if reason := _event_says_no(event, sale, policy):
        return Stopped(silenced(row, reason))
    match _for_its_start(row, event, sale, standing.at, policy):
        case Clear(row=row) if not _has_words(row):
            return _given_words(row, event, sale, standing.at, terms, policy)
        case found:
            return found


def _fan_says_no(row: Notification, standing: Standing) -> str | None:
    if standing.erased:
        return "erased"
    if standing.opted_out:
        return "opted_out"
    if not standing.asked:
        return "withdrawn"
    return "duplicate_contact" if standing.owner not in {None, row.notification_id} else None


# All fans of a sale hear the same, or nothing.
@lru_cache(maxsize=256)
def _event_says_no(event: Event, sale: Sale, policy: ReminderPolicy) -> str:
    if sale.withdrawn_at:
        return "sale_withdrawn"
    return ",".join(s.reason.value for s in silences(event, sale, policy.suppression))


def _for_its_start(
    row: Notification, event: Event, sale: Sale, at: datetime, policy: ReminderPolicy
) -> Checked:
    """A sale that moved takes its messages along, if they were not handed over before."""
    if sale.start_at is None:
        return Stopped(sale_moved(row, at + UNANNOUNCED))
    if sale.start_at == row.rendered_for:
        return Clear(row)
    row = replanned(row, event, sale, at, policy)
    due = due_at(row)
    return Stopped(row) if due is None or due > at else Clear(row)


def _has_words(row: Notification) -> bool:
    words = row.message_body if row.channel is Channel.SMS else row.variables
    return words is not None


def _given_words(
    row: Notification,
    event: Event,
    sale: Sale,
    at: datetime,
    terms: Terms,
    policy: ReminderPolicy,
) -> Checked:
    match worded(row, event, sale, at, policy):
        case NotYet(look_again=look_again):
            return Stopped(held(row, look_again, terms))
        case Unsaid(reason=reason):
            return Stopped(barred(row, reason.value))
        case Notification() as written:
            return Clear(written)


def decided(
    row: Notification,
    standing: Standing,
    by: str,
    now: datetime,
    terms: Terms,
    policy: ReminderPolicy,
) -> Notification:
    """*row* as whoever looks at it stores it: settled, put off, or in the hands of *by*.

    A row that wants a look-up first is left as it is.
    """
    errand, seen = looked_at(row, now, terms)
    match errand:
        case Errand.NOTHING | Errand.LAST_LOOK_UP:
            return row
        case Errand.GIVE_UP:
            return given_up(seen)
        case Errand.LAPSE:
            return lapsed(seen)
        case Errand.CLAIM:
            pass
    match checked(seen, standing, terms, policy):
        case Stopped(row=stopped):
            return stopped
        case Clear(row=clear) if now < terms.horizon(clear):
            known_at = standing.event.cached_at if standing.event else None
            return claimed(
                clear,
                by,
                now,
                terms,
                request_digest=request_digest(clear),
                known_at=known_at,
            )
        case Clear(row=clear):
            return lapsed(clear)


def foreseen(
    row: Notification, standing: Standing, now: datetime, terms: Terms, policy: ReminderPolicy
) -> str:
    """What whoever comes to *row* now would do with it, in words."""
    errand, seen = looked_at(row, now, terms)
    if errand is not Errand.CLAIM:
        return str(errand.value)
    match checked(seen, standing, terms, policy):
        case Stopped(row=stopped) if stopped.settled:
            return f"{stopped.status.value}: {stopped.reason}"
        case Stopped(row=stopped):
            return f"put off until {due_at(stopped):%Y-%m-%dT%H:%M:%S}Z"
        case Clear():
            return "nothing stands against handing it over"
