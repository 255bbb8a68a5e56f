"""What AWS tells of texts is read as our own gateway's reports are, or refused by field."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import pytest
from attrs import evolve
from botocore.session import get_session
from hypothesis import given
from hypothesis import strategies as st

from demand_adapters.testing.strategies import NOON, sms_news
from demand_adapters.wire.aws_sms import in_our_words
from demand_adapters.wire.bodies import decode, encode
from demand_core.domain.ids import NotificationId
from demand_core.domain.sms_news import SmsNews, StatusReport
from demand_core.domain.statuses import Status
from demand_core.errors import Permanent

GOLDEN: Final = Path(__file__).parent / "golden"
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
MILLISECOND: Final = timedelta(milliseconds=1)
NUMBER: Final = "+12125550123"

DELIVERED: Final = StatusReport(
    provider="aws",
    message_id="3f0c9a6f-5b1d-4e7f-8a2b-6c1d0e9f7a55",
    reference=NotificationId("9b1f0c3a7d5e2b4c6a8f0e1d3c5b7a99"),
    status=Status.DELIVERED,
    occurred_at=NOON + timedelta(seconds=7, milliseconds=250),
)
BLOCKED: Final = evolve(
    DELIVERED,
    reference=None,
    status=Status.FAILED,
    error_code="carrier_blocked",
    error_text="Carrier has blocked the message",
)

EVENT: Final = {
    "eventType": "TEXT_QUEUED",
    "eventTimestamp": 1739534400000,
    "messageId": "m",
    "context": {"reference": "9b1f0c3a7d5e2b4c6a8f0e1d3c5b7a99"},
}

MEANT: Final[Mapping[str, Status]] = {
    "TEXT_PENDING": Status.QUEUED,
    "TEXT_QUEUED": Status.QUEUED,
    "TEXT_SENT": Status.SENT,
    "TEXT_SUCCESSFUL": Status.SENT,
    "TEXT_DELIVERED": Status.DELIVERED,
    "TEXT_INVALID": Status.FAILED,
    "TEXT_INVALID_MESSAGE": Status.FAILED,
    "TEXT_UNREACHABLE": Status.FAILED,
    "TEXT_CARRIER_UNREACHABLE": Status.FAILED,
    "TEXT_BLOCKED": Status.FAILED,
    "TEXT_CARRIER_BLOCKED": Status.FAILED,
    "TEXT_PROTECT_BLOCKED": Status.FAILED,
    "TEXT_SPAM": Status.FAILED,
    "TEXT_TTL_EXPIRED": Status.FAILED,
    "TEXT_UNKNOWN": Status.QUEUED,
}


def event_types() -> list[str]:
    """All that the SDK's own model has a name for."""
    model = get_session().get_service_model("pinpoint-sms-voice-v2")
    return [*model.shape_for("EventType").metadata["enum"]]


def read(event: object) -> StatusReport:
    report = decode(SmsNews, json.dumps(event).encode())
    assert isinstance(report, StatusReport)
    return report


def in_envelope(event: object) -> dict[str, object]:
    return {"source": "aws.sms-voice", "detail-type": "Text", "detail": event}


@pytest.mark.parametrize(
    ("name", "report"), [("aws_sms_delivered", DELIVERED), ("aws_sms_blocked", BLOCKED)]
)
def test_an_event_is_read_as_a_report_of_the_gateway_and_kept_as_one(
    name: str, report: StatusReport
) -> None:
    event = (GOLDEN / f"{name}.json").read_bytes()
    assert decode(SmsNews, event) == report
    assert decode(SmsNews, encode(report)) == report


def test_every_word_for_a_text_has_a_meaning() -> None:
    texts = {word for word in event_types() if word.startswith("TEXT_")}
    assert texts - {"TEXT_ALL"} == MEANT.keys()


@pytest.mark.parametrize("word", MEANT)
def test_a_word_means_the_same_in_an_envelope_and_without(word: str) -> None:
    event = EVENT | {"eventType": word, "isFinal": True, "messageStatusDescription": "why"}
    report = read(event)
    assert report == read(in_envelope(event))
    assert report.status is MEANT[word]
    failed = report.status is Status.FAILED
    code = word.removeprefix("TEXT_").lower()
    assert (report.error_code, report.error_text) == ((code, "why") if failed else (None, None))


@pytest.mark.parametrize("word", [w for w, s in MEANT.items() if s is Status.FAILED])
def test_a_failure_that_is_not_the_last_word_is_none(word: str) -> None:
    report = read(EVENT | {"eventType": word, "isFinal": False})
    assert (report.status, report.error_code) == (Status.QUEUED, None)


