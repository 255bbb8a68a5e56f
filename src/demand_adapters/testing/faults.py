"""What goes wrong between a store and its driver, at one call or at many.

A proxy stands around every driver. While nothing is due it costs one comparison a call. When
something is, it does to the call what networks, services and schedulers really do.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any, Final, TypeVar, cast

from attrs import define, field

from demand_adapters.item_table import Did, Wrote
from demand_adapters.testing.fault_plans import Call, Fault, Kind, Plan
from demand_core.errors import DemandError, Permanent, Transient, Unknown

D = TypeVar("D")

DEADLINE: Final = timedelta(seconds=30)
# A gateway drops what has not reached it by the time its caller hangs up.
LATEST: Final = {"sms": DEADLINE}
BATCHES: Final = frozenset({"put_new", "replace", "delete", "send"})
READS: Final = frozenset(
    {"get_many", "query", "query_index", "find", "list", "look_up", "read"}
)


class Crash(BaseException):
    """The process is gone: no handler runs, and whatever it still tries does nothing."""


def is_batch(call: Call) -> bool:
    """Whether a part of the call can be done: some drivers send one at a time."""
    return call.method in BATCHES and isinstance(call.args[0], Sequence)


@define
class Invocation:
    """One run of one worker, as long as its process lives."""

    number: int
    row: str
    until: datetime
    dead: bool = False


@define
class Faults:
    """The proxies of one world: what they count and did, and what callers were refused.

    *run* lets everybody else go on until a time, *later* does something at a time: so a call
    that stalls meets the others, and one that is late comes when nobody waits for it.
    """

    plan: Plan
    now: Callable[[], datetime]
    run: Callable[[datetime], None]
    later: Callable[[datetime, Callable[[], None]], None]
    calls: int = 0
    next: float = field(init=False)
    current: Invocation | None = None
    done: list[tuple[Call, str]] = field(factory=list)
    refused: list[tuple[str, str, tuple[Any, ...]]] = field(factory=list)
    depth: int = 0

    def __attrs_post_init__(self) -> None:
        """Ask when the first one is due."""
        self.next = self.plan.after(0)

    def around(self, name: str, driver: D) -> D:
        """*driver*, except that calls made inside an invocation may go wrong.

        The *name* "table" says that it is an ItemTable, which answers batches for each key.
        """
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
                    # What is on its way arrives while the call may last, or never.
                    at = self.now() + min(fault.delay, LATEST.get(call.driver, fault.delay))
                    self.later(at, lambda: _ignoring(real, call.args))
                raise Unknown("no answer came, and it is done later")

    def _partly(
        self, fault: Fault, invocation: Invocation, call: Call, real: Callable[..., Any]
    ) -> Any:  # whatever the driver gives
        if not is_batch(call):
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
        if self.depth < 3:  # pauses inside pauses, as deep as they teach anything
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

    def __getattr__(self, method: str) -> Any:  # a method, or what the driver says of itself
        real, faults, name = getattr(self._driver, method), self._faults, self._name
        if not callable(real):
            return real

        def call(*args: Any, **more: Any) -> Any:  # whatever the driver takes
            faults.calls += 1
            try:
                if faults.calls < faults.next:
                    return real(*args, **more)
                return faults.meet(name, method, real, args, more)
            except DemandError:
                faults.refused.append((name, method, args))
                raise

        setattr(self, method, call)
        return call


def _ignoring(real: Callable[..., Any], args: tuple[Any, ...]) -> None:
    """Do what was asked for long ago; nobody waits for the answer."""
    try:
        real(*args)
    except (Transient, Permanent):
        return
