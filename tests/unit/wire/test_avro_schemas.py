"""A schema is known by what decides how rows are encoded, and spelled in one way."""

import json
from typing import Any, Final

import fastavro.schema
import pytest
from hypothesis import given

from demand_adapters.wire.avro.flaws import Malformed
from demand_adapters.wire.avro.limits import Limits
from demand_adapters.wire.avro.reading import Row
from demand_adapters.wire.avro.schemas import Schema
from tests.avro_files import Json, record, tables
from tests.avro_hostile import SCHEMAS, arrays

DAY: Final[Json] = {"type": "int", "logicalType": "date"}


def schema_of(spelled: Any) -> Schema:
    return Schema.of(json.dumps(spelled))


@given(tables())
def test_a_schema_has_the_canonical_form_and_fingerprint_that_others_compute(
    table: tuple[str, list[Row]],
) -> None:
    spelled, _ = table
    canonical = fastavro.schema.to_parsing_canonical_form(json.loads(spelled))
    expected = fastavro.schema.fingerprint(canonical, "CRC-64-AVRO")
    assert Schema.of(spelled).fingerprint == expected


@given(tables())
def test_a_schema_is_the_same_however_it_is_spaced(table: tuple[str, list[Row]]) -> None:
    document = json.loads(table[0])
    spaced = Schema.of(json.dumps(document, indent=3))
    assert spaced == Schema.of(table[0].encode()) == Schema.of(spaced.json)
    assert spaced.json == json.dumps(document, separators=(",", ":"))


def test_the_json_keeps_its_order_and_all_that_it_says() -> None:
    spelled = '{"doc": "caf\\u00e9", "type": "record", "name": "R",'
    spelled += ' "fields": [{"type": "int", "name": "a", "default": 1}]}'
    assert Schema.of(spelled).json == spelled.replace(": ", ":").replace(", ", ",")


def test_documentation_defaults_and_logical_types_leave_the_fingerprint_alone() -> None:
    bare = record("int")
    told = {**record(DAY), "doc": "x", "aliases": ["Q"], "version": 7}
    told["fields"][0] |= {"doc": "y", "default": 3, "order": "ignore"}
    assert schema_of(bare).fingerprint == schema_of(told).fingerprint
    assert schema_of(bare) != schema_of(told)
    assert schema_of(bare).fingerprint != schema_of(record("long")).fingerprint


@pytest.mark.parametrize(
    ("spelled", "name"),
    [
        ({**record("int"), "namespace": "a.b"}, "a.b.R"),
        ({**record("int", name="c.R"), "namespace": "a.b"}, "c.R"),
        ({**record("int"), "namespace": ""}, "R"),
    ],
    ids=["namespace", "full name", "none"],
)
def test_names_are_known_in_full(spelled: Any, name: str) -> None:
    assert schema_of(spelled).tree["name"] == name


def test_a_name_is_found_in_its_own_namespace_first() -> None:
    inner = record("int", name="S")
    tree = schema_of({**record(inner, "S", "a.S"), "namespace": "a"}).tree
    assert [field["type"] for field in tree["fields"][1:]] == ["a.S", "a.S"]


def test_a_logical_type_that_we_do_not_know_is_what_it_stands_on() -> None:
    money = {"type": "bytes", "logicalType": "decimal", "precision": 10**6, "scale": 2}
    misplaced = {"type": "string", "logicalType": "date"}
    tree = schema_of(record(money, misplaced, DAY)).tree
    assert [field["type"] for field in tree["fields"]] == ["bytes", "string", DAY]


@pytest.mark.parametrize("name", SCHEMAS)
def test_what_is_no_schema_for_us_is_refused(name: str) -> None:
    _, spelled = SCHEMAS[name]
    with pytest.raises(Malformed) as refused:
        Schema.of(spelled if isinstance(spelled, bytes) else json.dumps(spelled))
    assert refused.value.offset is None


@pytest.mark.parametrize(
    ("limits", "code"),
    [
        (Limits(schema_bytes_max=101), "schema_too_large"),
        (Limits(schema_parts_max=5), "schema_too_large"),
        (Limits(schema_depth_max=2), "schema_too_deep"),
    ],
    ids=["bytes", "parts", "depth"],
)
def test_each_limit_holds_and_one_more_would_do(limits: Limits, code: str) -> None:
    spelled = '{"type":"record","name":"R","fields":[{"name":"a","type":["null",'
    spelled += '"long"]},{"name":"b","type":"long"}]}'
    assert len(spelled) == 102
    with pytest.raises(Malformed, match=code):
        Schema.of(spelled, limits=limits)
    enough = Limits(schema_bytes_max=102, schema_depth_max=3, schema_parts_max=6)
    assert Schema.of(spelled, limits=enough).least == 2


def test_types_stand_32_deep_and_no_deeper() -> None:
    assert Schema.of(arrays(30)).least == 1
    with pytest.raises(Malformed, match="schema_too_deep"):
        Schema.of(arrays(31))


def test_what_is_inside_a_named_type_counts_where_it_is_used_again() -> None:
    deep: Json = "int"
    for _ in range(28):
        deep = {"type": "array", "items": deep}
    named = record(deep, name="D")
    assert schema_of(record(named, {"type": "array", "items": "D"})).least == 2
    with pytest.raises(Malformed, match="schema_too_deep"):
        schema_of(record(named, {"type": "array", "items": {"type": "array", "items": "D"}}))
