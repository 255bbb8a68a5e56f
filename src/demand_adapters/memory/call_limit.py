"""How many calls a twin answers in one second."""

from datetime import datetime, timedelta
from typing import Final

_SECOND: Final = timedelta(seconds=1)


class CallLimit:
    """At most *calls_per_s* calls in each second by the clock; None is no limit."""

    def __init__(self, calls_per_s: int | None) -> None:
        """Count from nothing."""
        self._calls_per_s = calls_per_s
        self._second: datetime | None = None
        self._calls_in_second = 0

    def shut_until(self, now: datetime) -> datetime | None:
        """When to come again; None for a call that is let through, and counted."""
        second = now.replace(microsecond=0)
        if second != self._second:
            self._second, self._calls_in_second = second, 0
        if self._calls_per_s is not None and self._calls_in_second >= self._calls_per_s:
            return second + _SECOND
        self._calls_in_second += 1
        return None
