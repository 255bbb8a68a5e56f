"""AWS End User Messaging: it knows no keys, and nobody can ask it what it took."""

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from attrs import frozen

from demand_adapters.aws.calls import Aws, part
from demand_adapters.aws.errors import Busy, Refused, unreadable
from demand_adapters.wire.aws_sms import PROVIDER, REFERENCE
from demand_adapters.wire.keys import PARTS
from demand_core.domain.answers import EXPIRED, Accepted
from demand_core.domain.delivery import Silent
from demand_core.domain.hours import MessageClass
from demand_core.domain.ids import NotificationId
from demand_core.domain.orders import SmsOrder
from demand_core.errors import DemandError, Permanent, Transient, Unknown, Unsent, WiringError

SERVICE: Final = "pinpoint-sms-voice-v2"

BODY_CHARS_MAX: Final = 1600
SECONDS_MIN: Final = 5
SECONDS_MAX: Final = 259_200

# For how long all of us leave it alone: its rates count by the second, a spending limit is
# raised by people, and a network that was gone for several tries is gone for longer.
PAUSE: Final = timedelta(seconds=1)
LIMITED: Final = timedelta(minutes=1)
LOST: Final = timedelta(seconds=30)
LONGEST: Final = timedelta(hours=1)

TYPES: Final[Mapping[MessageClass, str]] = {
    MessageClass.REQUESTED: "TRANSACTIONAL",
    MessageClass.CAMPAIGN: "PROMOTIONAL",
}
OPTED_OUT: Final = "DESTINATION_PHONE_NUMBER_OPTED_OUT"
SPENT: Final = "MONTHLY_SPEND_LIMIT_REACHED"
# Reasons that are about the form of a field, and the field that holds the number.
MALFORMED: Final = frozenset({"FIELD_VALIDATION_FAILED", "INVALID_PARAMETER"})
NUMBER: Final = "destinationphonenumber"

_SECOND: Final = timedelta(seconds=1)
_MESSAGE_ID: Final = PARTS["providerMessageId"]
_REASON: Final = re.compile(r"[A-Z]{1,30}(?:_[A-Z]{1,30}){0,11}")


@frozen(kw_only=True)
class AwsSmsSender:
    """One call a text, never repeated once it may have left.

    *sender* is a number, a pool or a name of the account. Events on what became of a text come
    from *configuration_set*, or from the account's own bus.
    """

    aws: Aws
    sender: str
    configuration_set: str | None = None

    @property
    def provider(self) -> str:
        """As its events are read."""
        return PROVIDER

    @property
    def capability(self) -> Silent:
        """It knows nothing afterwards."""
        return Silent()

    def send(self, order: SmsOrder, /) -> Accepted:
        """Hand it over with the seconds for which it is good, and our reference.

        Only where nothing left is it tried again. A spending limit that is reached holds up the
        texts and nothing else; who has no right to send, or no such sender, is wired wrongly.
        """
        access, until = self.aws.access, self.aws.until()
        try:
            answer = self.aws.persist(
                lambda: self.aws.once(SERVICE, "send_text_message", **self._asked(order)),
                until - access.connect_within - access.answer_within,
                after=Unsent,
            )
        except (Unsent, Busy, Refused) as fault:
            raise _told(fault, self.aws.clock.now()) from None
        message_id = part(answer, "MessageId")
        if not isinstance(message_id, str) or not _MESSAGE_ID.fullmatch(message_id):
            raise unreadable(SERVICE)
        return Accepted(provider=PROVIDER, message_id=message_id)

    def look_up(self, reference: NotificationId, /) -> Accepted | None:
        """Refuse: there is nobody to ask."""
        raise WiringError(f"{PROVIDER} answers no questions: {reference}")

    def _asked(self, order: SmsOrder) -> Mapping[str, Any]:
        """Refuse what could go out too late: five seconds are the fewest that can be said."""
        seconds = (order.valid_until - self.aws.clock.now()) // _SECOND
        if seconds < SECONDS_MIN:
            raise Permanent(EXPIRED, f"{SERVICE}: less than {SECONDS_MIN} seconds are left")
        body = order.body.reveal()
        if len(body) > BODY_CHARS_MAX:
            raise Permanent("body_too_long", f"{len(body)} signs, of at most {BODY_CHARS_MAX}")
        asked = {
            "DestinationPhoneNumber": order.to.reveal(),
            "OriginationIdentity": order.sender,
            "MessageBody": body,
            "MessageType": TYPES[order.message_class],
            "TimeToLive": min(seconds, SECONDS_MAX),
            "Context": {REFERENCE: order.reference},
        }
        if self.configuration_set:
            asked["ConfigurationSetName"] = self.configuration_set
        return asked


def _told(fault: Unsent | Busy | Refused, now: datetime) -> DemandError:
    """What the caller must know; that nothing was done is believed of a refusal alone."""
    said = str(fault)
    match fault:
        case Unsent():
            return Unsent(said, retry_at=now + LOST)
        case Busy(status=status) if status >= 500 or status == 408:  # noqa: PLR2004  # it broke
            return Unknown(said)
        case Busy(retry_at=at):
            return Transient(said, retry_at=min(at or now + PAUSE, now + LONGEST))
        case Refused(code=code) if code.isdecimal():  # a status, in nobody's words
            return Unknown(said)
        case Refused(answer=answer, detail=detail):
            reason = str(answer.get("Reason", ""))
            if reason.startswith(SPENT):
                return Transient(f"{detail}: {SPENT}", retry_at=now + LIMITED)
            return Permanent(_word(reason, answer), detail)


def _word(reason: str, answer: Mapping[str, Any]) -> str:
    """Our word for a refusal where we have one, else the service's own.

    A number that our own account bars is not "blocked": that is the fan's word to say.
    """
    if reason == OPTED_OUT:
        return "opted_out"
    named = [str(field.get("Name", "")).lower() for field in answer.get("Fields") or ()]
    if reason in MALFORMED and NUMBER in named:
        return "invalid_number"
    return reason.lower() if _REASON.fullmatch(reason) else "refused"
