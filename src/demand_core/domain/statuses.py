"""How far a message can get, and who may move it where on which signal: all of it data."""

from collections.abc import Mapping
from enum import Enum
from typing import Final

from attrs import frozen


class Status(Enum):
    """How far a message got."""

    CREATED = "CREATED"
    CLAIMED = "CLAIMED"
    RETRY_WAIT = "RETRY_WAIT"
    UNKNOWN = "UNKNOWN"
    TRIGGERED = "TRIGGERED"
    QUEUED = "QUEUED"
    SENT = "SENT"
    FAILED = "FAILED"
    DELIVERED = "DELIVERED"
    EXPIRED = "EXPIRED"
    DROPPED = "DROPPED"
    SUPPRESSED = "SUPPRESSED"


class Actor(Enum):
    """Who moves a message."""

    GENERATOR = "generator"
    SENDER = "sender"
    LOOK_UP = "look-up"
    REPORT = "report"


class Signal(Enum):
    """What was learned or decided about a message."""

    MOVED = "its sale moved"
    HELD = "not yet"
    CLAIM = "one sender takes it"
    RETURNED = "given back before the call"
    BARRED = "the fan's side says no"
    SILENCED = "the event's side says no"
    LAPSED = "too late"
    ACCEPTED = "the provider has it"
    ABSENT = "the provider never got it"
    REFUSED = "the provider never will take it"
    FAULTED = "the provider did not take it this time"
    DOUBTED = "no answer"
    GIVEN_UP = "no way left to learn the answer"
    R_QUEUED = "reported queued"
    R_SENT = "reported sent"
    R_DELIVERED = "reported delivered"
    R_FAILED = "reported undelivered"


# What is known from outside only ever raises this; our own moves go by the table.
RANK: Final[Mapping[Status, int]] = {
    Status.CREATED: 0,
    Status.CLAIMED: 0,
    Status.RETRY_WAIT: 0,
    Status.UNKNOWN: 1,
    Status.TRIGGERED: 2,
    Status.QUEUED: 3,
    Status.SENT: 4,
    Status.FAILED: 5,
    Status.EXPIRED: 5,
    Status.DROPPED: 5,
    Status.SUPPRESSED: 5,
    Status.DELIVERED: 6,
}

OPEN: Final = (Status.CREATED, Status.CLAIMED, Status.RETRY_WAIT)
# No worker of ours will hand the message over again.
SETTLED: Final = tuple(status for status in Status if status not in OPEN)
# States that say that the fan does not have it: nothing in doubt may come to say so.
NOT_SENT: Final = (Status.FAILED, Status.EXPIRED, Status.DROPPED, Status.SUPPRESSED)
# Nothing was handed over: no report can be about it.
NEVER_SENT: Final = NOT_SENT[1:]


@frozen
class Move:
    """Who may move a message on one signal, from where, to where."""

    actors: tuple[Actor, ...]
    before: tuple[Status, ...]
    after: tuple[Status, ...]


def _below(rank: int) -> tuple[Status, ...]:
    return tuple(status for status in Status if RANK[status] < rank)


_SENDER: Final = (Actor.SENDER,)
_REPORT: Final = (Actor.REPORT,)
_CLAIMED: Final = (Status.CLAIMED,)

# A pair of signal and state that is not listed changes nothing. UNKNOWN stands beside each
# state that says "not sent", for a message in doubt.
MOVES: Final[Mapping[Signal, Move]] = {
    Signal.MOVED: Move((Actor.GENERATOR, Actor.SENDER), OPEN, (Status.CREATED, Status.UNKNOWN)),
    Signal.HELD: Move(_SENDER, OPEN, (Status.CREATED,)),
    Signal.CLAIM: Move(_SENDER, OPEN, _CLAIMED),
    Signal.RETURNED: Move(_SENDER, _CLAIMED, (Status.RETRY_WAIT,)),
    Signal.BARRED: Move(_SENDER, OPEN, (Status.DROPPED, Status.UNKNOWN)),
    Signal.SILENCED: Move(_SENDER, OPEN, (Status.SUPPRESSED, Status.UNKNOWN)),
    Signal.LAPSED: Move(_SENDER, OPEN, (Status.EXPIRED, Status.UNKNOWN)),
    Signal.ACCEPTED: Move(
        (Actor.SENDER, Actor.LOOK_UP), (*OPEN, Status.UNKNOWN), (Status.TRIGGERED,)
    ),
    Signal.ABSENT: Move((Actor.LOOK_UP,), OPEN, OPEN),
    Signal.REFUSED: Move(_SENDER, _CLAIMED, (Status.FAILED, Status.EXPIRED, Status.UNKNOWN)),
    Signal.FAULTED: Move(_SENDER, _CLAIMED, (Status.RETRY_WAIT, Status.FAILED, Status.UNKNOWN)),
    Signal.DOUBTED: Move(_SENDER, _CLAIMED, (Status.CLAIMED, Status.UNKNOWN)),
    Signal.GIVEN_UP: Move(_SENDER, OPEN, (Status.UNKNOWN,)),
    Signal.R_QUEUED: Move(_REPORT, _below(RANK[Status.QUEUED]), (Status.QUEUED,)),
    Signal.R_SENT: Move(_REPORT, _below(RANK[Status.SENT]), (Status.SENT,)),
    Signal.R_FAILED: Move(_REPORT, _below(RANK[Status.FAILED]), (Status.FAILED,)),
    Signal.R_DELIVERED: Move(
        _REPORT, (*_below(RANK[Status.FAILED]), Status.FAILED), (Status.DELIVERED,)
    ),
}

# No signal leads out of these.
FINAL: Final = tuple(s for s in Status if all(s not in move.before for move in MOVES.values()))


def allowed(signal: Signal, before: Status) -> tuple[Status, ...]:
    """Where *signal* may lead from *before*; nowhere if the pair is not listed."""
    move = MOVES[signal]
    return move.after if before in move.before else ()


def reached(signal: Signal, before: Status, to: Status, *, in_doubt: bool) -> Status | None:
    """The state that a move from *before* to *to* ends in; None if it is not listed.

    What is in doubt comes to no state that says "not sent": it becomes UNKNOWN instead.
    """
    if in_doubt and to in NOT_SENT:
        to = Status.UNKNOWN
    return to if to in allowed(signal, before) else None
