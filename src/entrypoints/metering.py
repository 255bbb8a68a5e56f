"""How the stores and services of a run did, measured where we call them."""

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from threading import Lock
from typing import Any, Final, TypeVar, cast

from attrs import define, field

from demand_adapters.item_table import Did, Wrote
from demand_core.errors import DemandError, Permanent, Transient, Unknown, Unsent
from entrypoints.engines import Engines
from entrypoints.profiles import Profile
from entrypoints.settings import Settings

D = TypeVar("D")

# Whoever refuses or puts us off is there; these are the answers of somebody who is not.
AWAY: Final = ("failed", "resting", "unknown")
WRITES: Final = frozenset({"put_new", "replace", "delete"})
_MS: Final = 1000


@define
class Measured:
    """One store or service: what became of its calls, or of each write, and how long they took.

    Times are kept by powers of two, so that any number of calls takes the same room.
    """

    outcomes: Counter[str] = field(factory=Counter)
    took: Counter[int] = field(factory=Counter)

    def document(self) -> Mapping[str, object]:
        """As plain data."""
        total = self.outcomes.total()
        away = sum(self.outcomes[name] for name in AWAY)
        return {
            "outcomes": dict(sorted(self.outcomes.items())),
            "availability": round(1 - away / total, 5) if total else None,
            "p95Ms": self._quantile(0.95),
        }

    def _quantile(self, part: float) -> int | None:
        """The least power of two that so many calls stayed below."""
        seen = 0
        for power, count in sorted(self.took.items()):
            seen += count
            if seen >= part * self.took.total():
                return 1 << power
        return None


@define(eq=False)
class Meter:
    """What stands before each driver of a run; threads share it."""

    monotonic: Callable[[], float] = time.monotonic
    measured: dict[str, Measured] = field(factory=dict, init=False)
    _lock: Any = field(factory=Lock, init=False)

    def around(self, name: str, driver: D) -> D:
        """*driver*, with every call of it measured under *name*."""
        return cast("D", _Gauge(self, name, driver))

    def document(self) -> Mapping[str, object]:
        """Of each store and service that was called."""
        with self._lock:
            return {name: one.document() for name, one in sorted(self.measured.items())}

    def note(self, name: str, outcomes: Sequence[str], seconds: float) -> None:
        """Count one call."""
        with self._lock:
            found = self.measured.setdefault(name, Measured())
            found.outcomes.update(outcomes)
            found.took[int(seconds * _MS).bit_length()] += 1


class MeteredProfile(Profile):
    """The ports of a profile, each store and service measured."""

    def __init__(
        self, settings: Settings, engines: Engines, meter: Meter, /, **instead: object
    ) -> None:
        """Measure with *meter*, which other profiles may share."""
        super().__init__(settings, engines, **instead)
        self._meter = meter

    def around(self, name: str, driver: D) -> D:
        """The driver behind its gauge."""
        return self._meter.around(name, driver)


class _Gauge:
    """Stands for a driver; each method is made once, at its first use."""

    def __init__(self, meter: Meter, name: str, driver: object) -> None:
        self._meter = meter
        self._name = name
        self._driver = driver

    def __getattr__(self, method: str) -> Any:  # a method, or what the driver says of itself
        real, meter, name = getattr(self._driver, method), self._meter, self._name
        if not callable(real):
            return real

        def call(*args: Any, **more: Any) -> Any:  # whatever the driver takes
            began = meter.monotonic()
            outcomes: Sequence[str] = ["crashed"]
            try:
                answer = real(*args, **more)
                outcomes = _written(answer) if method in WRITES else ["done"]
            except DemandError as error:
                outcomes = [_outcome(error)]
                raise
            finally:
                meter.note(name, outcomes, meter.monotonic() - began)
            return answer

        setattr(self, method, call)
        return call


def _written(answers: Sequence[Wrote]) -> Sequence[str]:
    """A condition that was not met is an answer like any other."""
    return ["unknown" if did is Did.UNSURE else "done" for did, _ in answers]


def _outcome(error: DemandError) -> str:
    match error:
        case Permanent():
            return "refused"
        case Unknown():
            return "unknown"
        case Unsent(retry_at=at) if at is not None:
            # The breaker is open, or the way there is lost: it was away when we last tried.
            return "resting"
        case Transient(retry_at=at) if at is not None:
            return "throttled"
        case Transient():
            return "failed"
    return "miswired"
