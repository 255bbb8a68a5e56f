"""Sending a message at most once: who may take it, what to do next, when to stop.

A sender looks at a row, checks it, claims it, calls the provider and records the answer; each
of these is a function from row to row, the last of them in `answers`. Whether the fan may have
the message without our knowing, the doubt, is kept in the row: only an answer ends it, and
until then nothing may say "not sent".
"""

from datetime import datetime, timedelta
from enum import Enum
from typing import TypeAlias

from attrs import evolve, frozen

from demand_core.domain.notifications import Claim, Notification, due_at, moved
from demand_core.domain.statuses import Signal, Status, allowed, reached
from demand_core.errors import Permanent


@frozen
class Keyed:
    """The provider answers a key that it accepted within *ttl* with the first receipt."""

    ttl: timedelta = timedelta(hours=24)


@frozen
class Queryable:
    """The provider can be asked what it accepted longer than *lag* ago."""

    lag: timedelta = timedelta(seconds=10)


@frozen
class Silent:
    """The provider neither knows keys nor answers questions."""


Capability: TypeAlias = Keyed | Queryable | Silent


@frozen(kw_only=True)
class DeliveryPolicy:
    """How long everything takes at most, and how often it is tried."""

    # Of one call, and of one run of the sender.
    deadline: timedelta = timedelta(seconds=30)
    timeout: timedelta = timedelta(seconds=300)
    # How far clocks may be apart; the larger one costs nothing where keys are known.
    skew: timedelta = timedelta(seconds=60)
    query_skew: timedelta = timedelta(seconds=25)
    key_margin: timedelta = timedelta(minutes=5)
    check_good_for: timedelta = timedelta(seconds=5)
    failures_max: int = 3
    back_offs: tuple[timedelta, ...] = (timedelta(seconds=30), timedelta(seconds=90))

    @property
    def working_time(self) -> timedelta:
        """After which one run of the sender begins no more: the last call must still end."""
        return self.timeout - 2 * self.deadline


@frozen(kw_only=True)
class Terms:
    """What one provider can do, and our numbers for it."""

    capability: Capability
    policy: DeliveryPolicy = DeliveryPolicy()

    @property
    def lease(self) -> timedelta:
        """How long a claim is nobody else's."""
        match self.capability:
            case Keyed():
                return self.policy.deadline + self.policy.skew
            case Queryable():
                return self.policy.timeout + self.visible_after
            case Silent():
                return self.policy.timeout + self.policy.deadline

    @property
    def visible_after(self) -> timedelta:
        """How long after a call a look-up may still miss that it was accepted."""
        lag = self.capability.lag if isinstance(self.capability, Queryable) else timedelta()
        return self.policy.deadline + lag + 2 * self.policy.query_skew

    def horizon(self, row: Notification) -> datetime:
        """When it is too late to hand *row* over, or to repeat it under its key."""
        horizon = row.not_after - self.policy.deadline
        if row.first_handover_at and row.in_doubt and isinstance(self.capability, Keyed):
            forgotten_at = row.first_handover_at + self.capability.ttl
            return min(horizon, forgotten_at - self.policy.key_margin)
        return horizon


class Errand(Enum):
    """What a row wants from the sender who looks at it."""

    NOTHING = "settled, or not due"
    CLAIM = "check it, then claim it"
    LAPSE = "too late"
    LAST_LOOK_UP = "too late: ask once more what became of it, then let it lapse"
    GIVE_UP = "nobody can say what became of it"


def is_due(row: Notification, now: datetime) -> bool:
    """Whether anything is to be done with *row* by *now*."""
    due = due_at(row)
    return due is not None and due <= now


def looked_at(row: Notification, now: datetime, terms: Terms) -> tuple[Errand, Notification]:
    """What is to be done with *row*, and the row as all that follows must see it.

    Whoever let his lease run out may have handed it over: that is a doubt.
    """
    if not is_due(row, now):
        return Errand.NOTHING, row
    if row.status is Status.CLAIMED:
        row = evolve(row, outcome_unknown_since=row.outcome_unknown_since or now)
    if isinstance(terms.capability, Silent) and row.in_doubt:
        return Errand.GIVE_UP, row
    if now < terms.horizon(row):
        return Errand.CLAIM, row
    asks = row.in_doubt and isinstance(terms.capability, Queryable)
    return Errand.LAST_LOOK_UP if asks else Errand.LAPSE, row


