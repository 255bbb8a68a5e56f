"""One message to one fan on one channel, and its whole history."""

import re
from collections.abc import Mapping
from datetime import datetime
from enum import Enum
from typing import Final

from attrs import evolve, field, frozen

from demand_core.domain.contacts import Email, Phone
from demand_core.domain.ids import (
    DemandSaleId,
    EventId,
    FanId,
    NotificationId,
    SaleId,
    digest,
)
from demand_core.domain.masked import Masked
from demand_core.domain.statuses import SETTLED, Signal, Status, reached
from demand_core.errors import Permanent


class NotificationKind(Enum):
    """What the message is: a reminder that was asked for, a presale notice or one of a wave."""

    REMINDER = "REMINDER"
    NOTICE = "NOTICE"
    WAVE = "WAVE"


class Channel(Enum):
    """How a message reaches its fan."""

    SMS = "sms"
    EMAIL = "email"


class ErrorKind(Enum):
    """What an error says of the message: refused for good, not this time, perhaps, reported."""

    PERMANENT = "permanent"
    KNOWN = "known"
    UNKNOWN = "unknown"
    REPORT = "report"


_PERSONAL: Final = re.compile(r"\S+@\S+|\+?\d(?:[ ().-]{0,2}\d){4,}")
_DETAIL_MAX: Final = 200


def _masked(detail: str) -> str:
    return _PERSONAL.sub("…", detail)[:_DETAIL_MAX]


@frozen(kw_only=True)
class DeliveryError:
    """One thing that went wrong, kept for good; *detail* hides what looks like a contact."""

    at: datetime
    attempt: int
    kind: ErrorKind
    code: str
    detail: str = field(default="", converter=_masked)


@frozen(kw_only=True)
class Claim:
    """Who took the message last, until when, and how many took it in all."""

    by: str
    until: datetime
    number: int


@frozen(kw_only=True)
class Timeline:
    """The earliest time of each status, by one clock."""

    created: datetime | None = None
    triggered: datetime | None = None
    queued: datetime | None = None
    sent: datetime | None = None
    delivered: datetime | None = None
    failed: datetime | None = None


class MessageBody(Masked):
    """What a fan is told, or one part of it."""

    __slots__ = ()

    @staticmethod
    def _check(text: str) -> None:
        if not text:
            raise Permanent("empty_message")

    def _mask(self) -> str:
        return f"…{len(self._text)}"


@frozen(kw_only=True, cache_hash=True)
class NotificationRef:
    """Which message: there is one of its kind to this fan on this subject and channel."""

    # An enum is hashed slowly, and the other two fields are different enough.
    kind: NotificationKind = field(hash=False)
    fan_id: FanId
    # Of a reminder its sale.
    subject: str
    channel: Channel = field(hash=False)


@frozen
class DuePage:
    """Messages that somebody may have to look at; whoever does reads what they are by then."""

    refs: tuple[NotificationRef, ...]


@frozen
class NotificationPage:
    """Some of a list of messages; only `after is None` ends it."""

    refs: tuple[NotificationRef, ...]
    after: str | None = None


@frozen(kw_only=True)
class Notification:
    """One message, of which neither contact nor text shows when it is printed."""

    notification_id: NotificationId
    kind: NotificationKind
    channel: Channel
    fan_id: FanId
    event_id: EventId | None = None
    sale_id: SaleId | None = None
    # What the fan asked for, this sale or every sale of its event, and when.
    demand_sale_id: DemandSaleId | None = None
    asked_at: datetime | None = None
    phone_number: Phone | None = None
    email: Email | None = None
    locale: str = "en-us"
    template: str | None = None
    message_body: MessageBody | None = None
    variables: Mapping[str, MessageBody] | None = None
    encoding: str | None = None
    segments: int = 1
    # What the text gave up to fit, and whether its link is the short one.
    shortened: tuple[str, ...] = ()
    link_kind: str | None = None
    status: Status = Status.CREATED
    reason: str | None = None
    send_attempts: int = 0
    replays: int = 0
    errors: tuple[DeliveryError, ...] = ()
    provider: str | None = None
    provider_message_id: str | None = None
    not_before: datetime
    not_after: datetime
    rendered_for: datetime | None = None
    # When to look again, if that is not `not_before`; only while it waits.
    wait_until: datetime | None = None
    claim: Claim | None = None
    outcome_unknown_since: datetime | None = None
    first_handover_at: datetime | None = None
    # How old what was known of the event is, by which it was last checked and taken.
    known_at: datetime | None = None
    request_digest: str | None = None
    # By the clock of whoever did it, and by ours when we learned of it.
    date: Timeline = Timeline()
    seen: Timeline = Timeline()

    @property
    def ref(self) -> NotificationRef:
        """Which message it is."""
        return NotificationRef(
            kind=self.kind, fan_id=self.fan_id, subject=self.sale_id or "", channel=self.channel
        )

    @property
    def in_doubt(self) -> bool:
        """Whether the fan may have it without our knowing."""
        return self.outcome_unknown_since is not None

    @property
    def settled(self) -> bool:
        """Whether no worker of ours will hand it over again."""
        return self.status in SETTLED

    @property
    def failures(self) -> int:
        """How many hand-overs are known to have failed."""
        return self.send_attempts - (self.date.triggered is not None)


def send_key(
    kind: NotificationKind, fan_id: FanId, subject: str, channel: Channel
) -> NotificationId:
    """Name the only message of its *kind* to this fan about *subject* on this channel.

    The subject of a reminder is its sale. It holds no contact: a new number is no new message.
    """
    parts = (kind.value, fan_id, subject, channel.value)
    return NotificationId(digest("demand.send/1", *parts))


def due_at(row: Notification) -> datetime | None:
    """When somebody must look at *row* again; never for a settled one, always for another."""
    if row.settled:
        return None
    if row.status is Status.CLAIMED and row.claim:
        return row.claim.until
    return row.wait_until or row.not_before


def moved(
    row: Notification,
    signal: Signal,
    to: Status,
    reason: str | None = None,
    wait_until: datetime | None = None,
) -> Notification:
    """*row* in the state that it reaches, or as it was if it reaches none."""
    status = reached(signal, row.status, to, in_doubt=row.in_doubt)
    if status is None:
        return row
    return evolve(row, status=status, reason=reason, wait_until=wait_until)


def with_error(row: Notification, error: DeliveryError) -> Notification:
    """*row* with one error more, in an order that does not tell which was learned first."""
    errors = sorted({*row.errors, error}, key=_by_time)
    return evolve(row, errors=tuple(errors))


def _by_time(error: DeliveryError) -> tuple[datetime, int, str, str, str]:
    return error.at, error.attempt, error.kind.value, error.code, error.detail


def at_first(timeline: Timeline, status: Status, at: datetime) -> Timeline:
    """*timeline* with *at* for *status*, unless an earlier time is there."""
    name = status.value.lower()
    known: datetime | None = getattr(timeline, name)
    return evolve(timeline, **{name: min(known or at, at)})
