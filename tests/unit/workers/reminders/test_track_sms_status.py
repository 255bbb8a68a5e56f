"""Reports come in any order, any number of times, and now and then before our own record."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import permutations
from typing import Any, Final

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from demand_adapters.deliveries import Delivery
from demand_adapters.memory.file_store import MemoryFileStore
from demand_adapters.stores.quarantine import Quarantine
from demand_adapters.testing.strategies import NOON
from demand_adapters.wire.bodies import encode
from demand_core.batch import Outcome
from demand_core.domain.contacts import Phone
from demand_core.domain.notifications import MessageBody
from demand_core.domain.sms_news import Inbound, SmsNews, StatusReport
from demand_core.domain.statuses import Status
from demand_core.topology import TOPOLOGY
from demand_core.topology.channels import PARKED_NEWS, SMS_NEWS
from demand_core.topology.shapes import Stream
from entrypoints.running import Runner
from tests.unit.workers.reminders.desk import batch
from tests.unit.workers.reminders.dispatch import MINUTE, SECOND, Dispatch

REPORTED: Final = (Status.QUEUED, Status.SENT, Status.DELIVERED)
# The index that finds a message by its provider's number has caught up by then.
SETTLED: Final = MINUTE


def sent(fans: int = 1) -> Dispatch:
    desk = Dispatch(fans=fans)
    desk.send()
    desk.later(SETTLED)
    return desk


def report(desk: Dispatch, status: Status, n: int = 0, **differing: Any) -> StatusReport:
    text = desk.sms.history[n]
    plain: dict[str, Any] = {
        "provider": desk.sms.provider,
        "message_id": text.message_id,
        "reference": None,
        "status": status,
        "occurred_at": text.at
        + (1 + REPORTED.index(status) if status in REPORTED else 9) * SECOND,
        "error_code": "unreachable" if status is Status.FAILED else None,
    }
    return StatusReport(**plain | differing)


@pytest.mark.check("N-UC7-batch")
def test_of_a_batch_of_25_reports_the_one_that_cannot_be_applied_is_named() -> None:
    (row,) = (row for row in TOPOLOGY if row.name == "track_sms_status")
    assert row.batch_max <= 25
    desk = sent(fans=25)
    news = [report(desk, Status.DELIVERED, n) for n in range(25)]
    news[7] = evolve(news[7], message_id="nobody-knows-it")
    assert track(desk, *news) == Outcome()
    (parked,) = desk.tray(PARKED_NEWS).taken
    assert parked == evolve(news[7], parked_at=desk.clock.now())
    assert Counter(desk.ends) == {Status.DELIVERED: 24, Status.TRIGGERED: 1}


def track(desk: Dispatch, *news: SmsNews) -> Outcome:
    outcome = desk.worker("track_sms_status")(batch(*news))
    assert isinstance(outcome, Outcome)
    return outcome


@pytest.mark.check("W-N7", "N-DEP5")
@pytest.mark.parametrize("order", [*permutations(REPORTED)], ids=str)
def test_reports_in_any_order_end_in_the_same_status_with_all_times(
    order: Sequence[Status],
) -> None:
    desk = sent()
    for status in (*order, *order):
        assert track(desk, report(desk, status)) == Outcome()
    row = desk.row
    assert row.status is Status.DELIVERED
    times = [row.date.triggered, row.date.queued, row.date.sent, row.date.delivered]
    assert times == [NOON + n * SECOND for n in range(4)]
    assert row.seen.delivered == desk.clock.now()


def test_a_failure_that_is_reported_ends_failed_with_its_code() -> None:
    desk = sent()
    track(desk, report(desk, Status.FAILED))
    assert (desk.row.status, desk.row.reason) == (Status.FAILED, "undelivered")
    assert [error.code for error in desk.row.errors] == ["unreachable"]
    assert desk.row.date.failed == NOON + 9 * SECOND
    track(desk, report(desk, Status.DELIVERED))
    assert desk.row.status is Status.DELIVERED


@pytest.mark.check("N-UC7")
def test_of_a_mixed_batch_each_is_merged_once_and_strangers_stop_nothing() -> None:
    desk = sent(fans=3)
    stranger = StatusReport(
        provider="twin", message_id="nobody", status=Status.SENT, occurred_at=NOON
    )
    answer = Inbound(
        provider="twin",
        message_id="in1",
        sender=Phone("+12125550199"),
        recipient="demand",
        text=MessageBody("hello"),
        received_at=NOON,
    )
    before = desk.engines.table.sequence
    outcome = track(
        desk,
        report(desk, Status.DELIVERED, 0),
        stranger,
        answer,
        report(desk, Status.FAILED, 1),
        report(desk, Status.DELIVERED, 0),
        report(desk, Status.QUEUED, 2),
    )
    assert outcome == Outcome(dropped={"r2": "no_report"})
    assert desk.engines.table.sequence - before == 3
    by_id = {text.message_id: n for n, text in enumerate(desk.sms.history)}
    ends = {by_id[row.provider_message_id or ""]: row.status for row in desk.rows().values()}
    assert ends == {0: Status.DELIVERED, 1: Status.FAILED, 2: Status.QUEUED}
    (parked,) = desk.tray(PARKED_NEWS).taken
    assert parked == evolve(stranger, parked_at=desk.clock.now())


def test_a_report_that_is_faster_than_our_own_record_finds_its_message_by_our_reference() -> (
    None
):
    desk = Dispatch()
    row = desk.row
    early = StatusReport(
        provider="twin",
        message_id="m-unknown-yet",
        reference=row.notification_id,
        status=Status.DELIVERED,
        occurred_at=NOON + SECOND,
    )
    desk.later(SETTLED)
    assert track(desk, early) == Outcome()
    assert desk.row.status is Status.DELIVERED
    assert not desk.send().retry
    assert desk.told == 0


def test_a_report_waits_a_quarter_of_an_hour_for_its_message_and_is_then_counted() -> None:
    desk = Dispatch()
    stranger = StatusReport(
        provider="twin", message_id="nobody", status=Status.SENT, occurred_at=NOON
    )
    track(desk, stranger)
    (parked,) = desk.tray(PARKED_NEWS).taken
    desk.later(14 * MINUTE)
    assert track(desk, parked) == Outcome(retry=frozenset({"r0"}))
    desk.later(MINUTE)
    assert track(desk, parked) == Outcome(dropped={"r0": "unknown_message"})


def test_a_parked_report_counts_from_when_it_first_came() -> None:
    desk = Dispatch()
    reference = desk.row.notification_id
    late = StatusReport(
        provider="twin", message_id="m1", status=Status.SENT, occurred_at=NOON, reference=None
    )
    track(desk, late)
    (parked,) = desk.tray(PARKED_NEWS).taken
    desk.later(5 * MINUTE)
    track(desk, evolve(parked, reference=reference))
    assert desk.row.seen.sent == NOON


def test_what_cannot_be_parked_comes_again() -> None:
    desk = Dispatch()
    desk.tray(PARKED_NEWS).refuses = [0]
    stranger = StatusReport(
        provider="twin", message_id="nobody", status=Status.SENT, occurred_at=NOON
    )
    assert track(desk, stranger).retry == {"r0"}


@pytest.mark.check("N-IN4")
def test_a_report_that_nobody_can_read_is_set_aside_and_its_neighbours_count() -> None:
    desk, files = sent(fans=2), MemoryFileStore()
    runner = Runner(clock=desk.clock, quarantine=Quarantine(files=files))
    good = [encode(report(desk, Status.DELIVERED, n)) for n in (0, 1)]
    payloads = [good[0], b'{"kind": "StatusReport", "status": "WHO KNOWS"}', b"\xff", good[1]]
    given = [Delivery(record_id=str(n), payload=body) for n, body in enumerate(payloads)]
    ran = runner.batch(desk.worker("track_sms_status"), Stream(SMS_NEWS), SMS_NEWS.name, given)
    assert (ran.tally.done, ran.tally.quarantined, ran.back) == (2, 2, frozenset())
    assert desk.ends == [Status.DELIVERED] * 2
    kept = [stored.key for stored in files.list("quarantine/", limit=10)]
    assert len([key for key in kept if SMS_NEWS.name in key]) >= 2


statuses = st.sampled_from((*REPORTED, Status.FAILED))


@pytest.mark.check("N-UC7-sm")
@given(st.lists(st.tuples(statuses, st.integers(0, 60)), max_size=8))
def test_no_sequence_of_reports_moves_a_message_back(told: list[tuple[Status, int]]) -> None:
    desk = sent()
    before: list[tuple[Status, datetime | None]] = []
    for status, second in told:
        at = NOON + timedelta(seconds=second)
        track(desk, report(desk, status, occurred_at=at))
        row = desk.row
        if before:
            last, delivered = before[-1]
            if last is Status.DELIVERED:
                assert row.status is Status.DELIVERED
                assert row.date.delivered
                assert delivered
                assert row.date.delivered <= delivered
            if last is Status.FAILED:
                assert row.status in {Status.FAILED, Status.DELIVERED}
        before.append((row.status, row.date.delivered))
    assert len(desk.sms.calls) == 1
