"""What providers tell of texts, read whatever their words are, or refused by field."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from demand_adapters.testing.strategies import NOON, sms_news
from demand_adapters.wire.bodies import decode, encode
from demand_adapters.wire.converters import TAGS, VARIANTS
from demand_adapters.wire.sms import STATUSES, reported_status
from demand_core.domain.contacts import Phone
from demand_core.domain.ids import NotificationId
from demand_core.domain.notifications import MessageBody
from demand_core.domain.reports import SIGNALS
from demand_core.domain.sms_news import Inbound, SmsNews, StatusReport
from demand_core.domain.statuses import Status
from demand_core.errors import Permanent

GOLDEN: Final = Path(__file__).parent / "golden"
NUMBER: Final = "+12125550123"

FAILED: Final = StatusReport(
    provider="twin",
    message_id="3f0c9a6f5b1d4e7f8a2b6c1d0e9f7a55",
    reference=NotificationId("9b1f0c3a7d5e2b4c6a8f0e1d3c5b7a99"),
    status=Status.FAILED,
    occurred_at=NOON + timedelta(seconds=7, milliseconds=250),
    error_code="unreachable",
    error_text="gone",
)
STOP: Final = Inbound(
    provider="twin",
    message_id="i-17",
    sender=Phone(NUMBER),
    recipient="28849",
    text=MessageBody("Arrêt svp"),
    received_at=NOON,
)

STATUS: Final = {
    "kind": "STATUS",
    "provider": "p",
    "messageId": "m",
    "status": "SENT",
    "occurredAt": "2025-02-14T12:00:00Z",
}
INBOUND: Final = {
    "kind": "INBOUND",
    "provider": "p",
    "messageId": "m",
    "from": NUMBER,
    "to": "28849",
    "receivedAt": "2025-02-14T12:00:00Z",
}


def read(plain: object) -> SmsNews:
    return decode(SmsNews, json.dumps(plain).encode())


@given(news=sms_news)
def test_news_arrives_as_it_was_sent_and_as_what_it_is(news: SmsNews) -> None:
    assert decode(SmsNews, encode(news)) == news
    assert decode(type(news), encode(news)) == news


@pytest.mark.parametrize(("name", "news"), [("sms_status", FAILED), ("sms_inbound", STOP)])
def test_news_looks_as_it_always_did(name: str, news: SmsNews) -> None:
    golden = (GOLDEN / f"{name}.json").read_bytes().rstrip(b"\n")
    assert encode(news) == golden
    assert decode(SmsNews, golden) == news


def test_no_variant_has_two_names_and_each_is_what_it_stands_for() -> None:
    assert len(TAGS) == sum(map(len, VARIANTS.values()))
    assert all(
        issubclass(one, kind) for kind, found in VARIANTS.items() for one in found.values()
    )


def test_a_picture_alone_is_news_without_a_text() -> None:
    for more in ({}, {"text": ""}, {"text": None}):
        news = read(INBOUND | more)
        assert isinstance(news, Inbound)
        assert news.text is None


@pytest.mark.parametrize(
    ("plain", "expected"),
    [
        ([], "wrong_type: $"),
        (None, "wrong_type: $"),
        ({}, "bad_kind: $"),
        (STATUS | {"kind": "status"}, "bad_kind: $"),
        (STATUS | {"kind": ["STATUS"]}, "bad_kind: $"),
        (STATUS | {"kind": None}, "bad_kind: $"),
        (STATUS | {"provider": 7}, "wrong_type: $.provider"),
        (STATUS | {"messageId": ""}, "missing_field: $.messageId"),
        (STATUS | {"messageId": "canary #1"}, "bad_id: $.messageId"),
        (INBOUND | {"messageId": 7}, "wrong_type: $.messageId"),
        (INBOUND | {"provider": "Canary Inc."}, "bad_id: $.provider"),
        (STATUS | {"reference": "canary"}, "bad_id: $.reference"),
        (STATUS | {"status": "canary"}, "bad_status: $.status"),
        (STATUS | {"status": ["SENT"]}, "wrong_type: $.status"),
        (STATUS | {"status": ""}, "missing_field: $.status"),
        (STATUS | {"occurredAt": "2025-02-14T12:00:00"}, "bad_time: $.occurredAt"),
        (STATUS | {"errorCode": 30003}, "wrong_type: $.errorCode"),
        (INBOUND | {"from": "canary"}, "bad_phone: $.from"),
        (INBOUND | {"from": 12125550123}, "wrong_type: $.from"),
        (INBOUND | {"text": 7}, "wrong_type: $.text"),
        (INBOUND | {"to": None}, "missing_field: $.to"),
        (INBOUND | {"receivedAt": "canary"}, "bad_time: $.receivedAt"),
    ],
)
def test_what_is_no_news_is_refused_by_field_and_not_shown(
    plain: object, expected: str
) -> None:
    with pytest.raises(Permanent) as refusal:
        read(plain)
    assert str(refusal.value) == expected


@pytest.mark.parametrize(
    ("word", "status"),
    [
        *((status.value, status) for status in SIGNALS),
        ("sending", Status.QUEUED),
        ("Partially Delivered", Status.SENT),
        ("read", Status.DELIVERED),
        ("DELIVRD", Status.DELIVERED),
        ("undelivered", Status.FAILED),
        ("UNDELIVERABLE", Status.FAILED),
        ("rejected", Status.FAILED),
        ("ttl-expired", Status.FAILED),
        ("canceled", Status.FAILED),
    ],
)
def test_the_words_of_other_providers_mean_one_of_ours(word: str, status: Status) -> None:
    report = read(STATUS | {"status": word})
    assert isinstance(report, StatusReport)
    assert report.status is status


def test_a_word_means_one_status_alone_and_every_status_has_its_own() -> None:
    assert set(STATUSES.values()) == SIGNALS.keys()
    assert all(STATUSES[status.value] is status for status in SIGNALS)


@pytest.mark.parametrize("word", ["UNKNOWN", "received", "CREATED", "TRIGGERED", "", "sent!"])
def test_a_word_that_says_nothing_of_a_text_is_not_guessed_at(word: str) -> None:
    with pytest.raises(Permanent, match="bad_status"):
        reported_status(word)


def meaning(word: object) -> object:
    try:
        return reported_status(word)
    except Permanent as refusal:
        return refusal.code


@given(word=st.text() | st.none() | st.integers())
def test_any_word_is_known_or_refused(word: object) -> None:
    assert meaning(word) in {*SIGNALS, "bad_status", "wrong_type"}


def test_printed_news_shows_no_number_and_no_text() -> None:
    printed = repr([read(INBOUND | {"text": "c4nary"}), read(STATUS | {"errorText": NUMBER})])
    assert "c4nary" not in printed
    assert NUMBER not in printed
