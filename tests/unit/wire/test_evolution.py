"""A schema may only grow by what nobody misses."""

import json
from collections.abc import Callable
from typing import Any, Final

import pytest
from attrs import evolve

from demand_adapters.wire.archive import RECORD_TYPES
from demand_adapters.wire.avro.evolution import breaks
from demand_adapters.wire.avro.schemas import Schema

DEMAND: Final = RECORD_TYPES["demand"].schema


def changed(change: Callable[[dict[str, Any]], object]) -> Schema:
    """The schema of wishes after *change* was done to its fields by name."""
    tree = json.loads(DEMAND.json)
    fields = {field["name"]: field for field in tree["fields"]}
    change(fields)
    return Schema.of(json.dumps({**tree, "fields": [*fields.values()]}))


def optional(name: str) -> dict[str, Any]:
    return {"name": name, "type": ["null", "string"], "default": None}


def test_the_schemas_of_today_read_all_that_was_written() -> None:
    assert [flaw for kept in RECORD_TYPES.values() for flaw in kept.flaws()] == []


def test_a_field_that_may_be_missing_may_be_added_anywhere() -> None:
    grown = changed(lambda fields: fields.update(seat=optional("seat")))
    assert breaks(DEMAND, grown) == []
    deeper = changed(lambda fields: fields["date"]["type"]["fields"].append(optional("seen")))
    assert breaks(DEMAND, deeper) == []


@pytest.mark.parametrize(
    ("change", "flaw"),
    [
        (lambda fields: fields.pop("saleid"), "$.saleid is gone"),
        (
            lambda fields: fields.update(seat={"name": "seat", "type": "string"}),
            "$.seat is new, and must be null where it was not written",
        ),
        (lambda fields: fields["saleid"].update(type="long"), "$.saleid has another type"),
        (
            lambda fields: fields["saleid"].update(optional("saleid")),
            "$.saleid has another type",
        ),
        (lambda fields: fields["email"].update(type="string"), "$.email has another type"),
        (
            lambda fields: fields["channels"]["type"].update(items="int"),
            "$.channels[] has another type",
        ),
        (
            lambda fields: fields["date"]["type"].update(name="Dates"),
            "$.date has another name",
        ),
        (
            lambda fields: fields["date"]["type"]["fields"].pop(),
            "$.date.deleted is gone",
        ),
        (
            lambda fields: fields["date"]["type"]["fields"][0].update(type="long"),
            "$.date.requested has another type",
        ),
    ],
)
def test_what_a_reader_could_stumble_over_is_named(
    change: Callable[[dict[str, Any]], object], flaw: str
) -> None:
    assert breaks(DEMAND, changed(change)) == [flaw]


def test_a_schema_that_was_changed_and_not_released_is_noticed() -> None:
    kept = evolve(RECORD_TYPES["demand"])
    vars(kept)["schema"] = changed(lambda fields: fields.update(seat=optional("seat")))
    (flaw,) = kept.flaws()
    assert "released as version 1" in flaw
    vars(kept)["schema"] = changed(lambda fields: fields.pop("saleid"))
    assert kept.flaws()[0] == "demand: $.saleid is gone, since version 1"
