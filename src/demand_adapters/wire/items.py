"""Items of the table and the values in them: one `Kind` a type of item."""

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import lru_cache
from types import MappingProxyType
from typing import Any, Final, Generic, TypeVar

from attrs import frozen

from demand_adapters.item_table import NOWHERE, Body, Item, Key, Value
from demand_adapters.wire.converters import foreign, instant, merged, structured, unstructured
from demand_adapters.wire.keys import build, build_index
from demand_core.domain.events import Event
from demand_core.domain.ids import shard
from demand_core.errors import Permanent

T = TypeVar("T")

SCHEMA_VERSION: Final = 1
# Keys are asked for again and again while a batch is worked on.
KEYS_KEPT: Final = 4096


@frozen(kw_only=True)
class Rate:
    """The gate before one remote service: nobody may call before it opens."""

    next_free_at: datetime
    per_second: int


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


def _nowhere(_: object) -> Mapping[str, Key]:
    return NOWHERE


@frozen(kw_only=True)
class Kind(Generic[T]):
    """How one type of value lies in the table.

    *key* says where a value must lie that names itself, *indexes* which ones *index* fills.
    *history* are the fields that tell how we came here, *marks* those of which only the
    presence matters: two worlds that differ in nothing else are the same.
    """

    name: str
    holds: type[T]
    key: Callable[[T], Key] | None = None
    index: Callable[[T], Mapping[str, Key]] = _nowhere
    indexes: frozenset[str] = frozenset()
    history: frozenset[str] = frozenset()
    marks: frozenset[str] = frozenset()

    def row(self, item: Item) -> Row[T]:
        """What *item* holds; no value when it does not look like this kind."""
        body = item.body
        try:
            value = structured(self.holds, body)
        except Permanent:
            value = None
        if value is not None and self.key and self.key(value) != item.key:
            value = None
        version = body.get("version", 0)
        return Row(
            key=item.key,
            revision=item.revision,
            value=value,
            version=version if type(version) is int else 0,
            rest=foreign(self.holds, body),
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
        if known is None:
            return Item(key, body, self.index(value))
        index = {n: entry for n, entry in known.index.items() if n not in self.indexes}
        index.update(self.index(value))
        return Item(key, body, index, known.expires_at, known.revision)

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
    return _fresh(event.event_id, event.refresh_at) if event.refresh_at else NOWHERE


@lru_cache(maxsize=KEYS_KEPT)
def _fresh(event_id: str, refresh_at: datetime) -> Mapping[str, Key]:
    at = instant(refresh_at)
    entry = build_index("fresh", shard=shard(event_id), refreshAt=at, eventId=event_id)
    return MappingProxyType({"byTime": entry})


EVENT: Final = Kind(
    name="event",
    holds=Event,
    key=lambda event: event_key(event.event_id),
    index=_event_index,
    indexes=frozenset({"byTime"}),
    history=frozenset({"linkAttempts"}),
    marks=frozenset({"linkFailedAt"}),
)
RATE: Final = Kind(name="rate", holds=Rate)

KINDS: Final[Mapping[str, Kind[Any]]] = {kind.name: kind for kind in (EVENT, RATE)}
