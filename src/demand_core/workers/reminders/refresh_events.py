"""Have events looked up again that somebody asked to be told of."""

from datetime import UTC, datetime, timedelta
from typing import Final

from attrs import frozen

from demand_core.batch import Outcome
from demand_core.domain.refreshing import EventOrder, LookUpReason
from demand_core.errors import Transient
from demand_core.ports.event_cache import EventCache
from demand_core.ports.outlet import Outlet

PAGE_MAX: Final = 100
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_QUARTER: Final = timedelta(minutes=15)


@frozen(kw_only=True)
class RefreshEvents:
    """No mark is written: what nobody looks up is still stale at the next tick."""

    events: EventCache
    orders: Outlet[EventOrder]

    def __call__(self, now: datetime) -> Outcome:
        """Each tick begin with another shard, so that none is always last."""
        shards = self.events.shards()
        first = (now - _EPOCH) // _QUARTER % len(shards)
        for shard in (*shards[first:], *shards[:first]):
            try:
                self._refresh(shard, now)
            except Transient:
                continue
        return Outcome()

    def _refresh(self, shard: str, now: datetime) -> None:
        ids, after = self.events.stale(shard, now, None, PAGE_MAX)
        while True:
            self.orders.send([EventOrder(event_id=i, reason=LookUpReason.STALE) for i in ids])
            if after is None:
                return
            ids, after = self.events.stale(shard, now, after, PAGE_MAX)
