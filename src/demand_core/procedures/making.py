"""Making messages of wishes: planned, stored once, and taken along when their sale moves."""

from collections.abc import Sequence
from typing import Protocol

from attrs import frozen

from demand_core.domain.demands import DemandRef
from demand_core.domain.events import Event
from demand_core.domain.planning import ReminderPolicy, brought_up, planned
from demand_core.domain.sales import Sale
from demand_core.errors import Transient
from demand_core.ports.clock import Clock
from demand_core.ports.demand_ledger import DemandLedger
from demand_core.ports.notification_store import NotificationStore


class Makes(Protocol):
    """What a worker has that makes messages."""

    @property
    def clock(self) -> Clock: ...
    @property
    def demands(self) -> DemandLedger: ...
    @property
    def notifications(self) -> NotificationStore: ...
    @property
    def reminders(self) -> ReminderPolicy: ...


@frozen(kw_only=True)
class Making:
    """For one sale; done again it makes nothing new."""

    clock: Clock
    demands: DemandLedger
    notifications: NotificationStore
    reminders: ReminderPolicy

    @classmethod
    def of(cls, work: "Makes") -> "Making":
        """With the ports of a worker that makes messages."""
        return cls(
            clock=work.clock,
            demands=work.demands,
            notifications=work.notifications,
            reminders=work.reminders,
        )

    def make(self, refs: Sequence[DemandRef], event: Event, sale: Sale) -> None:
        """Raises Transient unless every message is certainly there."""
        now, policy = self.clock.now(), self.reminders
        asked = self.demands.get_many(tuple(dict.fromkeys(refs)))
        rows = {
            row.ref: row
            for demand in asked.values()
            for row in planned(demand, event, sale, now, policy)
        }
        known = self.notifications.get_many(tuple(rows))
        for ref, row in known.items():
            if row.rendered_for != sale.start_at:
                self.notifications.amend(
                    ref, lambda row: brought_up(row, event, sale, now, policy)
                )
        if self.notifications.create([row for ref, row in rows.items() if ref not in known]):
            raise Transient("not all messages were certainly stored")
