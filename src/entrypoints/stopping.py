"""Being told to stop: by a signal, by a thread that can't go on, or by the time."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from math import inf
from queue import Empty, SimpleQueue
from time import monotonic
from types import FrameType
from typing import Final

SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)
# A signal that comes just before a wait begins does not end it: Python calls its handler when
# the wait is over. So no wait is longer than this.
LOOK_UP_S: Final = 0.5


class Stop:
    """Told by anybody at any point, a signal handler too, which an event does not bear."""

    def __init__(self) -> None:
        """Nobody has told it yet."""
        self._told = SimpleQueue[None]()

    def tell(self) -> None:
        """Whoever waits goes on."""
        self._told.put(None)

    def wait(self, seconds: float | None = None) -> None:
        """Until it is told, or for so long."""
        until = inf if seconds is None else monotonic() + seconds
        while (left := until - monotonic()) > 0:
            with suppress(Empty):
                self._told.get(timeout=min(left, LOOK_UP_S))
                return


@contextmanager
def signalled() -> Iterator[Stop]:
    """What the first signal tells; the next one does what it always did."""
    stop, before = Stop(), {number: signal.getsignal(number) for number in SIGNALS}

    def first(number: int, frame: FrameType | None) -> None:
        del number, frame
        restore()
        stop.tell()

    def restore() -> None:
        for number, handler in before.items():
            signal.signal(number, handler)

    for number in SIGNALS:
        signal.signal(number, first)
    try:
        yield stop
    finally:
        restore()
