"""What SMS providers say of a text, in their words and in ours."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final

from demand_adapters.wire.keys import PARTS
from demand_core.domain.reports import SIGNALS
from demand_core.domain.statuses import Status
from demand_core.errors import Permanent

# Ours first, then what else providers and SMPP say. Some carriers never say more than "sent".
_SPELLINGS: Final[Mapping[Status, tuple[str, ...]]] = {
    Status.QUEUED: (
        *("QUEUED", "ACCEPTED", "SCHEDULED", "SENDING", "PENDING", "BUFFERED", "ENROUTE"),
        *("ACCEPTD", "TEXT_QUEUED", "TEXT_PENDING"),
    ),
    Status.SENT: ("SENT", "SUBMITTED", "PARTIALLY_DELIVERED", "TEXT_SENT", "TEXT_SUCCESSFUL"),
    Status.DELIVERED: ("DELIVERED", "DELIVRD", "READ", "TEXT_DELIVERED"),
    Status.FAILED: (
        *("FAILED", "UNDELIVERED", "UNDELIVERABLE", "UNDELIV", "REJECTED", "REJECTD"),
        *("EXPIRED", "TTL_EXPIRED", "CANCELED", "CANCELLED", "DELETED", "BLOCKED", "SPAM"),
        *("CARRIER_BLOCKED", "CARRIER_UNREACHABLE", "UNREACHABLE", "INVALID"),
        *("INVALID_MESSAGE", "TEXT_TTL_EXPIRED", "TEXT_BLOCKED", "TEXT_CARRIER_BLOCKED"),
        *("TEXT_CARRIER_UNREACHABLE", "TEXT_UNREACHABLE", "TEXT_INVALID"),
        *("TEXT_INVALID_MESSAGE", "TEXT_SPAM"),
    ),
}
STATUSES: Final[Mapping[str, Status]] = {
    word: status for status in SIGNALS for word in _SPELLINGS[status]
}
_BETWEEN_WORDS: Final = str.maketrans("- ", "__")


def reported_status(word: object, _: object = None) -> Status:
    """What the *word* means for a row; raises Permanent for one that nobody here knows.

    A guess would be worse: a row that was moved by mistake does not move back.
    """
    if not isinstance(word, str):
        raise Permanent("wrong_type", "str")
    status = STATUSES.get(word.upper().translate(_BETWEEN_WORDS))
    if status is None:
        raise Permanent("bad_status")
    return status


def _part(name: str, value: object, _: object) -> str:
    """What a message is found by stands in keys, so that it must be spelled for one."""
    if not isinstance(value, str):
        raise Permanent("wrong_type", "str")
    if not PARTS[name].fullmatch(value):
        raise Permanent("bad_id", name)
    return value


FOUND_BY: Final[Mapping[str, Callable[[Any, Any], str]]] = {
    "provider": partial(_part, "provider"),
    "message_id": partial(_part, "providerMessageId"),
}
