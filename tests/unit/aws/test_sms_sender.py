"""What End User Messaging is told of a text, and what its answers mean."""

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

import pytest
from attrs import evolve

from demand_adapters.aws.sms_sender import AwsSmsSender
from demand_adapters.http.sms_sender import HttpSmsSender
from demand_adapters.testing.sms_sender import CANARY
from demand_adapters.testing.strategies import NOON
from demand_adapters.wire.bodies import decode
from demand_core.domain.answers import EXPIRED, FINAL_REFUSALS
from demand_core.domain.contacts import Phone
from demand_core.domain.delivery import Silent
from demand_core.domain.hours import MessageClass
from demand_core.domain.notifications import MessageBody
from demand_core.domain.sms_news import SmsNews, StatusReport
from demand_core.errors import DemandError, Permanent, Transient, Unknown, WiringError
from entrypoints.engines.aws import AwsEngines
from entrypoints.needs import called, lacking
from entrypoints.settings import Settings
from entrypoints.twins.serving import Said, Served, document
from tests.contract.aws.wire_faults import refusal
from tests.served_aws_sms import TARGET, AwsSmsTwin, aws_sms_desk, model, nobody

SECOND: Final = timedelta(seconds=1)
MINUTE: Final = timedelta(minutes=1)
NUMBER: Final = "+12125550123"
PAGE: Final[Mapping[str, str]] = {"Content-Type": "text/html"}


def told(**differing: Any) -> Mapping[str, Any]:
    """What is asked for with an order like that."""
    with aws_sms_desk() as desk:
        desk.sms.send(desk.hand.order(**differing))
        return desk.twin.history[0]


def failed(*plan: Said, calls: int = 1, **differing: Any) -> DemandError:
    """What is raised; the service repeats what it was given, and nobody after it does."""
    with aws_sms_desk(*plan) as desk, pytest.raises(DemandError) as failure:
        desk.sms.send(desk.hand.order(**{"to": Phone(NUMBER), **differing}))
    assert (desk.served.calls, desk.slept, desk.twin.history) == (calls, [], [])
    error = failure.value
    said = f"{error!r} {getattr(error, 'detail', '')}"
    assert not any(secret in said for secret in (CANARY, "canary", NUMBER[1:]))
    assert error.__suppress_context__ or not error.__context__
    return error


def code(*plan: Said, **differing: Any) -> str:
    error = failed(*plan, **differing)
    assert isinstance(error, Permanent)
    return error.code


# What it is told


def test_it_is_told_who_sends_what_until_when_and_our_name_for_it() -> None:
    with aws_sms_desk(sender="phone-0a1b2c", configuration_set="reminders") as desk:
        order = desk.hand.order(to=Phone(NUMBER), body=MessageBody("Café at 10 – go 🎟"))
        desk.sms.send(order)
    (asked,) = desk.twin.asked
    assert asked.headers["content-type"] == "application/x-amz-json-1.0"
    assert asked.headers["x-amz-target"] == TARGET
    assert json.loads(asked.body) == {
        "DestinationPhoneNumber": NUMBER,
        "OriginationIdentity": "phone-0a1b2c",
        "MessageBody": "Café at 10 – go 🎟",
        "MessageType": "TRANSACTIONAL",
        "TimeToLive": 28 * 60,
        "Context": {"reference": order.reference},
        "ConfigurationSetName": "reminders",
    }


def test_without_a_configuration_set_none_is_named() -> None:
    assert "ConfigurationSetName" not in told()


def test_what_nobody_asked_for_is_promotional() -> None:
    assert told(message_class=MessageClass.CAMPAIGN)["MessageType"] == "PROMOTIONAL"


@pytest.mark.parametrize(
    ("left", "seconds"),
    [
        (timedelta(seconds=5), 5),
        (timedelta(seconds=5, milliseconds=999), 5),
        (timedelta(hours=72), 259_200),
        (timedelta(days=30), 259_200),
    ],
)
def test_it_lives_no_longer_than_it_is_good_nor_than_can_be_said(
    left: timedelta, seconds: int
) -> None:
    assert told(valid_until=NOON + left)["TimeToLive"] == seconds


