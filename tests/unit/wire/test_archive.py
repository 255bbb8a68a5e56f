"""What one change leaves in the archive, and what of it outlives the thing itself."""

import json
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from demand_adapters.item_table import Change, Item
from demand_adapters.testing.strategies import (
    NOON,
    a_demand,
    a_notification,
    a_sale,
    an_event,
    demands,
    events,
    notifications,
    sales,
)
from demand_adapters.wire.archive import (
    ENVELOPE,
    NOT_ARCHIVED,
    RECORD_TYPES,
    REDACTED,
    Archived,
    archived,
)
from demand_adapters.wire.avro.reading import read
from demand_adapters.wire.avro.rows import check_of
from demand_adapters.wire.avro.writing import write
from demand_adapters.wire.items import KINDS
from demand_adapters.wire.keys import ARCHIVED
from demand_core.domain.archive import Archivable
from demand_core.domain.changes import ChangeKind, RemovedBy
from demand_core.domain.contacts import Email, Phone
from demand_core.domain.demands import Demand, DemandDates
from demand_core.domain.events import Event, EventDate, EventDates, EventStart
from demand_core.domain.notifications import MessageBody, Notification, Timeline
from demand_core.domain.sales import Sale, SaleDates
from demand_core.errors import Permanent
from tests.unit.wire.told_rows import own_columns, reference

SYNC: Final = bytes(16)
TEXT: Final = a_notification(date=Timeline(created=NOON))
NAMES: Final[dict[type, str]] = {
    Demand: "demand",
    Event: "event",
    Notification: "notification",
    Sale: "sale",
}
REASONS: Final = frozenset(
    {
        *("bad_email", "bad_id", "bad_phone", "bad_text", "bad_time", "empty_message"),
        *("implausible_date", "invalid_type", "missing_field", "wrong_type", ""),
    }
)
anything: st.SearchStrategy[Archivable] = demands | events | notifications | sales


def item_of(value: Archivable, at: datetime = NOON) -> Item:
    kind = KINDS[NAMES[type(value)]]
    assert kind.key is not None
    return kind.item(kind.key(value), value, None, at)


def changed(
    value: Archivable,
    kind: ChangeKind = ChangeKind.INSERT,
    at: datetime = NOON,
    by: RemovedBy | None = None,
    **fields: Any,
) -> Change:
    item = item_of(value)
    body = {name: part for name, part in (item.body | fields).items() if part is not ...}
    image = Item(item.key, body)
    gone = kind is ChangeKind.REMOVE
    return Change(
        change_id="c1",
        sequence=1,
        at=at,
        kind=kind,
        key=item.key,
        old=None if kind is ChangeKind.INSERT else image,
        new=None if gone else image,
        removed_by=by,
    )


def spoilt(change: Change, name: str, junk: Any) -> Change:
    """The same with *junk* in one of its fields."""
    assert change.new
    return evolve(change, new=Item(change.key, change.new.body | {name: junk}))


def kept(change: Change) -> Archived:
    found = archived(change)
    assert found is not None
    return found


def removed(value: Archivable, by: RemovedBy = RemovedBy.USER) -> Archived:
    return kept(changed(value, ChangeKind.REMOVE, by=by))


def refusal(change: Change) -> str:
    with pytest.raises(Permanent) as refused:
        archived(change)
    return refused.value.code


def bytes_of(found: Archived) -> bytes:
    return write(RECORD_TYPES[found.record_type].schema, [found.row], metadata={}, sync=SYNC)


def plausible(value: Archivable) -> Archivable:
    """*value* with the date by which it is filed in our time."""
    match value:
        case Demand():
            return evolve(value, date=evolve(value.date, requested=NOON))
        case Event():
            return evolve(value, dates=evolve(value.dates, first_seen=NOON))
        case Sale():
            return evolve(value, date=SaleDates(first_seen=NOON))
        case Notification():
            return evolve(value, date=evolve(value.date, created=NOON))


@given(value=anything.map(plausible))
def test_whatever_is_stored_is_kept_and_read_again_as_it_was(value: Archivable) -> None:
    found = kept(changed(value))
    (row,) = read(bytes_of(found))
    assert row == found.row
    assert row["recordtype"] == found.record_type == NAMES[type(value)]
    assert (row["changeid"], row["changekind"], row["changedat"]) == ("c1", "INSERT", NOON)
    assert (row["isdeleted"], row["deletionreason"]) == (False, None)
    assert found.day == NOON.date()


