"""Answer what an app asks of an event."""

from datetime import timedelta
from typing import TypeGuard

from attrs import frozen

from demand_core.domain.event_details import (
    EventAnswer,
    EventProblem,
    EventQuery,
    LookUpPolicy,
    details,
)
from demand_core.domain.ids import ALPHABETS, EventId
from demand_core.domain.listings import Listing
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
    """What is known and fresh costs one read and no call; a source that is down costs
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
        known = self.sales.listing(event_id)
        if self._within(known, self.look_ups.good_for):
            return self._shown(known, query, stale=False)
        try:
            found = LookingUp.of(self).fresh(event_id, self.look_ups.good_for)
        except (Transient, Permanent):
            return self._stale(known, query)
        fresh = self.sales.listing(event_id) if found else None
        if fresh is None:
            return EventAnswer(problem=EventProblem.NOT_FOUND)
        return self._shown(fresh, query, stale=False)

    def _within(self, known: Listing | None, age: timedelta) -> TypeGuard[Listing]:
        return known is not None and self.clock.now() - known.event.cached_at <= age

    def _stale(self, known: Listing | None, query: EventQuery) -> EventAnswer:
        if self._within(known, self.look_ups.at_most):
            return self._shown(known, query, stale=True)
        return EventAnswer(problem=EventProblem.UNAVAILABLE)

    def _shown(self, known: Listing, query: EventQuery, *, stale: bool) -> EventAnswer:
        policy = self.reminders.suppression
        return EventAnswer(event=details(known.event, known.sales, query, policy, stale=stale))
