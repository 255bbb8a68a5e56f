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
from demand_adapters.testing.strategies import (
    MILLISECOND,
    NOON,
    a_notification,
    an_event,
    event_ids,
    events,
    instants,
    notifications,
    rates,
)
from demand_adapters.wire.books import Rate
from demand_adapters.wire.item_keys import (
    due_by,
    event_key,
    notification_key,
    notification_ref,
    rate_key,
)
from demand_adapters.wire.items import EVENT, KINDS, NOTIFICATION, RATE, essence
from demand_adapters.wire.keys import parse, parse_index
from demand_adapters.wire.values import check
from demand_core.domain.contacts import Email, Phone
from demand_core.domain.events import Event
from demand_core.domain.ids import DemandSaleId, EventId, FanId, NotificationId, SaleId, shard
from demand_core.domain.notifications import (
    Channel,
    Claim,
    DeliveryError,
    ErrorKind,
    MessageBody,
    Notification,
    NotificationKind,
    NotificationRef,
    Timeline,
    due_at,
    send_key,
)
from demand_core.domain.sales import presale_id, public_id
from demand_core.domain.statuses import Status
from demand_core.errors import Permanent

GOLDEN: Final = Path(__file__).parent / "golden"
FULL: Final = an_event(
    event_id=EventId("G5diZ9NkL6uPT"),
    name="Café Müller 🎟",
    url="https://www.ticketmaster.com/event/G5diZ9NkL6uPT",
    cached_at=NOON,
    time_zone="America/New_York",
    has_demand=True,
    refresh_at=NOON + timedelta(hours=12),
    short_url="https://s.example/abc",
    short_url_for="https://www.ticketmaster.com/event/old",
    link_attempts=3,
    link_failed_at=NOON + timedelta(milliseconds=250),
)


def written(event: Event, now: datetime = NOON) -> Item:
    return EVENT.item(event_key(event.event_id), event, None, now)


TEXTED: Final = Notification(
    notification_id=send_key(
        NotificationKind.REMINDER, FanId("fan-1"), SaleId("G5diZ9NkL6uPT.public"), Channel.SMS
    ),
    kind=NotificationKind.REMINDER,
    channel=Channel.SMS,
    fan_id=FanId("fan-1"),
    event_id=EventId("G5diZ9NkL6uPT"),
    sale_id=SaleId("G5diZ9NkL6uPT.public"),
    demand_sale_id=DemandSaleId("G5diZ9NkL6uPT.any"),
    phone_number=Phone("+12125550123"),
    locale="fr-ca",
    template="reminder-sms/1",
    message_body=MessageBody("Café Müller : 12:30. ticketmaster: https://s.example/abc"),
    encoding="GSM-7",
    segments=2,
    shortened=("venue", "presale"),
    link_kind="short",
    status=Status.CLAIMED,
    reason="no_answer",
    send_attempts=1,
    replays=2,
    errors=(
        DeliveryError(
            at=NOON + timedelta(seconds=1),
            attempt=1,
            kind=ErrorKind.KNOWN,
            code="busy",
            detail="call +1 212 555 0123 later",
        ),
        DeliveryError(
            at=NOON + timedelta(seconds=40), attempt=2, kind=ErrorKind.UNKNOWN, code="timeout"
        ),
    ),
    provider="twin",
    provider_message_id="m-1",
    not_before=NOON,
    not_after=NOON + timedelta(minutes=28),
    rendered_for=NOON + timedelta(minutes=30),
    wait_until=NOON + timedelta(seconds=30),
    claim=Claim(by="run-2", until=NOON + timedelta(minutes=2), number=2),
    outcome_unknown_since=NOON + timedelta(seconds=40),
    first_handover_at=NOON + timedelta(milliseconds=250),
    request_digest="0123456789abcdef0123456789abcdef",
    date=Timeline(
        created=NOON - timedelta(hours=1),
        triggered=NOON + timedelta(seconds=1),
        queued=NOON + timedelta(seconds=2),
        sent=NOON + timedelta(seconds=3),
        delivered=NOON + timedelta(seconds=4),
        failed=NOON + timedelta(seconds=5),
    ),
    seen=Timeline(
        created=NOON - timedelta(hours=1),
        triggered=NOON + timedelta(seconds=2),
        queued=NOON + timedelta(seconds=3),
        sent=NOON + timedelta(seconds=4),
        delivered=NOON + timedelta(seconds=5),
        failed=NOON + timedelta(seconds=6),
    ),
)
# As any number of ways may have led to one state.
OTHER_WAYS: Final[dict[str, Any]] = {
    "claim": None,
    "errors": (),
    "first_handover_at": None,
    "outcome_unknown_since": NOON,
    "replays": 0,
    "seen": Timeline(),
    "send_attempts": 0,
    "wait_until": None,
    "date": Timeline(created=NOON),
}

