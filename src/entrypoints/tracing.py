"""Everything that is known of a fan's reminders, in order: read, and never written along."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Final

import attrs
from attrs import frozen

from demand_core.domain.checks import foreseen
from demand_core.domain.delivery import Keyed, Terms
from demand_core.domain.demands import Demand, any_sale
from demand_core.domain.events import Event
from demand_core.domain.ids import EventId, FanId, NotificationId
from demand_core.domain.notifications import Channel, Notification, Timeline, due_at
from demand_core.domain.outlook import outlook
from demand_core.domain.sales import Sale
from demand_core.procedures.standings import Standings
from entrypoints.profiles import Profile

_STATUSES: Final = tuple(field.name for field in attrs.fields(Timeline))


@frozen(kw_only=True)
class Step:
    """One thing that happened; *heard* is when we learned of what others did."""

    at: datetime
    what: str
    heard: datetime | None = None
    detail: str = ""


@frozen(kw_only=True)
class Trace:
    """One wish or message: what it is, how it stands, and how it came there."""

    subject: str
    facts: Mapping[str, str]
    stands: str
    steps: Sequence[Step]


def of_message(ports: Profile, notification_id: NotificationId) -> Trace | None:
    """The message of that id; None where there is none, or it was stored a moment ago."""
    ref = ports.notifications.of_id(notification_id)
    row = ports.notifications.get_many([ref]).get(ref) if ref else None
    return _message(ports, row) if row else None


def of_fan(ports: Profile, fan_id: FanId) -> Sequence[Trace]:
    """Every wish of a fan, with what will come of it, and every message."""
    wishes = [_wish(ports, demand) for demand in ports.demands.of_fan(fan_id)]
    return [*wishes, *(_message(ports, row) for row in ports.notifications.of_fan(fan_id))]


def _wish(ports: Profile, demand: Demand) -> Trace:
    facts = {
        "event": demand.event_id,
        "channels": ", ".join(channel.value for channel in demand.channels),
        "phone": demand.phone_number,
        "email": demand.email,
        "consent": demand.consent_source,
        "unreachable by": ", ".join(channel.value for channel in demand.unreachable),
    }
    dates = demand.date
    happened = {
        "asked": dates.requested,
        "changed": dates.updated,
        "first handed over": dates.triggered,
        "first arrived": dates.notified,
    }
    return Trace(
        subject=f"wish {demand.fan_id} {demand.sale_id}",
        facts=_told(facts),
        stands="; ".join(_prospects(ports, demand)),
        steps=[Step(at=at, what=what) for what, at in happened.items() if at],
    )


def _prospects(ports: Profile, demand: Demand) -> Iterator[str]:
    """What becomes of each sale that the wish is for."""
    event = ports.events.get_many([demand.event_id]).get(demand.event_id)
    if event is None:
        yield "its event is not known yet"
        return
    for sale in _sales(ports, demand.event_id):
        if demand.sale_id in {sale.sale_id, any_sale(demand.event_id)}:
            yield f"{sale.sale_id}: {prospect(ports, event, sale)}"


def prospect(ports: Profile, event: Event, sale: Sale) -> str:
    """What becomes of the reminders of *sale*, and why."""
    found = outlook(event, sale, ports.clock.now(), ports.reminders)
    because = ", ".join(f"{s.reason.value} ({s.because!r})" for s in found.silences)
    return found.prospect.value + (f": {because}" if because else "")


def _sales(ports: Profile, event_id: EventId) -> Sequence[Sale]:
    return sorted(ports.sales.of_event(event_id), key=lambda sale: sale.sale_id)


def _message(ports: Profile, row: Notification) -> Trace:
    facts = {
        "sale": row.sale_id,
        "to": row.phone_number or row.email,
        "locale": row.locale,
        "encoding": row.encoding,
        "segments": str(row.segments) if row.encoding else None,
        "shortened": ", ".join(row.shortened),
        "link": row.link_kind,
        "not before": _written(row.not_before),
        "not after": _written(row.not_after),
        "event as of": _written(row.known_at) if row.known_at else None,
        "attempts": str(row.send_attempts),
        "replays": str(row.replays) if row.replays else None,
        "provider": row.provider,
        "provider's id": row.provider_message_id,
    }
    return Trace(
        subject=f"{row.channel.value} {row.notification_id}",
        facts=_told(facts),
        stands=_stands(ports, row),
        steps=sorted(_steps(row), key=lambda step: step.at),
    )


def _stands(ports: Profile, row: Notification) -> str:
    said = row.status.value + (f": {row.reason}" if row.reason else "")
    due = due_at(row)
    if due is None:
        return said
    standings = Standings.seen_by(ports)
    capability = Keyed() if row.channel is Channel.EMAIL else ports.settings.capability
    terms = Terms(capability=capability, policy=ports.delivery)
    # Whatever it will be by then is asked as of then: until it is due nobody looks.
    at = max(due, ports.clock.now())
    then = foreseen(row, standings.of({row.ref: row})[row.ref], at, terms, ports.reminders)
    return f"{said}; looked at from {_written(due)} on: {then}"


def _steps(row: Notification) -> Iterator[Step]:
    """What came of a call stands behind the call, where both are of one moment."""
    if row.first_handover_at:
        yield Step(at=row.first_handover_at, what="first claimed")
    for error in row.errors:
        code = f"{error.code} {error.detail}".strip()
        what = f"{error.kind.value} error in attempt {error.attempt}"
        yield Step(at=error.at, what=what, detail=code)
    if row.outcome_unknown_since:
        yield Step(at=row.outcome_unknown_since, what="in doubt")
    for name in _STATUSES:
        at: datetime | None = getattr(row.date, name)
        if at:
            yield Step(at=at, what=name, heard=getattr(row.seen, name))


def _told(facts: Mapping[str, object]) -> Mapping[str, str]:
    """Those that are known; contacts show as little as wherever else they are printed."""
    return {name: str(fact) for name, fact in facts.items() if fact}


def _written(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%SZ}"
