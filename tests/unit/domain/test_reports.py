"""Reports of one message, in any order, doubled, late or from a clock that is ahead."""

from datetime import timedelta
from itertools import permutations
from random import Random

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from demand_adapters.testing.strategies import NOON, a_notification, notifications, reports
from demand_core.domain.answers import Accepted, Told, recorded
from demand_core.domain.delivery import Keyed, Terms
from demand_core.domain.notifications import Notification, due_at
from demand_core.domain.reports import SIGNALS, Report, anomalous, reported
from demand_core.domain.statuses import NEVER_SENT, RANK, SETTLED, Status
from demand_core.errors import Permanent

MINUTE = timedelta(minutes=1)
TERMS = Terms(capability=Keyed())
sent_rows = st.sampled_from([status for status in Status if status not in NEVER_SENT]).map(
    lambda status: a_notification(status=status)
)


def a_report(status: Status, minute: int = 0) -> Report:
    at = NOON + minute * MINUTE
    return Report(
        status=status, occurred_at=at, arrived_at=at, provider="twin", message_id="m1"
    )


def after(row: Notification, *arrived: Report) -> Notification:
    for report in arrived:
        row = reported(row, report)
    return row


@given(notifications, st.lists(reports, max_size=6), st.randoms(use_true_random=False))
def test_the_order_of_reports_does_not_matter(
    row: Notification, arrived: list[Report], chance: Random
) -> None:
    shuffled = list(arrived)
    chance.shuffle(shuffled)
    assert after(row, *shuffled) == after(row, *arrived)


@given(notifications, st.lists(reports, max_size=4))
def test_a_report_that_comes_again_changes_nothing(
    row: Notification, arrived: list[Report]
) -> None:
    once = after(row, *arrived)
    assert after(once, *arrived) == once


@given(sent_rows, reports)
def test_a_report_and_the_receipt_may_overtake_each_other(
    row: Notification, report: Report
) -> None:
    receipt = Accepted(provider="twin", message_id="m1")
    told = Told(claim_number=1, at=NOON, answer=receipt)
    one = recorded(reported(row, report), told, TERMS)
    other = reported(recorded(row, told, TERMS), report)
    assert one == other


@pytest.mark.check("N-UC7-sm")
@given(notifications, reports)
def test_a_report_only_raises_and_never_leads_to_another_hand_over(
    row: Notification, report: Report
) -> None:
    told = reported(row, report)
    assert RANK[told.status] >= RANK[row.status]
    if row.status not in NEVER_SENT:
        assert RANK[told.status] >= RANK[report.status]
        assert told.status in SETTLED
        assert due_at(told) is None
        assert not told.in_doubt
    else:
        assert told.status is row.status
        assert anomalous(row, report)


@pytest.mark.check("N-UC7-ts")
@given(notifications, reports)
def test_the_time_of_a_report_is_kept_but_never_later_than_its_arrival(
    row: Notification, report: Report
) -> None:
    name = report.status.value.lower()
    told = reported(row, report)
    assert getattr(told.date, name) <= min(report.occurred_at, report.arrived_at)
    assert getattr(told.seen, name) <= report.arrived_at
    for before, now in ((row.date, told.date), (row.seen, told.seen)):
        known = getattr(before, name)
        assert known is None or getattr(now, name) <= known
        assert evolve(now, **{name: known}) == before


@pytest.mark.check("N-UC7-sm")
@pytest.mark.parametrize("order", list(permutations([Status.FAILED, Status.DELIVERED])))
def test_delivered_beats_failed_whichever_comes_first(order: tuple[Status, ...]) -> None:
    row = a_notification(status=Status.TRIGGERED)
    told = after(row, *(a_report(status) for status in order))
    assert told.status is Status.DELIVERED
    assert told.reason is None
    assert [error.code for error in told.errors] == ["undelivered"]


def test_a_late_lower_report_fills_its_time_and_nothing_else() -> None:
    row = after(a_notification(status=Status.TRIGGERED), a_report(Status.DELIVERED, 5))
    told = reported(row, a_report(Status.QUEUED, 1))
    assert told.status is Status.DELIVERED
    assert told.date.queued == NOON + MINUTE
    assert evolve(told, date=row.date, seen=row.seen) == row


def test_a_failure_that_turns_out_delivered_is_an_anomaly() -> None:
    failed = a_notification(status=Status.FAILED)
    assert anomalous(failed, a_report(Status.DELIVERED))
    assert not anomalous(failed, a_report(Status.SENT))
    assert not anomalous(a_notification(status=Status.SENT), a_report(Status.DELIVERED))


@pytest.mark.parametrize("status", [status for status in Status if status not in SIGNALS])
def test_what_no_provider_reports_is_no_report(status: Status) -> None:
    with pytest.raises(Permanent, match="bad_report"):
        a_report(status)
