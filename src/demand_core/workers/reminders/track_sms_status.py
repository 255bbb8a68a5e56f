"""Merge what a provider reports into the messages that it is about."""

from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from typing import Final

from attrs import evolve, frozen

from demand_core.batch import Outcome, Record, one_by_one
from demand_core.domain.notifications import NotificationRef
from demand_core.domain.reports import Report, reported
from demand_core.domain.sms_news import SmsNews, StatusReport
from demand_core.errors import Transient
from demand_core.ports.clock import Clock
from demand_core.ports.notification_store import NotificationStore
from demand_core.ports.outlet import Outlet

# How long a report waits for a message that nobody knows yet.
PARKED_FOR: Final = timedelta(minutes=15)


@frozen(kw_only=True)
class TrackSmsStatus:
    """Reports come in any order, any number of times, and now and then before our own record.

    One about a message that is not known yet would hold its shard up, so it waits in a queue
    of its own.
    """

    clock: Clock
    notifications: NotificationStore
    parked: Outlet[SmsNews]

    def __call__(self, batch: Sequence[Record[SmsNews]]) -> Outcome:
        """One report after the other; they commute."""
        return one_by_one(batch, self._track)

    def _track(self, news: SmsNews) -> str | None:
        if not isinstance(news, StatusReport):
            return "no_report"
        ref = self._about(news)
        if ref is None:
            return self._park(news)
        step = partial(reported, report=self._report(news))
        return None if self.notifications.amend(ref, step) else "gone"

    def _about(self, news: StatusReport) -> NotificationRef | None:
        """By the provider's number; by ours where he was faster than our own record."""
        found = self.notifications.of_message(news.provider, news.message_id)
        if found is None and news.reference:
            return self.notifications.of_id(news.reference)
        return found

    def _park(self, news: StatusReport) -> str | None:
        now = self.clock.now()
        if news.parked_at is None:
            if self.parked.send([evolve(news, parked_at=now)]):
                raise Transient("the report was not taken")
            return None
        if now - news.parked_at < PARKED_FOR:
            raise Transient("the message is not known yet")
        return "unknown_message"

    def _report(self, news: StatusReport) -> Report:
        return Report(
            status=news.status,
            occurred_at=news.occurred_at,
            arrived_at=news.parked_at or self.clock.now(),
            provider=news.provider,
            message_id=news.message_id,
            code=news.error_code,
            detail=news.error_text or "",
        )
