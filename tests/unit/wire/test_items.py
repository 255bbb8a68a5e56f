"""How values lie in the table, and what of an item tells only how we came here."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import pytest
from attrs import evolve
from hypothesis import example, given
from hypothesis import strategies as st

from demand_adapters.item_table import Body, Item
from demand_adapters.testing.strategies import NOON, an_event, events, instants, rates
from demand_adapters.wire.items import (
    EVENT,
    KINDS,
    RATE,
    Rate,
    essence,
    event_key,
    rate_key,
)
from demand_adapters.wire.keys import parse, parse_index
from demand_adapters.wire.values import check
from demand_core.domain.events import Event
from demand_core.domain.ids import EventId, shard
from demand_core.errors import Permanent

GOLDEN: Final = Path(__file__).parent / "golden"
FULL: Final = an_event(
    event_id=EventId("G5diZ9NkL6uPT"),
    name="Café Müller 🎟",
    url="https://www.ticketmaster.com/event/G5diZ9NkL6uPT",
    cached_at=NOON,
    time_zone="America/New_York",
    refresh_at=NOON + timedelta(hours=12),
    short_url="https://s.example/abc",
    short_url_for="https://www.ticketmaster.com/event/old",
    link_attempts=3,
    link_failed_at=NOON + timedelta(milliseconds=250),
)


def written(event: Event, now: datetime = NOON) -> Item:
    return EVENT.item(event_key(event.event_id), event, None, now)


def stored(item: Item, **fields: Any) -> Item:
    """*item* as it is read later, with what others wrote into it."""
    return Item(item.key, item.body | fields, item.index, item.expires_at, "r1")


def test_an_event_lies_in_the_table_as_it_always_did() -> None:
    item = written(FULL)
    golden = json.loads((GOLDEN / "event.json").read_text())
    index = {name: [*entry] for name, entry in item.index.items()}
    assert {"keys": [*item.key], "body": item.body, "index": index} == golden
    assert EVENT.row(Item(item.key, golden["body"])).value == FULL


@given(event=events)
def test_an_event_is_read_as_it_was_written(event: Event) -> None:
    item = written(event)
    check([item])
    assert EVENT.row(item).value == event
    assert parse(item.key) == ("event", {"eventId": event.event_id})


@given(rate=rates, sender=st.sampled_from(["sms", "+15551234567", "shortener"]))
def test_a_rate_is_read_as_it_was_written(rate: Rate, sender: str) -> None:
    item = RATE.item(rate_key(sender), rate, None, NOON)
    check([item])
    assert RATE.row(item).value == rate
    assert (parse(item.key), item.index) == (("rate", {"sender": sender}), {})


@given(event=events)
def test_an_event_is_in_an_index_while_it_is_to_be_refreshed(event: Event) -> None:
    index = written(event).index
    if event.refresh_at is None:
        assert index == {}
        return
    name, parts = parse_index("byTime", index["byTime"]) or ("", {})
    assert index.keys() == {"byTime"}
    assert (name, parts["eventId"]) == ("fresh", event.event_id)
    assert parts["shard"] == shard(event.event_id)
    assert datetime.fromisoformat(parts["refreshAt"]) == event.refresh_at


@given(known=events, fresh=events, now=instants)
def test_what_takes_an_item_s_place_keeps_what_is_not_the_value_s(
    known: Event, fresh: Event, now: datetime
) -> None:
    fresh = evolve(fresh, event_id=known.event_id)
    before = stored(written(known), theirs=[1, {"a": None}], version=41)
    after = EVENT.item(before.key, fresh, EVENT.row(before), now)
    assert after.body["theirs"] == [1, {"a": None}]
    assert after.body["version"] == 42
    assert after.revision == "r1"
    assert after.body.keys() - {"theirs"} == written(fresh).body.keys()
    assert EVENT.row(after).value == fresh


@given(now=instants)
@example(now=datetime(2038, 6, 1, 0, 1, 39, 996_000, UTC)).via("a float falls short of it")
def test_a_new_item_s_version_is_its_time_in_milliseconds(now: datetime) -> None:
    epoch = datetime.fromisoformat("1970-01-01T00:00Z")
    version = written(an_event(), now).body["version"]
    assert version == (now - epoch) // timedelta(milliseconds=1)


def test_every_item_says_what_it_is() -> None:
    for item in (
        written(FULL),
        RATE.item(rate_key("sms"), Rate(next_free_at=NOON, per_second=1), None, NOON),
    ):
        assert item.body["type"] in KINDS
        assert item.body["schemaVersion"] == 1


@pytest.mark.parametrize("body", [{}, {"type": "event"}, {"name": 7}])
def test_an_item_that_nobody_can_read_has_no_value_and_keeps_the_rest(
    body: dict[str, Any],
) -> None:
    row = EVENT.row(Item(event_key("E1"), body | {"theirs": 1}, revision="r1"))
    assert row.value is None
    mended = EVENT.item(row.key, an_event(), row, NOON)
    assert (mended.body["theirs"], mended.body["version"], mended.revision) == (1, 1, "r1")


@pytest.mark.parametrize(
    "part", ["", " ", "a#b", "a:b", "a\n", "x" * 65, "é", "\ud800", "../a", None, 7, b"E1"]
)
def test_a_hostile_key_is_refused(part: Any) -> None:
    for key in (event_key, rate_key):
        for _ in range(2):
            with pytest.raises(Permanent) as refusal:
                key(part)
            assert refusal.value.code == "bad_id"


def test_keys_look_as_the_records_say() -> None:
    assert event_key("G5diZ9NkL6uPT") == ("event:G5diZ9NkL6uPT", "event")
    assert rate_key("+15551234567") == ("rate:+15551234567", "rate")


@given(event=events, later=instants, attempts=st.integers(0, 9), version=st.integers(0, 2**60))
def test_two_ways_to_one_state_have_one_essence(
    event: Event, later: datetime, attempts: int, version: int
) -> None:
    one = evolve(event, link_failed_at=event.link_failed_at and later)
    other = evolve(one, link_attempts=attempts, link_failed_at=event.link_failed_at)
    theirs = stored(written(other), version=version, schemaVersion=2)
    assert essence(theirs) == essence(written(one))


def test_the_essence_is_what_an_event_says() -> None:
    told = essence(written(FULL))
    assert told is not None
    assert told.keys() == written(FULL).body.keys() - {
        "linkAttempts",
        "version",
        "schemaVersion",
    }
    assert told["linkFailedAt"] is True
    assert told["shortUrl"] == FULL.short_url


@pytest.mark.parametrize(
    "differing",
    [
        *[{"name": "Moved"}, {"short_url": "https://s.example/x"}, {"short_url": None}],
        *[{"link_failed_at": None}, {"refresh_at": None}, {"status": "canceled"}],
    ],
)
def test_another_state_has_another_essence(differing: dict[str, Any]) -> None:
    assert essence(written(evolve(FULL, **differing))) != essence(written(FULL))


def test_an_item_of_our_books_has_no_essence_and_a_stranger_is_all_essence() -> None:
    rate = RATE.item(rate_key("sms"), Rate(next_free_at=NOON, per_second=1), None, NOON)
    assert essence(rate) is None
    strangers: list[Body] = [{"type": "unknown", "version": 1}, {"n": 1}, {"type": ["event"]}]
    for body in strangers:
        assert essence(Item(("p", "a"), body)) == body


def test_the_entries_of_one_item_cannot_be_changed_through_another() -> None:
    one, other = written(FULL), written(FULL)
    if isinstance(one.index, dict):
        one.index["byGroup"] = ("spoilt", "spoilt")
    assert other.index.keys() == {"byTime"}