@pytest.mark.parametrize("left", [timedelta(seconds=4, milliseconds=999), -MINUTE])
def test_what_is_good_for_less_than_can_be_said_is_not_handed_over(left: timedelta) -> None:
    assert code(valid_until=NOON + left, calls=0) == EXPIRED


def test_the_longest_body_is_taken_and_a_longer_one_never_asked_for() -> None:
    assert len(told(body=MessageBody("🎟" * 1600))["MessageBody"]) == 1600
    assert code(body=MessageBody(CANARY + "x" * 1600), calls=0) == "body_too_long"


# What its answers mean


def test_a_number_that_opted_out_is_told_in_our_word() -> None:
    answer = refusal("ConflictException", Reason="DESTINATION_PHONE_NUMBER_OPTED_OUT")
    assert code(answer) == "opted_out"


@pytest.mark.parametrize("reason", ["INVALID_PARAMETER", "FIELD_VALIDATION_FAILED"])
@pytest.mark.parametrize("name", ["DestinationPhoneNumber", "destinationPhoneNumber"])
def test_a_number_that_is_none_is_told_in_our_word(reason: str, name: str) -> None:
    fields = [{"Name": name, "Message": f"{NUMBER} is none"}]
    assert code(refusal("ValidationException", Reason=reason, Fields=fields)) == (
        "invalid_number"
    )


def test_a_number_that_only_our_account_cannot_reach_is_not_called_invalid() -> None:
    reason = "INVALID_IDENTITY_FOR_DESTINATION_COUNTRY"
    fields = [{"Name": "DestinationPhoneNumber", "Message": NUMBER}]
    answer = refusal("ValidationException", Reason=reason, Fields=fields)
    assert code(answer) == reason.lower()


def reasons(exception: str) -> list[str]:
    shape = model().shape_for(exception).members["Reason"]
    return [*shape.metadata["enum"]]


@pytest.fixture(scope="module")
def refusals() -> Mapping[str, DemandError]:
    """What is raised for every reason that the service has, over one wire."""
    asked = [
        (reason, refusal(exception, Reason=reason))
        for exception in (
            "ConflictException",
            "ValidationException",
            "ServiceQuotaExceededException",
        )
        for reason in reasons(exception)
    ]
    found = dict[str, DemandError]()
    with aws_sms_desk(*(answer for _, answer in asked)) as desk:
        for reason, _ in asked:
            with pytest.raises(DemandError) as failure:
                desk.sms.send(desk.hand.order())
            found[reason] = failure.value
        assert desk.twin.history == []
    return found


def test_every_other_reason_keeps_its_name_and_is_no_final_word(
    refusals: Mapping[str, DemandError],
) -> None:
    refused = {r: e.code for r, e in refusals.items() if isinstance(e, Permanent)}
    assert refused.pop("DESTINATION_PHONE_NUMBER_OPTED_OUT") == "opted_out"
    assert refused == {reason: reason.lower() for reason in refused}
    assert not FINAL_REFUSALS & {*refused.values()}
    assert len(refused) > 80


def test_a_spending_limit_holds_all_texts_for_a_minute_and_fails_none(
    refusals: Mapping[str, DemandError],
) -> None:
    held = {reason: e for reason, e in refusals.items() if not isinstance(e, Permanent)}
    assert "MONTHLY_SPEND_LIMIT_REACHED_FOR_TEXT" in held
    assert all(reason.startswith("MONTHLY_SPEND_LIMIT_REACHED_FOR_") for reason in held)
    for error in held.values():
        assert type(error) is Transient
        assert error.retry_at == NOON + MINUTE


@pytest.mark.parametrize("reason", ["", NUMBER, "canary", None, 7, "A" * 400, "A_" * 40])
def test_a_reason_that_is_no_name_is_not_told(reason: object) -> None:
    assert code(refusal("ConflictException", Reason=reason)) == "refused"


@pytest.mark.parametrize(
    ("headers", "later"),
    [
        ({}, SECOND),
        ({"Retry-After": "20"}, 20 * SECOND),
        ({"Retry-After": "soon"}, SECOND),
        ({"Retry-After": "999999"}, timedelta(hours=1)),
    ],
)
@pytest.mark.parametrize("status", [400, 429])
def test_a_throttle_did_nothing_and_says_when_to_come_again(
    status: int, headers: Mapping[str, str], later: timedelta
) -> None:
    throttled = refusal("ThrottlingException", status)
    error = failed(evolve(throttled, headers={**throttled.headers, **headers}))
    assert type(error) is Transient
    assert error.retry_at == NOON + later


