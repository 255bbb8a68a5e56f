"""Answer what an app asks of an event."""

from attrs import frozen

from demand_core.domain.event_details import (
    EventAnswer,
    EventProblem,
    EventQuery,
    LookUpPolicy,
    details,
)
from demand_core.domain.events import Event
from demand_core.domain.ids import ALPHABETS, EventId
from demand_core.domain.planning import ReminderPolicy
from demand_core.domain.refreshing import RefreshPolicy
from demand_core.errors import Permanent, Transient
from demand_core.ports.clock import Clock
from demand_core.ports.event_cache import EventCache
from demand_core.ports.event_source import EventSource
from demand_core.ports.pace import Pace
from demand_core.ports.sales_calendar import SalesCalendar
from demand_core.procedures.looking_up import LookingUp


@frozen(kw_only=True)
class LookUpEvent:
    """What is known and fresh costs two reads and no call; a source that is down costs
    freshness, not the answer.
    """

    clock: Clock
    pace: Pace
    event_source: EventSource
    events: EventCache
    sales: SalesCalendar
    reminders: ReminderPolicy
    refreshing: RefreshPolicy
    look_ups: LookUpPolicy

    def __call__(self, query: EventQuery) -> EventAnswer:
        """An event or the reason why there is none to show."""
        if not ALPHABETS["eventId"].fullmatch(query.event_id):
            return EventAnswer(problem=EventProblem.INVALID_ID)
        event_id = EventId(query.event_id)
        looking_up = LookingUp.of(self)
        try:
            found = looking_up.fresh(event_id, self.look_ups.good_for)
        except (Transient, Permanent):
            return self._stale(event_id, query)
        if found is None:
            return EventAnswer(problem=EventProblem.NOT_FOUND)
        return self._shown(found, query, stale=False)

    def _stale(self, event_id: EventId, query: EventQuery) -> EventAnswer:
        known = self.events.get_many([event_id]).get(event_id)
        if known is None or self.clock.now() - known.cached_at > self.look_ups.at_most:
            return EventAnswer(problem=EventProblem.UNAVAILABLE)
        return self._shown(known, query, stale=True)

    def _shown(self, event: Event, query: EventQuery, *, stale: bool) -> EventAnswer:
        sales = tuple(self.sales.of_event(event.event_id))
        policy = self.reminders.suppression
        return EventAnswer(event=details(event, sales, query, policy, stale=stale))
