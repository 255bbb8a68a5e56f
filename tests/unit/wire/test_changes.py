"""What a row is told of a change of the table: which item, how and when, and nothing of it."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import pytest
from attrs import evolve, frozen
from hypothesis import given
from hypothesis import strategies as st

from demand_adapters.item_table import Change, Item
from demand_adapters.testing.strategies import NOON, changes, event_ids
from demand_adapters.wire.changes import decode_change, encode_change
from demand_adapters.wire.item_keys import event_key, rate_key
from demand_core.domain.changes import ChangeKind, RemovedBy
from demand_core.domain.events import EventCached
from demand_core.domain.ids import EventId
from demand_core.errors import Permanent

GOLDEN: Final = Path(__file__).parent / "golden"
CHANGE: Final = Change(
    change_id="m7",
    sequence=7,
    at=NOON + timedelta(milliseconds=7),
    kind=ChangeKind.INSERT,
    key=event_key("G5diZ9NkL6uPT"),
    old=None,
    new=Item(event_key("G5diZ9NkL6uPT"), {"type": "event", "name": "canary"}),
)


@frozen
class DemandChanged:
    """What a row for demands is woken with."""

    fan_id: str
    event_id: EventId
    sale_id: str


def note(*keys: object, **fields: object) -> bytes:
    return json.dumps({"keys": keys, **fields}).encode()


def refused(payload: bytes, kind_of_item: str = "event") -> str:
    with pytest.raises(Permanent) as refusal:
        decode_change(kind_of_item, EventCached, payload)
    return str(refusal.value)


def test_a_change_note_looks_as_it_always_did() -> None:
    golden = (GOLDEN / "change_note.json").read_bytes().rstrip(b"\n")
    assert encode_change(CHANGE) == golden
    assert decode_change("event", EventCached, golden) == EventCached(EventId("G5diZ9NkL6uPT"))


@given(change=changes, event_id=event_ids)
def test_a_note_tells_the_parts_of_the_key(change: Change, event_id: EventId) -> None:
    payload = encode_change(evolve(change, key=event_key(event_id)))
    assert decode_change("event", EventCached, payload) == EventCached(event_id)


@given(change=changes)
def test_a_note_tells_nothing_of_the_item(change: Change) -> None:
    told = json.loads(encode_change(change))
    assert told.keys() == {"changeId", "at", "kind", "keys"}
    assert told["keys"] == [*change.key]
    bare = evolve(change, old=None, new=None, removed_by=None, sequence=1)
    assert encode_change(change) == encode_change(bare)


def test_a_note_has_one_part_for_each_part_of_its_key() -> None:
    payload = note("fan:f1", "evt#E1#E1.public")
    read = decode_change("demand", DemandChanged, payload)
    assert read == DemandChanged("f1", EventId("E1"), "E1.public")


@pytest.mark.parametrize(
    "keys",
    [
        rate_key("sms"),
        ("event:E1", "sale#E1.public"),
        ("fan:f1", "evt#E1#E1.any"),
        ("layout",) * 2,
    ],
)
def test_a_note_is_read_only_for_the_kind_of_its_item(keys: tuple[str, str]) -> None:
    assert refused(note(*keys)) == "bad_id: $.keys"


@pytest.mark.parametrize("kind_of_item", ["Event", "sale", "notification.REMINDER", ""])
def test_a_kind_that_the_item_is_not_gets_nothing(kind_of_item: str) -> None:
    assert refused(note("event:E1", "event"), kind_of_item) == "bad_id: $.keys"


@pytest.mark.parametrize(
    "keys",
    [
        *[("", ""), ("event:", "event"), ("event:E1", ""), ("event:E1", "event#")],
        *[("event:E1\n", "event"), ("event:a#b", "event"), ("event:a:b", "event")],
        *[("event:" + "E" * 65, "event"), ("event:\ud800", "event"), ("event:É", "event")],
        *[("event", "event:E1"), ("EVENT:E1", "event"), ("event:E1", "event\x00")],
    ],
)
def test_a_hostile_key_is_refused(keys: tuple[str, str]) -> None:
    assert refused(note(*keys)) == "bad_id: $.keys"


@pytest.mark.parametrize(
    "document",
    [
        *[None, [], "event:E1", 7, {}, {"keys": None}, {"keys": "event:E1"}, {"keys": []}],
        *[{"keys": ["event:E1"]}, {"keys": ["event:E1", "event", "x"]}, {"Keys": ["a", "b"]}],
        *[{"keys": {"PK": "event:E1", "SK": "event"}}, {"keys": ["event:E1", None]}],
        *[{"keys": [7, "event"]}, {"keys": [["event:E1"], "event"]}],
    ],
)
def test_a_note_without_two_keys_is_refused(document: Any) -> None:
    assert refused(json.dumps(document).encode()) == "wrong_type: $.keys"


@pytest.mark.parametrize("payload", [b"", b"{", b"\xff", b"NaN", b"[" * 100_000])
def test_what_is_not_one_json_document_is_no_note(payload: bytes) -> None:
    assert refused(payload) == "bad_json: not one JSON document in UTF-8"


def test_fields_that_nobody_knows_are_ignored() -> None:
    payload = note("event:E1", "event", removedBy=RemovedBy.EXPIRY.value, more={"a": [1]})
    assert decode_change("event", EventCached, payload) == EventCached(EventId("E1"))


def outcome(payload: bytes) -> str:
    try:
        return type(decode_change("event", EventCached, payload)).__name__
    except Permanent as refusal:
        return refusal.code


@given(payload=st.binary(max_size=40) | st.lists(st.text(), max_size=3).map(lambda k: note(*k)))
def test_any_bytes_are_read_or_refused(payload: bytes) -> None:
    assert outcome(payload) in {"EventCached", "bad_json", "bad_id", "wrong_type"}


def test_reading_a_note_twice_gives_the_same() -> None:
    first, again = (
        decode_change("event", EventCached, note("event:E1", "event")) for _ in "12"
    )
    assert first == again
