"""Looking an event up and keeping what was found: the same for whoever wants it fresh."""

from collections import Counter
from datetime import timedelta
from typing import Protocol

from attrs import evolve, field, frozen

from demand_core.domain.events import Event
from demand_core.domain.ids import EventId
from demand_core.domain.planning import ReminderPolicy
from demand_core.domain.refreshing import EVENT_SOURCE, RefreshPolicy, refresh_at
from demand_core.domain.suppression import judged
from demand_core.errors import Transient
from demand_core.ports.clock import Clock
from demand_core.ports.event_cache import EventCache
from demand_core.ports.event_source import EventSource
from demand_core.ports.pace import Pace
from demand_core.ports.sales_calendar import SalesCalendar


class LooksUp(Protocol):
    """What a worker has that looks events up."""

    @property
    def clock(self) -> Clock: ...
    @property
    def pace(self) -> Pace: ...
    @property
    def event_source(self) -> EventSource: ...
    @property
    def events(self) -> EventCache: ...
    @property
    def sales(self) -> SalesCalendar: ...
    @property
    def reminders(self) -> ReminderPolicy: ...
    @property
    def refreshing(self) -> RefreshPolicy: ...


@frozen(kw_only=True)
class LookingUp:
    """Cache first; the source is asked once, however many want to know.

    What was odd about its answers is counted in `oddities`.
    """

    clock: Clock
    pace: Pace
    event_source: EventSource
    events: EventCache
    sales: SalesCalendar
    reminders: ReminderPolicy
    refreshing: RefreshPolicy
    oddities: Counter[str] = field(factory=Counter[str], init=False)

    @classmethod
    def of(cls, work: LooksUp) -> "LookingUp":
        """With the ports of a worker that looks events up."""
        return cls(
            clock=work.clock,
            pace=work.pace,
            event_source=work.event_source,
            events=work.events,
            sales=work.sales,
            reminders=work.reminders,
            refreshing=work.refreshing,
        )

    def fresh(self, event_id: EventId, good_for: timedelta) -> Event | None:
        """The event, known for no longer than *good_for*; None if there is none of that id.

        Raises Transient, with `retry_at` while the gate is shut.
        """
        known = self.known(event_id)
        if known and self.clock.now() - known.cached_at <= good_for:
            return known
        return self._looked_up(event_id)

    def known(self, event_id: EventId) -> Event | None:
        """The event as it was when somebody last looked."""
        return self.events.get_many([event_id]).get(event_id)

    def _looked_up(self, event_id: EventId) -> Event | None:
        now = self.clock.now()
        if (opens := self.pace.take(EVENT_SOURCE, 1, now)) > now:
            raise Transient("the source's gate is shut", retry_at=opens)
        try:
            found = self.event_source.look_up(event_id)
        except Transient as fault:
            if fault.retry_at:
                self.pace.hold(EVENT_SOURCE, fault.retry_at)
            raise
        if found is None:
            return None
        self.oddities.update(oddity.code for oddity in found.oddities)
        found = judged(found, self.reminders.suppression)
        # Sales first: whoever finds the event finds them all.
        self.sales.relist(event_id, found.sales, now)
        again = refresh_at(found.sales, now, self.refreshing)
        if self.events.refresh([evolve(found.event, refresh_at=again)]):
            raise Transient("the event was not stored")
        return self.known(event_id)
