"""Order the reminders of every sale that opens soon."""

from datetime import datetime

from attrs import frozen

from demand_core.batch import Outcome
from demand_core.domain.generation import (
    GenerationOrder,
    done_for,
    ordered,
    ordered_at,
)
from demand_core.domain.planning import ReminderPolicy
from demand_core.domain.sales import Sale
from demand_core.domain.windows import searched, wants_order
from demand_core.ports.outlet import Outlet
from demand_core.ports.sales_calendar import SalesCalendar


@frozen(kw_only=True)
class ScheduleNotifications:
    """Every tick reads all starts for which a reminder can still be in time.

    So a tick that was missed, or an order that nobody finished, costs the next tick nothing:
    what is made twice is made once.
    """

    sales: SalesCalendar
    orders: Outlet[GenerationOrder]
    reminders: ReminderPolicy

    def __call__(self, now: datetime) -> Outcome:
        """Note on each sale that it was ordered, after the order was taken."""
        span = searched(now, self.reminders.windows)
        ids = tuple(dict.fromkeys(self.sales.starting(span)))
        wanting = [sale for sale in self.sales.get_many(ids).values() if self._wants(sale, now)]
        orders = [_order(sale, start) for sale in wanting if (start := sale.start_at)]
        untaken = dict.fromkeys(self.orders.send(orders))
        for position, order in enumerate(orders):
            if position not in untaken:
                self._note(order, now)
        return Outcome()

    def _wants(self, sale: Sale, now: datetime) -> bool:
        start = sale.start_at
        if start is None or sale.withdrawn_at or done_for(sale, start):
            return False
        return wants_order(start, now, self.reminders.windows, ordered_at(sale))

    def _note(self, order: GenerationOrder, now: datetime) -> None:
        self.sales.amend(order.sale_id, lambda sale: ordered(sale, order.start_at, now))


def _order(sale: Sale, start: datetime) -> GenerationOrder:
    return GenerationOrder(event_id=sale.event_id, sale_id=sale.sale_id, start_at=start)
