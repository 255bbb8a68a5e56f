"""Where each kind of item lies, and by which indexes it is found."""

from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from types import MappingProxyType
from typing import Final, NamedTuple

from demand_adapters.item_table import NOWHERE, Key
from demand_adapters.wire.converters import instant
from demand_adapters.wire.keys import build, build_index, parse
from demand_core.domain.demands import Demand, DemandRef
from demand_core.domain.erasures import Erasure
from demand_core.domain.events import Event
from demand_core.domain.ids import SHARDS, DemandSaleId, ErasureId, EventId, FanId, shard
from demand_core.domain.notifications import (
    Channel,
    Notification,
    NotificationKind,
    NotificationRef,
    due_at,
)
from demand_core.domain.sales import Sale
from demand_core.errors import Permanent

# Keys are asked for again and again while a batch is worked on.
KEYS_KEPT: Final = 16_384


@lru_cache(maxsize=KEYS_KEPT)
def event_key(event_id: str) -> Key:
    """Where an event lies."""
    return build("event", eventId=event_id)


@lru_cache(maxsize=KEYS_KEPT)
def rate_key(sender: str) -> Key:
    """Where the gate of a sender lies."""
    return build("rate", sender=sender)


def event_index(event: Event) -> Mapping[str, Key]:
    """Found by when it is stale, while somebody wants it."""
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


def sale_index(sale: Sale) -> Mapping[str, Key]:
    """Found by its start, while there is one and the sale is listed."""
    if sale.start_at is None or sale.withdrawn_at:
        return NOWHERE
    at = instant(sale.start_at)
    hour = at[: len("2025-02-14T12")]
    return {"byTime": build_index("sale", hour=hour, startAt=at, saleId=sale.sale_id)}


@lru_cache(maxsize=KEYS_KEPT)
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


def demand_index(demand: Demand) -> Mapping[str, Key]:
    """Found by its sale."""
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


def tombstone_key(hashed: str) -> Key:
    """Where it stands that whoever has a name is to be forgotten."""
    return build("tombstone", subjectHash=hashed)


def erasure_key(erasure_id: str) -> Key:
    """Where an erasure lies."""
    return build("erasure.JOB", erasureId=erasure_id)


def erasure_step_key(erasure_id: str, number: int) -> Key:
    """Where the note on its *number*-th change lies: beside it."""
    return build("erasure.STEP", erasureId=erasure_id, nnnn=f"{number:04}")


def erasure_step(key: Key) -> int | None:
    """The number of the note that lies there; None where none does."""
    match parse(key):
        case ("erasure.STEP", parts):
            return int(parts["nnnn"])
        case _:
            return None


def erasure_id(key: Key) -> ErasureId | None:
    """The erasure that lies there; None where none does."""
    match parse(key):
        case ("erasure.JOB", parts):
            return ErasureId(parts["erasureId"])
        case _:
            return None


def erasure_index(erasure: Erasure) -> Mapping[str, Key]:
    """Found among all, in the order in which they were asked for."""
    return {"byGroup": build_index("erasure", erasureId=erasure.erasure_id)}


def watermark_key(name: str) -> Key:
    """Where the newest of something is marked."""
    return build("watermark", name=name)


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


def notification_index(row: Notification) -> Mapping[str, Key]:
    """Found by sale, by id, by the provider's number, and by when somebody must look."""
    lasting = _lasting(
        row.kind, row.fan_id, row.sale_id or "", row.channel, row.notification_id
    )
    entries = {**lasting.entries}
    if due := due_at(row):
        entries["byTime"] = build_index(
            "due",
            shard=lasting.shard,
            dueAt=instant(due),
            notificationId=row.notification_id,
        )
    if row.provider and row.provider_message_id:
        entries["byMessage"] = build_index(
            "message",
            provider=row.provider,
            providerMessageId=row.provider_message_id,
            SK=lasting.sk,
        )
    return entries


class _Lasting(NamedTuple):
    """What a message keeps in the indexes as long as it lives."""

    sk: str
    shard: str
    entries: Mapping[str, Key]


@lru_cache(maxsize=KEYS_KEPT)
def _lasting(
    kind: NotificationKind,
    fan_id: FanId,
    subject: str,
    channel: Channel,
    notification_id: str,
) -> _Lasting:
    ref = NotificationRef(kind=kind, fan_id=fan_id, subject=subject, channel=channel)
    sk, part = notification_key(ref)[1], shard(fan_id)
    group = build_index(
        "sent", subject=subject, shard=part, fanId=fan_id, channel=channel.value
    )
    own = build_index("reference", notificationId=notification_id, SK=sk)
    return _Lasting(sk, part, {"byGroup": group, "byId": own})
