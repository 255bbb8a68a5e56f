"""What goes wrong between a store and its driver, at one call or at many.

A proxy stands around every driver. While nothing is due it costs one comparison a call. When
something is, it does to the call what networks, services and schedulers really do.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from enum import Enum
from math import inf, log
from random import Random
from typing import Any, Final, Protocol, TypeVar, cast

from attrs import define, field, frozen

from demand_adapters.item_table import Did, Wrote
from demand_core.errors import Permanent, Transient, Unknown

D = TypeVar("D")

TAKEN_MAX: Final = 100
DEADLINE: Final = timedelta(seconds=30)
BATCHES: Final = frozenset({"put_new", "replace", "delete", "send"})
READS: Final = frozenset({"get_many", "query", "query_index", "find", "list", "read"})


class Crash(BaseException):
    """The process is gone: no handler runs, and whatever it still tries does nothing."""


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


@define
class Invocation:
    """One run of one worker, as long as its process lives."""

    number: int
    row: str
    until: datetime
    dead: bool = False


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


@define
class Faults:
    """The proxies of one world, what they count, and what they did."""

    plan: Plan
    now: Callable[[], datetime]
    run: Callable[[datetime], None]
    later: Callable[[datetime, Callable[[], None]], None]
    calls: int = 0
    next: float = field(init=False)
    current: Invocation | None = None
    done: list[tuple[Call, str]] = field(factory=list)
    depth: int = 0

    def __attrs_post_init__(self) -> None:
        """Ask when the first one is due."""
        self.next = self.plan.after(0)

    def around(self, name: str, driver: D) -> D:
        """*driver*, except that calls made inside an invocation may go wrong."""
        return cast("D", _Proxy(self, name, driver))

    @contextmanager
    def inside(self, invocation: Invocation) -> Iterator[None]:
        """Count what is called in here as calls of *invocation*."""
        outer, self.current = self.current, invocation
        try:
            yield
        finally:
            self.current = outer
            if invocation.dead:
                self.next = self.plan.after(self.calls)

    def meet(
        self, name: str, method: str, real: Callable[..., Any], args: Any, more: Any
    ) -> Any:  # whatever the driver takes and gives
        """A call at which something may be due."""
        invocation = self.current
        if invocation is None:
            self.next = self.plan.after(self.calls)
            return real(*args, **more)
        if invocation.dead:
            raise self._death(invocation)
        call = Call(self.calls, invocation.row, name, method, args)
        fault = self.plan.fault(call, self.now())
        self.next = self.plan.after(self.calls)
        if fault is None:
            return real(*args, **more)
        if isinstance(fault, Permanent):
            self.done.append((call, "permanent"))
            raise fault
        self.done.append((call, fault.kind.value))
        return self._do(fault, invocation, call, lambda *given: real(*given, **more))

    def _do(
        self, fault: Fault, invocation: Invocation, call: Call, real: Callable[..., Any]
    ) -> Any:  # whatever the driver gives
        match fault.kind:
            case Kind.BEFORE:
                raise self._death(invocation)
            case Kind.AFTER:
                real(*call.args)
                raise self._death(invocation)
            case Kind.TRANSIENT:
                raise Transient("it did nothing and says so")
            case Kind.UNKNOWN:
                real(*call.args)
                raise Unknown("done, and no answer came")
            case Kind.PARTIAL:
                return self._partly(fault, invocation, call, real)
            case Kind.STALL:
                return self._stalled(fault, invocation, call, real)
            case Kind.LATE:
                if call.method not in READS:
                    self.later(self.now() + fault.delay, lambda: _ignoring(real, call.args))
                raise Unknown("no answer came, and it is done later")

    def _partly(
        self, fault: Fault, invocation: Invocation, call: Call, real: Callable[..., Any]
    ) -> Any:  # whatever the driver gives
        if call.method not in BATCHES:
            raise Unknown("no answer came")
        given, *rest = call.args
        taken = [n for n in fault.taken if n < len(given)]
        answers = real([given[n] for n in taken], *rest) if taken else []
        if fault.after is Kind.BEFORE:
            raise self._death(invocation)
        if fault.after is Kind.UNKNOWN:
            raise Unknown("some of it done, and no answer came")
        if call.driver != "table":
            refused = {taken[n] for n in answers}
            return [n for n in range(len(given)) if n in refused or n not in taken]
        # The table answers for each key, and some of what was done is not told either.
        told = dict(zip(taken[::2], answers[::2], strict=True))
        return [told.get(n, Wrote(Did.UNSURE, None)) for n in range(len(given))]

    def _stalled(
        self, fault: Fault, invocation: Invocation, call: Call, real: Callable[..., Any]
    ) -> Any:  # whatever the driver gives
        """Let everybody else go on meanwhile: interleaving without threads."""
        if self.depth < 3:  # noqa: PLR2004  # pauses inside pauses, as deep as they teach anything
            with self._outside():
                self.run(self.now() + fault.delay)
        if self.now() >= invocation.until:
            raise self._death(invocation)
        answer = real(*call.args)
        if fault.delay > DEADLINE:
            raise Unknown("done, but the caller had stopped waiting")
        return answer

    @contextmanager
    def _outside(self) -> Iterator[None]:
        outer, self.current = self.current, None
        self.depth += 1
        try:
            yield
        finally:
            self.depth -= 1
            self.current = outer
            self.next = self.plan.after(self.calls)

    def _death(self, invocation: Invocation) -> Crash:
        """From here on nothing that *invocation* calls is done."""
        invocation.dead = True
        self.next = 0
        return Crash(f"{invocation.row} died")


class _Proxy:
    """Stands for a driver; each method is made once, at its first use."""

    def __init__(self, faults: Faults, name: str, driver: object) -> None:
        self._faults = faults
        self._name = name
        self._driver = driver

    def __getattr__(self, method: str) -> Callable[..., Any]:
        real, faults, name = getattr(self._driver, method), self._faults, self._name

        def call(*args: Any, **more: Any) -> Any:  # whatever the driver takes
            faults.calls += 1
            if faults.calls < faults.next:
                return real(*args, **more)
            return faults.meet(name, method, real, args, more)

        setattr(self, method, call)
        return call


def _ignoring(real: Callable[..., Any], args: tuple[Any, ...]) -> None:
    """Do what was asked for long ago; nobody waits for the answer."""
    try:
        real(*args)
    except (Transient, Permanent):
        return