@given(value=anything.map(plausible))
def test_a_row_says_what_the_value_says(value: Archivable) -> None:
    row = kept(changed(value)).row
    assert {name: row[name] for name in row if name not in ENVELOPE} == own_columns(value)
    assert row["referenceid"] == reference(value)
    check_of(RECORD_TYPES[NAMES[type(value)]].schema)(row)


@given(
    value=anything.map(plausible),
    data=st.data(),
    junk=st.none()
    | st.integers()
    | st.text(max_size=5)
    | st.just([])
    | st.just([7])
    | st.just({}),
)
def test_whatever_stands_in_a_field_makes_a_row_of_its_schema_or_none(
    value: Archivable, data: st.DataObject, junk: Any
) -> None:
    fields = sorted(item_of(value).body)
    change = spoilt(changed(value), data.draw(st.sampled_from(fields)), junk)
    found, code = None, ""
    try:
        found = archived(change)
    except Permanent as refused:
        code = refused.code
    assert code in REASONS
    if found:
        check_of(RECORD_TYPES[found.record_type].schema)(found.row)
        assert bytes_of(found)


@pytest.mark.check("P-UC3-scrub")
@given(value=anything.map(plausible), by=st.sampled_from(RemovedBy))
def test_what_is_gone_keeps_what_is_listed_and_hides_the_rest(
    value: Archivable, by: RemovedBy
) -> None:
    before, after = kept(changed(value)).row, removed(value, by).row
    stays = RECORD_TYPES[after["recordtype"]].kept
    for name in before.keys() - {*ENVELOPE, "date"}:
        hidden = None if before[name] is None else REDACTED
        assert after[name] == (before[name] if name in stays else hidden)
    assert after["isdeleted"] is True
    assert after["date"] == before["date"] | {"deleted": NOON}
    assert after["deletionreason"] == ("fan" if by is RemovedBy.USER else "expiry")


@pytest.mark.check("P-UC3-scrub")
def test_no_contact_and_no_text_of_a_fan_stands_in_the_bytes_of_what_is_gone() -> None:
    number, address, text = "+12125550199", "jo.fan@mail.example", "Jo, doors at eight"
    values: list[Archivable] = [
        a_demand(phone_number=Phone(number), email=Email(address)),
        evolve(TEXT, phone_number=Phone(number), message_body=MessageBody(text)),
    ]
    for value in values:
        (row,) = read(bytes_of(removed(value)))
        told = json.dumps(row, default=str)
        assert not [secret for secret in (number, address, text) if secret in told]
        assert REDACTED in told


@pytest.mark.parametrize("name", RECORD_TYPES)
def test_every_column_is_kept_or_can_be_hidden(name: str) -> None:
    record_type = RECORD_TYPES[name]
    fields = {
        field["name"]: field["type"] for field in json.loads(record_type.schema.json)["fields"]
    }
    hidden = fields.keys() - {*ENVELOPE, *record_type.kept}
    assert all(fields[column] == ["null", "string"] for column in hidden)
    assert {*ENVELOPE, *record_type.kept} <= fields.keys()
    assert all(column == column.lower() for column in fields)


def test_all_that_the_table_has_to_keep_is_kept_and_the_rest_is_known() -> None:
    assert RECORD_TYPES.keys() == ARCHIVED
    assert KINDS.keys() <= RECORD_TYPES.keys() | NOT_ARCHIVED


@pytest.mark.check("P-UC5-ref")
def test_a_row_says_which_thing_it_is_of() -> None:
    wish, show, sale = a_demand(), an_event(), a_sale()
    names = [kept(changed(value)).row["referenceid"] for value in (wish, show, sale, TEXT)]
    assert names == [
        f"{wish.fan_id}#{wish.event_id}#{wish.sale_id}",
        show.event_id,
        sale.sale_id,
        TEXT.notification_id,
    ]


