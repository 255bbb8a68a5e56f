"""EventCache over the table."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import partial

from attrs import field, frozen

from demand_adapters.item_table import ItemTable
from demand_adapters.stores.rows import Rows
from demand_adapters.wire.item_keys import event_key, stale_by
from demand_adapters.wire.items import EVENT
from demand_adapters.wire.keys import parse
from demand_core.domain.events import Event, recached, wanted
from demand_core.domain.ids import SHARDS, EventId
from demand_core.domain.links import after_failed_call, linked
from demand_core.ports.clock import Clock


@frozen(kw_only=True)
class TableEventCache:
    """Each event is one item, changed only under its revision."""

    table: ItemTable
    clock: Clock
    _rows: Rows[Event] = field(init=False)

    @_rows.default
    def _events(self) -> Rows[Event]:
        return Rows(table=self.table, clock=self.clock, kind=EVENT)

    def get_many(self, event_ids: Sequence[EventId], /) -> Mapping[EventId, Event]:
        """Read them consistently."""
        found = self._rows.get_many([event_key(event_id) for event_id in event_ids])
        return {event.event_id: event for event in found.values()}

    def refresh(self, events: Sequence[Event], /) -> Sequence[EventId]:
        """Merge each into what is known; of two for one event the later one counts."""
        fresh = {event_key(event.event_id): event for event in events}
        _, unsure, lost = self._rows.amend_many(
            {key: partial(_brought_up, event) for key, event in fresh.items()}
        )
        return [fresh[key].event_id for key in (*unsure, *lost)]

    def link(self, event_id: EventId, url: str, short_url: str, /) -> Event | None:
        """First come, first kept."""
        return self._rows.amend(
            event_key(event_id), lambda event: event and linked(event, url, short_url)
        )

    def link_failed(
        self, event_id: EventId, url: str, at: datetime, calls_max: int, /
    ) -> Event | None:
        """Counted under the revision, so that no failure is counted twice or lost."""
        return self._rows.amend(
            event_key(event_id),
            lambda event: event and after_failed_call(event, url, at, calls_max),
        )

    def wanted(self, event_id: EventId, /) -> Event | None:
        """Mark it, once."""
        return self._rows.amend(event_key(event_id), lambda event: event and wanted(event))

    def stale(
        self, shard: str, now: datetime, after: str | None, limit: int, /
    ) -> tuple[Sequence[EventId], str | None]:
        """Read the open range of the index up to *now*."""
        partition, hi = stale_by(shard, now)
        page = self.table.query_index("byTime", partition, hi=hi, limit=limit, after=after)
        found = (parse(entry.key) for entry in page.rows)
        ids = [EventId(parsed[1]["eventId"]) for parsed in found if parsed]
        return list(dict.fromkeys(ids)), page.after

    def shards(self) -> Sequence[str]:
        """As many as the table has."""
        return tuple(SHARDS)


def _brought_up(fresh: Event, known: Event | None) -> Event:
    return recached(known, fresh) if known else fresh