def claimed(
    row: Notification,
    by: str,
    now: datetime,
    terms: Terms,
    *,
    request_digest: str,
    known_at: datetime | None = None,
) -> Notification:
    """*row*, as it was looked at, in the hands of *by* for one lease.

    Nobody takes a settled one. Raises Permanent if the request is not the one of the first
    claim.
    """
    if row.request_digest not in {None, request_digest}:
        raise Permanent("request_changed", row.notification_id)
    status = reached(Signal.CLAIM, row.status, Status.CLAIMED, in_doubt=row.in_doubt)
    if status is None:
        return row
    number = row.claim.number + 1 if row.claim else 1
    return evolve(
        row,
        status=status,
        reason=None,
        wait_until=None,
        claim=Claim(by=by, until=now + terms.lease, number=number),
        first_handover_at=row.first_handover_at or now,
        known_at=known_at,
        request_digest=request_digest,
        replays=row.replays + (row.in_doubt and isinstance(terms.capability, Keyed)),
    )


class Next(Enum):
    """What the holder of a claim does now."""

    RETURN = "too little time is left: give it back"
    LOOK_UP = "ask whether the provider has it already"
    CHECK = "the check is too old: check again"
    HAND_OVER = "call the provider"


def before_call(mine: Notification, checked_at: datetime, now: datetime, terms: Terms) -> Next:
    """What must come next on the way to the call: no call outlives its lease or its sale."""
    policy = terms.policy
    out_of_lease = mine.claim is None or now + policy.deadline > mine.claim.until
    if out_of_lease or now >= terms.horizon(mine):
        return Next.RETURN
    if mine.in_doubt and isinstance(terms.capability, Queryable):
        return Next.LOOK_UP
    return Next.CHECK if now - checked_at > policy.check_good_for else Next.HAND_OVER


def absent(row: Notification) -> Notification:
    """*row* after a look-up that did not find it: an answer, so the doubt is over."""
    if row.status not in allowed(Signal.ABSENT, row.status):
        return row
    return evolve(row, outcome_unknown_since=None, replays=row.replays + 1)


def barred(row: Notification, reason: str) -> Notification:
    """*row* when the fan's side says no."""
    return moved(row, Signal.BARRED, Status.DROPPED, reason)


def silenced(row: Notification, reason: str) -> Notification:
    """*row* when the side of the event says no."""
    return moved(row, Signal.SILENCED, Status.SUPPRESSED, reason)


def lapsed(row: Notification) -> Notification:
    """*row* when it is too late; the last error is the reason, if there was one."""
    return moved(row, Signal.LAPSED, Status.EXPIRED, _last_error(row) or "too_late")


def given_up(row: Notification) -> Notification:
    """*row* when there is no way left to learn what became of it."""
    return moved(row, Signal.GIVEN_UP, Status.UNKNOWN, _last_error(row) or "no_answer")


def held(row: Notification, until: datetime, terms: Terms) -> Notification:
    """*row* when it must wait for something that ends in time."""
    wait_until = min(until, terms.horizon(row))
    return moved(row, Signal.HELD, Status.CREATED, wait_until=wait_until)


def sale_moved(row: Notification, look_again: datetime) -> Notification:
    """*row* without its text, which shows a start that is none; in doubt the text was out."""
    if row.in_doubt:
        return moved(row, Signal.MOVED, Status.UNKNOWN, "sale_moved")
    untold = moved(row, Signal.MOVED, Status.CREATED, wait_until=look_again)
    if untold is row:
        return row
    return evolve(
        untold, message_body=None, variables=None, first_handover_at=None, request_digest=None
    )


def _last_error(row: Notification) -> str | None:
    return row.errors[-1].code if row.errors else None
