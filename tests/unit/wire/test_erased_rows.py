"""A row of whom is forgotten says nothing of him, and all else of it stays as it was."""

from datetime import datetime, timedelta
from typing import Any, Final

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from demand_adapters.testing.strategies import NOON, demands, notifications
from demand_adapters.wire.archive import RECORD_TYPES, archived
from demand_adapters.wire.avro.rows import check_of
from demand_adapters.wire.change_records import encode_record
from demand_adapters.wire.erased_events import (
    ERASED,
    asked_in_event,
    names_in_event,
    without_events,
)
from demand_adapters.wire.erased_rows import CONTACTS, asked_at, erased, names_in
from demand_core.domain.archive import Archivable
from demand_core.domain.changes import ChangeKind
from demand_core.domain.demands import Demand
from demand_core.domain.erasures import Forgotten
from demand_core.domain.notifications import Notification
from demand_core.errors import Permanent
from tests.unit.wire.test_archive import changed

REDACTED: Final = "[redacted]"
SALT: Final = bytes(32)
values: Final[st.SearchStrategy[Archivable]] = st.one_of(demands, notifications)
kinds: Final = st.sampled_from(ChangeKind)


def asked_of(value: Archivable) -> datetime | None:
    """When its fan asked for it."""
    match value:
        case Demand():
            return value.date.requested
        case Notification():
            return value.asked_at or value.date.created
    return None


def row_of(value: Archivable, kind: ChangeKind = ChangeKind.INSERT) -> dict[str, Any]:
    """The row that a change of it leaves."""
    try:
        made = archived(changed(value, kind))
    except Permanent:
        made = None
    return made.row if made else {}


@given(value=values, kind=kinds, later=st.booleans())
def test_his_own_row_says_nothing_of_him_and_is_still_a_row(
    value: Archivable, kind: ChangeKind, *, later: bool
) -> None:
    row = row_of(value, kind)
    if not row:
        return
    who = Forgotten(at=NOON + timedelta(days=9000), salt=SALT)
    known = {
        ("fan", row["fanid"]): evolve(who, at=NOON - timedelta(days=9000)) if later else who
    }
    since = asked_of(value) or NOON
    fresh = erased(row, since, known)  # type: ignore[arg-type]
    if not known["fan", row["fanid"]].covers(since):
        assert fresh is row
        return
    check_of(RECORD_TYPES[row["recordtype"]].schema)(fresh)
    assert fresh["fanid"] == who.alias(row["fanid"])
    own = row["referenceid"].partition("#")[0]
    assert fresh["referenceid"] == row["referenceid"].replace(own, who.alias(own), 1)
    for column in (*CONTACTS, "messagebody", "providermessageid"):
        assert fresh.get(column) in {None, REDACTED}
        assert (fresh.get(column) is None) == (row.get(column) is None)
    touched = {*CONTACTS, "messagebody", "providermessageid", "fanid", "notificationid"}
    same = row.keys() - touched - {"referenceid", "deletionreason"}
    assert {name: fresh[name] for name in same} == {name: row[name] for name in same}
    assert erased(fresh, since, known) is fresh  # type: ignore[arg-type]


@given(value=demands)
def test_from_the_row_of_another_only_the_contact_goes(value: Demand) -> None:
    row = row_of(value)
    if not row or row["phonenumber"] is None:
        return
    who = Forgotten(at=NOON + timedelta(days=9000), salt=SALT)
    fresh = erased(row, None, {("phone", row["phonenumber"]): who})
    assert fresh == row | {"phonenumber": REDACTED}
    assert erased(row, None, {("phone", "+10000000"): who, ("fan", "nobody"): who}) is row


@given(value=values)
def test_a_row_says_when_it_was_asked_for_as_far_as_it_knows(value: Archivable) -> None:
    row = row_of(value)
    if row and isinstance(value, Demand):
        assert asked_at(row) == value.date.requested
    elif row:
        assert asked_at(row) == row["date"]["created"]


@given(value=values)
def test_a_change_is_found_by_the_same_names_as_its_row(value: Archivable) -> None:
    row, event = row_of(value), encode_record(changed(value))
    if row:
        assert {*names_in(row)} == {*names_in_event(event)}
        asked = asked_of(value)
        told = asked_in_event(event)
        assert told is None or asked is None or abs(told - asked) < timedelta(milliseconds=1)


@given(junk=st.binary(max_size=60))
def test_of_what_is_no_change_nobody_is_named(junk: bytes) -> None:
    assert [*names_in_event(junk)] == []
    assert asked_in_event(junk) is None
    with pytest.raises(Permanent, match="no_error_file"):
        without_events(junk, lambda _: True)


def test_half_a_surrogate_pair_names_nobody() -> None:
    event = (
        b'{"dynamodb":{"Keys":{"PK":{"S":"fan:\\ud800"}},"NewImage":{"email":{"S":"\\ud800"}}}}'
    )
    assert [*names_in_event(event)] == []
    assert ERASED.startswith(b"{")
