"""Before reminders are made: what is known of their sale by now, and whether to make any."""

from typing import Protocol

from attrs import frozen

from demand_core.domain.alerts import silenced
from demand_core.domain.events import Event
from demand_core.domain.generation import GenerationOrder, finished
from demand_core.domain.planning import ReminderPolicy
from demand_core.domain.sales import Sale
from demand_core.domain.suppression import silences
from demand_core.errors import Transient
from demand_core.ports.announcer import Announcer
from demand_core.ports.sales_calendar import SalesCalendar
from demand_core.procedures.looking_up import LookingUp, LooksUp


@frozen
class Nothing:
    """There is nothing to make, and this is why."""

    reason: str


class Prepares(LooksUp, Protocol):
    """What a worker has that makes reminders."""

    @property
    def announcer(self) -> Announcer: ...


@frozen(kw_only=True)
class Preparing:
    """The event is looked up once for an order, however many parts and fans there are."""

    looking_up: LookingUp
    announcer: Announcer
    sales: SalesCalendar
    reminders: ReminderPolicy

    @classmethod
    def of(cls, work: Prepares) -> "Preparing":
        """With the ports of a worker that makes reminders."""
        return cls(
            looking_up=LookingUp.of(work),
            announcer=work.announcer,
            sales=work.sales,
            reminders=work.reminders,
        )

    def ready(self, order: GenerationOrder) -> tuple[Event, Sale] | Nothing:
        """What reminders are made from; a silent sale is done with."""
        event = self._event(order)
        sale = self.sales.get_many([order.sale_id]).get(order.sale_id)
        if event is None or sale is None:
            return Nothing("sale_unknown")
        if sale.withdrawn_at or sale.start_at != order.start_at:
            return Nothing("sale_moved")
        if because := tuple(silences(event, sale, self.reminders.suppression)):
            self.announcer.announce(silenced(sale, because))
            self.sales.amend(sale.sale_id, lambda known: finished(known, order.start_at))
            return Nothing("suppressed")
        return event, sale

    def _event(self, order: GenerationOrder) -> Event | None:
        """Old will do where the source is down, and for a part: late is worse than old."""
        known = self.looking_up.known(order.event_id)
        if known and not order.prepares:
            return known
        try:
            return self.looking_up.fresh(order.event_id, self.reminders.fresh_for)
        except Transient:
            if known is None:
                raise
            return known
