"""What a sender was told of a message, and what its row says after that."""

from datetime import datetime
from typing import Final, TypeAlias

from attrs import evolve, frozen

from demand_core.domain.delivery import Keyed, Queryable, Silent, Terms, absent
from demand_core.domain.notifications import (
    DeliveryError,
    ErrorKind,
    Notification,
    at_first,
    moved,
    with_error,
)
from demand_core.domain.statuses import Signal, Status, reached


@frozen(kw_only=True)
class Accepted:
    """The provider has it, by its own answer or by a look-up."""

    provider: str
    message_id: str


@frozen(kw_only=True)
class Refused:
    """The provider never will take it."""

    code: str
    detail: str = ""


@frozen(kw_only=True)
class Faulted:
    """The provider says that it did not take it; *jitter* from 0 to 1 spreads the next try."""

    code: str
    detail: str = ""
    jitter: float


@frozen(kw_only=True)
class Doubted:
    """No answer came."""

    code: str
    detail: str = ""


@frozen(kw_only=True)
class Returned:
    """The call was not made, or not looked at; *look_again* is when it is worth trying anew.

    *throttled*: the provider asks all of us to wait. That is no attempt: nothing was refused.
    """

    look_again: datetime
    throttled: bool = False


Answer: TypeAlias = Accepted | Refused | Faulted | Doubted | Returned

# The reason of a row that the provider did not take as often as it may.
EXHAUSTED: Final = "exhausted"
# How a provider refuses what came after the time until which it was valid.
EXPIRED: Final = "expired"

# Refusals that say of a contact that nobody is there.
UNREACHABLE: Final = frozenset({"invalid_number", "landline"})
# Refusals that no later try will change. Whatever else a provider says is tried again, within
# limits: a word that is new to us may mean anything.
FINAL_REFUSALS: Final = frozenset(
    {
        *UNREACHABLE,
        "blocked",
        "opted_out",
        "body_too_long",
        "key_reused",
        EXPIRED,
    }
)


@frozen(kw_only=True)
class Told:
    """What the holder of one claim was told, and when.

    *not_found*: a look-up before the call did not find the message. If the look-up itself gets
    no answer, nothing is called and the row is Returned.
    """

    claim_number: int
    at: datetime
    answer: Answer
    not_found: bool = False


def recorded(row: Notification, told: Told, terms: Terms) -> Notification:
    """*row*, as it stands now, merged with what a holder was told.

    A receipt counts whoever holds the row by now; all else is for the holder to say, while
    he is.
    """
    held = row.status is Status.CLAIMED and row.claim is not None
    mine = held and row.claim is not None and row.claim.number == told.claim_number
    if mine and told.not_found:
        row = absent(row)
    if isinstance(told.answer, Accepted):
        return _accepted(row, told.answer, told.at)
    if not mine:
        return row
    match told.answer:
        case Refused():
            return _refused(row, told.answer, told.at, terms)
        case Faulted():
            return _faulted(row, told.answer, told.at, terms)
        case Doubted():
            return _doubted(row, told.answer, told.at, terms)
        case Returned(look_again=look_again):
            again = min(look_again, terms.horizon(row))
            return moved(row, Signal.RETURNED, Status.RETRY_WAIT, wait_until=again)


def _accepted(row: Notification, receipt: Accepted, at: datetime) -> Notification:
    """Two receipts under one key are one; a report that was faster keeps its state."""
    known = row.date.triggered is not None
    status = reached(Signal.ACCEPTED, row.status, Status.TRIGGERED, in_doubt=False)
    return evolve(
        row,
        status=status or row.status,
        reason=None if status else row.reason,
        wait_until=None if status else row.wait_until,
        outcome_unknown_since=None,
        send_attempts=row.send_attempts + (not known),
        provider=row.provider or receipt.provider,
        provider_message_id=row.provider_message_id or receipt.message_id,
        date=at_first(row.date, Status.TRIGGERED, at),
        seen=at_first(row.seen, Status.TRIGGERED, at),
    )


def _refused(row: Notification, told: Refused, at: datetime, terms: Terms) -> Notification:
    """A key is looked up before anything is validated: then a refusal is an answer too."""
    row = _failed_once(row, ErrorKind.PERMANENT, told, at)
    if isinstance(terms.capability, Keyed):
        row = evolve(row, outcome_unknown_since=None)
    to = Status.EXPIRED if told.code == EXPIRED else Status.FAILED
    return _stamped(moved(row, Signal.REFUSED, to, told.code), at)


def _faulted(row: Notification, told: Faulted, at: datetime, terms: Terms) -> Notification:
    row = _failed_once(row, ErrorKind.KNOWN, told, at)
    if row.failures >= terms.policy.failures_max:
        return _stamped(moved(row, Signal.FAULTED, Status.FAILED, EXHAUSTED), at)
    back_offs = terms.policy.back_offs
    most = back_offs[min(row.failures, len(back_offs)) - 1]
    again = min(at + told.jitter * most, terms.horizon(row))
    return moved(row, Signal.FAULTED, Status.RETRY_WAIT, wait_until=again)


def _doubted(row: Notification, told: Doubted, at: datetime, terms: Terms) -> Notification:
    row = _with(row, ErrorKind.UNKNOWN, told, at)
    row = evolve(row, outcome_unknown_since=row.outcome_unknown_since or at)
    if isinstance(terms.capability, Silent):
        return moved(row, Signal.DOUBTED, Status.UNKNOWN, told.code)
    if row.claim and isinstance(terms.capability, Queryable):
        until = max(row.claim.until, at + terms.visible_after)
        row = evolve(row, claim=evolve(row.claim, until=until))
    return moved(row, Signal.DOUBTED, Status.CLAIMED)


def _failed_once(
    row: Notification, kind: ErrorKind, told: Refused | Faulted, at: datetime
) -> Notification:
    row = evolve(row, send_attempts=row.send_attempts + 1)
    return _with(row, kind, told, at)


def _with(
    row: Notification, kind: ErrorKind, told: Refused | Faulted | Doubted, at: datetime
) -> Notification:
    attempt = row.send_attempts + (kind is ErrorKind.UNKNOWN)
    error = DeliveryError(at=at, attempt=attempt, kind=kind, code=told.code, detail=told.detail)
    return with_error(row, error)


def _stamped(row: Notification, at: datetime) -> Notification:
    """*row* with the time at which it failed, if it did."""
    if row.status is not Status.FAILED:
        return row
    return evolve(
        row,
        date=at_first(row.date, Status.FAILED, at),
        seen=at_first(row.seen, Status.FAILED, at),
    )
