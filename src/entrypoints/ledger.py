"""What the messages themselves say of a sale: nobody counts along, so no count can be wrong."""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Final

from attrs import frozen

from demand_core.domain.notifications import Notification
from demand_core.domain.statuses import Status
from demand_core.ports.notification_store import NotificationStore

PAGE_MAX: Final = 100


@frozen(kw_only=True)
class Totals:
    """How many messages of one subject got how far, and after how many attempts."""

    by_status: Mapping[str, int]
    attempts: Counter[int]
    doubtful: int
    unsettled: int

    @property
    def total(self) -> int:
        """All of them."""
        return sum(self.by_status.values())

    @property
    def finished(self) -> bool:
        """Whether nobody will hand any of them over again; delivery may still be reported."""
        return self.total > 0 and self.unsettled == 0

    def document(self) -> Mapping[str, object]:
        """As plain data."""
        return {
            "total": self.total,
            "finished": self.finished,
            "unsettled": self.unsettled,
            "doubtful": self.doubtful,
            "byStatus": dict(self.by_status),
            "attempts": {str(n): count for n, count in sorted(self.attempts.items())},
        }


def totals(store: NotificationStore, subject: str) -> Totals:
    """Count all messages about *subject*, page by page."""
    ends, attempts = Counter[Status](), Counter[int]()
    doubtful = unsettled = 0
    for row in _rows(store, subject):
        ends[row.status] += 1
        attempts[row.send_attempts] += 1
        doubtful += row.in_doubt
        unsettled += not row.settled
    return Totals(
        by_status={status.value: ends[status] for status in Status if ends[status]},
        attempts=attempts,
        doubtful=doubtful,
        unsettled=unsettled,
    )


def _rows(store: NotificationStore, subject: str) -> Iterator[Notification]:
    for shard in store.shards():
        page = store.about(subject, shard, None, PAGE_MAX)
        while True:
            yield from store.get_many(tuple(dict.fromkeys(page.refs))).values()
            if page.after is None:
                break
            page = store.about(subject, shard, page.after, PAGE_MAX)
