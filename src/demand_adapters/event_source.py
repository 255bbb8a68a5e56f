"""A source of events that is asked no more than it must be, whichever source it is."""

from concurrent.futures import Future
from datetime import datetime, timedelta
from threading import Lock
from typing import Any, Final

from attrs import field, frozen

from demand_core.domain.ids import EventId
from demand_core.domain.listings import Listing
from demand_core.errors import Transient
from demand_core.ports.clock import Clock
from demand_core.ports.event_source import EventSource

NO_EVENT_FOR: Final = timedelta(seconds=60)
# Ids come from outside: whoever sends many of them must not fill the memory.
NOBODY_MAX: Final = 10_000


@frozen(kw_only=True, eq=False)
class SparingEventSource:
    """Asks *source* once for all who want the same event at the same time.

    What is there is asked for anew each time. That there is no such event is believed for
    *no_event_for*, and remembered of the last *nobody_max* ids.
    """

    source: EventSource
    clock: Clock
    no_event_for: timedelta = NO_EVENT_FOR
    nobody_max: int = NOBODY_MAX
    _lock: Any = field(factory=Lock, init=False, repr=False)
    _calls: dict[EventId, "Future[Listing | None]"] = field(
        factory=dict, init=False, repr=False
    )
    # Since when each is known to be nobody's, the oldest first.
    _nobody: dict[EventId, datetime] = field(factory=dict, init=False, repr=False)

    def look_up(self, event_id: EventId, /) -> Listing | None:
        """Ask, or wait for the answer or the error of whoever asks already."""
        now = self.clock.now()
        with self._lock:
            if self._is_nobody(event_id, now):
                return None
            call = self._calls.get(event_id)
            if asks := call is None:
                call = self._calls[event_id] = Future()
        if asks:
            self._ask(event_id, now, call)
        return call.result()

    def _ask(self, event_id: EventId, now: datetime, call: "Future[Listing | None]") -> None:
        gone = Transient("whoever asked the source of events is gone")
        found: Listing | Exception | None = gone
        try:
            found = self.source.look_up(event_id)
        except Exception as error:  # noqa: BLE001  # whatever it is, all who wait are told
            found = error
        finally:
            with self._lock:
                del self._calls[event_id]
                self._nobody.pop(event_id, None)
                if found is None:
                    self._remember(event_id, now)
            if isinstance(found, Exception):
                call.set_exception(found)
            else:
                call.set_result(found)

    def _is_nobody(self, event_id: EventId, now: datetime) -> bool:
        at = self._nobody.get(event_id)
        # A clock that was set back must not make it nobody for longer.
        return at is not None and timedelta(0) <= now - at < self.no_event_for

    def _remember(self, event_id: EventId, now: datetime) -> None:
        self._nobody[event_id] = now
        if len(self._nobody) > self.nobody_max:
            del self._nobody[next(iter(self._nobody))]
