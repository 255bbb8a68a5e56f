"""NotificationStore over the table."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime

from attrs import field, frozen

from demand_adapters.item_table import Did, Entry, ItemTable, Key, Page, every
from demand_adapters.stores.rows import Rows
from demand_adapters.wire.item_keys import (
    due_by,
    fan_partition,
    notification_key,
    notification_ref,
)
from demand_adapters.wire.items import NOTIFICATION
from demand_adapters.wire.keys import build_partition
from demand_core.domain.ids import SHARDS, FanId, NotificationId
from demand_core.domain.notifications import Notification, NotificationPage, NotificationRef
from demand_core.ports.clock import Clock
from demand_core.ports.notification_store import Step


@frozen(kw_only=True)
class TableNotificationStore:
    """Each message is one item, changed only under its revision."""

    table: ItemTable
    clock: Clock
    _rows: Rows[Notification] = field(init=False)

    @_rows.default
    def _notifications(self) -> Rows[Notification]:
        return Rows(table=self.table, clock=self.clock, kind=NOTIFICATION)

    def get_many(
        self, refs: Sequence[NotificationRef], /
    ) -> Mapping[NotificationRef, Notification]:
        """Read them consistently."""
        asked = {notification_key(ref): ref for ref in refs}
        found = self._rows.get_many(tuple(asked))
        return {asked[key]: row for key, row in found.items()}

    def create(self, rows: Sequence[Notification], /) -> Sequence[NotificationRef]:
        """First come, first kept, also where nobody can read it: its fan may have been told."""
        new: dict[Key, Notification] = {}
        for row in rows:
            new.setdefault(notification_key(row.ref), row)
        now = self.clock.now()
        items = [NOTIFICATION.item(key, row, None, now) for key, row in new.items()]
        wrote = zip(new.values(), self.table.put_new(items), strict=True)
        return [row.ref for row, (did, _) in wrote if did is Did.UNSURE]

    def amend(self, ref: NotificationRef, step: Step, /) -> Notification | None:
        """Step by step under the revision."""
        return self._rows.amend(notification_key(ref), lambda row: row and step(row))

    def due(
        self, shard: str, now: datetime, after: str | None, limit: int, /
    ) -> NotificationPage:
        """Read the open range of the due index up to *now*."""
        partition, hi = due_by(shard, now)
        page = self.table.query_index("byTime", partition, hi=hi, limit=limit, after=after)
        return NotificationPage(tuple(_refs(page.rows)), page.after)

    def shelve(self, refs: Sequence[NotificationRef], /) -> Sequence[NotificationRef]:
        """Take only the entry away: what they hold stays for whoever can read it."""
        items = self.table.get_many([notification_key(ref) for ref in refs])
        shelved = [NOTIFICATION.shelved(item) for item in items.values()]
        wrote = self.table.replace([item for item in shelved if item is not None])
        done = (item.key for did, item in wrote if did is Did.DONE and item)
        return [ref for key in done if (ref := notification_ref(key))]

    def about(
        self, subject: str, shard: str, after: str | None, limit: int, /
    ) -> NotificationPage:
        """Read one part of the group of the subject."""
        partition = build_partition("sent", subject=subject, shard=shard)
        page = self.table.query_index("byGroup", partition, limit=limit, after=after)
        return NotificationPage(tuple(_refs(page.rows)), page.after)

    def of_fan(self, fan_id: FanId, /) -> Sequence[Notification]:
        """Read what lies with the fan."""
        return self._rows.all_in(fan_partition(fan_id), notification_ref)

    def shards(self) -> Sequence[str]:
        """As many as the table has."""
        return tuple(SHARDS)

    def of_message(self, provider: str, message_id: str, /) -> NotificationRef | None:
        """Look into the index of messages."""
        partition = build_partition("message", provider=provider, providerMessageId=message_id)
        return self._found("byMessage", partition)

    def of_id(self, notification_id: NotificationId, /) -> NotificationRef | None:
        """Look into the index of ids."""
        return self._found("byId", build_partition("reference", notificationId=notification_id))

    def _found(self, index: str, partition: str) -> NotificationRef | None:
        def read(after: str | None) -> Page[Entry]:
            return self.table.query_index(index, partition, limit=1, after=after)

        return next(_refs(every(read)), None)


def _refs(entries: Iterable[Entry]) -> Iterator[NotificationRef]:
    """Other items may wait among ours."""
    found = (notification_ref(entry.key) for entry in entries)
    return (ref for ref in found if ref is not None)
