"""The SMS gateway's twin: `docs/services/sms.yaml` in front of the one in memory."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Final
from urllib.parse import unquote

from demand_adapters.http.sms_sender import BY_REFERENCE, CAPABILITY, KEY, MESSAGES, NOT_FOUND
from demand_adapters.memory.sms_sender import MemorySmsSender
from demand_adapters.wire.bodies import plain
from demand_adapters.wire.converters import structured
from demand_core.domain.answers import Accepted
from demand_core.domain.delivery import Capability, Keyed, Queryable
from demand_core.domain.ids import NotificationId
from demand_core.domain.orders import SmsOrder
from demand_core.errors import Permanent, Transient
from demand_core.ports.clock import Clock
from entrypoints.twins.serving import Asked, Said, document

_SECOND: Final = timedelta(seconds=1)

_WORDS: Final = {
    401: "unauthorized",
    404: NOT_FOUND,
    429: "throttled",
    503: "unavailable",
}
# What is wrong with the request, and not with the text or the number in it.
_STATUSES: Final = {"key_reused": 409}
_UNREADABLE: Final = 400
_REFUSED: Final = 422
# In nobody's words: there is no such path.
_NOWHERE: Final = Said(404, b"")


class SmsTwin:
    """Answers whoever has the *token*; without one, everybody."""

    def __init__(
        self, gateway: MemorySmsSender, clock: Clock, *, token: str | None = None
    ) -> None:
        """Stand in front of *gateway*, whose history shows what really goes out."""
        self._gateway = gateway
        self._clock = clock
        self._token = token

    def answer(self, asked: Asked, /) -> Said:
        """Take a text, say what became of one or what can be asked, or say why not."""
        if self._token and asked.headers.get("authorization") != f"Bearer {self._token}":
            return self.complaint(401)
        try:
            return self._said(asked)
        except Transient as fault:
            if fault.retry_at is None:
                return self.complaint(503)
            return self.complaint(429, -((self._clock.now() - fault.retry_at) // _SECOND))

    def complaint(self, status: int, /, wait_s: int = 1) -> Said:
        """The usual words for *status*."""
        return _complaint(status, _WORDS[status], wait_s)

    def settings(self, url: str, /) -> Mapping[str, str]:
        """Where it is."""
        return {"sms_url": url}

    def _said(self, asked: Asked) -> Said:
        match asked.method, asked.path:
            case "POST", path if path == MESSAGES:
                return self._take(asked)
            case "GET", path if path == CAPABILITY:
                return document(200, _declared(self._gateway.capability))
            case "GET", path if path.startswith(BY_REFERENCE):
                return self._look_up(unquote(path.removeprefix(BY_REFERENCE)))
        return _NOWHERE

    def _take(self, asked: Asked) -> Said:
        try:
            order = structured(SmsOrder, plain(asked.body))
        except Permanent as flaw:
            return _complaint(_UNREADABLE, flaw.code)
        if asked.headers.get(KEY.lower()) != order.reference:
            return _complaint(_UNREADABLE, "bad_key")
        try:
            return _told(202, self._gateway.send(order))
        except Permanent as refusal:
            return _complaint(_STATUSES.get(refusal.code, _REFUSED), refusal.code)

    def _look_up(self, reference: str) -> Said:
        if not isinstance(self._gateway.capability, Queryable):
            return _NOWHERE
        receipt = self._gateway.look_up(NotificationId(reference))
        return _told(200, receipt) if receipt else self.complaint(404)


def _told(status: int, receipt: Accepted) -> Said:
    return document(status, {"messageId": receipt.message_id, "status": "QUEUED"})


def _declared(capability: Capability) -> Mapping[str, object]:
    match capability:
        case Keyed(ttl):
            return {"capability": "KEYED", "ttlS": ttl // _SECOND}
        case Queryable(lag):
            return {"capability": "QUERYABLE", "lagS": lag // _SECOND}
    return {"capability": "NONE"}


def _complaint(status: int, word: str, wait_s: int = 1) -> Said:
    error = {"code": word, "message": word.replace("_", " "), "accepted": False}
    later = {"Retry_After": str(wait_s)} if status == 429 else {}  # noqa: PLR2004  # throttled
    return document(status, {"error": error}, **later)
