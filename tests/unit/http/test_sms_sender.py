"""What the gateway is told of a text, and what its answers mean."""

import json
from collections.abc import Mapping
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any, Final

import pytest
import yaml
from attrs import evolve
from jsonschema import Draft202012Validator

from demand_adapters.http.sms_sender import BY_REFERENCE, declared, gateway
from demand_adapters.testing.strategies import NOON
from demand_core.domain.contacts import Phone
from demand_core.domain.delivery import Capability, Keyed, Queryable, Silent
from demand_core.domain.hours import MessageClass
from demand_core.domain.notifications import MessageBody
from demand_core.errors import DemandError, Permanent, Transient, Unknown, WiringError
from entrypoints.twins import TWINS
from entrypoints.twins.serving import Asked, Said, document
from entrypoints.twins.sms import SmsTwin
from tests.served_sms import TOKEN, sms_desk

DESCRIPTION: Final = Path(__file__).parents[3] / "docs/services/sms.yaml"


@cache
def described() -> Mapping[str, Any]:
    """The description, in which a name of one part stands for the other."""
    read: Mapping[str, Any] = yaml.safe_load(DESCRIPTION.read_text(encoding="utf-8"))
    return read


def flaws(schema: Mapping[str, Any], value: object) -> list[str]:
    whole = {**schema, "components": described()["components"]}
    return [error.message for error in Draft202012Validator(whole).iter_errors(value)]


def operation(asked: Asked) -> Mapping[str, Any]:
    path = asked.path
    if path.startswith(BY_REFERENCE):
        path = BY_REFERENCE + "{reference}"
    found: Mapping[str, Any] = described()["paths"][path][asked.method.lower()]
    return found


def schema_of(part: Mapping[str, Any]) -> Mapping[str, Any]:
    if "$ref" in part:
        part = described()["components"]["responses"][part["$ref"].rpartition("/")[2]]
    found: Mapping[str, Any] = part["content"]["application/json"]["schema"]
    return found


def unfit(asked: Asked) -> list[str]:
    """What of a request is not as it is described."""
    wanted, found = operation(asked), list[str]()
    for named in wanted.get("parameters", ()):
        given = {
            "header": asked.headers.get(named["name"].lower()),
            "path": asked.path.removeprefix(BY_REFERENCE),
        }
        found += flaws(named["schema"], given[named["in"]])
    if body := wanted.get("requestBody"):
        found += flaws(schema_of(body), json.loads(asked.body))
    return found


def failed(*plan: Said, **like: Any) -> DemandError:
    with sms_desk(*plan, **like) as both, pytest.raises(DemandError) as failure:
        both.sms.send(both.hand.order())
    return failure.value


def said(status: int, code: object, **more: object) -> Said:
    return document(status, {"error": {"code": code, "message": "", **more}})


# What it is told


