"""Values of ours as plain data and back: tolerant in, exact out, silent on what was wrong."""

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, Final
from zoneinfo import ZoneInfo

import attrs
import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from demand_adapters.testing.strategies import (
    NOON,
    a_demand,
    a_notification,
    an_event,
    cached_events,
    demands,
    event_dates,
    events,
    guards,
    instants,
    link_requests,
    notifications,
    opt_outs,
    rates,
    sales,
)
from demand_adapters.wire.books import Guard, Rate
from demand_adapters.wire.converters import (
    camel,
    instant,
    parsed_instant,
    structured,
    unstructured,
    wire_names,
)
from demand_core.domain.contacts import Email
from demand_core.domain.demands import Demand
from demand_core.domain.events import Event, EventCached, EventDates
from demand_core.domain.links import LinkRequest
from demand_core.domain.notifications import Channel, MessageBody, Notification
from demand_core.domain.opt_outs import OptOut
from demand_core.domain.sales import Sale
from demand_core.errors import Permanent

CANARY: Final = "canary#5551234"
PLAIN: Final[dict[str, Any]] = {
    "id": "E1",
    "name": "Show 1",
    "url": "https://www.ticketmaster.com/event/E1",
    "brand": "ticketmaster",
    "country": "US",
    "storefront": "TM_US",
    "locale": "en-us",
    "status": "onsale",
    "cachedAt": "2025-02-14T12:00:00.000Z",
    "date": {
        "firstSeen": "2025-02-14T12:00:00.000Z",
        "updated": "2025-02-14T12:00:00.000Z",
    },
}
every_value: Final = st.one_of(
    *(events, event_dates, cached_events, link_requests, notifications, rates, sales),
    *(demands, guards, opt_outs),
)
# Whatever JSON can hold, and what only our own code could pass.
anything: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters())
    | st.sampled_from(["", "E1", "2025-02-14T12:00:00Z", "0001-01-01T00:00+01:00", b"E1"]),
    lambda parts: st.lists(parts, max_size=3) | st.dictionaries(st.text(), parts, max_size=3),
    max_leaves=6,
)


def refused(kind: type, plain: object) -> Permanent:
    with pytest.raises(Permanent) as refusal:
        structured(kind, plain)
    return refusal.value


def outcome(kind: type, plain: object) -> str:
    try:
        assert isinstance(structured(kind, plain), kind)
    except Permanent as refusal:
        return str(refusal)
    return "read"


@given(value=every_value)
def test_what_is_written_is_read_again(value: object) -> None:
    assert structured(type(value), unstructured(value)) == value


@given(value=every_value)
def test_what_is_written_is_plain_and_says_nothing_twice(value: object) -> None:
    plain = unstructured(value)
    assert json.loads(json.dumps(plain)) == plain
    assert plain.keys() <= set(wire_names(type(value)).values())
    assert None not in plain.values()


@given(
    kind=st.sampled_from(
        [
            *(Demand, Event, EventDates, EventCached, Guard, LinkRequest),
            *(Notification, OptOut, Rate, Sale),
        ]
    ),
    data=st.data(),
)
def test_whatever_comes_is_read_or_refused_with_its_place(
    kind: type, data: st.DataObject
) -> None:
    names = sorted(wire_names(kind).values())
    start = PLAIN if kind is Event else {}
    plain = start | data.draw(st.dictionaries(st.sampled_from(names), anything))
    plain = data.draw(st.sampled_from([plain]) | anything)
    code, _, place = outcome(kind, plain).partition(": ")
    assert code in {
        *("read", "bad_id", "bad_time", "missing_field", "wrong_type"),
        *("bad_phone", "bad_email", "empty_message", "no_channel", "no_contact"),
    }
    assert code == "read" or place.split(".")[0] == "$"


def test_names_on_the_wire_are_in_camel_case() -> None:
    assert [camel(name) for name in ("url", "time_zone", "next_free_at")] == [
        *("url", "timeZone", "nextFreeAt")
    ]
    assert wire_names(Event)["event_id"] == "id"
    assert wire_names(LinkRequest) == {"event_id": "eventId"}


def test_what_has_its_default_is_left_out_but_for_the_dates() -> None:
    assert unstructured(an_event()) == PLAIN
    assert unstructured(an_event(dates=EventDates()))["date"] == {}
    full = unstructured(an_event(link_attempts=1, time_zone="America/New_York"))
    assert full == PLAIN | {"linkAttempts": 1, "timeZone": "America/New_York"}


