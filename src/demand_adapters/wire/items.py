"""Items of the table and the values in them: one `Kind` a type of item."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final, Generic, TypeVar

from attrs import frozen

from demand_adapters.item_table import NOWHERE, Body, Item, Key, Value
from demand_adapters.wire.books import Guard, Rate, Watermark
from demand_adapters.wire.converters import foreign, merged, structured, unstructured
from demand_adapters.wire.item_keys import (
    demand_index,
    demand_key,
    erasure_index,
    erasure_key,
    event_index,
    event_key,
    notification_index,
    notification_key,
    sale_index,
    sale_key,
)
from demand_core.domain.demands import Demand
from demand_core.domain.erasures import Erasure, Tombstone, Touched
from demand_core.domain.events import Event
from demand_core.domain.notifications import (
    Notification,
)
from demand_core.domain.opt_outs import OptOut
from demand_core.domain.sales import Sale
from demand_core.errors import Permanent

T = TypeVar("T")

SCHEMA_VERSION: Final = 1
# The index by which work is found.
WORK: Final = "byTime"
# Long enough for every question about the season before.
NOTIFICATION_KEPT: Final = timedelta(days=400)
GUARD_KEPT: Final = timedelta(days=30)


@frozen(kw_only=True)
class Row(Generic[T]):
    """An item as it was read: the value in it, and what is not the value's to say."""

    key: Key
    revision: str
    value: T | None
    version: int
    rest: Body
    index: Mapping[str, Key]
    expires_at: int | None


def _version(body: Body) -> int:
    version = body.get("version", 0)
    return version if type(version) is int else 0


def _nowhere(_: object) -> Mapping[str, Key]:
    return NOWHERE


def _never(_: object) -> None:
    return None


@frozen(kw_only=True)
class Kind(Generic[T]):
    """How one type of value lies in the table.

    *key* says where a value must lie that names itself, *indexes* which ones *index* fills.
    *expires* says when it may go. *history* are the fields that tell how we came here, *marks*
    those of which only the presence matters: two worlds that differ in nothing else are the
    same.
    """

    name: str
    holds: type[T]
    key: Callable[[T], Key] | None = None
    index: Callable[[T], Mapping[str, Key]] = _nowhere
    indexes: frozenset[str] = frozenset()
    expires: Callable[[T], datetime | None] = _never
    history: frozenset[str] = frozenset()
    marks: frozenset[str] = frozenset()

    def row(self, item: Item) -> Row[T]:
        """What *item* holds; no value when it does not look like this kind."""
        body = item.body
        try:
            read = structured(self.holds, body)
            value = read if self.key is None or self.key(read) == item.key else None
        except Permanent:
            value = None
        return Row(
            key=item.key,
            revision=item.revision,
            value=value,
            version=_version(body),
            rest=foreign(self.holds, body),
            index=item.index,
            expires_at=item.expires_at,
        )

    def written(self, item: Item, value: T, known: Row[T] | None) -> Row[T]:
        """What *item* holds, made of *value* in the place of *known*: nothing to be read."""
        return Row(
            key=item.key,
            revision=item.revision,
            value=value,
            version=_version(item.body),
            rest=known.rest if known else {},
            index=item.index,
            expires_at=item.expires_at,
        )

    def item(self, key: Key, value: T, known: Row[T] | None, now: datetime) -> Item:
        """*value* as the item that takes the place of *known*, whose other fields stay.

        `version` orders: it starts at the time, so that an item made again is newer than its
        past, and grows by one with every write.
        """
        body = merged(known.rest if known else {}, unstructured(value))
        body["type"] = self.name
        body["schemaVersion"] = SCHEMA_VERSION
        body["version"] = known.version + 1 if known else round(now.timestamp() * 1000)
        expires = self.expires(value)
        expires_at = round(expires.timestamp()) if expires else None
        if known is None:
            return Item(key, body, self.index(value), expires_at)
        index = {n: entry for n, entry in known.index.items() if n not in self.indexes}
        index.update(self.index(value))
        return Item(key, body, index, expires_at or known.expires_at, known.revision)

    def shelved(self, item: Item) -> Item | None:
        """*item* out of sight of who looks for work, where nobody can read it; else None."""
        if self.row(item).value is not None or WORK not in item.index:
            return None
        index = {name: entry for name, entry in item.index.items() if name != WORK}
        return Item(item.key, item.body, index, item.expires_at, item.revision)

    def essence(self, body: Body) -> Mapping[str, Value]:
        """*body* without what tells only how we came here."""
        return {
            name: name in self.marks or value
            for name, value in body.items()
            if name not in self.history and name not in {"version", "schemaVersion"}
        }


def essence(item: Item) -> Mapping[str, Value] | None:
    """What must be equal however we came here; None for an item that only keeps our books."""
    if item.body.get("type") == RATE.name:
        return None
    kind = KINDS.get(str(item.body.get("type")))
    return kind.essence(item.body) if kind else item.body


EVENT: Final = Kind(
    name="event",
    holds=Event,
    key=lambda event: event_key(event.event_id),
    index=event_index,
    indexes=frozenset({"byTime"}),
    history=frozenset({"linkAttempts"}),
    marks=frozenset({"linkFailedAt", "cachedAt", "refreshAt", "date"}),
)
RATE: Final = Kind(name="rate", holds=Rate)
NOTIFICATION: Final = Kind(
    name="notification",
    holds=Notification,
    key=lambda row: notification_key(row.ref),
    index=notification_index,
    indexes=frozenset({"byGroup", "byId", "byMessage", "byTime"}),
    expires=lambda row: row.not_after + NOTIFICATION_KEPT,
    history=frozenset(
        {
            *("claim", "errors", "firstHandoverAt", "knownAt", "replays", "seen"),
            *("sendAttempts", "waitUntil"),
        }
    ),
    marks=frozenset({"date", "outcomeUnknownSince"}),
)

SALE: Final = Kind(
    name="sale",
    holds=Sale,
    key=lambda sale: sale_key(sale.sale_id),
    index=sale_index,
    indexes=frozenset({"byTime"}),
    history=frozenset({"generation"}),
    marks=frozenset({"date", "withdrawnAt"}),
)
DEMAND: Final = Kind(
    name="demand",
    holds=Demand,
    key=lambda demand: demand_key(demand.ref),
    index=demand_index,
    indexes=frozenset({"byGroup"}),
    marks=frozenset({"date"}),
)
OPT_OUT: Final = Kind(name="optOut", holds=OptOut, history=frozenset({"at"}))
GUARD: Final = Kind(
    name="contactGuard", holds=Guard, expires=lambda guard: guard.until + GUARD_KEPT
)
TOMBSTONE: Final = Kind(name="tombstone", holds=Tombstone)
ERASURE: Final = Kind(
    name="erasure",
    holds=Erasure,
    key=lambda erasure: erasure_key(erasure.erasure_id),
    index=erasure_index,
    indexes=frozenset({"byGroup"}),
)
# Beside the erasure, as part of it: the archive knows both by one name.
ERASURE_STEP: Final = Kind(name="erasure", holds=Touched)
WATERMARK: Final = Kind(name="watermark", holds=Watermark)

KINDS: Final[Mapping[str, Kind[Any]]] = {
    kind.name: kind
    for kind in (
        *(DEMAND, ERASURE, EVENT, GUARD, NOTIFICATION, OPT_OUT, RATE, SALE, TOMBSTONE),
        WATERMARK,
    )
}