def test_the_description_is_one_of_schemas_that_can_be_read() -> None:
    assert described()["openapi"] == "3.1.0"
    for schema in described()["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)


@pytest.mark.check("N-OUT1")
def test_it_is_told_who_sends_what_until_when_and_under_which_key() -> None:
    with sms_desk() as both:
        order = both.hand.order(
            to=Phone("+12125550123"),
            body=MessageBody("Café at 10 – go 🎟"),
            message_class=MessageClass.CAMPAIGN,
        )
        both.sms.send(order)
    (asked,) = both.asked
    assert asked.headers["idempotency-key"] == order.reference
    assert json.loads(asked.body) == {
        "reference": order.reference,
        "to": "+12125550123",
        "from": "demand",
        "body": "Café at 10 – go 🎟",
        "validUntil": "2025-02-14T12:28:00.000Z",
        "class": "campaign",
    }


@pytest.mark.check("N-OUT1")
def test_a_repeat_says_the_same_to_the_byte_however_late_it_is() -> None:
    with sms_desk() as both:
        order = both.hand.order()
        for _ in range(2):
            both.sms.send(order)
            both.clock.advance(timedelta(minutes=5))
    first, again = both.asked
    assert (first.body, first.headers) == (again.body, again.headers)


@pytest.mark.parametrize("capability", [Keyed(), Queryable(), Silent()], ids=repr)
def test_what_is_asked_and_what_the_twin_answers_is_as_described(
    capability: Capability,
) -> None:
    with sms_desk(capability=capability) as both:
        both.sms.send(both.hand.order(1))
        both.sms.send(both.hand.order(2, message_class=MessageClass.CAMPAIGN))
        declared(both.calls)
        if isinstance(capability, Queryable):
            both.sms.look_up(both.hand.order(1).reference)
            both.clock.advance(timedelta(seconds=10))
            both.sms.look_up(both.hand.order(1).reference)
        twin = SmsTwin(both.memory, both.clock, token=TOKEN)
        for asked in both.asked:
            assert unfit(asked) == []
            assert_described(asked, twin.answer(asked))


def assert_described(asked: Asked, answer: Said) -> None:
    responses = operation(asked)["responses"]
    response = responses.get(str(answer.status)) or responses[f"{answer.status // 100}XX"]
    assert flaws(schema_of(response), json.loads(answer.body)) == []


def test_the_description_finds_what_is_not_as_it_says() -> None:
    with sms_desk() as both:
        both.sms.send(both.hand.order())
    (asked,) = both.asked
    body = json.loads(asked.body)
    wrong: list[dict[str, Any]] = [
        {**body, "to": "2125550123"},
        {**body, "class": "CAMPAIGN"},
        {**body, "validUntil": "1740000000"},
        {**body, "validFor": 28},
        {name: text for name, text in body.items() if name != "from"},
    ]
    for other in wrong:
        assert len(unfit(evolve(asked, body=json.dumps(other).encode()))) == 1
    assert unfit(evolve(asked, headers={})) != []


# What the twin says


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"body": b"{"}, 400, "bad_json"),
        ({"body": b"[]"}, 400, "wrong_type"),
        ({"body": b"{}"}, 400, "missing_field"),
        ({"headers": {}}, 400, "bad_key"),
        ({"path": BY_REFERENCE + "x", "method": "GET"}, 404, None),
        ({"method": "GET"}, 404, None),
        ({"path": "/v1/messages"}, 404, None),
    ],
)
def test_the_twin_takes_nothing_that_is_not_as_described(
    change: dict[str, Any], status: int, code: str | None
) -> None:
    with sms_desk() as both:
        both.sms.send(both.hand.order())
        (asked,) = both.asked
        answer = SmsTwin(both.memory, both.clock).answer(evolve(asked, **change))
        assert answer.status == status
        if code:
            assert json.loads(answer.body)["error"]["code"] == code
            assert_described(asked, answer)
        assert len(both.memory.calls) == 1


def test_every_way_to_say_no_is_as_described() -> None:
    bad, sour = {"+12125550001"}, {"+12125550002"}
    with sms_desk(bad_numbers=bad, sour=sour, calls_per_s=4) as both:
        twin = SmsTwin(both.memory, both.clock, token=TOKEN)
        for n in (1, 2):
            with pytest.raises((Permanent, Transient)):
                both.sms.send(both.hand.order(n))
        taken = both.hand.order(3)
        both.sms.send(taken)
        with pytest.raises(Permanent):
            both.sms.send(evolve(taken, body=MessageBody("another")))
        answers = [twin.answer(asked) for asked in both.asked[:1]]
        both.clock.advance(timedelta(seconds=1))
        answers += [twin.answer(asked) for asked in both.asked]
        stranger = evolve(both.asked[0], headers={})
        answers.append(twin.answer(stranger))
        for answer in answers:
            assert_described(both.asked[0], answer)
    assert [answer.status for answer in answers] == [429, 422, 503, 202, 409, 401]
    assert answers[0].headers["Retry-After"] == "1"


def test_the_served_twin_says_how_to_call_it() -> None:
    with sms_desk() as both:
        twin = TWINS["sms"](both.clock, None)
        assert twin.settings("http://127.0.0.1:1") == {"sms_url": "http://127.0.0.1:1"}
        answer = twin.answer(Asked("GET", "/capability", {}, b""))
    assert json.loads(answer.body) == {"capability": "KEYED", "ttlS": 86400}


# What its answers mean


@pytest.mark.parametrize(
    "code",
    ["invalid_number", "landline", "blocked", "opted_out", "body_too_long", "expired"],
)
def test_a_refusal_is_for_good_and_keeps_the_gateways_word(code: str) -> None:
    error = failed(said(422, code, accepted=False))
    assert isinstance(error, Permanent)
    assert error.code == code


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (said(409, "key_reused"), Permanent),
        (said(400, "bad_key"), Permanent),
        (said(401, "unauthorized"), WiringError),
        (said(403, "forbidden"), WiringError),
        (document(404, {}), WiringError),
        (said(429, "throttled"), Transient),
        (document(429, {}), Transient),
        (said(500, "unavailable", accepted=False), Transient),
        (said(503, "unavailable", accepted=False), Transient),
        (said(408, "slow", accepted=False), Transient),
        (said(408, "slow"), Unknown),
        (said(500, "unavailable"), Unknown),
        (said(503, "unavailable", accepted=True), Unknown),
        (said(503, "unavailable", accepted=None), Unknown),
        (said(503, "unavailable", accepted=0), Unknown),
        (said(503, 503, accepted=False), Unknown),
        (said(503, "c4nary +12125550123", accepted=False), Unknown),
        (document(503, {"error": "unavailable", "accepted": False}), Unknown),
        (document(503, []), Unknown),
        (Said(502, b"<h1>Bad gateway</h1>"), Unknown),
        (said(202, "unavailable", accepted=False), Unknown),
        (document(202, {"messageId": ""}), Unknown),
        (document(202, {"messageId": 7}), Unknown),
        (document(202, {"messageId": "m 1"}), Unknown),
        (document(202, {"messageId": "m#1\n"}), Unknown),
        (document(202, {"status": "QUEUED"}), Unknown),
        (document(302, {"messageId": "m1"}), Unknown),
    ],
    ids=lambda said: f"{said.status} {said.body[:60]!r}" if isinstance(said, Said) else "",
)
def test_only_the_gateways_own_word_says_that_a_text_was_not_taken(
    answer: Said, told: type[DemandError]
) -> None:
    error = failed(answer)
    assert type(error) is told
    assert "c4nary" not in str(error)


