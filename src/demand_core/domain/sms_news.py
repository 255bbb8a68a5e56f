"""What a provider tells of texts, unasked: what became of ours, and what people answered."""

from datetime import datetime

from attrs import field, frozen

from demand_core.domain.contacts import Phone
from demand_core.domain.ids import NotificationId
from demand_core.domain.notifications import MessageBody
from demand_core.domain.statuses import Status


@frozen(kw_only=True)
class SmsNews:
    """One word of a provider on one text: a StatusReport or an Inbound, never this alone."""

    provider: str
    message_id: str


@frozen(kw_only=True)
class StatusReport(SmsNews):
    """How far a text of ours got: *status* is one that reports know.

    A provider that was told of our *reference* may say it again; its clock is its own.
    """

    reference: NotificationId | None = None
    status: Status
    occurred_at: datetime
    error_code: str | None = None
    # A stranger's words, which may hold the number.
    error_text: str | None = field(default=None, repr=False)
    # Ours: since when it waits for the message that it is about to be known.
    parked_at: datetime | None = None


@frozen(kw_only=True)
class Inbound(SmsNews):
    """What somebody texted to us. A picture alone comes without a text."""

    sender: Phone
    recipient: str
    text: MessageBody | None = None
    received_at: datetime