@pytest.mark.parametrize(
    "answer",
    [
        refusal("InternalServerException", 500),
        refusal("ServiceUnavailable", 503),
        refusal("ThrottlingException", 503),
        refusal("RequestTimeout", 408),
        Said(410, b"<h1>No</h1>", PAGE),
        Said(408, b"", PAGE),
        Said(502, b"", PAGE),
        document(200, {}),
        document(200, {"MessageId": ""}),
        document(200, {"MessageId": "canary #1"}),
        document(200, {"MessageId": None}),
        document(200, []),
    ],
)
def test_what_is_neither_a_receipt_nor_its_own_refusal_is_unknown(answer: Said) -> None:
    error = failed(answer)
    assert type(error) is Unknown
    assert error.retry_at is None


@pytest.mark.parametrize(
    "answer",
    [
        refusal("AccessDeniedException", Reason="ACCOUNT_DISABLED"),
        refusal("AccessDeniedException"),
        refusal("ResourceNotFoundException", ResourceType="pool", ResourceId="canary"),
        refusal("UnrecognizedClientException"),
    ],
)
def test_what_only_its_operator_can_mend_stops_the_run(answer: Said) -> None:
    assert type(failed(answer)) is WiringError


def test_what_is_told_of_a_text_later_is_found_by_its_receipt_and_by_our_name() -> None:
    with aws_sms_desk() as desk:
        order = desk.hand.order()
        receipt = desk.sms.send(order)
        report = decode(SmsNews, desk.twin.event(1, "TEXT_DELIVERED"))
    assert isinstance(report, StatusReport)
    assert (report.provider, report.message_id) == (receipt.provider, receipt.message_id)
    assert report.reference == order.reference
    assert desk.sms.provider == receipt.provider


# How it is wired


ACCOUNT: Final = Settings(
    profile="aws",
    bucket="demand-test",
    aws_region="us-east-1",
    sms_service="aws",
    sms_sender="pool-0a1b",
    sms_configuration_set="reminders",
    sms_provider="gateway",
    shortener_url="http://127.0.0.1:1",
    event_source_url="http://127.0.0.1:1",
    contact_key_variable="CONTACTS",
)


def test_an_account_that_takes_texts_itself_needs_no_gateway() -> None:
    assert lacking(ACCOUNT, {"CONTACTS": "k1:0123456789abcdef"}) == []
    assert [*called(ACCOUNT)] == ["shortener_url", "event_source_url"]
    assert "sms_url" in called(evolve(ACCOUNT, sms_service="http"))


def test_a_folder_has_no_account_that_takes_texts() -> None:
    (needed,) = lacking(evolve(ACCOUNT, profile="local"), {})
    assert needed.startswith("DEMAND_SMS_SERVICE")


@pytest.mark.parametrize("capability", ["keyed", "queryable", "none"])
def test_whatever_the_gateway_could_the_account_remembers_nothing(capability: str) -> None:
    assert evolve(ACCOUNT, sms_capability=capability).capability == Silent()


def test_the_engines_send_by_their_account_or_by_the_gateway_as_they_are_told() -> None:
    twin = AwsSmsTwin()
    with nobody(), Served(twin) as served:
        settings = evolve(ACCOUNT, aws_endpoint=served.url)
        with AwsEngines.opened(settings) as engines, aws_sms_desk() as desk:
            valid_until = engines.clock.now() + 28 * MINUTE
            order = desk.hand.order(valid_until=valid_until, sender=engines.sms.sender)
            assert engines.sms.send(order).message_id == twin.message_id(1)
    assert twin.history[0]["OriginationIdentity"] == "pool-0a1b"
    assert twin.history[0]["ConfigurationSetName"] == "reminders"
    assert isinstance(engines.sms, AwsSmsSender)
    gateway = evolve(settings, sms_service="http", sms_url="http://127.0.0.1:1")
    with AwsEngines.opened(gateway) as engines:
        assert isinstance(engines.sms, HttpSmsSender)
