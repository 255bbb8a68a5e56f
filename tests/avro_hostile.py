"""What an attacker sends as a container, each with the code that it is refused by."""

from collections.abc import Mapping
from random import Random
from typing import Any, Final, TypeAlias

from tests.avro_files import SYNC, Json, block, deflated, head, record, text, zigzag

Corpus: TypeAlias = Mapping[str, tuple[str, bytes]]

MAGIC: Final = b"Obj\x01"
MIB: Final = 2**20
LONGS: Final = record("long")
TEXTS: Final = record("string")
LISTS: Final = record({"type": "array", "items": "int"})
MAPS: Final = record({"type": "map", "values": "int"})
INSTANTS: Final = record({"type": "long", "logicalType": "timestamp-millis"})


def doubling(levels: int) -> dict[str, Any]:
    """Each type holds the one before twice: 2^levels values by few words."""
    kind: Json = record("int", name="A0")
    for level in range(1, levels):
        kind = record(kind, f"A{level - 1}", name=f"A{level}")
    return record(kind)


def chain(levels: int) -> dict[str, Any]:
    """An array whose items have a byte each and become so many dicts."""
    kind: Json = "boolean"
    for level in range(levels):
        kind = record(kind, name=f"A{level}")
    return record({"type": "array", "items": kind})


def arrays(levels: int) -> bytes:
    """A record of arrays in arrays, spelled out."""
    opened = b'{"type":"array","items":' * levels
    field = b'{"name":"a","type":%b"int"%b}' % (opened, b"}" * levels)
    return b'{"type":"record","name":"R","fields":[%b]}' % field


def field_named(name: str) -> dict[str, Any]:
    """A record with one field."""
    return {"type": "record", "name": "R", "fields": [{"name": name, "type": "int"}]}


FRAMES: Final[Corpus] = {
    "empty": ("bad_magic", b""),
    "no container": ("bad_magic", b"PK\x03\x04" + bytes(99)),
    "no schema": ("bad_metadata", MAGIC + zigzag(0) + SYNC),
    "unknown codec": ("bad_codec", head(LONGS, codec="zstandard")),
    "key twice": ("bad_metadata", MAGIC + zigzag(2) + text("a") * 4),
    "key not UTF-8": ("bad_metadata", MAGIC + zigzag(1) + text(b"\xff") * 2),
    "key of negative length": ("bad_metadata", MAGIC + b"\x02" + zigzag(-7) + bytes(40)),
    "huge value in metadata": ("header_too_large", head(LONGS, a=bytes(2 * MIB))),
    "value of 2^62 bytes": ("header_too_large", MAGIC + b"\x02\x02a" + zigzag(2**62)),
    "2^62 entries": ("header_too_large", MAGIC + zigzag(2**62) + b"\x02a\x02b"),
    "-2^63 entries": ("header_too_large", MAGIC + zigzag(-(2**63)) + b"\x02"),
    "number without end": ("bad_number", MAGIC + b"\xff" * 40),
    "number of 65 bits": ("bad_number", MAGIC + b"\xff" * 9 + b"\x02"),
    "header cut off": ("cut_off", head(LONGS)[:-1]),
    "negative count": ("bad_count", head(LONGS) + block(-1, b"\2")),
    "negative size": ("bad_count", head(LONGS) + zigzag(1) + zigzag(-5) + SYNC),
    "size of 2^62": ("block_too_large", head(LONGS) + zigzag(1) + zigzag(2**62)),
    "block cut off": ("cut_off", head(LONGS) + zigzag(1) + zigzag(10**7) + b"\2"),
    "wrong sync": ("bad_sync", head(LONGS) + block(1, b"\2", bytes(16))),
}

