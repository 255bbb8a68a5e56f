"""See to it that a new wish is heard: its event kept fresh, and its reminders not too late."""

from collections.abc import Iterator, Sequence

from attrs import frozen

from demand_core.batch import Outcome, Record
from demand_core.domain.demands import Demand, DemandRef, any_sale
from demand_core.domain.generation import GenerationOrder
from demand_core.domain.ids import SaleId
from demand_core.domain.planning import ReminderPolicy
from demand_core.domain.refreshing import EventOrder, LookUpReason
from demand_core.domain.sales import Sale
from demand_core.domain.windows import at_once
from demand_core.ports.clock import Clock
from demand_core.ports.demand_ledger import DemandLedger
from demand_core.ports.event_cache import EventCache
from demand_core.ports.outlet import Outlet
from demand_core.ports.sales_calendar import SalesCalendar


@frozen(kw_only=True)
class FollowDemand:
    """Who asks after the tick of a sale was due is seen to at once.

    The order names the wish itself: the index that others read may not know of it yet.
    """

    clock: Clock
    events: EventCache
    sales: SalesCalendar
    demands: DemandLedger
    events_wanted: Outlet[EventOrder]
    orders: Outlet[GenerationOrder]
    reminders: ReminderPolicy

    def __call__(self, batch: Sequence[Record[DemandRef]]) -> Outcome:
        """Send back the wishes for which an order was not taken."""
        refs = tuple(dict.fromkeys(record.body for record in batch))
        asked = self.demands.get_many(refs)
        known = self.events.get_many(tuple(dict.fromkeys(ref.event_id for ref in asked)))
        unwanted = [
            event_id
            for event_id in dict.fromkeys(ref.event_id for ref in asked)
            if event_id not in known or not known[event_id].has_demand
        ]
        look_ups = [EventOrder(event_id=i, reason=LookUpReason.DEMAND) for i in unwanted]
        late = [order for demand in asked.values() for order in self._late(demand)]
        missed = {unwanted[position] for position in self.events_wanted.send(look_ups)}
        untaken = {late[position].refs[0] for position in self.orders.send(late)}
        return Outcome(
            retry=frozenset(
                r.record_id
                for r in batch
                if r.body in untaken or (r.body in asked and r.body.event_id in missed)
            ),
            dropped={r.record_id: "withdrawn" for r in batch if r.body not in asked},
        )

    def _late(self, demand: Demand) -> Iterator[GenerationOrder]:
        now = self.clock.now()
        for sale in self._sales(demand):
            start = sale.start_at
            if start and not sale.withdrawn_at and at_once(start, now, self.reminders.windows):
                yield GenerationOrder(
                    event_id=sale.event_id,
                    sale_id=sale.sale_id,
                    start_at=start,
                    refs=(demand.ref,),
                )

    def _sales(self, demand: Demand) -> Sequence[Sale]:
        if demand.sale_id == any_sale(demand.event_id):
            return self.sales.of_event(demand.event_id)
        sale_id = SaleId(demand.sale_id)
        return list(self.sales.get_many([sale_id]).values())
