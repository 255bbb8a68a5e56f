"""Ticks: which of them looks after a sale, and between which times its reminders go out."""

from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import Final

from attrs import frozen

from demand_core.errors import WiringError

# Ticks are counted from here, in UTC: clocks that change cannot repeat or skip one.
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@frozen(kw_only=True)
class WindowPolicy:
    """How long before a sale its reminders go out, and how often somebody looks for sales."""

    lead: timedelta = timedelta(minutes=30)
    window: timedelta = timedelta(minutes=30)
    # A reminder that comes later than this before the start helps nobody.
    useful: timedelta = timedelta(minutes=2)
    # An order that nobody has finished by then is given again.
    overdue: timedelta = timedelta(minutes=5)
    # What was stored later than this before a tick the tick may not see: indexes lag.
    settling: timedelta = timedelta(minutes=2)

    def __attrs_post_init__(self) -> None:
        """Raise WiringError where no reminder could ever be in time."""
        if not timedelta() < self.useful < self.lead:
            raise WiringError("reminders need a lead longer than the time they must be useful")
        if self.window <= timedelta() or self.overdue <= timedelta():
            raise WiringError("a window and the patience with an order are longer than nothing")


@frozen(kw_only=True)
class Span:
    """From *begin* up to, and without, *end*."""

    begin: datetime
    end: datetime

    def __contains__(self, at: datetime) -> bool:
        return self.begin <= at < self.end


def tick_at(now: datetime, policy: WindowPolicy) -> datetime:
    """The tick that *now* belongs to: the last one that was due."""
    return _EPOCH + (now - _EPOCH) // policy.window * policy.window


def tick_of(start: datetime, policy: WindowPolicy) -> datetime:
    """The one tick that looks after a sale starting then: at most a window before it sends."""
    return tick_at(_in_utc(start) - policy.lead, policy)


def owned(tick: datetime, policy: WindowPolicy) -> Span:
    """The starts that *tick* looks after."""
    begin = _in_utc(tick) + policy.lead
    return Span(begin=begin, end=begin + policy.window)


def sending(start: datetime, policy: WindowPolicy) -> Span:
    """When the reminders of a sale may go out: `notBefore` up to `notAfter`."""
    opens = _in_utc(start)
    return Span(begin=opens - policy.lead, end=opens - policy.useful)


class Turn(Enum):
    """What a start is to the tick that looks now."""

    OWNED = "its own tick"
    CATCH_UP = "an earlier tick should have seen to it"
    LATER = "a later tick will see to it"
    TOO_LATE = "a reminder would come too late"


def turn(start: datetime, now: datetime, policy: WindowPolicy) -> Turn:
    """Whose a sale is at *now*, however late the tick is and whichever were missed before."""
    if now >= sending(start, policy).end:
        return Turn.TOO_LATE
    mine = owned(tick_at(now, policy), policy)
    if start in mine:
        return Turn.OWNED
    return Turn.CATCH_UP if start < mine.begin else Turn.LATER


def searched(now: datetime, policy: WindowPolicy) -> Span:
    """The starts that a tick at *now* reads: its own, and all that may still be caught up."""
    first = _in_utc(now) + policy.useful
    return Span(begin=first, end=max(first, owned(tick_at(now, policy), policy).end))


def wants_order(
    start: datetime, now: datetime, policy: WindowPolicy, ordered_at: datetime | None = None
) -> bool:
    """Whether the tick at *now* orders the reminders of a sale that are not all made yet.

    *ordered_at* is when they were last ordered for this very start: a sale that moved has no
    order.
    """
    if turn(start, now, policy) not in {Turn.OWNED, Turn.CATCH_UP}:
        return False
    return ordered_at is None or now - ordered_at >= policy.overdue


def at_once(start: datetime, now: datetime, policy: WindowPolicy) -> bool:
    """Whether who asks, or a sale that moves here, can wait for no tick: its own has been.

    Or it is so near that it may not see what is new.
    """
    return tick_of(start, policy) - policy.settling <= now < sending(start, policy).end


def _in_utc(at: datetime) -> datetime:
    """Sums are done in UTC: in a zone they would be sums of what the clock on the wall says."""
    return _EPOCH + (at - _EPOCH)
