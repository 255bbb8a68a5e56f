"""What is handed to a service that sends: the same to the byte at every repeat."""

from collections.abc import Mapping
from datetime import datetime

from attrs import field, frozen

from demand_core.domain.contacts import Email, Phone
from demand_core.domain.hours import MessageClass, class_of
from demand_core.domain.ids import NotificationId, digest
from demand_core.domain.notifications import Channel, MessageBody, Notification
from demand_core.errors import Permanent


@frozen(kw_only=True)
class SmsOrder:
    """One text for one phone. The reference is also the key under which it may be repeated."""

    reference: NotificationId
    to: Phone
    sender: str
    body: MessageBody
    # An instant and no duration: a repeat after a pause must say the same.
    valid_until: datetime
    message_class: MessageClass


@frozen(kw_only=True)
class EmailOrder:
    """One e-mail to be made from a template. Its reader drops an id that it has seen."""

    message_id: NotificationId
    to: Email
    template: str
    locale: str
    variables: Mapping[str, MessageBody] = field(repr=lambda v: f"{sorted(v)}")
    not_after: datetime
    message_class: MessageClass


def sms_order(row: Notification, sender: str) -> SmsOrder:
    """What is handed over for *row*; raises Permanent for one that has no text or phone."""
    to, body = _texted(row)
    return SmsOrder(
        reference=row.notification_id,
        to=to,
        sender=sender,
        body=body,
        valid_until=row.not_after,
        message_class=class_of(row.kind),
    )


def _texted(row: Notification) -> tuple[Phone, MessageBody]:
    if row.phone_number is None or row.message_body is None:
        raise Permanent("bad_notification", "an SMS needs a phone and a text")
    return row.phone_number, row.message_body


def email_order(row: Notification) -> EmailOrder:
    """What is handed over for *row*; raises Permanent for one without address or variables."""
    if row.email is None or row.variables is None or row.template is None:
        raise Permanent("bad_notification", "an e-mail needs an address and its variables")
    return EmailOrder(
        message_id=row.notification_id,
        to=row.email,
        template=row.template,
        locale=row.locale,
        variables=row.variables,
        not_after=row.not_after,
        message_class=class_of(row.kind),
    )


def request_digest(row: Notification) -> str:
    """What must be the same at every hand-over of *row*."""
    if row.channel is Channel.SMS:
        to, body = _texted(row)
        said: tuple[str, ...] = (to.reveal(), body.reveal())
    else:
        email = email_order(row)
        said = (
            email.to.reveal(),
            email.template,
            *(
                part
                for n, text in sorted(email.variables.items())
                for part in (n, text.reveal())
            ),
        )
    return digest(
        "demand.request/1",
        row.notification_id,
        row.locale,
        row.not_after.isoformat(),
        *said,
    )
