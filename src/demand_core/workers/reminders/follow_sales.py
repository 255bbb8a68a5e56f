"""Have the reminders of a sale made again when it moves after its tick was due."""

from collections.abc import Sequence

from attrs import frozen

from demand_core.batch import Outcome, Record
from demand_core.domain.generation import GenerationOrder, ordered_at
from demand_core.domain.planning import ReminderPolicy
from demand_core.domain.sales import Sale, SaleRef
from demand_core.domain.windows import at_once
from demand_core.ports.clock import Clock
from demand_core.ports.outlet import Outlet
from demand_core.ports.sales_calendar import SalesCalendar


@frozen(kw_only=True)
class FollowSales:
    """A sale that moves ahead of its tick needs nobody: the tick finds it where it is then."""

    clock: Clock
    sales: SalesCalendar
    orders: Outlet[GenerationOrder]
    reminders: ReminderPolicy

    def __call__(self, batch: Sequence[Record[SaleRef]]) -> Outcome:
        """Send back the sales whose order was not taken."""
        ids = tuple(dict.fromkeys(record.body.sale_id for record in batch))
        known = self.sales.get_many(ids)
        orders = [
            GenerationOrder(event_id=sale.event_id, sale_id=sale.sale_id, start_at=start)
            for sale in known.values()
            if (start := sale.start_at) and self._is_late(sale)
        ]
        untaken = {orders[position].sale_id for position in self.orders.send(orders)}
        return Outcome(
            retry=frozenset(r.record_id for r in batch if r.body.sale_id in untaken),
            dropped={r.record_id: "gone" for r in batch if r.body.sale_id not in known},
        )

    def _is_late(self, sale: Sale) -> bool:
        if sale.start_at is None or sale.withdrawn_at or ordered_at(sale):
            return False
        return at_once(sale.start_at, self.clock.now(), self.reminders.windows)
