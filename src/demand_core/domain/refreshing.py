"""When an event is looked up again: the closer a sale, the sooner."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import Enum
from typing import Final

from attrs import frozen

from demand_core.domain.ids import EventId
from demand_core.domain.sales import Sale

# What the gate before the source of events is called.
EVENT_SOURCE: Final = "event_source"


class LookUpReason(Enum):
    """Why an event should be looked up."""

    DEMAND = "demand"
    STALE = "stale"


@frozen(kw_only=True)
class EventOrder:
    """Look an event up."""

    event_id: EventId
    reason: LookUpReason


@frozen(kw_only=True)
class RefreshPolicy:
    """How long what we know of an event holds: *steps* are how far its next sale is, nearest
    first, each with how long.
    """

    steps: tuple[tuple[timedelta, timedelta], ...] = (
        (timedelta(hours=2), timedelta(minutes=15)),
        (timedelta(hours=48), timedelta(hours=1)),
    )
    otherwise: timedelta = timedelta(hours=12)


def refresh_at(sales: Sequence[Sale], now: datetime, policy: RefreshPolicy) -> datetime | None:
    """When an event with these sales, looked up *now*, is due again.

    Never, once no sale can come any more; a sale without a start still may.
    """
    coming = [
        s.start_at for s in sales if not s.withdrawn_at and s.start_at and s.start_at > now
    ]
    unknown = any(s.start_at is None and not s.withdrawn_at for s in sales)
    if not coming and not unknown:
        return None
    ahead = min(coming) - now if coming else timedelta.max
    held = (holds for within, holds in policy.steps if ahead < within)
    return now + next(held, policy.otherwise)
