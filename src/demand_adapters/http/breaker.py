"""When a service that does not answer is left alone, and who tries it first after that."""

from collections.abc import Callable
from threading import Lock
from typing import Any, TypeVar

from attrs import define, field

T = TypeVar("T")


class Shut(Exception):
    """Nothing was called, and nothing shall be for so many seconds."""

    def __init__(self, seconds: float) -> None:
        """Keep the seconds."""
        super().__init__(seconds)
        self.seconds = seconds


@define(kw_only=True, eq=False)
class Breaker:
    """Lets all calls through until *failures_max* in a row were not answered; threads share it.

    Then nobody calls for *rest_s*. The first to come after that calls for all, while others are
    told to come again in *probe_s*. An answer ends it; if there is none, the rest begins again
    and is twice as long, up to *longest_rest_s*.
    """

    failures_max: int
    rest_s: float
    longest_rest_s: float
    probe_s: float
    monotonic: Callable[[], float]
    _lock: Any = field(factory=Lock, init=False, repr=False)
    _failures: int = field(default=0, init=False)
    _rested_s: float = field(default=0.0, init=False)
    # The end of the rest; None while all are let through.
    _rests_until: float | None = field(default=None, init=False)
    _probing: bool = field(default=False, init=False)
    # A call counts only if all is still as it was when it began.
    _turn: int = field(default=0, init=False)

    def around(self, call: Callable[[], T], is_answer: Callable[[Exception], bool]) -> T:
        """What *call* gives or raises, some of which is an answer too; or Shut, uncalled."""
        turn, answered = self._enter(), False
        try:
            found = call()
            answered = True
        except Exception as error:
            answered = is_answer(error)
            raise
        finally:
            # Whatever ends a probe: one that were never noted would be the last.
            self._note(turn, answered=answered)
        return found

    def _enter(self) -> int:
        with self._lock:
            if self._rests_until is not None:
                left = self.probe_s if self._probing else self._rests_until - self.monotonic()
                if left > 0:
                    raise Shut(left)
                self._probing = True
            return self._turn

    def _note(self, turn: int, *, answered: bool) -> None:
        with self._lock:
            if turn != self._turn:
                return
            self._failures = 0 if answered else self._failures + 1
            if answered and self._probing:
                self._rested_s = 0.0
                self._goes_on(None)
            elif self._probing or self._failures >= self.failures_max:
                longer_s = max(self.rest_s, 2 * self._rested_s)
                self._rested_s = min(longer_s, self.longest_rest_s)
                self._goes_on(self.monotonic() + self._rested_s)

    def _goes_on(self, rests_until: float | None) -> None:
        self._rests_until, self._probing = rests_until, False
        self._turn += 1
