"""What others wrote is read as they read it; what is cut off or changed is an error or rows."""

import io
import json
import tracemalloc
from collections.abc import Mapping
from typing import Final

import fastavro
import pytest
from hypothesis import given
from hypothesis import strategies as st

from demand_adapters.wire.avro.flaws import Malformed
from demand_adapters.wire.avro.frames import Cursor, Source, frames, header, pieces
from demand_adapters.wire.avro.limits import LIMITS, Limits
from demand_adapters.wire.avro.reading import Row, read
from demand_adapters.wire.avro.schemas import Schema
from tests.avro_files import SYNC, Json, block, deflated, head, record, tables, text, zigzag

PEOPLE: Final = record("string", ["null", "long"], {"type": "array", "items": "int"})
ROWS: Final = [{"f0": f"fan{n}", "f1": n if n % 2 else None, "f2": [n] * n} for n in range(7)]


def by_fastavro(schema: str, rows: list[Row], *, codec: str, block_bytes: int) -> bytes:
    out = io.BytesIO()
    fastavro.writer(
        out,
        json.loads(schema),
        rows,
        codec=codec,
        sync_interval=block_bytes,
        sync_marker=SYNC,
        metadata={"a": "b"},
    )
    return out.getvalue()


SMALL: Final = by_fastavro(json.dumps(PEOPLE), ROWS, codec="deflate", block_bytes=20)


class Drip:
    """An open file that gives a few bytes at a time."""

    def __init__(self, content: bytes) -> None:
        self.file = io.BytesIO(content)

    def read(self, size: int, /) -> bytes:
        return self.file.read(min(size, 3))


def attempt(file: bytes) -> list[Row] | str:
    """The rows, or the code of the refusal."""
    try:
        return list(read(file))
    except Malformed as flaw:
        return flaw.code


@pytest.mark.parametrize("codec", ["null", "deflate"])
@given(table=tables(), block_bytes=st.integers(1, 200))
def test_what_fastavro_wrote_is_read_as_fastavro_reads_it(
    table: tuple[str, list[Row]], block_bytes: int, codec: str
) -> None:
    schema, rows = table
    file = by_fastavro(schema, rows, codec=codec, block_bytes=block_bytes)
    container = read(file)
    assert list(container) == list(fastavro.reader(io.BytesIO(file))) == rows
    assert container.header.codec == codec
    assert container.header.metadata == {"a": b"b"}
    assert container.header.sync == SYNC


@pytest.mark.parametrize(
    "source",
    [
        SMALL,
        io.BytesIO(SMALL),
        Drip(SMALL),
        [SMALL[:5], b"", SMALL[5:]],
        (bytes([byte]) for byte in SMALL),
    ],
    ids=["bytes", "file", "dripping file", "pieces", "single bytes"],
)
def test_a_source_is_bytes_a_file_or_pieces(source: Source) -> None:
    assert list(read(source)) == ROWS


def test_blocks_say_where_they_are_and_what_they_hold() -> None:
    blocks = [(b.number, b.offset, b.count, list(b.rows)) for b in read(SMALL).blocks]
    assert [number for number, *_ in blocks] == list(range(1, len(blocks) + 1))
    assert [row for *_, rows in blocks for row in rows] == ROWS
    assert all(SMALL[at - len(SYNC) : at] == SYNC for _, at, *_ in blocks)
    assert all(count == len(rows) for *_, count, rows in blocks)


@given(table=tables(), block_bytes=st.integers(1, 200))
def test_each_row_comes_with_the_bytes_that_it_is_encoded_in(
    table: tuple[str, list[Row]], block_bytes: int
) -> None:
    schema, rows = table
    file = by_fastavro(schema, rows, codec="null", block_bytes=block_bytes)
    cursor = Cursor(pieces(file))
    stored = frames(cursor, header(cursor, LIMITS).sync, LIMITS)
    for one, frame in zip(read(file).blocks, stored, strict=True):
        found = list(one.encoded)
        assert b"".join(encoded for _, encoded in found) == frame.payload
        for row, encoded in found:
            out = io.BytesIO()
            fastavro.schemaless_writer(out, Schema.of(schema).parsed, row)
            assert out.getvalue() == encoded


def test_a_row_behind_the_first_window_comes_with_its_bytes_too() -> None:
    rows = [{"f0": "x" * 200, "f1": n, "f2": [n]} for n in range(40)]
    file = by_fastavro(json.dumps(PEOPLE), rows, codec="null", block_bytes=100_000)
    (one,) = read(file, limits=Limits(row_memory_max=100_000)).blocks
    encoded = [stored for _, stored in one.encoded]
    assert len(encoded) == 40
    assert file.endswith(b"".join(encoded) + SYNC)


def test_a_file_without_blocks_has_no_rows() -> None:
    assert list(read(head(PEOPLE))) == []


def test_a_file_that_names_no_codec_is_not_compressed() -> None:
    spelled = text("avro.schema") + text(json.dumps(record("long")))
    file = b"Obj\x01" + zigzag(1) + spelled + zigzag(0) + SYNC + block(1, zigzag(5))
    assert list(read(file)) == [{"f0": 5}]


def test_metadata_may_come_in_parts_that_tell_their_size() -> None:
    parts = [("avro.schema", json.dumps(record("long"))), ("a", "b")]
    entries = [text(key) + text(value) for key, value in parts]
    told = b"".join(zigzag(-1) + zigzag(len(entry)) + entry for entry in entries)
    container = read(b"Obj\x01" + told + zigzag(0) + SYNC)
    assert container.header.metadata == {"a": b"b"}


