"""Wishes: what makes one, what asking again changes, and what becomes of it."""

from datetime import datetime, timedelta
from typing import Any, Final

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from demand_adapters.testing.strategies import (
    NOON,
    a_demand,
    a_notification,
    demands,
    notifications,
)
from demand_core.domain.contacts import Email, Phone
from demand_core.domain.demands import (
    Demand,
    DemandDates,
    answered,
    any_sale,
    asked_again,
)
from demand_core.domain.ids import ALPHABETS, DemandSaleId, EventId
from demand_core.domain.notifications import (
    Channel,
    DeliveryError,
    ErrorKind,
    Notification,
    Timeline,
)
from demand_core.domain.statuses import Status
from demand_core.errors import Permanent

MINUTE: Final = timedelta(minutes=1)
HOUR: Final = timedelta(hours=1)
EMAIL: Final = Email("fan@mail.example")


def by_email(date: Timeline) -> Notification:
    return a_notification(channel=Channel.EMAIL, phone_number=None, email=EMAIL, date=date)


def by_sms(date: Timeline) -> Notification:
    return a_notification(date=date)


@pytest.mark.check("N-CAP2")
@pytest.mark.parametrize(
    ("parts", "code"),
    [
        ({"channels": ()}, "no_channel"),
        ({"phone_number": None}, "no_contact"),
        ({"channels": (Channel.EMAIL,)}, "no_contact"),
        ({"channels": (Channel.SMS, Channel.EMAIL)}, "no_contact"),
        ({"sale_id": DemandSaleId("E2.public")}, "bad_id"),
        ({"sale_id": DemandSaleId("E12.any")}, "bad_id"),
        ({"sale_id": DemandSaleId("E1")}, None),
    ],
)
def test_a_wish_names_a_channel_its_contact_and_a_sale_of_its_event(
    parts: dict[str, Any], code: str | None
) -> None:
    if code is None:
        assert a_demand(**parts).event_id == "E1"
        return
    with pytest.raises(Permanent) as refusal:
        a_demand(**parts)
    assert refusal.value.code == code
    assert "555" not in str(refusal.value)


def test_a_contact_may_be_known_that_nobody_is_told_by() -> None:
    both = a_demand(email=EMAIL)
    assert (both.channels, both.email) == ((Channel.SMS,), EMAIL)


def test_a_printed_wish_shows_no_contact() -> None:
    printed = repr(a_demand(email=EMAIL, channels=(Channel.SMS, Channel.EMAIL)))
    assert "F1" in printed
    assert not any(secret in printed for secret in ("1212", "555", "fan@", "mail.example"))


@given(demand=demands)
def test_a_wish_is_known_by_its_fan_its_event_and_its_sale(demand: Demand) -> None:
    ref = demand.ref
    assert (ref.fan_id, ref.event_id, ref.sale_id) == (
        *(demand.fan_id, demand.event_id, demand.sale_id),
    )


def test_any_sale_is_spelled_as_no_sale_is() -> None:
    every = any_sale(EventId("E1"))
    assert ALPHABETS["demandSaleId"].fullmatch(every)
    assert not ALPHABETS["saleId"].fullmatch(every)


@given(asked=demands)
def test_who_asks_first_gets_what_was_asked_for(asked: Demand) -> None:
    assert asked_again(None, asked) == asked


@given(known=demands, minutes=st.integers(0, 99), consent=st.booleans())
def test_who_asks_for_the_same_again_changes_nothing(
    known: Demand, minutes: int, *, consent: bool
) -> None:
    later = NOON + minutes * MINUTE
    again = evolve(known, date=DemandDates(requested=later))
    assert asked_again(known, evolve(again, consent_at=later) if consent else again) == known


