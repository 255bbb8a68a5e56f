"""The clock of the machine, and its moments as a database counts them."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from threading import Lock
from time import time_ns
from typing import Final

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
MILLISECOND: Final = timedelta(milliseconds=1)
NS_PER_MS: Final = 1_000_000


class WallClock:
    """What the machine says; when that is put back, the time before stands still meanwhile."""

    def __init__(self, system_ns: Callable[[], int] = time_ns) -> None:
        """Answer nothing yet."""
        self._system_ns = system_ns
        self._asking = Lock()
        self._last = 0

    def now(self) -> datetime:
        """Ask the machine."""
        with self._asking:
            self._last = max(self._last, self._system_ns() // NS_PER_MS)
            return moment(self._last)


def moment(milliseconds: int) -> datetime:
    """What :func:`milliseconds` has counted."""
    return EPOCH + milliseconds * MILLISECOND


def milliseconds(at: datetime) -> int:
    """How many until *at*, the one that has begun too: what waits waits no shorter."""
    return -((EPOCH - at) // MILLISECOND)
