"""Hand due messages over, each at most once."""

from collections.abc import Sequence

from attrs import frozen

from demand_core.batch import Outcome, Record
from demand_core.domain.alerts import unreadable
from demand_core.domain.delivery import DeliveryPolicy, is_due
from demand_core.domain.notifications import Channel, DuePage
from demand_core.domain.orders import EmailOrder
from demand_core.domain.planning import ReminderPolicy
from demand_core.ports.announcer import Announcer
from demand_core.ports.clock import Clock
from demand_core.ports.contact_guard import ContactGuard
from demand_core.ports.demand_ledger import DemandLedger
from demand_core.ports.entropy import Entropy
from demand_core.ports.erasure_book import ErasureBook
from demand_core.ports.event_cache import EventCache
from demand_core.ports.notification_store import NotificationStore
from demand_core.ports.opt_out_book import OptOutBook
from demand_core.ports.outlet import Outlet
from demand_core.ports.pace import Pace
from demand_core.ports.sales_calendar import SalesCalendar
from demand_core.ports.sms_sender import SmsSender
from demand_core.procedures.couriers import EmailCourier, SmsCourier
from demand_core.procedures.sending import Sending
from demand_core.procedures.standings import Standings


@frozen(kw_only=True)
class SendNotifications:
    """What woke us only says where to look.

    Nothing here depends on being the only one, or on coming to an end: whatever is cut off is
    found again by the row's own time, so records go back only to come sooner than that.
    """

    clock: Clock
    entropy: Entropy
    announcer: Announcer
    notifications: NotificationStore
    events: EventCache
    sales: SalesCalendar
    demands: DemandLedger
    opt_outs: OptOutBook
    erasures: ErasureBook
    guard: ContactGuard
    pace: Pace
    sms: SmsSender
    emails: Outlet[EmailOrder]
    delivery: DeliveryPolicy
    reminders: ReminderPolicy

    def __call__(self, batch: Sequence[Record[DuePage]]) -> Outcome:
        """Send back what found its gate shut, or for which there was no time."""
        sending, enough = self._sending(), self.clock.now() + self.delivery.working_time
        refs = tuple(dict.fromkeys(ref for record in batch for ref in record.body.refs))
        found = self.notifications.get_many(refs)
        if missing := [ref for ref in refs if ref not in found]:
            for ref in self.notifications.shelve(missing):
                self.announcer.announce(unreadable(ref))
        now = self.clock.now()
        due = {ref: row for ref, row in found.items() if is_due(row, now)}
        left = frozenset(sending.work_on(due, enough))
        return Outcome(
            retry=frozenset(r.record_id for r in batch if not left.isdisjoint(r.body.refs))
        )

    def _sending(self) -> Sending:
        jitter, policy = self.entropy.stream("backoff").random, self.delivery
        return Sending(
            by=self.entropy.fresh_id(),
            clock=self.clock,
            announcer=self.announcer,
            notifications=self.notifications,
            guard=self.guard,
            pace=self.pace,
            opt_outs=self.opt_outs,
            reminders=self.reminders,
            standings=Standings.seen_by(self),
            couriers={
                Channel.SMS: SmsCourier(sms=self.sms, policy=policy, jitter=jitter),
                Channel.EMAIL: EmailCourier(emails=self.emails, policy=policy, jitter=jitter),
            },
        )