@given(known=demands, wanted=demands, times=st.integers(1, 3))
def test_new_wishes_replace_the_old_and_keep_what_became_of_them(
    known: Demand, wanted: Demand, times: int
) -> None:
    asked = evolve(wanted, fan_id=known.fan_id, event_id=known.event_id, sale_id=known.sale_id)
    after = known
    for _ in range(times):
        after = asked_again(after, asked)
    same = evolve(asked, date=known.date, consent_at=known.consent_at)
    if same == known:
        assert after == known
    else:
        assert evolve(after, date=asked.date) == asked
        assert after.date == evolve(known.date, updated=asked.date.requested)


def test_another_contact_or_channel_is_news() -> None:
    known = a_demand(email=EMAIL)
    for parts in (
        {"phone_number": Phone("+12125559999")},
        {"channels": (Channel.EMAIL,)},
        {"email": None},
        {"locale": "fr-ca"},
        {"consent_source": "phone"},
    ):
        asked: dict[str, Any] = {"date": DemandDates(requested=NOON + HOUR), **parts}
        after = asked_again(known, evolve(known, **asked))
        assert after == evolve(
            known, **asked | {"date": DemandDates(requested=NOON, updated=NOON + HOUR)}
        )


@pytest.mark.parametrize(
    ("row", "dates"),
    [
        (by_sms(Timeline()), (None, None)),
        (by_sms(Timeline(triggered=NOON)), (NOON, None)),
        (by_sms(Timeline(triggered=NOON, sent=NOON + MINUTE)), (NOON, None)),
        (by_sms(Timeline(delivered=NOON + HOUR)), (None, NOON + HOUR)),
        (by_email(Timeline(triggered=NOON, sent=NOON + MINUTE)), (NOON, NOON + MINUTE)),
        (by_email(Timeline(sent=NOON, delivered=NOON + HOUR)), (None, NOON + HOUR)),
        (by_email(Timeline(triggered=NOON, failed=NOON)), (NOON, None)),
    ],
)
def test_a_wish_is_marked_when_something_was_handed_over_and_when_it_arrived(
    row: Notification, dates: tuple[datetime | None, datetime | None]
) -> None:
    marked = answered(a_demand(), row)
    assert (marked.date.triggered, marked.date.notified) == dates
    assert evolve(marked, date=a_demand().date) == a_demand()


def refused(demand: Demand, code: str, status: Status = Status.FAILED) -> Notification:
    error = DeliveryError(at=NOON, attempt=1, kind=ErrorKind.PERMANENT, code=code)
    return a_notification(phone_number=demand.phone_number, status=status, errors=(error,))


@pytest.mark.check("N-S3")
def test_a_number_that_leads_nowhere_is_flagged_until_another_one_is_given() -> None:
    demand = a_demand()
    flagged = answered(demand, refused(demand, "invalid_number"))
    assert flagged == evolve(demand, unreachable=(Channel.SMS,))
    assert asked_again(flagged, demand) == flagged
    elsewhere = evolve(demand, phone_number=Phone("+12125559999"))
    assert asked_again(flagged, elsewhere).unreachable == ()
    # What was said of the old number is not said of the new one.
    assert answered(elsewhere, refused(demand, "invalid_number")) == elsewhere


@pytest.mark.parametrize(
    ("code", "status"),
    [("blocked", Status.FAILED), ("invalid_number", Status.DELIVERED)],
)
def test_who_was_reached_or_merely_refused_is_not_flagged(code: str, status: Status) -> None:
    demand = a_demand()
    assert answered(demand, refused(demand, code, status)) == demand


@given(demand=demands, row=notifications, other=notifications)
def test_each_mark_is_set_once_and_stays(
    demand: Demand, row: Notification, other: Notification
) -> None:
    marked = answered(demand, row)
    for again in (row, other):
        later = answered(marked, again)
        for mark in ("triggered", "notified"):
            first = getattr(marked.date, mark)
            assert first is None or getattr(later.date, mark) == first
    assert answered(marked, row) == marked
    assert marked.date.triggered == (demand.date.triggered or row.date.triggered)
