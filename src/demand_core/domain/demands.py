"""A demand: one fan's wish to be told of one sale, or of every sale of an event."""

from datetime import datetime

from attrs import Attribute, evolve, field, frozen

from demand_core.domain.answers import UNREACHABLE
from demand_core.domain.contacts import Email, Phone
from demand_core.domain.ids import DemandSaleId, EventId, FanId
from demand_core.domain.notifications import Channel, Notification
from demand_core.domain.statuses import Status
from demand_core.errors import Permanent


@frozen(kw_only=True)
class DemandRef:
    """Which wish: a fan has one for each sale."""

    fan_id: FanId
    event_id: EventId
    sale_id: DemandSaleId


@frozen
class DemandPage:
    """Some of a list of wishes; only `after is None` ends it."""

    refs: tuple[DemandRef, ...]
    after: str | None = None


@frozen(kw_only=True)
class DemandDates:
    """When a fan asked, last changed the wish, was first sent something, and was reached."""

    requested: datetime
    updated: datetime | None = None
    triggered: datetime | None = None
    notified: datetime | None = None


@frozen(kw_only=True)
class Demand:
    """What one fan asked for, and where to reach him; a channel comes with its contact."""

    fan_id: FanId
    event_id: EventId
    sale_id: DemandSaleId = field()
    channels: tuple[Channel, ...] = field()
    phone_number: Phone | None = None
    email: Email | None = None
    locale: str | None = None
    time_zone: str | None = None
    consent_at: datetime | None = None
    consent_source: str | None = None
    # Where the contact was found to be none; another contact is another matter.
    unreachable: tuple[Channel, ...] = ()
    date: DemandDates

    @sale_id.validator
    def _of_its_event(self, _: "Attribute[str]", sale_id: str) -> None:
        if sale_id.partition(".")[0] != self.event_id:
            raise Permanent("bad_id", "saleId: of another event")

    def __attrs_post_init__(self) -> None:
        """Raise Permanent for a wish that names no channel, or one without a contact."""
        if not self.channels:
            raise Permanent("no_channel", "sms, email or both")
        if Channel.SMS in self.channels and self.phone_number is None:
            raise Permanent("no_contact", "sms needs a phone number")
        if Channel.EMAIL in self.channels and self.email is None:
            raise Permanent("no_contact", "email needs an address")

    @property
    def ref(self) -> DemandRef:
        """Which wish it is."""
        return DemandRef(fan_id=self.fan_id, event_id=self.event_id, sale_id=self.sale_id)


def any_sale(event_id: EventId) -> DemandSaleId:
    """What stands for every sale of an event in a wish."""
    return DemandSaleId(f"{event_id}.any")


def asked_again(known: Demand | None, asked: Demand) -> Demand:
    """The wish as it stands after *asked*: new preferences, old marks.

    Who asks for the same again changes nothing, so that no reminder is generated twice for it.
    """
    if known is None:
        return asked
    marked = evolve(asked, date=known.date, unreachable=_still_unreachable(known, asked))
    if evolve(marked, consent_at=known.consent_at) == known:
        return known
    return evolve(marked, date=evolve(known.date, updated=asked.date.requested))


def answered(demand: Demand, row: Notification) -> Demand:
    """*demand* with what *row* tells: first handed over, first arrived, not to be reached.

    Where nobody reports an arrival, what was sent counts as arrived.
    """
    arrived = row.date.delivered
    if row.channel is Channel.EMAIL:
        arrived = arrived or row.date.sent
    date = evolve(
        demand.date,
        triggered=demand.date.triggered or row.date.triggered,
        notified=demand.date.notified or arrived,
    )
    unreachable = demand.unreachable
    if _nowhere(row) and _contact(demand, row.channel) == (row.phone_number or row.email):
        unreachable = tuple(dict.fromkeys((*unreachable, row.channel)))
    return evolve(demand, date=date, unreachable=unreachable)


def _nowhere(row: Notification) -> bool:
    return row.status is Status.FAILED and any(e.code in UNREACHABLE for e in row.errors)


def _still_unreachable(known: Demand, asked: Demand) -> tuple[Channel, ...]:
    channels = known.unreachable
    return tuple(c for c in channels if _contact(known, c) == _contact(asked, c))


def _contact(demand: Demand, channel: Channel) -> Phone | Email | None:
    return demand.phone_number if channel is Channel.SMS else demand.email
