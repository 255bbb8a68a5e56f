"""Which calls go wrong, and how: one, some for ever, or many at random."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from enum import Enum
from math import inf, log
from random import Random
from typing import Any, Final, Protocol

from attrs import define, field, frozen

from demand_core.errors import Permanent

TAKEN_MAX: Final = 100


class Kind(Enum):
    """What can happen to one call."""

    BEFORE = "before"
    AFTER = "after"
    TRANSIENT = "transient"
    UNKNOWN = "unknown"
    PARTIAL = "partial"
    STALL = "stall"
    LATE = "late"


@frozen(kw_only=True)
class Fault:
    """One thing to do to one call. *taken* are the positions that a partial batch gets done.

    *after* says how such a batch ends: in a crash, in no answer, or in one that is unsure.
    """

    kind: Kind
    delay: timedelta = timedelta(seconds=5)
    taken: Sequence[int] = ()
    after: Kind = Kind.BEFORE


@frozen
class Call:
    """One call of a driver, by its number in the run."""

    number: int
    row: str
    driver: str
    method: str
    args: tuple[Any, ...]


class Plan(Protocol):
    """Which calls go wrong, and how."""

    def after(self, number: int) -> float:
        """The number of the next call, behind *number*, that may."""
        ...

    def fault(self, call: Call, now: datetime) -> Fault | Permanent | None:
        """What happens to this one."""
        ...


class NoFaults:
    """Nothing ever goes wrong."""

    def after(self, number: int) -> float:
        """Never."""
        del number
        return inf

    def fault(self, call: Call, now: datetime) -> None:
        """Nothing."""
        del call, now


@frozen
class OneFault:
    """One thing goes wrong, at one call."""

    number: int
    one: Fault

    def after(self, number: int) -> float:
        """That call."""
        return self.number if number < self.number else inf

    def fault(self, call: Call, now: datetime) -> Fault | None:
        """That fault."""
        del now
        return self.one if call.number == self.number else None


@frozen
class Refusing:
    """Some calls are refused for ever: those that only one record makes."""

    refuses: Callable[[Call], bool]

    def after(self, number: int) -> float:
        """Each call is looked at."""
        return number + 1

    def fault(self, call: Call, now: datetime) -> Permanent | None:
        """A refusal, or nothing."""
        del now
        return Permanent("poisoned") if self.refuses(call) else None


@define
class Swarm:
    """Each call goes wrong with some chance until a time; in which way, the seed says."""

    chance: Random
    rate: float
    until: datetime
    weights: Mapping[Kind, float] = field(init=False)

    def __attrs_post_init__(self) -> None:
        """Draw a mixture: every kind takes part, some of them rarely."""
        self.weights = {kind: self.chance.choice((0.2, 1.0, 3.0)) for kind in Kind}

    def after(self, number: int) -> float:
        """A draw of the distance instead of one for each call."""
        if self.rate <= 0:
            return inf
        if self.rate >= 1:
            return number + 1
        return number + 1 + int(log(1 - self.chance.random()) / log(1 - self.rate))

    def fault(self, call: Call, now: datetime) -> Fault | None:
        """One of the mixture, if it is not over."""
        del call
        if now >= self.until:
            self.rate = 0
            return None
        chance = self.chance
        (kind,) = chance.choices(list(self.weights), list(self.weights.values()))
        half = chance.random()
        return Fault(
            kind=kind,
            # As often a few milliseconds as a few minutes: most races are won by little.
            delay=timedelta(milliseconds=int(10 ** chance.uniform(0, 5.3))),
            taken=[n for n in range(TAKEN_MAX) if chance.random() < half],
            after=chance.choice((Kind.BEFORE, Kind.UNKNOWN, Kind.PARTIAL)),
        )
