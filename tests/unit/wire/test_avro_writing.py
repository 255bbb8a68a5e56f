"""What we write is the same bytes each time, and everyone reads the rows in it."""

import io
import json
import zlib
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any, Final

import fastavro
import pytest
from hypothesis import given
from hypothesis import strategies as st

from demand_adapters.wire.avro.limits import Limits
from demand_adapters.wire.avro.reading import Row, read
from demand_adapters.wire.avro.schemas import Schema
from demand_adapters.wire.avro.writing import BLOCK_BYTES, write
from demand_core.errors import Permanent
from tests.avro_files import SYNC, Json, record, tables

SCHEMA: Final = Schema.of(json.dumps(record("string", ["null", "long"])))
ROW: Final[Row] = {"f0": "fan1", "f1": None}
NOON: Final = datetime(2027, 3, 1, 12, tzinfo=UTC)
MILLIS: Final[Json] = {"type": "long", "logicalType": "timestamp-millis"}
MICROS: Final[Json] = {"type": "long", "logicalType": "timestamp-micros"}
DAY: Final[Json] = {"type": "int", "logicalType": "date"}


def of(kind: Json) -> Schema:
    return Schema.of(json.dumps(record(kind)))


def written(schema: Schema, *rows: Any) -> bytes:
    return write(schema, rows, metadata={}, sync=SYNC)


@given(tables())
def test_what_we_wrote_is_read_by_us_and_by_fastavro(table: tuple[str, list[Row]]) -> None:
    spelled, rows = table
    file = write(Schema.of(spelled), rows, metadata={"demand.source": "é"}, sync=SYNC)
    container = read(file)
    assert list(container) == list(fastavro.reader(io.BytesIO(file))) == rows
    assert container.header.metadata == {"demand.source": "é".encode()}
    assert container.header.schema == Schema.of(spelled)


@given(tables())
def test_the_same_rows_are_the_same_bytes(table: tuple[str, list[Row]]) -> None:
    spelled, rows = table
    one = write(Schema.of(spelled), rows, metadata={"b": "1", "a": b"2"}, sync=SYNC)
    spaced = Schema.of(json.dumps(json.loads(spelled), indent=2))
    other = write(spaced, iter(rows), metadata={"a": "2", "b": b"1"}, sync=SYNC)
    assert one == other


def test_the_header_is_sorted_and_the_marker_is_the_one_given() -> None:
    file = write(SCHEMA, [ROW], metadata={"demand.source": "s", "a": "1"}, sync=SYNC)
    keys = [b"a", b"avro.codec", b"avro.schema", b"demand.source"]
    places = [file.index(bytes([2 * len(key)]) + key) for key in keys]
    assert places == sorted(places)
    assert file.count(SYNC) == 2
    assert SCHEMA.json.encode() in file


def test_a_block_is_a_deflate_stream_and_nothing_after_it() -> None:
    file = written(SCHEMA, ROW)
    payload = file[file.index(SYNC) + 18 : -16]
    inflater = zlib.decompressobj(-15)
    assert inflater.decompress(payload) == b"\x08fan1\x00"
    assert (inflater.eof, inflater.unused_data) == (True, b"")