def test_a_file_cut_off_between_blocks_is_read_and_anywhere_else_is_refused() -> None:
    whole = dict[int, list[Row]]()
    so_far: list[Row] = []
    for one in read(SMALL).blocks:
        whole[one.offset] = list(so_far)
        so_far += one.rows
    assert len(whole) == 3
    for end in range(len(SMALL)):
        code = "bad_magic" if end < 4 else "cut_off"
        assert attempt(SMALL[:end]) == whole.get(end, code)


@pytest.mark.parametrize("mask", [0x01, 0x02, 0x40, 0x80, 0xFF])
@pytest.mark.parametrize("codec", ["null", "deflate"])
def test_no_changed_byte_raises_anything_but_our_error(codec: str, mask: int) -> None:
    file = by_fastavro(json.dumps(PEOPLE), ROWS, codec=codec, block_bytes=20)
    outcomes = []
    for at in range(len(file)):
        changed = bytearray(file)
        changed[at] ^= mask
        outcomes.append(attempt(bytes(changed)))
    assert {type(outcome) for outcome in outcomes} == {list, str}


@given(st.binary(max_size=60), st.binary(max_size=60))
def test_no_bytes_at_all_raise_anything_but_our_error(frame: bytes, payload: bytes) -> None:
    assert attempt(b"PK" + frame) == "bad_magic"
    for file in (
        b"Obj\x01" + frame,
        head(PEOPLE) + frame,
        head(PEOPLE) + block(1, payload),
        head(PEOPLE, "deflate") + block(2, payload),
        head(PEOPLE, "deflate") + block(2, deflated(payload)),
        head(frame) + block(1, payload),
    ):
        assert isinstance(attempt(file), list | str)


@given(tables(), st.integers(0, 9), st.binary(max_size=40))
def test_no_payload_of_any_schema_raises_anything_but_our_error(
    table: tuple[str, list[Row]], count: int, payload: bytes
) -> None:
    assert isinstance(attempt(head(table[0].encode()) + block(count, payload)), list | str)


def test_only_schemas_that_are_known_are_read_where_they_are_listed() -> None:
    fingerprint = read(SMALL).header.schema.fingerprint
    assert list(read(SMALL, known={fingerprint})) == ROWS
    with pytest.raises(Malformed, match=f"unknown_schema: .*{fingerprint}"):
        read(SMALL, known=frozenset({"0" * 16}))


def test_rows_are_read_across_the_windows_that_a_large_block_is_seen_through() -> None:
    schema = record("string", "long")
    rows = [{"f0": "a" * (n % 40), "f1": n * 10**9} for n in range(500)]
    file = by_fastavro(json.dumps(schema), rows, codec="deflate", block_bytes=10**6)
    weight = Schema.of(json.dumps(schema)).weight
    assert list(read(file, limits=Limits(row_memory_max=50 * weight))) == rows
    with pytest.raises(Malformed, match="row_too_large: row 30 has more than 35 bytes"):
        list(read(file, limits=Limits(row_memory_max=35 * weight)))


def array_of(items: Json) -> Json:
    return {"type": "array", "items": items}


def many(count: int, item: bytes) -> bytes:
    """An array, or a map, of so many items."""
    return zigzag(count) + item * count + b"\0"


FLAGS: Final = array_of("boolean")
MAP: Final[Json] = {"type": "map", "values": "boolean"}
NULLS: Final[list[Json]] = [["null", "int"]] * 11
ENTRIES: Final = b"".join(text(f"{n:x}") + b"\1" for n in range(5_000))
TIMES: Final[Json] = {"type": "long", "logicalType": "timestamp-millis"}

# Types that become large in memory, each with a row of many values of few bytes.
DENSEST: Final[Mapping[str, tuple[Json, bytes]]] = {
    "booleans": (FLAGS, many(30_000, b"\1")),
    "lists": (array_of(FLAGS), many(30_000, b"\0")),
    "dicts": (array_of(record("boolean", name="D")), many(30_000, b"\1")),
    "dicts in dicts": (
        array_of(record(record(record("boolean", name="A"), name="B"), name="C")),
        many(30_000, b"\1"),
    ),
    "wide dicts": (array_of(record(*NULLS, name="W")), many(3_000, bytes(11))),
    "wider by one": (array_of(record(*NULLS[:6], name="W")), many(3_000, bytes(6))),
    "a map": (MAP, zigzag(5_000) + ENTRIES + b"\0"),
    "maps": (array_of(MAP), many(30_000, b"\0")),
    "maps of one": (array_of(MAP), many(9_000, b"\2\2a\1\0")),
    "texts": (array_of("string"), many(9_000, text("ab"))),
    "text of astral signs": ("string", text("\U0001f3ab" + "a" * 30_000)),
    "numbers": (array_of("long"), many(9_000, zigzag(1_000))),
    "instants": (array_of(TIMES), many(9_000, b"\2")),
}


@pytest.mark.parametrize("name", DENSEST)
def test_a_row_takes_no_more_memory_than_its_bytes_and_schema_foretell(name: str) -> None:
    kind, row = DENSEST[name]
    schema = record(kind)
    allowed = len(row) * Schema.of(json.dumps(schema)).weight
    file = head(schema) + block(1, row)
    container = read(file, limits=Limits(row_memory_max=allowed))
    tracemalloc.start()
    rows = list(container)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(rows) == 1
    assert peak <= allowed + len(file)
    with pytest.raises(Malformed, match="row_too_large"):
        list(read(file, limits=Limits(row_memory_max=allowed - 1)))
