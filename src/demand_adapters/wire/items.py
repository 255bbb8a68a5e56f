"""Items of the table and the values in them: one `Kind` a type of item."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from functools import lru_cache
from types import MappingProxyType
from typing import Any, Final, Generic, TypeVar

from attrs import frozen

from demand_adapters.item_table import NOWHERE, Body, Item, Key, Value
from demand_adapters.wire.books import Guard, Rate
from demand_adapters.wire.converters import foreign, instant, merged, structured, unstructured
from demand_adapters.wire.keys import build, build_index, parse
from demand_core.domain.demands import Demand, DemandRef
from demand_core.domain.events import Event
from demand_core.domain.ids import SHARDS, DemandSaleId, EventId, FanId, shard
from demand_core.domain.notifications import (
    Channel,
    Notification,
    NotificationKind,
    NotificationRef,
    due_at,
)
from demand_core.domain.opt_outs import OptOut
from demand_core.domain.sales import Sale
from demand_core.errors import Permanent

T = TypeVar("T")

SCHEMA_VERSION: Final = 1
# Keys are asked for again and again while a batch is worked on.
KEYS_KEPT: Final = 16_384
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


@lru_cache(maxsize=KEYS_KEPT)
def event_key(event_id: str) -> Key:
    """Where an event lies."""
    return build("event", eventId=event_id)


@lru_cache(maxsize=KEYS_KEPT)
def rate_key(sender: str) -> Key:
    """Where the gate of a sender lies."""
    return build("rate", sender=sender)


def _event_index(event: Event) -> Mapping[str, Key]:
    if event.refresh_at is None or not event.has_demand:
        return NOWHERE
    return _fresh(event.event_id, event.refresh_at)


def stale_by(number: str, now: datetime) -> Key:
    """Where the index has the last of one shard that may be stale by *now*, whatever its id."""
    return build_index("fresh", shard=number, refreshAt=instant(now), eventId="z" * 64)


@lru_cache(maxsize=KEYS_KEPT)
def _fresh(event_id: str, refresh_at: datetime) -> Mapping[str, Key]:
    at = instant(refresh_at)
    entry = build_index("fresh", shard=shard(event_id), refreshAt=at, eventId=event_id)
    return MappingProxyType({"byTime": entry})


@lru_cache(maxsize=KEYS_KEPT)
def sale_key(sale_id: str) -> Key:
    """Where a sale lies: beside its event."""
    return build("sale", eventId=sale_id.partition(".")[0], saleId=sale_id)


def _sale_index(sale: Sale) -> Mapping[str, Key]:
    """Found by its start, while there is one and the sale is listed."""
    if sale.start_at is None or sale.withdrawn_at:
        return NOWHERE
    at = instant(sale.start_at)
    hour = at[: len("2025-02-14T12")]
    return {"byTime": build_index("sale", hour=hour, startAt=at, saleId=sale.sale_id)}


def demand_key(ref: DemandRef) -> Key:
    """Where a wish lies: with its fan."""
    return build("demand", fanId=ref.fan_id, eventId=ref.event_id, saleId=ref.sale_id)


@lru_cache(maxsize=KEYS_KEPT)
def demand_ref(key: Key) -> DemandRef | None:
    """Which wish lies there; None where none does."""
    match parse(key):
        case ("demand", parts):
            return DemandRef(
                fan_id=FanId(parts["fanId"]),
                event_id=EventId(parts["eventId"]),
                sale_id=DemandSaleId(parts["saleId"]),
            )
        case _:
            return None


def _demand_index(demand: Demand) -> Mapping[str, Key]:
    entry = build_index(
        "ask",
        saleId=demand.sale_id,
        shard=shard(demand.fan_id),
        requestedAt=instant(demand.date.requested),
        fanId=demand.fan_id,
    )
    return {"byGroup": entry}


def opt_out_key(hashed: str, channel: Channel) -> Key:
    """Where the last word on a contact lies."""
    return build("optOut", contactHash=hashed, channel=channel.value)


def guard_key(hashed: str, sale_id: str, channel: Channel) -> Key:
    """Where it is noted whose a contact is for a sale."""
    return build("contactGuard", contactHash=hashed, saleId=sale_id, channel=channel.value)


@lru_cache(maxsize=KEYS_KEPT)
def notification_key(ref: NotificationRef) -> Key:
    """Where a message lies: with its fan, under what it is about."""
    if ref.kind is not NotificationKind.REMINDER:
        raise Permanent("bad_notification", f"no place for a {ref.kind.value} yet")
    return build(
        "notification.REMINDER",
        fanId=ref.fan_id,
        saleId=ref.subject,
        channel=ref.channel.value,
    )


@lru_cache(maxsize=KEYS_KEPT)
def notification_ref(key: Key) -> NotificationRef | None:
    """Which message lies there; None where none does."""
    match parse(key):
        case ("notification.REMINDER", parts):
            return NotificationRef(
                kind=NotificationKind.REMINDER,
                fan_id=FanId(parts["fanId"]),
                subject=parts["saleId"],
                channel=Channel(parts["channel"]),
            )
        case _:
            return None


def fan_partition(fan_id: str) -> str:
    """Where all lies that a fan asked for and was sent."""
    return build("demand", fanId=fan_id, eventId="x", saleId="x.any")[0]


def due_by(number: str, now: datetime) -> Key:
    """Where the index has the last of one shard that may be due by *now*, whatever its id."""
    highest = SHARDS[-1] * 32
    return build_index("due", shard=number, dueAt=instant(now), notificationId=highest)


def _notification_index(row: Notification) -> Mapping[str, Key]:
    ref = row.ref
    entries = {**_named(ref, row.notification_id)}
    if due := due_at(row):
        entries["byTime"] = build_index(
            "due",
            shard=shard(row.fan_id),
            dueAt=instant(due),
            notificationId=row.notification_id,
        )
    if row.provider and row.provider_message_id:
        entries["byMessage"] = build_index(
            "message",
            provider=row.provider,
            providerMessageId=row.provider_message_id,
            SK=notification_key(ref)[1],
        )
    return entries


@lru_cache(maxsize=KEYS_KEPT)
def _named(ref: NotificationRef, notification_id: str) -> Mapping[str, Key]:
    """The entries that a message keeps as long as it lives."""
    group = build_index(
        "sent",
        subject=ref.subject,
        shard=shard(ref.fan_id),
        fanId=ref.fan_id,
        channel=ref.channel.value,
    )
    own = build_index("reference", notificationId=notification_id, SK=notification_key(ref)[1])
    return MappingProxyType({"byGroup": group, "byId": own})


EVENT: Final = Kind(
    name="event",
    holds=Event,
    key=lambda event: event_key(event.event_id),
    index=_event_index,
    indexes=frozenset({"byTime"}),
    history=frozenset({"linkAttempts"}),
    marks=frozenset({"linkFailedAt", "cachedAt", "refreshAt", "date"}),
)
RATE: Final = Kind(name="rate", holds=Rate)
NOTIFICATION: Final = Kind(
    name="notification",
    holds=Notification,
    key=lambda row: notification_key(row.ref),
    index=_notification_index,
    indexes=frozenset({"byGroup", "byId", "byMessage", "byTime"}),
    expires=lambda row: row.not_after + NOTIFICATION_KEPT,
    history=frozenset(
        {"claim", "errors", "replays", "seen", "firstHandoverAt", "sendAttempts", "waitUntil"}
    ),
    marks=frozenset({"date", "outcomeUnknownSince"}),
)

SALE: Final = Kind(
    name="sale",
    holds=Sale,
    key=lambda sale: sale_key(sale.sale_id),
    index=_sale_index,
    indexes=frozenset({"byTime"}),
    history=frozenset({"generation"}),
    marks=frozenset({"date", "withdrawnAt"}),
)
DEMAND: Final = Kind(
    name="demand",
    holds=Demand,
    key=lambda demand: demand_key(demand.ref),
    index=_demand_index,
    indexes=frozenset({"byGroup"}),
    marks=frozenset({"date"}),
)
OPT_OUT: Final = Kind(name="optOut", holds=OptOut, history=frozenset({"at"}))
GUARD: Final = Kind(
    name="contactGuard", holds=Guard, expires=lambda guard: guard.until + GUARD_KEPT
)

KINDS: Final[Mapping[str, Kind[Any]]] = {
    kind.name: kind for kind in (DEMAND, EVENT, GUARD, NOTIFICATION, OPT_OUT, RATE, SALE)
}