@pytest.mark.parametrize("word", [w for w in event_types() if w not in MEANT])
def test_what_is_told_of_calls_and_pictures_is_refused(word: str) -> None:
    with pytest.raises(Permanent, match=r"^bad_status: \$\.status$"):
        read(EVENT | {"eventType": word})


@given(ms=st.integers(-(10**10), 10**14))
def test_a_time_is_read_to_the_millisecond(ms: int) -> None:
    assert read(EVENT | {"eventTimestamp": ms}).occurred_at == EPOCH + ms * MILLISECOND


@pytest.mark.parametrize("context", [None, {}, "x", [], {"tenant": "t"}, {"reference": ""}])
def test_a_text_that_nobody_named_is_told_of_all_the_same(context: object) -> None:
    assert read(EVENT | {"context": context}).reference is None


@pytest.mark.parametrize(
    ("differing", "expected"),
    [
        ({"messageId": None}, "missing_field: $.messageId"),
        ({"messageId": "canary #1"}, "bad_id: $.messageId"),
        ({"messageId": 7}, "wrong_type: $.messageId"),
        ({"context": {"reference": "canary"}}, "bad_id: $.reference"),
        ({"context": {"reference": 7}}, "bad_id: $.reference"),
        ({"eventTimestamp": None}, "missing_field: $.occurredAt"),
        ({"eventTimestamp": 1.5}, "wrong_type: $.occurredAt"),
        ({"eventTimestamp": True}, "wrong_type: $.occurredAt"),
        ({"eventTimestamp": 10**30}, "wrong_type: $.occurredAt"),
        ({"eventTimestamp": "canary"}, "bad_time: $.occurredAt"),
        ({"eventType": None}, "missing_field: $.status"),
        ({"eventType": ["TEXT_SENT"]}, "wrong_type: $.status"),
        ({"eventType": "TEXT_CANARY"}, "bad_status: $.status"),
        ({"eventType": "TEXT_ALL"}, "bad_status: $.status"),
        (
            {"eventType": "TEXT_SPAM", "messageStatusDescription": 7},
            "wrong_type: $.errorText",
        ),
    ],
)
def test_what_is_wrong_is_named_and_not_shown(
    differing: dict[str, object], expected: str
) -> None:
    for event in (EVENT | differing, in_envelope(EVENT | differing)):
        with pytest.raises(Permanent) as refusal:
            read(event)
        assert str(refusal.value) == expected


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"source": "aws.sms-voice"},
        {"source": "aws.sms-voice", "detail": []},
        {"source": "aws.sms-voice", "detail": {"registrationDetails": {}}},
        {"source": "aws.ec2", "detail": EVENT},
        {"detail": EVENT},
        {"Records": [EVENT]},
    ],
)
def test_what_is_no_event_on_a_text_is_no_news(document: object) -> None:
    with pytest.raises(Permanent, match=r"^bad_kind: \$$"):
        read(document)


@given(news=sms_news)
def test_what_the_gateway_says_is_left_as_it_is(news: SmsNews) -> None:
    said = json.loads(encode(news))
    assert in_our_words(said) is said
    assert decode(SmsNews, encode(news)) == news


def test_what_says_that_it_is_the_gateway_s_is_read_as_that() -> None:
    with pytest.raises(Permanent, match="missing_field"):
        read(EVENT | {"kind": "STATUS"})


values = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
events = st.dictionaries(
    st.sampled_from([*EVENT, "isFinal", "messageStatusDescription", "source", "detail"]),
    st.recursive(
        values | st.sampled_from([*MEANT, "aws.sms-voice"]),
        lambda deeper: st.dictionaries(st.sampled_from([*EVENT, "reference"]), deeper),
    ),
)


def outcome(event: object) -> str:
    try:
        return type(decode(SmsNews, json.dumps(event).encode())).__name__
    except Permanent as refusal:
        return refusal.code


@given(event=events)
def test_any_event_is_read_or_refused(event: dict[str, object]) -> None:
    wrong = {"bad_json", "bad_kind", "bad_id", "bad_time", "bad_status"}
    expected = {"StatusReport", "missing_field", "wrong_type", *wrong}
    assert {outcome(EVENT | event), outcome(in_envelope(EVENT | event))} <= expected


def test_printed_news_shows_no_number() -> None:
    event = EVENT | {
        "eventType": "TEXT_BLOCKED",
        "destinationPhoneNumber": NUMBER,
        "messageStatusDescription": f"{NUMBER} is blocked",
    }
    assert NUMBER not in repr(read(event))