@pytest.mark.parametrize("status", [429, 503])
def test_the_gateway_says_when_to_come_again(status: int) -> None:
    body = {"error": {"code": "throttled", "accepted": False}}
    error = failed(document(status, body, Retry_After="7"))
    assert type(error) is Transient
    assert error.retry_at == NOON + timedelta(seconds=7)


def test_nobody_there_is_known_to_have_taken_nothing() -> None:
    with sms_desk() as both:
        order, slept = both.hand.order(), both.slept
        sms = both.sms
        both.served.__exit__(None, None, None)
        with pytest.raises(Transient) as failure:
            sms.send(order)
        assert not isinstance(failure.value, Unknown)
        assert len(slept) == 2


def looked_up(*plan: Said) -> object:
    with sms_desk(*plan, capability=Queryable()) as both:
        return both.sms.look_up(both.hand.order().reference)


def test_what_is_not_there_is_so_only_in_the_gateways_own_words() -> None:
    assert looked_up(said(404, "not_found")) is None
    for stranger in (document(404, {}), Said(404, b""), said(404, "Not Found")):
        with pytest.raises(WiringError):
            looked_up(stranger)


def test_nobody_asks_a_gateway_that_cannot_answer() -> None:
    for capability in (Keyed(), Silent()):
        with sms_desk(capability=capability) as both:
            with pytest.raises(WiringError):
                both.sms.look_up(both.hand.order().reference)
            assert both.served.calls == 0


@pytest.mark.parametrize(
    "document_",
    [
        {},
        [],
        {"capability": "keyed", "ttlS": 1},
        {"capability": "KEYED"},
        {"capability": "KEYED", "ttlS": 0},
        {"capability": "KEYED", "ttlS": True},
        {"capability": "KEYED", "ttlS": 1.5},
        {"capability": "KEYED", "ttlS": 10**12},
        {"capability": "QUERYABLE", "ttlS": 10},
        {"capability": "QUERYABLE", "lagS": -1},
        {"capability": "MAGIC"},
    ],
    ids=json.dumps,
)
def test_a_capability_that_nobody_knows_is_none(document_: object) -> None:
    with sms_desk(document(200, document_)) as both, pytest.raises(WiringError):
        declared(both.calls)


def test_a_gateway_that_is_down_declares_nothing() -> None:
    down = 3 * [said(503, "unavailable", accepted=False)]
    with sms_desk(*down) as both, pytest.raises(Transient):
        declared(both.calls)


# Who may ask


def test_a_wrong_token_is_a_mistake_of_ours_and_no_texts() -> None:
    with sms_desk(token="another") as both:  # noqa: S106  # a wrong one
        with pytest.raises(WiringError) as failure:
            both.sms.send(both.hand.order())
        assert both.memory.calls == []
    assert "another" not in str(failure.value)


def test_only_the_host_that_was_set_is_called_and_no_token_is_shown() -> None:
    asks = gateway(TOKEN, url="https://sms.example.com/v1")
    assert asks.hosts == {"sms.example.com"}
    assert asks.patience.deadline == timedelta(seconds=30)
    assert TOKEN not in repr(asks)
    for url in ("http://sms.example.com", "https://fan@sms.example.com", "https://[::1"):
        with pytest.raises(WiringError):
            gateway(TOKEN, url=url)


def test_no_error_shows_the_number_or_the_text_of_an_order() -> None:
    for code in ("landline", "c4nary", "+12125550001"):
        for answer in (said(422, code), said(500, code), document(202, {"messageId": [code]})):
            with sms_desk(answer) as both:
                order = both.hand.order(body=MessageBody("c4nary"))
                assert order.to.reveal() == "+12125550001"
                with pytest.raises(DemandError) as failure:
                    both.sms.send(order)
            assert "+12125550001" not in str(failure.value)
            assert "c4nary" not in str(failure.value)