# Schemas as they are spelled.
SCHEMAS: Final[Mapping[str, tuple[str, Json | bytes]]] = {
    "not JSON": ("bad_schema", b"{'type'"),
    "not UTF-8": ("bad_schema", b'"\xff"'),
    "a key twice": ("bad_schema", b'{"type":"record","type":"record"}'),
    "not a number": ("bad_schema", b'{"type":"record","doc":NaN}'),
    "no finite number": ("bad_schema", b'{"type":"record","doc":1e999}'),
    "deep words": ("bad_schema", b'{"type":"record","doc":%b}' % (b"[" * 5_000 + b"]" * 5_000)),
    "a number of many digits": ("bad_schema", b"9" * 50_000),
    "huge": ("schema_too_large", b" " * 200_000),
    "deep JSON": ("bad_schema", b"[" * 100_000),
    "deep": ("schema_too_deep", arrays(900)),
    "deeper than may be": ("schema_too_deep", arrays(32)),
    "100,000 fields": ("header_too_large", record(*["int"] * 100_000)),
    "3,000 fields": ("schema_too_large", record(*["int"] * 3_000)),
    "3,000 symbols": (
        "schema_too_large",
        record({"type": "enum", "name": "E", "symbols": ["A"] * 3_000}),
    ),
    "a union of many": (
        "schema_too_large",
        record([record("int", name=f"A{n}") for n in range(1_000)]),
    ),
    "recursive": ("recursive_schema", record("long", ["null", "R"])),
    "recursive in an array": ("recursive_schema", record({"type": "array", "items": "R"})),
    "recursive in a map": ("recursive_schema", record({"type": "map", "values": "R"})),
    "recursive by two": ("recursive_schema", record(record("R", name="S"))),
    "doubling": ("schema_too_deep", doubling(40)),
    "a bad name": ("bad_name", record("long", name="event-id")),
    "a bad namespace": ("bad_name", {**LONGS, "namespace": "a..b"}),
    "no name": ("bad_name", {**LONGS, "name": None}),
    "a plain name": ("bad_name", record("long", name="string")),
    "a bad field name": ("bad_name", field_named("1a")),
    "a name with a new line": ("bad_name", field_named("a\n")),
    "a letter beyond ASCII": ("bad_name", field_named("é")),
    "null": ("bad_schema", record("null")),
    "null as an object": ("bad_schema", record({"type": "null"})),
    "no fields": ("bad_schema", record()),
    "fields that are none": ("bad_schema", {**LONGS, "fields": ["a"]}),
    "a field twice": ("bad_schema", {**LONGS, "fields": LONGS["fields"] * 2}),
    "an array of nulls": ("bad_schema", record({"type": "array", "items": "null"})),
    "a map of nulls": ("bad_schema", record({"type": "map", "values": "null"})),
    "a fixed of no size": ("bad_schema", record({"type": "fixed", "name": "F", "size": 0})),
    "a fixed of 2^60": ("bad_schema", record({"type": "fixed", "name": "F", "size": 2**60})),
    "a fixed of true": ("bad_schema", record({"type": "fixed", "name": "F", "size": True})),
    "an enum of nothing": ("bad_schema", record({"type": "enum", "name": "E", "symbols": []})),
    "an enum without symbols": ("bad_schema", record({"type": "enum", "name": "E"})),
    "an unknown name": ("bad_schema", record("S")),
    "an unknown kind": ("bad_schema", record({"type": "error", "name": "E"})),
    "a type of no kind": ("bad_schema", record([{"type": 7}])),
    "a name twice": ("bad_schema", record(record("int"))),
    "an empty union": ("bad_schema", record([])),
    "a union of one type twice": ("bad_schema", record(["int", {"type": "int"}])),
    "a union in a union": ("bad_schema", record(["null", ["int"]])),
    "no record": ("bad_schema", {"type": "array", "items": "int"}),
    "a plain type": ("bad_schema", '"long"'),
}

BLOCKS: Final[Corpus] = {
    "rows without bytes": ("bad_count", head(LONGS) + block(2**40, b"")),
    "more rows than bytes": ("bad_count", head(LONGS) + block(2**62, b"\2")),
    "no rows but bytes": ("trailing_bytes", head(LONGS) + block(0, b"\2")),
    "trailing bytes": ("trailing_bytes", head(LONGS) + block(1, b"\2\2")),
    "bomb": (
        "block_too_large",
        head(LONGS, "deflate") + block(1, deflated(bytes(MIB), times=100)),
    ),
    "ratio": (
        "block_too_large",
        head(LONGS, "deflate") + block(2 * MIB, deflated(bytes(2 * MIB))),
    ),
    "no deflate": ("bad_deflate", head(LONGS, "deflate") + block(1, b"\xff\xff")),
    "deflate without end": (
        "bad_deflate",
        head(LONGS, "deflate") + block(9, deflated(bytes(9))[:-1]),
    ),
    "bytes after deflate": (
        "trailing_bytes",
        head(LONGS, "deflate") + block(1, deflated(b"\2") + b"\xff"),
    ),
    "text of 2^62": ("bad_row", head(TEXTS) + block(1, zigzag(2**62) + b"a")),
    "text of negative length": ("bad_row", head(TEXTS) + block(1, zigzag(-1) + b"a")),
    "text not UTF-8": ("bad_row", head(TEXTS) + block(1, text(b"\xff"))),
    "number cut off": ("bad_row", head(LONGS) + block(1, b"\xff")),
    "2^62 items": ("bad_row", head(LISTS) + block(1, zigzag(2**62) + b"\2" * 9)),
    "-2^63 items": ("bad_row", head(LISTS) + block(1, zigzag(-(2**63)) + b"\2" * 9)),
    "2^62 entries": ("bad_row", head(MAPS) + block(1, zigzag(2**62) + b"\2a\2" * 9)),
    "no such branch": ("bad_row", head(record(["null", "long"])) + block(1, b"\x0a")),
    "instant out of range": ("bad_row", head(INSTANTS) + block(1, zigzag(2**62))),
    "a million lists": (
        "row_too_large",
        head(record({"type": "array", "items": {"type": "array", "items": "int"}}), "deflate")
        + block(1, deflated(zigzag(MIB - 5) + bytes(MIB - 4))),
    ),
    "dicts in dicts": (
        "row_too_large",
        head(chain(28), "deflate") + block(1, deflated(zigzag(MIB // 2) + b"\1" * (MIB // 2))),
    ),
}

HOSTILE: Final[Corpus] = {
    **FRAMES,
    **{f"schema: {name}": (code, head(schema)) for name, (code, schema) in SCHEMAS.items()},
    **BLOCKS,
}

# Nothing is wrong with it but its size: what a block may inflate to, at the ratio it may have.
_NOISE: Final = bytes(byte & 127 for byte in Random(7).randbytes(14_000))
LARGEST: Final = head(LONGS, "deflate") + block(
    64 * MIB, deflated(_NOISE.ljust(MIB, b"\0"), times=64)
)
