"""What may become of a schema: files of years are read by whoever knows the newest one.

A field may be added if nobody misses it: one that may be null, and is where it was not written.
Everything else that a reader could stumble over is refused.
"""

import json
from collections.abc import Iterator
from typing import Any

from demand_adapters.wire.avro.schemas import Schema


def breaks(old: Schema, new: Schema) -> list[str]:
    """What in *new* a reader of files under *old* could stumble over, each with its place."""
    # As they are spelled: a default is no part of how rows are encoded, and of its tree.
    return [*_between(json.loads(old.json), json.loads(new.json), "$")]


def _between(old: Any, new: Any, at: str) -> Iterator[str]:
    match old, new:
        case {"type": "record"}, {"type": "record"}:
            yield from _records(old, new, at)
        case {"type": "array"}, {"type": "array"}:
            yield from _between(old["items"], new["items"], f"{at}[]")
        case [*_], [*_] if len(old) == len(new):
            for one, other in zip(old, new, strict=True):
                yield from _between(one, other, at)
        case _:
            if old != new:
                yield f"{at} has another type"


def _records(old: Any, new: Any, at: str) -> Iterator[str]:
    if old["name"] != new["name"]:
        yield f"{at} has another name"
    before = {field["name"]: field for field in old["fields"]}
    now = {field["name"]: field for field in new["fields"]}
    for name in before.keys() - now.keys():
        yield f"{at}.{name} is gone"
    for name, field in now.items():
        if name in before:
            yield from _between(before[name]["type"], field["type"], f"{at}.{name}")
        elif not _may_be_missing(field):
            yield f"{at}.{name} is new, and must be null where it was not written"


def _may_be_missing(field: Any) -> bool:
    kind = field["type"]
    return isinstance(kind, list) and kind[0] == "null" and field.get("default", ...) is None
