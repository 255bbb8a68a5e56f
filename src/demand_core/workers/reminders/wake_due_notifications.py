"""Find the messages that somebody must look at, and say so."""

from datetime import UTC, datetime, timedelta
from typing import Final

from attrs import frozen

from demand_core.batch import Outcome
from demand_core.domain.notifications import DuePage
from demand_core.errors import Transient
from demand_core.ports.notification_store import NotificationStore
from demand_core.ports.outlet import Outlet

PAGE_MAX: Final = 100
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MINUTE: Final = timedelta(minutes=1)


@frozen(kw_only=True)
class WakeDueNotifications:
    """Reads the due index as an open range up to now, so that nothing missed stays missed.

    No mark is written: what nobody comes to is still due in the next minute.
    """

    notifications: NotificationStore
    pages: Outlet[DuePage]

    def __call__(self, now: datetime) -> Outcome:
        """Each minute begin with another shard: where time runs out, none is always last."""
        shards = self.notifications.shards()
        first = (now - _EPOCH) // _MINUTE % len(shards)
        for shard in (*shards[first:], *shards[:first]):
            try:
                self._wake(shard, now)
            except Transient:
                # It costs this shard this minute, and no other shard anything.
                continue
        return Outcome()

    def _wake(self, shard: str, now: datetime) -> None:
        page = self.notifications.due(shard, now, None, PAGE_MAX)
        while True:
            if page.refs:
                self.pages.send([DuePage(tuple(dict.fromkeys(page.refs)))])
            if page.after is None:
                return
            page = self.notifications.due(shard, now, page.after, PAGE_MAX)
