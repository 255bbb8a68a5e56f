"""How a change of the table travels to the rows that it concerns: by its keys alone."""

import json
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Final, TypeVar

from demand_adapters.item_table import Change, Key
from demand_adapters.wire.bodies import plain
from demand_adapters.wire.converters import instant, structured
from demand_adapters.wire.item_keys import KEYS_KEPT, notification_ref
from demand_adapters.wire.keys import SHAPES, parse
from demand_core.domain.notifications import DuePage
from demand_core.errors import Permanent

T = TypeVar("T")

_ENCODE: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
KINDS_BY_SHAPE: Final[Mapping[str, str]] = {shape.name: shape.kind_of_item for shape in SHAPES}


def _page(key: Key) -> DuePage:
    """A page of the due index with one message on it."""
    ref = notification_ref(key)
    return DuePage(() if ref is None else (ref,))


# Bodies that are not simply the parts of the key.
MADE_OF: Final[Mapping[type, Callable[[Key], object]]] = {DuePage: _page}


def encode_change(change: Change) -> bytes:
    """Which item changed, how and when: nothing personal waits in a queue."""
    note = {
        "changeId": change.change_id,
        "at": instant(change.at),
        "kind": change.kind.value,
        "keys": change.key,
    }
    return _ENCODE(note).encode()


def decode_change(kind_of_item: str, body: type[T], payload: bytes) -> T:
    """The *body* made of the parts of the changed item's key; raises Permanent."""
    note = plain(payload)
    match note:
        case {"keys": [str(pk), str(sk)]}:
            kind, parts = named((pk, sk))
        case _:
            raise Permanent("wrong_type", "$.keys")
    if kind != kind_of_item:
        raise Permanent("bad_id", "$.keys")
    made = MADE_OF.get(body)
    return structured(body, parts) if made is None else made((pk, sk))  # type: ignore[return-value]


@lru_cache(maxsize=KEYS_KEPT)
def named(key: Key) -> tuple[str | None, dict[str, str]]:
    """The type of the item under *key* and the key's parts; no type for one not of ours."""
    parsed = parse(key)
    return (KINDS_BY_SHAPE[parsed[0]], parsed[1]) if parsed else (None, {})
