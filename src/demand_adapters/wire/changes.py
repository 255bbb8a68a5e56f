"""How a change of the table travels to the rows that it concerns: by its keys alone."""

import json
from collections.abc import Mapping
from typing import Final, TypeVar

from demand_adapters.item_table import Change
from demand_adapters.wire.bodies import plain
from demand_adapters.wire.converters import instant, structured
from demand_adapters.wire.keys import SHAPES, parse
from demand_core.errors import Permanent

T = TypeVar("T")

_ENCODE: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
_KINDS: Final[Mapping[str, str]] = {shape.name: shape.kind_of_item for shape in SHAPES}


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
    keys = note.get("keys") if isinstance(note, dict) else None
    if not (isinstance(keys, list) and len(keys) == 2 and all(type(k) is str for k in keys)):
        raise Permanent("wrong_type", "$.keys")
    parsed = parse((keys[0], keys[1]))
    if parsed is None or _KINDS[parsed[0]] != kind_of_item:
        raise Permanent("bad_id", "$.keys")
    return structured(body, parsed[1])
