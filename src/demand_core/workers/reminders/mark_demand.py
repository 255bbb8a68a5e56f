"""Note on a wish when it was first answered, when that arrived, and where nothing arrives."""

from collections.abc import Sequence
from functools import partial

from attrs import frozen

from demand_core.batch import Outcome, Record, one_by_one
from demand_core.domain.demands import answered
from demand_core.domain.notifications import DuePage, Notification
from demand_core.ports.demand_ledger import DemandLedger
from demand_core.ports.notification_store import NotificationStore
from demand_core.procedures.standings import demand_ref


@frozen(kw_only=True)
class MarkDemand:
    """Once each: what is noted first stays, whichever channel it was."""

    notifications: NotificationStore
    demands: DemandLedger

    def __call__(self, batch: Sequence[Record[DuePage]]) -> Outcome:
        """Read each message as it is by now."""
        return one_by_one(batch, self._mark)

    def _mark(self, page: DuePage) -> str | None:
        rows = self.notifications.get_many(page.refs)
        for row in rows.values():
            self._note(row)
        return None if rows else "gone"

    def _note(self, row: Notification) -> None:
        if ref := demand_ref(row):
            self.demands.amend(ref, partial(answered, row=row))
