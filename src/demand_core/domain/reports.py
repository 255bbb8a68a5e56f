"""What a provider reports of a message that it took, in any order and any number of times."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from attrs import evolve, field, frozen

from demand_core.domain.answers import Accepted
from demand_core.domain.notifications import (
    DeliveryError,
    ErrorKind,
    Notification,
    at_first,
    moved,
    with_error,
)
from demand_core.domain.statuses import NEVER_SENT, Signal, Status, allowed
from demand_core.errors import Permanent

SIGNALS: Final[Mapping[Status, Signal]] = {
    Status.QUEUED: Signal.R_QUEUED,
    Status.SENT: Signal.R_SENT,
    Status.DELIVERED: Signal.R_DELIVERED,
    Status.FAILED: Signal.R_FAILED,
}
# The reason of a row that was reported as failed; the provider's code is among its errors.
UNDELIVERED: Final = "undelivered"


@frozen(kw_only=True)
class Report:
    """One word of the provider on one message; *status* is a key of SIGNALS."""

    status: Status = field()
    occurred_at: datetime
    arrived_at: datetime
    provider: str
    message_id: str
    code: str | None = None
    detail: str = ""

    @status.validator
    def _known(self, _: object, status: Status) -> None:
        if status not in SIGNALS:
            raise Permanent("bad_report", status.value)


def reported(row: Notification, report: Report) -> Notification:
    """*row* merged with *report*: its state only rises, its times only get earlier.

    A report is an answer, so what it moves is in doubt no more. It never brings a row back
    to a sender.
    """
    # A provider's clock may be ahead of ours; nothing happens after we hear of it.
    at = min(report.occurred_at, report.arrived_at)
    row = evolve(
        row,
        provider=row.provider or report.provider,
        provider_message_id=row.provider_message_id or report.message_id,
        date=at_first(row.date, report.status, at),
        seen=at_first(row.seen, report.status, report.arrived_at),
    )
    failed = report.status is Status.FAILED
    if failed:
        row = with_error(row, _error(report, at))
    signal = SIGNALS[report.status]
    if report.status not in allowed(signal, row.status):
        return row
    row = evolve(row, outcome_unknown_since=None)
    return moved(row, signal, report.status, UNDELIVERED if failed else None)


def _error(report: Report, at: datetime) -> DeliveryError:
    """No attempt is named: reports do not say which of ours they are about."""
    return DeliveryError(
        at=at,
        attempt=0,
        kind=ErrorKind.REPORT,
        code=report.code or UNDELIVERED,
        detail=report.detail,
    )


def unreported(row: Notification, receipt: Accepted, at: datetime) -> Notification:
    """*row* where nobody will report: what was accepted counts as sent."""
    sent = Report(
        status=Status.SENT,
        occurred_at=at,
        arrived_at=at,
        provider=receipt.provider,
        message_id=receipt.message_id,
    )
    return reported(row, sent)


def anomalous(row: Notification, report: Report) -> bool:
    """Whether *report* tells of *row* what cannot be: it is counted."""
    undone = row.status is Status.FAILED and report.status is Status.DELIVERED
    return undone or row.status in NEVER_SENT
