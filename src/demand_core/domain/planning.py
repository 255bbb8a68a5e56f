"""The messages that a wish leads to: which there are, when they go, and what they say."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Final, TypeAlias

from attrs import evolve, field, frozen

from demand_core.domain.delivery import sale_moved
from demand_core.domain.demands import Demand
from demand_core.domain.events import Event
from demand_core.domain.links import LinkState, link_state
from demand_core.domain.notifications import (
    Channel,
    MessageBody,
    Notification,
    NotificationKind,
    Timeline,
    send_key,
)
from demand_core.domain.reminder_emails import ReminderEmail, reminder_email
from demand_core.domain.reminders import reminder_of
from demand_core.domain.sales import Sale
from demand_core.domain.statuses import OPEN, Status
from demand_core.domain.suppression import SuppressionPolicy
from demand_core.domain.windows import WindowPolicy, sending
from demand_core.domain.wording import Reminder, Sms, Unsaid, reminder_sms
from demand_core.errors import Permanent

SMS_TEMPLATE: Final = "reminder-sms/1"
# How often a text that waits for its link is looked at.
LINK_PATIENCE: Final = timedelta(minutes=1)


@frozen(kw_only=True, cache_hash=True)
class ReminderPolicy:
    """When reminders go out, about what, and how long a text may be."""

    windows: WindowPolicy = field(factory=WindowPolicy)
    suppression: SuppressionPolicy = field(factory=SuppressionPolicy)
    segments_max: int = 1
    # Whether a fan's choice of language counts more than the one of the event.
    own_locale: bool = False
    # How old an event may be when reminders are made from it.
    fresh_for: timedelta = timedelta(minutes=15)

    def link_by(self, start: datetime) -> datetime:
        """Until when a text waits for its short link."""
        return start - 2 * self.windows.lead / 3


@frozen
class NotYet:
    """The text waits for its link; it is worth looking again then."""

    look_again: datetime


Worded: TypeAlias = Notification | NotYet | Unsaid


def planned(
    demand: Demand, event: Event, sale: Sale, now: datetime, policy: ReminderPolicy
) -> Iterator[Notification]:
    """One message for each channel that the fan asked for; none while no start is announced.

    A text whose link is not there yet goes without its words: its sender finds them.
    """
    if sale.start_at is None:
        return
    span = sending(sale.start_at, policy.windows)
    own = demand.locale if policy.own_locale else None
    for channel in demand.channels:
        row = Notification(
            notification_id=send_key(
                NotificationKind.REMINDER, demand.fan_id, sale.sale_id, channel
            ),
            kind=NotificationKind.REMINDER,
            channel=channel,
            fan_id=demand.fan_id,
            event_id=event.event_id,
            sale_id=sale.sale_id,
            demand_sale_id=demand.sale_id,
            asked_at=demand.date.requested,
            phone_number=demand.phone_number if channel is Channel.SMS else None,
            email=demand.email if channel is Channel.EMAIL else None,
            locale=own or event.locale,
            not_before=span.begin,
            not_after=span.end,
            rendered_for=sale.start_at,
            date=Timeline(created=now),
            seen=Timeline(created=now),
        )
        written = worded(row, event, sale, now, policy)
        yield written if isinstance(written, Notification) else row


def replanned(
    row: Notification, event: Event, sale: Sale, now: datetime, policy: ReminderPolicy
) -> Notification:
    """*row* for the start that its sale has now, if it was made for another.

    What was handed over says what it says.
    """
    if sale.start_at in {None, row.rendered_for} or row.status not in OPEN:
        return row
    span = sending(sale.start_at, policy.windows)
    moved = sale_moved(row, span.begin)
    if moved is row or moved.settled:
        return moved
    moved = evolve(
        moved,
        not_before=span.begin,
        not_after=span.end,
        rendered_for=sale.start_at,
        wait_until=None,
    )
    written = worded(moved, event, sale, now, policy)
    return written if isinstance(written, Notification) else moved


def brought_up(
    row: Notification, event: Event, sale: Sale, now: datetime, policy: ReminderPolicy
) -> Notification:
    """*row* replanned, unless somebody holds it: then it is his to see that its sale moved."""
    held = row.status is Status.CLAIMED
    return row if held else replanned(row, event, sale, now, policy)


def worded(
    row: Notification, event: Event, sale: Sale, now: datetime, policy: ReminderPolicy
) -> Worded:
    """*row* with what it says, or why it says nothing."""
    if row.channel is Channel.EMAIL:
        return _emailed(row, event, sale, policy)
    start = row.rendered_for or row.not_after
    if link_state(event) is LinkState.WANTED and now < policy.link_by(start):
        return NotYet(min(policy.link_by(start), now + LINK_PATIENCE))
    sms = _sms(event, sale, row.locale, policy)
    if isinstance(sms, Unsaid):
        return sms
    return evolve(
        row,
        template=SMS_TEMPLATE,
        message_body=MessageBody(sms.text),
        encoding=sms.size.encoding.value,
        segments=sms.size.segments,
        shortened=tuple(step.value for step in sms.shortened),
        link_kind="short" if link_state(event) is LinkState.LINKED else "long",
    )


def _emailed(row: Notification, event: Event, sale: Sale, policy: ReminderPolicy) -> Worded:
    """An e-mail never waits for its link: a long one costs it nothing."""
    email = _email(event, sale, row.locale, policy)
    if isinstance(email, Unsaid):
        return email
    filled = email.variables.filled().items()
    variables = {name: MessageBody(text) for name, text in filled}
    return evolve(row, template=email.template, variables=variables)


# All fans of a sale are told the same.
@lru_cache(maxsize=64)
def _sms(event: Event, sale: Sale, locale: str, policy: ReminderPolicy) -> Sms | Unsaid:
    return reminder_sms(_said(event, sale, locale, policy), budget=policy.segments_max)


@lru_cache(maxsize=64)
def _email(
    event: Event, sale: Sale, locale: str, policy: ReminderPolicy
) -> ReminderEmail | Unsaid:
    return reminder_email(_said(event, sale, locale, policy), event.image_url)


def _said(event: Event, sale: Sale, locale: str, policy: ReminderPolicy) -> Reminder:
    reminder = reminder_of(event, sale, lead=policy.windows.lead, locale=locale)
    if reminder is None:
        raise Permanent("start_unknown", sale.sale_id)
    return reminder
