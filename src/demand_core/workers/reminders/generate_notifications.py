"""Make the reminders of a sale, one for each fan and channel that asked."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from attrs import evolve, frozen

from demand_core.batch import Outcome, Record, one_by_one
from demand_core.domain.events import Event
from demand_core.domain.generation import GenerationOrder, ordered, parts, with_part
from demand_core.domain.planning import ReminderPolicy
from demand_core.domain.refreshing import RefreshPolicy
from demand_core.domain.sales import Sale
from demand_core.errors import Transient
from demand_core.ports.announcer import Announcer
from demand_core.ports.clock import Clock
from demand_core.ports.demand_ledger import DemandLedger
from demand_core.ports.event_cache import EventCache
from demand_core.ports.event_source import EventSource
from demand_core.ports.notification_store import NotificationStore
from demand_core.ports.outlet import Outlet
from demand_core.ports.pace import Pace
from demand_core.ports.sales_calendar import SalesCalendar
from demand_core.procedures.making import Making
from demand_core.procedures.preparing import Nothing, Preparing

PAGE_MAX: Final = 500
# After which a part goes on as a new order: one run is ended from outside after a minute.
WORKING_TIME: Final = timedelta(seconds=30)


@frozen(kw_only=True)
class GenerateNotifications:
    """Every step may be done again: a message is named by what it is about, and made once."""

    clock: Clock
    pace: Pace
    announcer: Announcer
    event_source: EventSource
    events: EventCache
    sales: SalesCalendar
    demands: DemandLedger
    notifications: NotificationStore
    orders: Outlet[GenerationOrder]
    reminders: ReminderPolicy
    refreshing: RefreshPolicy

    def __call__(self, batch: Sequence[Record[GenerationOrder]]) -> Outcome:
        """One order after the other."""
        return one_by_one(batch, self._do)

    def _do(self, order: GenerationOrder) -> str | None:
        match Preparing.of(self).ready(order):
            case Nothing(reason=reason):
                return reason
            case event, sale if order.refs:
                Making.of(self).make(order.refs, event, sale)
            case _ if order.prepares:
                now = self.clock.now()
                self.sales.amend(order.sale_id, lambda sale: ordered(sale, order.start_at, now))
                self._send_on(parts(order, self.demands.shards()))
            case event, sale:
                self._go_through(order, event, sale)
        return None

    def _go_through(self, order: GenerationOrder, event: Event, sale: Sale) -> None:
        """Page by page; when time is up, what is left goes on as an order of its own."""
        making, enough = Making.of(self), self.clock.now() + WORKING_TIME
        while True:
            page = self.demands.asking(*order.part, PAGE_MAX)
            making.make(page.refs, event, sale)
            if page.after is None:
                break
            order = evolve(order, after=page.after)
            if self.clock.now() >= enough:
                self._send_on([order])
                return
        total = len(parts(order, self.demands.shards()))
        self.sales.amend(sale.sale_id, lambda known: with_part(known, order, total))

    def _send_on(self, orders: Sequence[GenerationOrder]) -> None:
        if self.orders.send(orders):
            raise Transient("not all orders were taken")
