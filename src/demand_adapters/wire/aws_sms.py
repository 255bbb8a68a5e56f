"""What AWS End User Messaging tells of a text, put into the words of our own gateway.

No event of it goes to a stream by itself: a rule of EventBridge brings it there, in the
envelope that all events have there, or without.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from demand_adapters.wire.sms import STATUSES
from demand_core.domain.statuses import Status

PROVIDER: Final = "aws"
# Where our own name of a text stands in what travels with it.
REFERENCE: Final = "reference"

_SOURCE: Final = "aws.sms-voice"
_TEXT: Final = "TEXT_"
_FAILED: Final = Status.FAILED.value
# What it says after three days without a word of the carrier: the text may well have arrived.
_WORDLESS: Final = "TEXT_UNKNOWN"
_BARRED: Final = "TEXT_PROTECT_BLOCKED"
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def in_our_words(plain: Mapping[str, Any]) -> Mapping[str, Any]:
    """Put *plain* as our gateway would, if it is an event of AWS; else leave it.

    What is wrong in it stays wrong, for whoever reads it next.
    """
    event = plain.get("detail") if plain.get("source") == _SOURCE else plain
    if not isinstance(event, dict) or "kind" in event or "eventType" not in event:
        return plain
    context, status = event.get("context"), _status(event)
    report = {
        "kind": "STATUS",
        "provider": PROVIDER,
        "messageId": event.get("messageId"),
        "reference": context.get(REFERENCE) if isinstance(context, dict) else None,
        "status": status,
        "occurredAt": _instant(event.get("eventTimestamp")),
    }
    if status == _FAILED:
        report["errorCode"] = event["eventType"].removeprefix(_TEXT).lower()
        report["errorText"] = event.get("messageStatusDescription")
    return report


def _status(event: Mapping[str, Any]) -> object:
    """A failure that is not the last word is no failure: it is on its way still."""
    word = event["eventType"]
    if not isinstance(word, str) or not word.startswith(_TEXT):
        return word
    status = Status.FAILED if word == _BARRED else STATUSES.get(word)
    on_its_way = status is Status.FAILED and event.get("isFinal") is False
    if on_its_way or word == _WORDLESS:
        return Status.QUEUED.value
    return status.value if status else word


def _instant(milliseconds: object) -> object:
    if type(milliseconds) is not int:
        return milliseconds
    try:
        return (_EPOCH + timedelta(milliseconds=milliseconds)).isoformat()
    except OverflowError:
        return milliseconds