@given(event=events, extra=st.dictionaries(st.text(max_size=5).map("x-{}".format), anything))
def test_fields_that_nobody_knows_are_ignored(event: Event, extra: dict[str, Any]) -> None:
    plain = unstructured(event)
    assert structured(Event, plain | extra | {"date": plain["date"] | extra}) == event


@pytest.mark.parametrize("absent", [None, ""])
@pytest.mark.parametrize("name", ["timeZone", "refreshAt", "shortUrl", "linkAttempts", "date"])
def test_missing_null_and_empty_are_the_same(name: str, absent: str | None) -> None:
    without = {known: value for known, value in PLAIN.items() if known != name}
    assert structured(Event, without | {name: absent}) == structured(Event, without)
    dates = {"firstSeen": absent, "updated": absent}
    assert structured(Event, PLAIN | {"date": dates}).dates == EventDates()


@pytest.mark.parametrize("name", sorted(PLAIN.keys() - {"date"}))
def test_a_field_that_must_be_there_is_missed_by_its_name(name: str) -> None:
    without = {known: value for known, value in PLAIN.items() if known != name}
    for plain in (without, without | {name: None}, without | {name: ""}):
        assert str(refused(Event, plain)) == f"missing_field: $.{name}"


@pytest.mark.parametrize(
    ("wrong", "expected"),
    [
        ({"id": CANARY}, "bad_id: $.id"),
        ({"id": 7}, "bad_id: $.id"),
        ({"name": 7}, "wrong_type: $.name"),
        ({"name": [CANARY]}, "wrong_type: $.name"),
        ({"name": {"text": CANARY}}, "wrong_type: $.name"),
        ({"url": True}, "wrong_type: $.url"),
        ({"timeZone": 1.5}, "wrong_type: $.timeZone"),
        ({"linkAttempts": True}, "wrong_type: $.linkAttempts"),
        ({"linkAttempts": 1.0}, "wrong_type: $.linkAttempts"),
        ({"linkAttempts": "1"}, "wrong_type: $.linkAttempts"),
        ({"cachedAt": CANARY}, "bad_time: $.cachedAt"),
        ({"cachedAt": 1739534400}, "wrong_type: $.cachedAt"),
        ({"refreshAt": "2025-02-14T12:00:00"}, "bad_time: $.refreshAt"),
        ({"date": CANARY}, "wrong_type: $.date"),
        ({"date": [CANARY]}, "wrong_type: $.date"),
        ({"date": {"firstSeen": CANARY}}, "bad_time: $.date.firstSeen"),
        ({"date": {"updated": 7}}, "wrong_type: $.date.updated"),
    ],
)
def test_what_is_wrong_is_named_with_its_place_and_never_shown(
    wrong: dict[str, Any], expected: str
) -> None:
    assert str(refused(Event, PLAIN | wrong)) == expected


@pytest.mark.parametrize("plain", [None, "", CANARY, 7, True, 1.5, [], [PLAIN], (1,), b"{}"])
def test_what_is_no_object_is_refused_as_a_whole(plain: object) -> None:
    for kind in (Event, LinkRequest, Rate):
        assert str(refused(kind, plain)) == "wrong_type: $"


def test_what_is_masked_is_plain_on_the_wire_and_checked_when_it_is_read() -> None:
    email = evolve(
        a_notification(),
        channel=Channel.EMAIL,
        phone_number=None,
        email=Email("fan@example.org"),
        message_body=None,
        variables={"artist": MessageBody("Gannet"), "link": MessageBody("https://sho.rt/1")},
    )
    plain = unstructured(email)
    assert plain["email"] == "fan@example.org"
    assert plain["variables"] == {"artist": "Gannet", "link": "https://sho.rt/1"}
    assert structured(Notification, plain) == email
    for wrong, said in (
        ({"email": CANARY}, "bad_email: $.email"),
        ({"phoneNumber": CANARY}, "bad_phone: $.phoneNumber"),
        ({"fanId": CANARY}, "bad_id: $.fanId"),
        ({"status": CANARY}, "wrong_type: $.status"),
        ({"variables": [CANARY]}, "wrong_type: $.variables"),
        ({"variables": {"artist": 7}}, "wrong_type: $.variables"),
    ):
        assert str(refused(Notification, plain | wrong)) == said


@pytest.mark.parametrize(
    ("wrong", "expected"),
    [
        ({"channels": []}, "no_channel: $"),
        ({"email": None}, "no_contact: $"),
        ({"saleId": "E2.any"}, "bad_id: $"),
        ({"channels": [CANARY]}, "wrong_type: $.channels"),
        ({"date": {}}, "missing_field: $.date.requested"),
    ],
)
def test_fields_that_make_no_value_together_are_refused_as_a_whole(
    wrong: dict[str, Any], expected: str
) -> None:
    both = (Channel.SMS, Channel.EMAIL)
    plain = unstructured(a_demand(channels=both, email=Email("fan@example.org")))
    assert structured(Demand, plain).channels == both
    assert str(refused(Demand, plain | wrong)) == expected