fan_ids: st.SearchStrategy[FanId] = event_ids.map(FanId)
sale_ids: st.SearchStrategy[SaleId] = event_ids.map(public_id) | st.builds(
    presale_id, event_ids, st.text(max_size=5)
)


def noted(row: Notification) -> Item:
    return NOTIFICATION.item(notification_key(row.ref), row, None, NOON)


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


def test_a_notification_lies_in_the_table_as_it_always_did() -> None:
    item = noted(TEXTED)
    golden = json.loads((GOLDEN / "notification.json").read_text())
    index = {name: [*entry] for name, entry in item.index.items()}
    shown = {"keys": [*item.key], "body": item.body, "index": index}
    assert shown | {"expiresAt": item.expires_at} == golden
    assert NOTIFICATION.row(Item(item.key, golden["body"])).value == TEXTED


def test_a_reminder_by_e_mail_keeps_its_address_and_what_fills_its_template() -> None:
    row = a_notification(
        channel=Channel.EMAIL,
        phone_number=None,
        email=Email("Jo.Fan+x@mail.example"),
        message_body=None,
        variables={"artist": MessageBody("Café Müller"), "a.b": MessageBody("1 < 2")},
    )
    item = noted(row)
    assert item.body["email"] == "Jo.Fan+x@mail.example"
    assert item.body["variables"] == {"artist": "Café Müller", "a.b": "1 < 2"}
    assert NOTIFICATION.row(item).value == row


@given(row=notifications)
def test_a_notification_is_read_as_it_was_written(row: Notification) -> None:
    item = noted(row)
    check([item])
    assert NOTIFICATION.row(item).value == row
    assert notification_ref(item.key) == row.ref


@given(fan_id=fan_ids, sale_id=sale_ids, channel=st.sampled_from(Channel))
def test_the_key_of_a_reminder_reads_as_what_it_was_built_of(
    fan_id: FanId, sale_id: SaleId, channel: Channel
) -> None:
    ref = NotificationRef(
        kind=NotificationKind.REMINDER, fan_id=fan_id, subject=sale_id, channel=channel
    )
    key = notification_key(ref)
    assert key == (f"fan:{fan_id}", f"ntf#{sale_id}#{channel.value}")
    assert notification_ref(key) == ref


@pytest.mark.parametrize(
    "key",
    [
        event_key("E1"),
        ("fan:F1", "ntf#E1.any#sms"),
        ("fan:F1", "ntf#E1.public#fax"),
        ("fan:F1", "evt#E1#E1.public"),
        ("fan:F1", "wav#c1_w1#sms"),
        ("fan:F1", "asu#c1-m1#reminder"),
        ("F1", "ntf#E1.public#sms"),
    ],
)
def test_no_reminder_lies_where_something_else_does(key: tuple[str, str]) -> None:
    assert notification_ref(key) is None


@pytest.mark.parametrize("kind", [NotificationKind.NOTICE, NotificationKind.WAVE])
def test_what_is_no_reminder_has_no_place_yet(kind: NotificationKind) -> None:
    with pytest.raises(Permanent) as refusal:
        notification_key(evolve(TEXTED.ref, kind=kind))
    assert (refusal.value.code, kind.value in str(refusal.value)) == ("bad_notification", True)


