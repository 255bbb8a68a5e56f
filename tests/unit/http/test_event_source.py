"""What the source of events is asked, and what its answers mean."""

import gzip
import json
import logging
import traceback
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from demand_adapters.http.event_source import HOSTS, NOT_FOUND, SPIKE, URL, discovery
from demand_adapters.testing.event_source import E1, described
from demand_adapters.testing.strategies import NOON
from demand_adapters.wire.discovery import DOCUMENT_BYTES_MAX
from demand_core.domain.ids import EventId
from demand_core.domain.listings import Listing
from demand_core.errors import DemandError, Permanent, Transient, WiringError
from entrypoints.twins.serving import JSON, PAGE, UNTOLD, Said, document
from tests.served_discovery import KEY, source_desk

DATA: Final = Path(__file__).parents[2] / "data/discovery"
SECOND: Final = timedelta(seconds=1)
QUOTA: Final = "policies.ratelimit.QuotaViolation"
CANARY: Final = "hunter2"


def fault(word: object) -> dict[str, Any]:
    """How the gateway before the service says that something is wrong."""
    return {"fault": {"faultstring": CANARY, "detail": {"errorcode": word}}}


def errors(*words: object) -> dict[str, Any]:
    """How the service itself says so."""
    return {"errors": [{"code": word, "detail": CANARY, "status": "404"} for word in words]}


def sample(status: int, name: str) -> Said:
    return Said(status, (DATA / f"{name}.json").read_bytes())


def looked_up(*plan: Said, event_id: EventId = E1) -> Listing | None:
    with source_desk(*plan) as both:
        return both.source.look_up(event_id)


def failed(said: Said, *, tries: int) -> DemandError:
    """What every try ends with that gets this answer."""
    with source_desk(*[said] * 9) as both:
        with pytest.raises(DemandError) as failure:
            both.source.look_up(E1)
        assert (both.served.calls, len(both.slept)) == (tries, tries - 1)
    shown = "".join(traceback.format_exception(failure.value))
    assert KEY not in shown
    assert CANARY not in shown
    return failure.value


# What it is asked


def test_it_is_asked_for_one_event_in_one_language_under_our_key() -> None:
    with source_desk() as both:
        both.source.look_up(E1)
        (asked,) = both.twin.asked
    assert asked.method == "GET"
    assert asked.path == f"/discovery/v2/events/E1.json?locale=en-us&apikey={KEY}"
    assert not [text for text in asked.headers.values() if KEY in text]
    assert "authorization" not in asked.headers


@given(st.text(st.characters(codec="utf-8"), min_size=1, max_size=20))
def test_no_id_and_no_key_leads_to_another_address(text: str) -> None:
    with source_desk(key=text) as both:
        assert both.source.look_up(EventId(f"none/../{text}")) is None
        (asked,) = both.twin.asked
    path, _, query = asked.path.partition("?")
    assert path.startswith("/discovery/v2/events/none%2F..%2F")
    assert path.count("/") == 4
    assert query.startswith("locale=en-us&apikey=")
    assert query.count("&") == 1
    assert query.count("=") == 2


def test_what_it_says_is_true_of_the_time_of_the_question() -> None:
    found = looked_up()
    assert found is not None
    assert found.event.cached_at == NOON


def test_only_the_service_itself_is_called_and_by_https() -> None:
    assert discovery().url == URL == "https://app.ticketmaster.com"
    assert discovery().hosts == HOSTS == {"app.ticketmaster.com"}
    for url in ("http://app.ticketmaster.com", "https://app.ticketmaster.com.evil.example"):
        with pytest.raises(WiringError):
            discovery(url=url)


# What its answers mean


@pytest.mark.parametrize(
    "said",
    [
        sample(404, "not_found"),
        document(404, errors(NOT_FOUND)),
        document(404, errors(NOT_FOUND, "DIS9999")),
    ],
    ids=["sample", "alone", "first of two"],
)
def test_there_is_no_event_only_if_the_service_itself_says_so(said: Said) -> None:
    assert looked_up(said) is None


