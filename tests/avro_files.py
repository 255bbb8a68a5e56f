"""Container files as tests want them: any frame, and rows of any type that we write."""

import json
import zlib
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final, TypeAlias

from attrs import frozen
from hypothesis import strategies as st

SYNC: Final = bytes(range(16))
Json: TypeAlias = str | dict[str, Any] | list[Any]


def zigzag(number: int) -> bytes:
    """*number* as Avro writes it."""
    rest = (number << 1) ^ (number >> 63)
    out = bytearray()
    while rest > 127:
        out.append(rest & 127 | 128)
        rest >>= 7
    return bytes([*out, rest])


def text(value: str | bytes) -> bytes:
    """*value* behind its length."""
    stored = value.encode() if isinstance(value, str) else value
    return zigzag(len(stored)) + stored


def record(*types: Json, name: str = "R") -> dict[str, Any]:
    """A record whose fields f0, f1 and so on are of *types*."""
    fields = [{"name": f"f{n}", "type": kind} for n, kind in enumerate(types)]
    return {"type": "record", "name": name, "fields": fields}


def deflated(content: bytes, times: int = 1) -> bytes:
    """So many times *content* as the codec stores it."""
    deflater = zlib.compressobj(6, zlib.DEFLATED, -15)
    return b"".join([*(deflater.compress(content) for _ in range(times)), deflater.flush()])


def head(schema: Json | bytes, codec: str = "null", **metadata: bytes) -> bytes:
    """A header, whatever it may say."""
    spelled = schema if isinstance(schema, bytes) else json.dumps(schema).encode()
    entries = {"avro.schema": spelled, "avro.codec": codec.encode(), **metadata}
    parts = [text(part) for entry in entries.items() for part in entry]
    return b"".join((b"Obj\x01", zigzag(len(entries)), *parts, zigzag(0), SYNC))


def block(count: int, payload: bytes, sync: bytes = SYNC) -> bytes:
    """A block, whatever it may hold."""
    return zigzag(count) + text(payload) + sync


@frozen
class Typed:
    """A type beside values of it."""

    spelled: Json
    values: st.SearchStrategy[Any]


_millis = st.integers(-(10**13), 10**14).map(
    lambda ms: datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=ms)
)
PLAIN: Final[tuple[Typed, ...]] = (
    Typed("boolean", st.booleans()),
    Typed("int", st.integers(-(2**31), 2**31 - 1)),
    Typed("long", st.integers(-(2**63), 2**63 - 1)),
    Typed("float", st.floats(width=32, allow_nan=False)),
    Typed("double", st.floats(allow_nan=False)),
    Typed("bytes", st.binary(max_size=9)),
    Typed("string", st.text(max_size=9)),
    Typed({"type": "long", "logicalType": "timestamp-millis"}, _millis),
    Typed(
        {"type": "long", "logicalType": "timestamp-micros"},
        st.datetimes(timezones=st.just(UTC)),
    ),
    Typed({"type": "int", "logicalType": "date"}, st.dates(date.min, date.max)),
)
NESTS: Final = ("optional", "array", "map", "record", "enum", "fixed")


@st.composite
def typed(draw: st.DrawFn, name: str = "T", depth: int = 3) -> Typed:
    """Any type that we write; *name* is free for it and begins those inside it."""
    nest = draw(st.sampled_from(NESTS) | st.none()) if depth else None
    if nest is None:
        return draw(st.sampled_from(PLAIN))
    if nest == "record":
        return draw(records(name, depth))
    if nest == "enum":
        enum = {"type": "enum", "name": name, "symbols": ["A", "b", "_c3"]}
        return Typed(enum, st.sampled_from(["A", "b", "_c3"]))
    if nest == "fixed":
        fixed = {"type": "fixed", "name": name, "size": 3}
        return Typed(fixed, st.binary(min_size=3, max_size=3))
    return _around(nest, draw(typed(f"{name}_", depth - 1)))


def _around(nest: str, inner: Typed) -> Typed:
    if nest == "array":
        array = {"type": "array", "items": inner.spelled}
        return Typed(array, st.lists(inner.values, max_size=3))
    if nest == "map":
        keys = st.text(max_size=3) | st.just("-type")
        mapped = {"type": "map", "values": inner.spelled}
        return Typed(mapped, st.dictionaries(keys, inner.values, max_size=3))
    if isinstance(inner.spelled, list):
        return inner
    return Typed(["null", inner.spelled], st.none() | inner.values)


@st.composite
def records(draw: st.DrawFn, name: str = "R", depth: int = 3) -> Typed:
    """A record of up to four such types."""
    fields = [draw(typed(f"{name}_{n}", depth - 1)) for n in range(draw(st.integers(1, 4)))]
    values = {f"f{n}": field.values for n, field in enumerate(fields)}
    spelled = record(*(field.spelled for field in fields), name=name)
    return Typed(spelled, st.fixed_dictionaries(values))


@st.composite
def tables(draw: st.DrawFn) -> tuple[str, list[dict[str, Any]]]:
    """A schema and rows of it."""
    root = draw(records())
    return json.dumps(root.spelled), draw(st.lists(root.values, max_size=8))
