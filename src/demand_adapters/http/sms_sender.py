"""The SMS gateway: our own service, described in `docs/services/sms.yaml`."""

import re
from datetime import timedelta
from typing import Final
from urllib.parse import quote

from attrs import frozen

from demand_adapters.http.calls import Answer, Calls, Service
from demand_adapters.wire.converters import unstructured
from demand_adapters.wire.keys import PARTS
from demand_core.domain.answers import Accepted
from demand_core.domain.delivery import Capability, Keyed, Queryable, Silent
from demand_core.domain.ids import NotificationId
from demand_core.domain.orders import SmsOrder
from demand_core.errors import WiringError

MESSAGES: Final = "/messages"
BY_REFERENCE: Final = "/messages/by-reference/"
CAPABILITY: Final = "/capability"
KEY: Final = "Idempotency-Key"

NOT_FOUND: Final = "not_found"
_WORD: Final = re.compile(r"[a-z]{1,30}(?:_[a-z]{1,30}){0,5}")
_SECONDS_MAX: Final = 10**9


def gateway(token: str | None, *, url: str, loopback: bool = False) -> Service:
    """Where the gateway is, and who asks; with *loopback* it is a twin, which asks nobody."""
    # Whoever runs us says where it is, so that its host is the one that may be called.
    host = url.removeprefix("https://").partition("/")[0].partition(":")[0]
    return Service(
        name="SMS gateway",
        url=url,
        hosts=frozenset({host}),
        headers={} if token is None else {"Authorization": f"Bearer {token}"},
        loopback=loopback,
    )


@frozen(kw_only=True)
class HttpSmsSender:
    """One call a text, never repeated once it left: who asks knows whether it may be.

    *capability* is what the gateway is known to declare; asking it stays with the wiring.
    """

    calls: Calls
    provider: str = "sms"
    sender: str = "demand"
    capability: Capability

    def send(self, order: SmsOrder, /) -> Accepted:
        """Hand it over under its reference, which a gateway without keys passes over."""
        asked = unstructured(order)
        return self.calls.post(MESSAGES, asked, self._receipt, headers={KEY: order.reference})

    def look_up(self, reference: NotificationId, /) -> Accepted | None:
        """Only a 404 in the gateway's own words says that it is not there."""
        if not isinstance(self.capability, Queryable):
            raise WiringError(f"the gateway of {self.provider} answers no questions")
        return self.calls.get(BY_REFERENCE + quote(reference, safe=""), self._found)

    def _found(self, answer: Answer) -> Accepted | None:
        if answer.status == 404 and _word(answer) == NOT_FOUND:  # noqa: PLR2004  # not there
            return None
        return self._receipt(answer)

    def _receipt(self, answer: Answer) -> Accepted:
        said = answer.document if isinstance(answer.document, dict) else {}
        message_id = said.get("messageId")
        if answer.done and isinstance(message_id, str) and _is_id(message_id):
            return Accepted(provider=self.provider, message_id=message_id)
        raise answer.error(_word(answer))


def declared(calls: Calls) -> Capability:
    """What the gateway says that it can do; WiringError for what we do not understand."""
    return calls.get(CAPABILITY, _capability)


def _capability(answer: Answer) -> Capability:
    if not answer.done:
        raise answer.error(_word(answer))
    match answer.document:
        case {"capability": "KEYED", "ttlS": int(seconds)} if _is_duration(seconds):
            return Keyed(timedelta(seconds=seconds))
        case {"capability": "QUERYABLE", "lagS": int(seconds)} if _is_duration(seconds):
            return Queryable(timedelta(seconds=seconds))
        case {"capability": "NONE"}:
            return Silent()
    raise WiringError("the SMS gateway declares no capability that we know")


def _is_duration(seconds: int) -> bool:
    return type(seconds) is int and 0 < seconds <= _SECONDS_MAX


def _is_id(text: str) -> bool:
    """Whether it can stand in the key by which a report finds its text."""
    return PARTS["providerMessageId"].fullmatch(text) is not None


def _word(answer: Answer) -> str | None:
    """The gateway's word for what went wrong, if it is one and if it rules the text out.

    A failure counts as one only where the gateway adds that it did not take the text.
    """
    said = answer.document if isinstance(answer.document, dict) else {}
    error = said.get("error")
    if not isinstance(error, dict):
        return None
    word, timed_out = error.get("code"), answer.status == 408  # noqa: PLR2004  # a failure too
    if error.get("accepted") is not False and (timed_out or not answer.refused):
        return None
    return word if isinstance(word, str) and _WORD.fullmatch(word) else None
