"""What becomes of a sale's reminders, as far as can be said now, with every reason."""

from datetime import datetime
from enum import Enum

from attrs import frozen

from demand_core.domain.events import Event
from demand_core.domain.generation import done_for, ordered_at
from demand_core.domain.planning import ReminderPolicy
from demand_core.domain.sales import Sale
from demand_core.domain.suppression import Silence, silences
from demand_core.domain.windows import Span, sending


class Prospect(Enum):
    """What becomes of them."""

    WITHDRAWN = "the source lists it no more"
    SILENT = "nobody is told"
    UNANNOUNCED = "no start is known"
    OVER = "it is too late for a reminder"
    LATER = "a later tick makes them"
    ORDERED = "they are being made"
    MADE = "they are made"


@frozen(kw_only=True)
class Outlook:
    """One sale's, at one moment; *span* is when its reminders may go out."""

    prospect: Prospect
    span: Span | None
    silences: tuple[Silence, ...]
    ordered_at: datetime | None


def outlook(event: Event, sale: Sale, now: datetime, policy: ReminderPolicy) -> Outlook:
    """What can be said of *sale*: the reason that holds longest comes first."""
    because = tuple(silences(event, sale, policy.suppression))
    span = sending(sale.start_at, policy.windows) if sale.start_at else None
    return Outlook(
        prospect=_prospect(sale, span, now, silent=bool(because)),
        span=span,
        silences=because,
        ordered_at=ordered_at(sale),
    )


def _prospect(sale: Sale, span: Span | None, now: datetime, *, silent: bool) -> Prospect:
    if sale.withdrawn_at:
        return Prospect.WITHDRAWN
    if silent:
        return Prospect.SILENT
    if sale.start_at is None or span is None:
        return Prospect.UNANNOUNCED
    if done_for(sale, sale.start_at):
        return Prospect.MADE
    if now >= span.end:
        return Prospect.OVER
    return Prospect.ORDERED if ordered_at(sale) else Prospect.LATER