def test_a_block_is_closed_by_the_row_that_fills_it() -> None:
    rows = [{"f0": f"{n:01000}", "f1": n} for n in range(200)]
    counts = [block.count for block in read(written(SCHEMA, *rows)).blocks]
    assert sum(counts) == 200
    assert set(counts[:-1]) == {BLOCK_BYTES // 1004 + 1}


def test_no_rows_are_a_header_alone() -> None:
    assert written(SCHEMA).endswith(SYNC)
    assert list(read(written(SCHEMA))) == []


@pytest.mark.parametrize(
    ("row", "sentence"),
    [
        ({"f0": "a"}, "missing_field: row 2: f1: missing"),
        ({}, "missing_field: row 2: f0: missing"),
        (
            {**ROW, "phone": "+12125550100"},
            "unknown_field: row 2: a field that the schema does not have",
        ),
        ({**ROW, "f0": None}, "wrong_type: row 2: f0: text"),
        ({**ROW, "f0": b"a"}, "wrong_type: row 2: f0: text"),
        ({**ROW, "f0": "\ud83d"}, "bad_text: row 2: f0: half a surrogate pair"),
        ({**ROW, "f1": "1"}, "wrong_type: row 2: f1: an integer of 64 bits"),
        ("f0f1", "wrong_type: row 2: a dict"),
    ],
)
def test_a_row_that_does_not_fit_is_refused_with_its_number_and_path(
    row: Any, sentence: str
) -> None:
    with pytest.raises(Permanent) as refused:
        written(SCHEMA, ROW, row)
    assert str(refused.value) == sentence
    assert refused.value.__suppress_context__


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("boolean", "no"),
        ("boolean", 0),
        ("int", True),
        ("int", 2**31),
        ("int", 1.0),
        ("long", -(2**63) - 1),
        ("float", 1),
        ("float", 0.1),
        ("float", 1e300),
        ("double", 1),
        ("double", "nan"),
        ("bytes", "a"),
        ("bytes", bytearray(b"a")),
        ("string", 7),
        (MILLIS, 1_700_000_000_000),
        (MILLIS, "2027-03-01T12:00:00.000Z"),
        (MILLIS, NOON.replace(tzinfo=None)),
        (MILLIS, NOON.replace(microsecond=1)),
        (MILLIS, datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=14)))),
        (MILLIS, NOON.date()),
        (MICROS, NOON.replace(tzinfo=None)),
        (DAY, NOON),
        (DAY, 20_000),
        ({"type": "enum", "name": "E", "symbols": ["A"]}, "B"),
        ({"type": "enum", "name": "E", "symbols": ["A"]}, 0),
        ({"type": "fixed", "name": "F", "size": 2}, b"abc"),
        ({"type": "array", "items": "int"}, (1, 2)),
        ({"type": "array", "items": "int"}, "12"),
        ({"type": "map", "values": "int"}, [("a", 1)]),
        ({"type": "map", "values": "int"}, {1: 1}),
        (["null", "string"], ("string", "a")),
        (["string"], None),
        (record("int", name="S"), {"-type": "S", "f0": 1}),
    ],
    ids=str,
)
def test_a_value_of_another_type_is_refused_and_not_made_to_fit(kind: Json, value: Any) -> None:
    with pytest.raises(Permanent) as refused:
        written(of(kind), {"f0": value})
    assert refused.value.code in {"wrong_type", "unknown_field"}
    assert refused.value.detail.startswith("row 1: f0")


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("float", float("inf")),
        ("float", 0.5),
        ("double", float("-inf")),
        (MILLIS, NOON.astimezone(timezone(timedelta(hours=-8)))),
        (MILLIS, datetime(1, 1, 1, tzinfo=UTC)),
        (MICROS, datetime.max.replace(tzinfo=UTC)),
        (DAY, date.max),
        (["string"], "a"),
        (["long", "null"], 7),
    ],
    ids=str,
)
def test_a_value_at_the_edge_of_its_type_comes_back(kind: Json, value: Any) -> None:
    assert list(read(written(of(kind), {"f0": value}))) == [{"f0": value}]


def test_no_number_comes_back_as_no_number() -> None:
    for kind in ("float", "double"):
        (row,) = read(written(of(kind), {"f0": float("nan")}))
        assert row["f0"] != row["f0"]


def test_the_path_leads_through_lists_maps_and_dicts() -> None:
    inner = record({"type": "map", "values": "int"}, name="S")
    schema = of({"type": "array", "items": inner})
    row = {"f0": [{"f0": {}}, {"f0": {"a": 1, "+12125550100": "x"}}]}
    with pytest.raises(Permanent) as refused:
        written(schema, row)
    assert refused.value.detail == "row 1: f0[1].f0[1]: an integer of 32 bits"


def test_a_type_is_held_to_wherever_its_name_is_used() -> None:
    schema = Schema.of(json.dumps(record(record("int", name="S"), ["null", "S"])))
    good = {"f0": {"f0": 1}, "f1": {"f0": 2}}
    assert list(read(written(schema, good))) == [good]
    with pytest.raises(Permanent, match=r"f1\.f0: an integer of 32 bits"):
        written(schema, {**good, "f1": {"f0": "2"}})


def test_a_union_that_leaves_a_choice_is_not_written() -> None:
    for kind in (["null", "int", "long"], ["null"]):
        with pytest.raises(Permanent, match="bad_schema"):
            written(of(kind), {"f0": None})


@given(st.integers(1, 60), st.integers(1, 300))
def test_what_is_written_under_limits_is_read_under_them(width: int, many: int) -> None:
    limits = Limits(row_memory_max=30 * SCHEMA.weight, ratio_from=100, ratio_max=20)
    rows = [{"f0": "a" * width, "f1": None}] * many
    try:
        file = write(SCHEMA, rows, metadata={}, sync=SYNC, limits=limits)
    except Permanent as refusal:
        refused = refusal.code
    else:
        refused = ""
        assert list(read(file, limits=limits)) == rows
    assert refused in {"", "row_too_large"}


@pytest.mark.parametrize(
    ("metadata", "sync", "code"),
    [
        ({}, b"short", "bad_sync"),
        ({"avro.codec": "null"}, SYNC, "bad_metadata"),
        ({"a": bytes(2 * 2**20)}, SYNC, "bad_metadata"),
        ({f"a{n}": "" for n in range(99)}, SYNC, "bad_metadata"),
    ],
    ids=["marker", "reserved", "large", "many"],
)
def test_a_header_that_nobody_could_read_is_not_written(
    metadata: dict[str, str | bytes], sync: bytes, code: str
) -> None:
    with pytest.raises(Permanent, match=code):
        write(SCHEMA, [], metadata=metadata, sync=sync)
