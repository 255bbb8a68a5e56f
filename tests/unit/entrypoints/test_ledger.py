"""The metrics of a sale, counted from its messages and from nothing else."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from demand_adapters.testing.strategies import NOON, a_notification
from demand_core.domain.contacts import Email
from demand_core.domain.notifications import Channel, Notification, Timeline
from demand_core.domain.statuses import Status
from entrypoints.ledger import OLD, Totals, totals
from tests.unit.workers.reminders.desk import Desk

SECOND: Final = timedelta(seconds=1)


def a_row(n: int, status: Status, **differing: Any) -> Notification:
    return a_notification(n, status=status, **differing)


def delivered(n: int, after_s: int) -> Notification:
    date = Timeline(triggered=NOON + SECOND, delivered=NOON + (after_s + 1) * SECOND)
    return a_row(n, Status.DELIVERED, date=date, send_attempts=1)


def failed(n: int, reason: str) -> Notification:
    return a_row(n, Status.FAILED, reason=reason, send_attempts=1)


def silent(n: int, status: Status, reason: str) -> Notification:
    return a_row(n, status, reason=reason)


def document(*rows: Notification) -> Mapping[str, Any]:
    found = Totals()
    for row in rows:
        found.add(row)
    return found.document()


@pytest.mark.check("M-01", "M-03")
def test_rates_are_of_those_whom_we_meant_to_tell_and_failures_say_why() -> None:
    found = document(
        *(delivered(n, 20) for n in range(6)),
        failed(6, "invalid_number"),
        failed(7, "exhausted"),
        silent(8, Status.DROPPED, "opted_out"),
        silent(9, Status.SUPPRESSED, "artist"),
    )
    assert found["deliveryRate"] == 0.75
    assert found["failureRate"] == 0.25
    assert found["byReason"] == {
        "DROPPED: opted_out": 1,
        "FAILED: exhausted": 1,
        "FAILED: invalid_number": 1,
        "SUPPRESSED: artist": 1,
    }
    assert found["missed"] == ["deliveryRate", "failureRate", "inTimeRate"]


@pytest.mark.check("N-DEP1")
def test_what_went_out_on_old_knowledge_is_flagged() -> None:
    sent = {"status": Status.DELIVERED, "date": Timeline(triggered=NOON, delivered=NOON)}
    rows = [
        a_notification(n, known_at=NOON - age, **sent)
        for n, age in enumerate((timedelta(0), OLD, OLD + SECOND, timedelta(hours=2)))
    ]
    assert document(*rows)["stale"] == 2
    assert document(a_notification(9, known_at=NOON - timedelta(hours=2)))["stale"] == 0


def test_an_e_mail_that_was_sent_counts_as_arrived() -> None:
    mail = a_row(
        1,
        Status.SENT,
        channel=Channel.EMAIL,
        email=Email("fan@example.org"),
        date=Timeline(triggered=NOON, sent=NOON),
    )
    assert document(mail)["deliveryRate"] == 1.0
    assert document(a_row(2, Status.SENT, date=Timeline(triggered=NOON)))["deliveryRate"] == 0.0


@pytest.mark.check("M-02")
@given(seconds=st.lists(st.integers(0, 900), min_size=1, max_size=60))
def test_delivery_times_are_measured_from_the_hand_over_of_each_message(
    seconds: list[int],
) -> None:
    found = document(*(delivered(n, s) for n, s in enumerate(seconds)), failed(99, "x"))
    assert found["meanDeliveryS"] == round(sum(seconds) / len(seconds), 1)
    not_longer = sum(s <= found["p95DeliveryS"] for s in seconds)
    shorter = sum(s < found["p95DeliveryS"] for s in seconds)
    assert not_longer >= 0.95 * len(seconds) > shorter


@pytest.mark.check("M-05")
def test_in_time_is_what_was_handed_over_inside_its_slot() -> None:
    late = a_notification().not_after
    rows = [
        delivered(1, 5),
        a_row(2, Status.TRIGGERED, date=Timeline(triggered=late)),
        failed(3, "invalid_number"),
        a_row(4, Status.EXPIRED, reason="too_late"),
    ]
    assert document(*rows)["inTimeRate"] == 0.25


@pytest.mark.check("M-06")
def test_whoever_would_have_been_told_twice_is_counted_as_spared() -> None:
    found = document(delivered(1, 5), silent(2, Status.DROPPED, "duplicate_contact"))
    assert found["spared"] == 1
    assert found["deliveryRate"] == 1.0


@pytest.mark.check("REQ-003")
def test_messages_are_counted_by_locale_and_those_that_fell_back_to_another() -> None:
    asked = ["en-us", "fr-ca", "fr-ca", "en-ca", "es-mx", "fr"]
    rows = [a_row(n, Status.DELIVERED, locale=locale) for n, locale in enumerate(asked)]
    found = document(*rows)
    assert found["byLocale"] == {"en-ca": 1, "en-us": 1, "es-mx": 1, "fr": 1, "fr-ca": 2}
    assert found["fellBack"] == 2


def test_of_nothing_there_is_no_rate() -> None:
    found = document()
    assert found["total"] == 0
    assert not found["finished"]
    assert not [name for name in found if name.endswith(("Rate", "S"))]


def test_all_messages_about_a_sale_are_counted_however_many_pages_they_take() -> None:
    desk = Desk()
    rows = [delivered(n, 20) for n in range(450)]
    desk.ports.notifications.create(rows)
    desk.clock.move_to(NOON + timedelta(minutes=5))
    found = totals(desk.ports.notifications, rows[0].ref.subject)
    assert found.total == 450
    assert found.document()["meanDeliveryS"] == 20.0