@pytest.mark.parametrize(
    ("said", "told", "tries"),
    [
        (sample(401, "refused_key"), WiringError, 1),
        (document(401, fault("oauth.v2.InvalidApiKey")), WiringError, 1),
        (document(401, {}), WiringError, 1),
        (document(403, errors("DIS0403")), WiringError, 1),
        (document(404, {}), WiringError, 1),
        (document(404, fault(7)), WiringError, 1),
        (document(404, errors()), WiringError, 1),
        (document(404, errors(f"{NOT_FOUND} {CANARY}")), WiringError, 1),
        (document(404, [errors(NOT_FOUND)]), WiringError, 1),
        (Said(404, json.dumps(errors(NOT_FOUND)).encode(), PAGE), WiringError, 1),
        (Said(404, b"<h1>Not found</h1>", PAGE), WiringError, 1),
        (document(404, errors("DIS1005")), Permanent, 1),
        (document(400, errors(NOT_FOUND)), Permanent, 1),
        (document(400, errors("DIS1015")), Permanent, 1),
        (document(410, {}), Permanent, 1),
        (document(500, fault("messaging.adaptors.http")), Transient, 3),
        (document(503, errors("DIS0503")), Transient, 3),
        (document(500, errors(NOT_FOUND)), Transient, 3),
        (document(503, {}), Transient, 3),
        (document(408, {}), Transient, 3),
        (Said(502, b"<h1>Bad gateway</h1>", PAGE), Transient, 3),
        (document(302, errors(NOT_FOUND), Location="http://127.0.0.1:1/x"), Transient, 3),
    ],
    ids=lambda said: f"{said.status} {said.body[:50]!r}" if isinstance(said, Said) else "",
)
def test_a_failure_means_what_its_status_says_and_who_says_it(
    said: Said, told: type[DemandError], tries: int
) -> None:
    error = failed(said, tries=tries)
    assert type(error) is told
    assert getattr(error, "retry_at", None) is None


@pytest.mark.parametrize("status", [404, 405])
@pytest.mark.parametrize(
    "said",
    [
        Said(404, b'{"errors": [{"co', {**JSON, **UNTOLD, "Content-Length": "99"}),
        Said(404, b" " * (DOCUMENT_BYTES_MAX + 1)),
    ],
    ids=["cut off", "too long"],
)
def test_nobody_knows_whose_a_404_is_that_is_not_whole(said: Said, status: int) -> None:
    assert type(failed(evolve(said, status=status), tries=3)) is Transient


def test_a_refusal_keeps_the_word_of_whoever_refused() -> None:
    refusals = [
        failed(document(400, body), tries=1) for body in (errors("DIS1015"), fault("a.b"))
    ]
    assert [error.code for error in refusals if isinstance(error, Permanent)] == [
        "DIS1015",
        "a.b",
    ]


@pytest.mark.parametrize(
    "word", ["", "x" * 65, "a b", "é", "a\n", 7, None, ["DIS1004"], CANARY * 10]
)
@pytest.mark.parametrize("envelope", [fault, errors])
def test_a_word_of_no_known_form_is_none(envelope: Any, word: object) -> None:
    error = failed(document(400, envelope(word)), tries=1)
    assert isinstance(error, Permanent)
    assert error.code == "http_400"


# When to come again


