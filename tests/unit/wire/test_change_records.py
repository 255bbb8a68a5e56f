"""A change comes over Kinesis as it was, and what is no change says what is wrong with it."""

import json
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from typing import Any, Final

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from demand_adapters.item_table import Change
from demand_adapters.testing.strategies import NOON, a_demand, changes
from demand_adapters.wire.change_records import EXPIRER, decode_record, encode_record
from demand_core.domain.changes import ChangeKind, RemovedBy
from demand_core.errors import Permanent
from tests.unit.wire.test_archive import changed

INSERTED: Final = encode_record(changed(a_demand()))
MS: Final = timedelta(milliseconds=1)
US: Final = timedelta(microseconds=1)
json_values: Final = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=9),
    lambda parts: st.lists(parts, max_size=3) | st.dictionaries(st.text(max_size=9), parts),
    max_leaves=9,
)


def told(change: Callable[[dict[str, Any]], object]) -> bytes:
    """The record of an insert after *change* was done to it."""
    record = json.loads(INSERTED)
    change(record)
    return json.dumps(record).encode()


def refusal(payload: bytes) -> str:
    with pytest.raises(Permanent) as refused:
        decode_record(payload, 7)
    return str(refused.value)


@given(change=changes)
def test_a_change_comes_as_it_was_with_the_sequence_of_the_stream(change: Change) -> None:
    gone = change.kind is ChangeKind.REMOVE
    by = (change.removed_by or RemovedBy.USER) if gone else None
    wanted = evolve(change, sequence=99, removed_by=by)
    assert decode_record(encode_record(change), 99) == wanted


@pytest.mark.parametrize("said", [True, False])
@pytest.mark.parametrize(("unit", "name"), [(MS, "MILLISECOND"), (US, "MICROSECOND")])
def test_time_is_read_in_either_unit_also_where_nothing_says_which(
    unit: timedelta, name: str, said: bool
) -> None:
    at = NOON + 123 * MS

    def in_unit(record: dict[str, Any]) -> None:
        about = record["dynamodb"]
        since = at - NOON.fromtimestamp(0, NOON.tzinfo)
        about["ApproximateCreationDateTime"] = since // unit
        about["ApproximateCreationDateTimePrecision"] = name
        if not said:
            del about["ApproximateCreationDateTimePrecision"]

    assert decode_record(told(in_unit), 7).at == at


def test_who_removed_it_is_known() -> None:
    gone = changed(a_demand(), ChangeKind.REMOVE, by=RemovedBy.EXPIRY)
    assert json.loads(encode_record(gone))["userIdentity"]["principalId"] == EXPIRER
    for by in RemovedBy:
        assert decode_record(encode_record(evolve(gone, removed_by=by)), 1).removed_by is by


@pytest.mark.parametrize(
    ("change", "wrong"),
    [
        (lambda r: r.pop("eventID"), "missing_field: $.eventID"),
        (lambda r: r.update(eventID=7), "wrong_type: $.eventID"),
        (lambda r: r.update(eventName="UPSERT"), "wrong_type: $.eventName"),
        (lambda r: r.pop("dynamodb"), "missing_field: $.dynamodb"),
        (lambda r: r.update(dynamodb=[1]), "wrong_type: $.dynamodb"),
        (lambda r: r["dynamodb"].pop("Keys"), "missing_field: $.dynamodb.Keys"),
        (lambda r: r["dynamodb"]["Keys"].pop("PK"), "missing_field: $.dynamodb.Keys.PK"),
        (
            lambda r: r["dynamodb"]["Keys"].update(SK={"N": "1"}),
            "missing_field: $.dynamodb.Keys.SK.S",
        ),
        (
            lambda r: r["dynamodb"].update(ApproximateCreationDateTime="soon"),
            "wrong_type: $.dynamodb.ApproximateCreationDateTime",
        ),
        (
            lambda r: r["dynamodb"].update(ApproximateCreationDateTime=10**30),
            "implausible_date: $.dynamodb.ApproximateCreationDateTime",
        ),
        (
            lambda r: r["dynamodb"]["NewImage"].update(phoneNumber={"X": "1"}),
            "wrong_type: $.dynamodb.NewImage",
        ),
        (
            lambda r: r["dynamodb"]["NewImage"].update(phoneNumber="+1"),
            "wrong_type: $.dynamodb.NewImage",
        ),
        (lambda r: r["dynamodb"].update(NewImage=[]), "wrong_type: $.dynamodb.NewImage"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(
    change: Callable[[dict[str, Any]], object], wrong: str
) -> None:
    assert refusal(told(change)) == wrong


@given(payload=st.binary() | json_values.map(lambda value: json.dumps(value).encode()))
def test_nothing_but_a_change_is_taken_for_one(payload: bytes) -> None:
    assert refusal(payload).split(":")[0] in {"bad_json", "missing_field", "wrong_type"}


@given(path=st.lists(st.integers(0, 9), min_size=1, max_size=5), value=json_values)
def test_a_change_with_anything_in_it_is_read_or_refused(path: list[int], value: Any) -> None:
    def planted(record: dict[str, Any]) -> None:
        at: Any = record
        for step in path[:-1]:
            below = [name for name in at if isinstance(at[name], dict) and at[name]]
            if not below:
                break
            at = at[below[step % len(below)]]
        at[[*at][path[-1] % len(at)]] = value

    with suppress(Permanent):
        assert decode_record(told(planted), 7).sequence == 7