@given(row=notifications, receipt=st.sampled_from([None, "m1", "A:b/c=1@x+y"]))
def test_a_notification_is_in_every_index_by_which_somebody_looks_for_it(
    row: Notification, receipt: str | None
) -> None:
    row = evolve(row, provider=receipt and "twin", provider_message_id=receipt)
    number, fan, sk = shard(row.fan_id), row.fan_id, f"ntf#{row.sale_id}#sms"
    index = noted(row).index
    expected = {
        "byGroup": (f"sent#{row.sale_id}#{number}", f"{fan}#sms"),
        "byId": (f"n#{row.notification_id}", sk),
    }
    if receipt:
        expected["byMessage"] = (f"twin#{receipt}", sk)
    if due := due_at(row):
        at = due.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        expected["byTime"] = (f"due#{number}", f"{at}#{row.notification_id}")
    assert index == expected


@given(due=instants, late=st.integers(-2, 2), digit=st.sampled_from("0123456789abcdef"))
def test_all_that_is_due_by_now_lies_before_what_is_asked_for(
    due: datetime, late: int, digit: str
) -> None:
    row = a_notification(not_before=due, notification_id=NotificationId(digit * 32))
    partition, sort = noted(row).index["byTime"]
    asked, hi = due_by(shard(row.fan_id), due + late * MILLISECOND)
    assert asked == partition
    assert (sort <= hi) is (late >= 0)


@given(not_after=instants)
def test_a_notification_goes_400_days_after_its_last_moment(not_after: datetime) -> None:
    expires_at = noted(a_notification(not_after=not_after)).expires_at
    assert expires_at is not None
    gone = datetime.fromtimestamp(expires_at, UTC)
    assert abs(gone - not_after - timedelta(days=400)) <= timedelta(milliseconds=500)


@given(known=notifications, then=notifications, now=instants)
def test_the_index_entries_of_a_notification_move_with_it(
    known: Notification, then: Notification, now: datetime
) -> None:
    then = evolve(then, fan_id=known.fan_id, notification_id=known.notification_id)
    before = stored(noted(evolve(known, provider="twin", provider_message_id="m1")))
    after = NOTIFICATION.item(before.key, then, NOTIFICATION.row(before), now)
    assert after.index == noted(then).index
    assert after.expires_at == noted(then).expires_at


@given(rate=rates, sender=st.sampled_from(["sms", "+15551234567", "shortener"]))
def test_a_rate_is_read_as_it_was_written(rate: Rate, sender: str) -> None:
    item = RATE.item(rate_key(sender), rate, None, NOON)
    check([item])
    assert RATE.row(item).value == rate
    assert (parse(item.key), item.index) == (("rate", {"sender": sender}), {})


@given(event=events)
def test_an_event_is_in_an_index_while_it_is_to_be_refreshed(event: Event) -> None:
    index = written(event).index
    if event.refresh_at is None or not event.has_demand:
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
        noted(TEXTED),
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


@given(row=notifications, version=st.integers(0, 2**60))
def test_two_ways_to_one_notification_have_one_essence(row: Notification, version: int) -> None:
    doubt = row.outcome_unknown_since and OTHER_WAYS["outcome_unknown_since"]
    other = evolve(row, **OTHER_WAYS | {"outcome_unknown_since": doubt})
    theirs = stored(noted(other), version=version, schemaVersion=2)
    assert essence(theirs) == essence(noted(row))


def test_the_essence_is_what_was_told_to_whom_and_how_far_it_got() -> None:
    told = essence(noted(TEXTED))
    assert told is not None
    assert noted(TEXTED).body.keys() - told.keys() == {
        *("claim", "errors", "firstHandoverAt", "replays", "seen", "sendAttempts"),
        *("waitUntil", "schemaVersion", "version"),
    }
    assert (told["date"], told["outcomeUnknownSince"]) == (True, True)
    assert told["status"] == "CLAIMED"


@pytest.mark.parametrize(
    "differing",
    [
        *[{"status": Status.RETRY_WAIT}, {"reason": None}, {"message_body": None}],
        *[{"outcome_unknown_since": None}, {"request_digest": None}, {"segments": 1}],
        *[{"provider_message_id": "m-2"}, {"phone_number": Phone("+12125550124")}],
    ],
)
def test_another_notification_has_another_essence(differing: dict[str, Any]) -> None:
    assert essence(noted(evolve(TEXTED, **differing))) != essence(noted(TEXTED))


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