@pytest.mark.parametrize(
    ("said", "wait_s"),
    [
        (document(429, fault(SPIKE)), 1),
        (document(429, fault(QUOTA), Retry_After="120"), 120),
        (document(429, fault(QUOTA), Retry_After="Fri, 14 Feb 2025 12:05:00 GMT"), 300),
        (document(429, fault(QUOTA)), 60),
        (document(429, fault(QUOTA), Retry_After="-5"), 60),
        (document(429, fault(QUOTA), Retry_After="soon"), 60),
        (document(429, fault(QUOTA), Retry_After="Fri, 01 Jan 2099 00:00:00 GMT"), 3600),
        (document(429, {}), 60),
        (document(429, errors("DIS0429")), 60),
        (Said(429, b"<h1>Slow down</h1>", PAGE), 60),
        (document(503, fault("messaging.adaptors.http"), Retry_After="7"), 7),
        (document(503, {}, Retry_After="7"), 7),
    ],
)
def test_who_is_put_off_is_told_for_how_long_and_asks_once(said: Said, wait_s: int) -> None:
    error = failed(said, tries=1)
    assert isinstance(error, Transient)
    assert (type(error), error.retry_at) == (Transient, NOON + wait_s * SECOND)


# What is no event


def padded(size: int) -> bytes:
    told = json.dumps(described(E1)).encode()
    return told + b" " * (size - len(told))


@pytest.mark.parametrize(
    "said",
    [
        Said(200, b"<h1>Welcome</h1>", PAGE),
        Said(200, json.dumps(described(E1)).encode(), PAGE),
        Said(200, b""),
        Said(200, b"null"),
        document(200, [described(E1)]),
        document(200, "E1"),
        Said(200, padded(500)[:100]),
        Said(200, padded(500)[:100], {**JSON, **UNTOLD, "Content-Length": "500"}),
        Said(200, b'{"id": "E1", "id": NaN}'),
        Said(200, padded(500).replace(b"Show", b"\xff\xfe")),
        Said(200, b"[" * 100_000),
        Said(200, gzip.compress(padded(500), mtime=0), {**JSON, "Content-Encoding": "gzip"}),
        Said(200, padded(DOCUMENT_BYTES_MAX + 1)),
        Said(200, padded(10 * DOCUMENT_BYTES_MAX), {**JSON, **UNTOLD}),
    ],
    ids=lambda said: f"{said.body[:20]!r} {len(said.body)}",
)
def test_what_cannot_be_read_says_nothing_and_is_asked_for_again(said: Said) -> None:
    assert type(failed(said, tries=3)) is Transient
    assert looked_up(said, said) is not None


def test_the_largest_answer_is_read() -> None:
    assert looked_up(Said(200, padded(DOCUMENT_BYTES_MAX))) is not None


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (described(EventId("E2"), name=CANARY), "wrong_event"),
        (described(EventId("e1")), "wrong_event"),
        (fault("a.b"), "no_event"),
        (errors(NOT_FOUND), "no_event"),
        (errors(CANARY * 10), "no_event"),
        (described(E1, id=f"E1 {CANARY}"), "bad_id"),
        (described(E1, url=f"https://www.ticketmaster.com@{CANARY}.example/"), "bad_url"),
    ],
    ids=lambda given: given if isinstance(given, str) else "",
)
def test_another_event_or_none_at_all_is_refused_for_good(body: object, code: str) -> None:
    error = failed(document(200, body), tries=1)
    assert isinstance(error, Permanent)
    assert error.code == code


# Secrets


def test_the_key_is_sent_and_never_shown(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    echo = {"faultstring": KEY, "detail": {"errorcode": f"{KEY} is refused"}}
    echoes: Sequence[Said] = [
        document(400, {"fault": echo}, X_Told=KEY),
        document(401, {"errors": [{"code": f"?apikey={KEY}"}]}),
        document(302, {}, Location=f"https://{KEY}.example"),
        document(200, {"id": f"?apikey={KEY}"}),
        document(200, described(E1, url=f"https://{KEY}.example")),
    ]
    shown = list[str]()
    for said in echoes:
        with source_desk(None, *[said] * 3) as both:
            assert both.source.look_up(E1) is not None
            with pytest.raises(DemandError) as failure:
                both.source.look_up(E1)
            assert f"apikey={KEY}" in both.twin.asked[0].path
        shown += [repr(both.source), repr(both.calls), repr(both.calls.service)]
        shown += traceback.format_exception(failure.value)
    assert not [text for text in shown if KEY in text]
    assert KEY not in caplog.text