@pytest.mark.check("P-UC1-part")
@pytest.mark.parametrize(
    ("requested", "day"),
    [
        ("2025-02-14T00:00:00.000+00:00", date(2025, 2, 14)),
        ("2025-02-14T23:59:59.999+00:00", date(2025, 2, 14)),
        # Already the 15th in UTC, still the 14th where the fan is.
        ("2025-02-14T19:00:00.000-05:00", date(2025, 2, 15)),
        ("2025-02-14T00:59:59.999+01:00", date(2025, 2, 13)),
    ],
)
def test_a_wish_is_filed_under_the_day_in_utc_on_which_it_was_made(
    requested: str, day: date
) -> None:
    wish = a_demand(date=DemandDates(requested=datetime.fromisoformat(requested)))
    assert kept(changed(wish)).day == day


@pytest.mark.check("P-UC3-part", "P-UC5-part")
@given(value=anything.map(plausible), days=st.integers(0, 400))
def test_a_thing_is_filed_under_one_day_for_life(value: Archivable, days: int) -> None:
    later = NOON + timedelta(days=days)
    found = {
        kept(changed(value, kind, at=moment)).day
        for kind in ChangeKind
        for moment in (NOON, later)
    }
    assert found == {NOON.date()}


@pytest.mark.check("P-UC5-part")
def test_an_event_is_filed_by_when_it_was_seen_else_its_start_else_the_change() -> None:
    seen, start = NOON - timedelta(days=3), NOON + timedelta(days=90)
    show = an_event(
        dates=EventDates(first_seen=seen),
        event_date=EventDate(start=EventStart(date_time=start)),
    )
    unseen = evolve(show, dates=EventDates())
    unknown = evolve(unseen, event_date=EventDate())
    days = [kept(changed(event)).day for event in (show, unseen, unknown)]
    assert days == [seen.date(), start.date(), NOON.date()]


@pytest.mark.check("P-UC4-sch")
@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (changed(a_demand(), fanId=...), "missing_field"),
        (changed(a_demand(), channels="sms"), "wrong_type"),
        (changed(a_demand(), version=...), "missing_field"),
        (changed(a_demand(), version="7"), "wrong_type"),
        (changed(a_demand(), type="fnord"), "invalid_type"),
        (changed(a_demand(), type=...), "invalid_type"),
        (changed(a_demand(), fanId="F999"), "bad_id"),
        (changed(a_demand(), saleId="E1"), "bad_id"),
        (changed(a_notification(), status="SENDING"), "wrong_type"),
        (changed(a_demand(), date={"requested": "yesterday"}), "bad_time"),
        (changed(TEXT, errors=[{"code": 7}]), "wrong_type"),
        (changed(TEXT, segments="two", encoding="GSM-7"), "wrong_type"),
        (evolve(changed(a_demand(), ChangeKind.REMOVE), old=None), "no_old_image"),
        (evolve(changed(a_demand()), new=None), "no_new_image"),
    ],
    ids=lambda given: given if isinstance(given, str) else "of",
)
def test_what_makes_no_row_says_why(change: Change, reason: str) -> None:
    assert refusal(change) == reason


def test_a_field_that_no_row_has_keeps_nothing_from_being_kept() -> None:
    for change in (
        changed(an_event(), cachedAt="yesterday"),
        changed(a_demand(), consentAt=7, unreachable="all"),
        changed(a_demand(), channels=["sms"], phoneNumber=...),
    ):
        assert kept(change).row["changeid"] == "c1"


@pytest.mark.parametrize(
    ("requested", "changed_at"),
    [
        (datetime(2009, 12, 31, 23, 59, tzinfo=UTC), NOON),
        (NOON + timedelta(days=5 * 365, seconds=1), NOON),
    ],
)
def test_a_day_that_is_none_of_ours_is_refused(
    requested: datetime, changed_at: datetime
) -> None:
    wish = a_demand(date=DemandDates(requested=requested))
    assert refusal(changed(wish, at=changed_at)) == "implausible_date"


@pytest.mark.parametrize("name", sorted(NOT_ARCHIVED))
def test_a_type_that_is_known_and_not_kept_leaves_nothing(name: str) -> None:
    assert archived(changed(a_demand(), type=name)) is None


def test_a_refusal_never_shows_what_stood_there() -> None:
    change = changed(a_demand(), phoneNumber=["+12125550199"])
    with pytest.raises(Permanent) as refused:
        archived(change)
    assert "2125550199" not in str(refused.value)
    assert "2125550199" not in repr(kept(changed(a_demand(phone_number=Phone("+12125550199")))))
