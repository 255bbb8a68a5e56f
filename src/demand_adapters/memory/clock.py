"""Time that moves only when it is moved."""

from datetime import UTC, datetime, timedelta

from demand_core.errors import WiringError


class MemoryClock:
    """Stands still between one move and the next."""

    __slots__ = ("_now",)

    def __init__(self, start: datetime) -> None:
        """Begin at *start*, in any zone."""
        self._now = _whole(start)

    def now(self) -> datetime:
        """Where it was moved to last."""
        return self._now

    def advance(self, by: timedelta) -> None:
        """Move on by *by*."""
        self.move_to(self._now + by)

    def move_to(self, at: datetime) -> None:
        """Move on to *at*, which is not before now, or to the next whole millisecond.

        Never short of *at*: who moves to what is due next would move there for ever.
        """
        moved = _whole(at)
        if at < self._now:
            raise WiringError(f"time can't go back from {self._now} to {at}")
        self._now = moved


def _whole(at: datetime) -> datetime:
    if at.tzinfo is None:
        raise WiringError(f"{at} says no time zone")
    return at.astimezone(UTC) + timedelta(microseconds=-at.microsecond % 1000)
