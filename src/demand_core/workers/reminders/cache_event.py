"""Keep what the source says of an event."""

from collections.abc import Sequence
from functools import partial

from attrs import evolve, frozen

from demand_core.batch import Outcome, Record, one_by_one
from demand_core.domain.planning import ReminderPolicy
from demand_core.domain.refreshing import EventOrder, LookUpReason, RefreshPolicy
from demand_core.ports.clock import Clock
from demand_core.ports.event_cache import EventCache
from demand_core.ports.event_source import EventSource
from demand_core.ports.pace import Pace
from demand_core.ports.sales_calendar import SalesCalendar
from demand_core.procedures.looking_up import LookingUp


@frozen(kw_only=True)
class CacheEvent:
    """However many ask for an event at once, it is looked up once."""

    clock: Clock
    pace: Pace
    event_source: EventSource
    events: EventCache
    sales: SalesCalendar
    reminders: ReminderPolicy
    refreshing: RefreshPolicy

    def __call__(self, batch: Sequence[Record[EventOrder]]) -> Outcome:
        """One event after the other; a source that asks for rest gets it."""
        looking_up = LookingUp.of(self)
        outcome = one_by_one(batch, partial(self._cache, looking_up))
        return evolve(outcome, noted=looking_up.oddities)

    def _cache(self, looking_up: LookingUp, order: EventOrder) -> str | None:
        event = looking_up.fresh(order.event_id, self.reminders.fresh_for)
        if event is None:
            return "no_event"
        if order.reason is LookUpReason.DEMAND:
            self.events.wanted(order.event_id)
        return None