def test_nothing_wrong_is_shown_by_what_stands_behind_the_error() -> None:
    for wrong in ({"id": CANARY}, {"cachedAt": CANARY}, {"date": {"updated": CANARY}}):
        error: BaseException | None = refused(Event, PLAIN | wrong)
        while error is not None:
            assert CANARY not in f"{error} {error!r}"
            error = error.__cause__ or (
                None if error.__suppress_context__ else error.__context__
            )


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("2025-02-14T12:00:00Z", NOON),
        ("2025-02-14T12:00:00.000Z", NOON),
        ("2025-02-14T12:00:00+00:00", NOON),
        ("2025-02-14T07:00:00-05:00", NOON),
        ("2025-02-14T17:30:00.0+05:30", NOON),
        ("2025-02-15T01:00:00+13:00", NOON),
        ("2025-02-14T12:00:00.123456789Z", NOON + timedelta(microseconds=123456)),
        ("1900-01-01T18:00:00Z", datetime(1900, 1, 1, 18, tzinfo=UTC)),
        ("9999-12-31T23:59:59.999Z", datetime(9999, 12, 31, 23, 59, 59, 999000, tzinfo=UTC)),
    ],
)
def test_an_instant_may_have_any_offset(text: str, at: datetime) -> None:
    assert parsed_instant(text) == at
    assert parsed_instant(text).tzinfo is UTC


@given(at=instants, digits=st.text("0123456789", max_size=9))
def test_an_instant_may_have_up_to_nine_digits_of_a_second(at: datetime, digits: str) -> None:
    whole = at.replace(microsecond=0)
    text = instant(whole)[:19] + (f".{digits}" if digits else "") + "Z"
    parsed = parsed_instant(text)
    assert parsed.replace(microsecond=0) == whole
    assert parsed.microsecond == int(digits.ljust(6, "0")[:6])


@pytest.mark.parametrize(
    "value",
    [
        *("", "soon", "2025-02-14", "2025-02-14T12:00:00", "2025-02-14T12:00:00.000"),
        *("2025-02-30T12:00:00Z", "2025-02-14T25:00:00Z", "2025-02-14T12:00:00+25:00"),
        *("2025-02-14T12:00:00ZZ", "２025-02-14T12:00:00Z", "2025-02-14T12:00:00Z\n"),
        *("0001-01-01T00:00:00+01:00", "9999-12-31T23:59:59-01:00", "\ud800", "1" * 100_000),
        *(None, 7, 1.5, True, NOON, b"2025-02-14T12:00:00Z", ["2025-02-14T12:00:00Z"]),
    ],
)
def test_what_is_no_instant_of_ours_is_refused(value: object) -> None:
    with pytest.raises(Permanent) as refusal:
        parsed_instant(value)
    assert refusal.value.code == ("bad_time" if isinstance(value, str) else "wrong_type")
    assert str(value) == "" or str(value) not in str(refusal.value)


@given(one=instants, other=instants)
def test_the_order_of_the_texts_is_the_order_of_the_times(
    one: datetime, other: datetime
) -> None:
    assert (instant(one) < instant(other)) == (one < other)
    assert len(instant(one)) == len("2025-02-14T12:00:00.000Z")


@given(
    at=st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30)),  # noqa: DTZ001  # a zone follows
    offset=st.integers(-14 * 60, 14 * 60),
)
def test_an_instant_is_read_as_it_was_written_down_to_the_millisecond(
    at: datetime, offset: int
) -> None:
    aware = at.replace(tzinfo=timezone(timedelta(minutes=offset)))
    lost = aware - parsed_instant(instant(aware))
    assert timedelta(0) <= lost < timedelta(milliseconds=1)


def test_an_hour_that_comes_twice_is_written_as_two() -> None:
    zone = ZoneInfo("America/New_York")
    first = datetime(2025, 11, 2, 1, 30, tzinfo=zone)
    again = first.replace(fold=1)
    assert instant(first) == "2025-11-02T05:30:00.000Z"
    assert instant(again) == "2025-11-02T06:30:00.000Z"


def test_every_field_of_every_kind_has_a_name_of_its_own_on_the_wire() -> None:
    for kind in (Demand, Event, EventDates, EventCached, LinkRequest, OptOut, Rate, Sale):
        assert len(set(wire_names(kind).values())) == len(attrs.fields(kind))
