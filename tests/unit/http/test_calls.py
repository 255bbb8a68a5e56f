"""What a call may cost, where it goes, and what its answer means."""

import gzip
import json
import logging
import socket
import threading
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from itertools import chain, repeat
from typing import Any, Final

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from demand_adapters.http.calls import Answer, Calls, Patience, Service, put_off
from demand_adapters.memory.clock import MemoryClock
from demand_adapters.testing.strategies import NOON
from demand_core.errors import DemandError, Permanent, Transient, Unknown, WiringError
from entrypoints.twins.serving import JSON, UNTOLD, Asked, Said, Served, WireFault, document

SECOND: Final = timedelta(seconds=1)
HOUR: Final = timedelta(hours=1)
CANARY: Final = "c4nary-t0ken"
HURRY: Final = Patience(deadline=SECOND, connections=16)
SMALL: Final = Patience(body_max=1000)


class Echo:
    """A twin that notes what it was asked, and says it again."""

    def __init__(self) -> None:
        self.asked = list[Asked]()
        self.came = threading.Event()

    def answer(self, asked: Asked, /) -> Said:
        self.asked.append(asked)
        self.came.set()
        return document(200, json.loads(asked.body))

    def complaint(self, status: int, /) -> Said:
        return document(status, {"word": "BUSY"})

    def settings(self, url: str, /) -> Mapping[str, str]:
        return {"echo_url": url}


class Wire:
    """Calls of an echo, and what was seen of them."""

    def __init__(self, calls: Calls, served: Served, echo: Echo, slept: list[float]) -> None:
        self.calls, self.served, self.echo, self.slept = calls, served, echo, slept

    def post(self, *, repeatable: bool = False) -> object:
        return self.calls.post("/echo", {"n": 1}, understood, repeatable=repeatable)


def understood(answer: Answer) -> object:
    said = answer.document if isinstance(answer.document, dict) else {}
    if answer.done and "n" in said:
        return answer.document
    raise answer.error(said.get("word"))


@contextmanager
def wire(
    *plan: WireFault | Said | None, patience: Patience | None = None, **more: Any
) -> Iterator[Wire]:
    echo, slept = Echo(), list[float]()
    with Served(echo, plan=plan, drip_s=0.1) as served:
        service = Service(
            name="echo",
            url=served.url,
            headers={"Authorization": f"Bearer {CANARY}"},
            loopback=True,
            patience=patience or Patience(),
        )
        settings = {"clock": MemoryClock(NOON), "sleep": slept.append, **more}
        with closing(Calls(service=service, **settings)) as calls:
            yield Wire(calls, served, echo, slept)


def failure(wire: Wire, **more: bool) -> DemandError:
    with pytest.raises(DemandError) as failed:
        wire.post(**more)
    return failed.value


# Meaning


@pytest.mark.parametrize(
    ("status", "word", "told"),
    [
        (429, None, Transient),
        (429, "SLOW", Transient),
        (401, None, WiringError),
        (402, "PLAN", WiringError),
        (403, "NO", WiringError),
        (404, None, WiringError),
        (405, None, WiringError),
        (404, "GONE", Permanent),
        (400, None, Permanent),
        (409, "TAKEN", Permanent),
        (422, "BAD", Permanent),
        (408, None, Unknown),
        (408, "SLOW", Transient),
        (500, None, Unknown),
        (500, "BUSY", Transient),
        (502, None, Unknown),
        (503, "BUSY", Transient),
        (599, None, Unknown),
        (200, None, Unknown),
        (200, "BUSY", Unknown),
        (204, None, Unknown),
        (301, None, Unknown),
        (302, "MOVED", Unknown),
        (304, None, Unknown),
    ],
)
def test_an_answer_means_what_its_status_says_and_who_says_it(
    status: int, word: str | None, told: type[DemandError]
) -> None:
    said = document(status, {"word": word}, Location="http://127.0.0.1:1/elsewhere")
    with wire(said) as at:
        error = failure(at)
        assert type(error) is told
        assert str(error).startswith(f"the echo answered {status}") or told is Permanent
        assert (at.served.calls, at.slept) == (1, [])


def test_a_refusal_for_good_is_counted_by_the_services_own_word() -> None:
    with wire(document(409, {"word": "TAKEN"}), Said(400, b"?")) as at:
        codes = [error.code for error in (failure(at), failure(at)) if hasattr(error, "code")]
    assert codes == ["TAKEN", "http_400"]


@pytest.mark.parametrize(
    "said",
    [
        Said(200, b""),
        Said(200, b"<html>"),
        Said(200, b'{"n": 1'),
        Said(200, b'{"n": NaN}'),
        Said(200, b'{"n": 1}\xff'),
        Said(200, b"[" * 100_000 + b"]" * 100_000),
        Said(200, b'{"n": ' + b"1" * 10_000 + b"}"),
        Said(200, b"[1]"),
        Said(200, b"null"),
        Said(200, b'{"n": 1}', {}),
        Said(200, b'{"n": 1}', {"Content-Type": "text/plain"}),
        Said(200, b'{"n": 1}', {"Content-Type": "application/jsonp"}),
        Said(200, b'{"n": 1}', {**JSON, "Content-Length": "7"}),
        Said(200, b'{"n": 1}', {**JSON, "Content-Length": "9", "Connection": "close"}),
        Said(200, gzip.compress(b'{"n": 1}'), {**JSON, "Content-Encoding": "gzip"}),
    ],
)
def test_an_answer_that_cannot_be_read_may_have_had_its_effect(said: Said) -> None:
    with wire(said) as at:
        assert type(failure(at)) is Unknown


def test_a_content_type_may_have_parameters_and_capitals() -> None:
    with wire(
        Said(200, b'{"n": 2}', {"Content-Type": "Application/JSON; charset=utf-8"})
    ) as at:
        assert at.post() == {"n": 2}


# Bodies


def padded(size: int) -> bytes:
    return b'{"n": 1}' + b" " * (size - 8)


@pytest.mark.parametrize("told", [{}, UNTOLD], ids=["length told", "length not told"])
@pytest.mark.parametrize(("size", "taken"), [(1000, True), (1001, False), (10**7, False)])
def test_no_more_of_a_body_is_taken_than_is_allowed(
    told: dict[str, str], size: int, taken: bool
) -> None:
    with wire(Said(200, padded(size), {**JSON, **told}), patience=SMALL) as at:
        if taken:
            assert at.post() == {"n": 1}
        else:
            assert type(failure(at)) is Unknown


def test_a_bomb_is_not_opened() -> None:
    bomb = gzip.compress(padded(10**7))
    with wire(Said(200, bomb, {**JSON, "Content-Encoding": "gzip"})) as at:
        assert type(failure(at)) is Unknown


def test_a_status_counts_whatever_stands_below_it() -> None:
    endless = Said(429, padded(10**7), {**JSON, **UNTOLD, "Retry-After": "5"})
    with wire(endless, patience=SMALL) as at:
        error = failure(at)
    assert type(error) is Transient
    assert error.retry_at == NOON + 5 * SECOND


def test_a_status_counts_though_its_body_is_cut_off() -> None:
    cut = Said(429, b"{", {**JSON, **UNTOLD, "Content-Length": "9", "Retry-After": "5"})
    with wire(cut) as at:
        error = failure(at)
    assert isinstance(error, Transient)
    assert (type(error), error.retry_at) == (Transient, NOON + 5 * SECOND)


# Retry-After


@pytest.mark.parametrize(
    ("said", "wait"),
    [
        ("0", 0),
        ("120", 120),
        ("007", 7),
        ("3601", 3600),
        ("9" * 5000, 3600),
        ("Fri, 14 Feb 2025 12:00:09 GMT", 9),
        ("Friday, 14-Feb-25 12:00:09 GMT", 9),
        ("Fri Feb 14 12:00:09 2025", 9),
        ("Fri, 14 Feb 2025 13:00:09 +0100", 9),
        ("Fri, 14 Feb 2025 11:00:00 GMT", 0),
        ("Fri, 01 Jan 2099 00:00:00 GMT", 3600),
        ("-5", None),
        ("1.5", None),
        ("٣", None),  # a digit, but not of ASCII
        ("soon", None),
        ("", None),
        ("Fri, 99 Feb 2025 12:00:09 GMT", None),
        ("Fri, 14 Feb 99999999999999999999 12:00:09 GMT", None),
    ],
)
def test_a_retry_after_is_seconds_or_a_date_and_never_long(said: str, wait: int | None) -> None:
    at = None if wait is None else NOON + wait * SECOND
    assert put_off(said, NOON, HOUR) == at


@given(st.text(max_size=60))
def test_any_retry_after_is_nonsense_or_within_reason(said: str) -> None:
    at = put_off(said, NOON, HOUR)
    assert at is None or NOON <= at <= NOON + HOUR


@given(
    st.datetimes(
        min_value=datetime(1950, 1, 1),  # noqa: DTZ001  # the strategy adds the zone
        max_value=datetime(2199, 1, 1),  # noqa: DTZ001
        timezones=st.timezones(),
    )
)
def test_any_date_is_met_to_the_second_or_at_the_bound(at: datetime) -> None:
    later = put_off(format_datetime(at), NOON, HOUR)
    assert later == min(max(at.astimezone(UTC).replace(microsecond=0), NOON), NOON + HOUR)


@pytest.mark.parametrize(
    ("status", "header", "told", "wait"),
    [
        (429, {"Retry_After": "7"}, Transient, 7),
        (429, {}, Transient, 60),
        (429, {"Retry_After": "soon"}, Transient, 60),
        (503, {"Retry_After": "7"}, Unknown, 7),
        (503, {}, Unknown, None),
    ],
)
def test_a_service_says_when_to_come_again(
    status: int, header: dict[str, str], told: type[Transient], wait: int | None
) -> None:
    with wire(document(status, {}, **header)) as at:
        error = failure(at)
    assert isinstance(error, Transient)
    assert type(error) is told
    assert error.retry_at == (None if wait is None else NOON + wait * SECOND)


def test_a_busy_service_that_says_when_did_nothing() -> None:
    with wire(document(503, {"word": "BUSY"}, Retry_After="7")) as at:
        error = failure(at)
    assert isinstance(error, Transient)
    assert (type(error), error.retry_at) == (Transient, NOON + 7 * SECOND)


# Repeating


def test_a_call_that_left_is_not_repeated_unless_it_may_be() -> None:
    with wire(WireFault.RESET_AFTER, WireFault.BUSY) as at:
        assert type(failure(at)) is Unknown
        assert type(failure(at)) is Transient
        assert (at.served.calls, at.slept) == (2, [])


def test_what_may_be_repeated_is_repeated_with_pauses() -> None:
    with wire(WireFault.RESET_AFTER, WireFault.BUSY) as at:
        assert at.post(repeatable=True) == {"n": 1}
        assert (at.served.calls, len(at.slept)) == (3, 2)
        assert all(0 <= pause <= 2 for pause in at.slept)


def test_it_is_given_up_with_the_last_thing_that_was_said() -> None:
    with wire(WireFault.BUSY, WireFault.BUSY, WireFault.RESET_BEFORE, None) as at:
        assert type(failure(at, repeatable=True)) is Unknown
        assert at.served.calls == 3


@pytest.mark.parametrize(
    "said",
    [document(429, {}), document(503, {"word": "BUSY"}, Retry_After="1"), Said(400, b"")],
    ids=["throttled", "put off", "refused"],
)
def test_what_says_when_to_come_or_never_is_not_repeated(said: Said) -> None:
    with wire(said) as at:
        assert isinstance(failure(at, repeatable=True), Transient | Permanent)
        assert (at.served.calls, at.slept) == (1, [])


class Stopwatch:
    """Time that passes only in pauses."""

    def __init__(self) -> None:
        self.at = 0.0
        self.slept = list[float]()

    def now(self) -> float:
        return self.at

    def sleep(self, seconds: float) -> None:
        self.at += seconds
        self.slept.append(seconds)


@pytest.mark.parametrize("deadline_s", [0.5, 3.0, 30.0])
def test_no_pause_leads_beyond_the_deadline(deadline_s: float) -> None:
    watch = Stopwatch()
    patience = Patience(deadline=timedelta(seconds=deadline_s), tries=1000)
    with wire(
        *[WireFault.BUSY] * 1000,
        patience=patience,
        monotonic=watch.now,
        sleep=watch.sleep,
    ) as at:
        assert type(failure(at, repeatable=True)) is Transient
        assert watch.at < deadline_s
        assert at.served.calls == len(watch.slept) + 1


# Connections


def refused_port() -> int:
    """One where nobody listens."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        return int(held.getsockname()[1])


def nowhere(host: str, port: int) -> Sequence[str]:
    raise socket.gaierror(socket.EAI_NONAME, "no such name")


def test_a_call_that_never_left_is_tried_again_and_had_no_effect() -> None:
    slept = list[float]()
    service = Service(
        name="echo", url=f"http://127.0.0.1:{refused_port()}", headers={}, loopback=True
    )
    calls = Calls(service=service, clock=MemoryClock(NOON), sleep=slept.append)
    with closing(calls), pytest.raises(Transient) as failed:
        calls.post("/", {}, understood)
    assert not isinstance(failed.value, Unknown)
    assert len(slept) == 2


def test_a_name_without_an_address_had_no_effect() -> None:
    with wire(resolve=nowhere) as at:
        error = failure(at)
        assert isinstance(error, Transient)
        assert not isinstance(error, Unknown)
        assert (at.served.calls, len(at.slept)) == (0, 2)


def found_once() -> Callable[[str, int], Sequence[str]]:
    """A resolver that is of no use after its first answer."""
    asked = list[str]()

    def resolve(host: str, port: int) -> Sequence[str]:
        asked.append(host)
        return ["127.0.0.1"] if len(asked) == 1 else nowhere(host, port)

    return resolve


def test_what_a_call_wrote_says_nothing_of_the_next_one() -> None:
    with wire(WireFault.RESET_BEFORE, resolve=found_once()) as at:
        assert type(failure(at)) is Unknown
        error = failure(at)
        assert isinstance(error, Transient)
        assert not isinstance(error, Unknown)


def test_what_a_call_wrote_is_its_own_though_another_never_left() -> None:
    with wire(WireFault.HANG, patience=HURRY, resolve=found_once()) as at:
        with ThreadPoolExecutor(1) as pool:
            hanging = pool.submit(at.post)
            assert at.echo.came.wait(10)
            assert not isinstance(failure(at), Unknown)
            assert type(hanging.exception()) is Unknown
        assert at.served.calls == 1


def test_a_service_that_speaks_no_tls_had_no_effect() -> None:
    with wire() as at:
        calls = Calls(
            service=evolve(at.calls.service, url=at.served.url.replace("http:", "https:")),
            clock=MemoryClock(NOON),
            sleep=at.slept.append,
        )
        with closing(calls), pytest.raises(Transient) as failed:
            calls.post("/", {}, understood)
        assert not isinstance(failed.value, Unknown)
        assert at.echo.asked == []


def test_tls_asks_for_the_name_and_not_for_the_address_that_was_checked() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening, ThreadPoolExecutor(1) as pool:
        service = Service(
            name="echo",
            url=f"https://twin.test:{listening.getsockname()[1]}",
            headers={},
            loopback=True,
            patience=Patience(tries=1),
        )
        calls = Calls(
            service=service, clock=MemoryClock(NOON), resolve=lambda host, port: ["127.0.0.1"]
        )
        with closing(calls):
            call = pool.submit(calls.post, "/", {}, understood)
            connection, _ = listening.accept()
            with connection:
                hello = connection.recv(65536)
            assert isinstance(call.exception(), Transient)
    assert b"twin.test" in hello


def test_calls_from_many_threads_keep_their_answers_and_deadlines_apart() -> None:
    def outcome(number: int) -> object:
        try:
            return at.calls.post("/echo", {"n": number}, understood)
        except Unknown:
            return None

    with wire(*[WireFault.HANG, None, None, None] * 4, patience=HURRY) as at:
        with ThreadPoolExecutor(16) as pool:
            outcomes = [*pool.map(outcome, range(32))]
        assert outcomes.count(None) == 4
        assert [o for o in outcomes if o] == [{"n": n} for n, o in enumerate(outcomes) if o]


def test_time_that_ran_out_before_the_call_had_no_effect() -> None:
    with wire(patience=Patience(deadline=timedelta(0))) as at:
        error = failure(at)
        assert isinstance(error, Transient)
        assert not isinstance(error, Unknown)
        assert (at.served.calls, at.slept) == (0, [])


@pytest.mark.parametrize(
    "found",
    [["10.0.0.1"], ["127.0.0.1", "169.254.169.254"], ["::ffff:10.0.0.1"], ["8.8.8.8"]],
)
def test_a_twin_is_only_called_where_all_its_addresses_are_our_own(found: list[str]) -> None:
    with wire(resolve=lambda host, port: found) as at:
        assert type(failure(at)) is WiringError
        assert (at.served.calls, at.slept) == (0, [])


@pytest.mark.parametrize(
    "found", ["127.0.0.1", "10.0.0.1", "::1", "::ffff:127.0.0.1", "169.254.169.254"]
)
def test_a_public_name_with_an_address_of_our_own_is_not_called(found: str) -> None:
    service = Service(
        name="echo",
        url="https://api.example.com",
        hosts=frozenset({"api.example.com"}),
        headers={},
    )
    calls = Calls(service=service, clock=MemoryClock(NOON), resolve=lambda host, port: [found])
    with closing(calls), pytest.raises(WiringError, match="may not be called"):
        calls.post("/", {}, understood)


def test_the_address_that_was_checked_is_the_one_that_is_called() -> None:
    asked = list[str]()

    def resolve(host: str, port: int) -> Sequence[str]:
        asked.append(host)
        return ["127.0.0.1"] if len(asked) == 1 else ["10.0.0.1"]

    with wire(None, WireFault.RESET_BEFORE, resolve=resolve) as at:
        port = at.served.url.rpartition(":")[2]
        service = evolve(at.calls.service, url=f"http://rebound.test:{port}")
        calls = Calls(service=service, clock=at.calls.clock, resolve=resolve)
        with closing(calls):
            assert calls.post("/", {"n": 1}, understood) == {"n": 1}
            with pytest.raises(Unknown):
                calls.post("/", {"n": 1}, understood)
            with pytest.raises(WiringError):
                calls.post("/", {"n": 1}, understood)
        assert asked == ["rebound.test", "rebound.test"]
        assert at.echo.asked[0].headers["host"] == f"rebound.test:{port}"


def test_an_address_where_nobody_listens_gives_way_to_the_next() -> None:
    with wire(resolve=lambda host, port: ["::1", "127.0.0.1"]) as at:
        assert at.post() == {"n": 1}
        assert at.slept == []


def test_calls_one_after_the_other_share_a_connection_and_no_cookie() -> None:
    asked = list[str]()

    def resolve(host: str, port: int) -> Sequence[str]:
        asked.append(host)
        return ["127.0.0.1"]

    biscuit = document(200, {"n": 1}, Set_Cookie="a=b; Path=/")
    with wire(biscuit, resolve=resolve) as at:
        for _ in range(3):
            assert at.post() == {"n": 1}
        assert len(asked) == 1
        assert [
            (call.headers.get("cookie"), call.headers["accept-encoding"])
            for call in at.echo.asked
        ] == [(None, "identity")] * 2


def test_no_proxy_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{refused_port()}")
    with wire() as at:
        assert at.post() == {"n": 1}


def test_closed_calls_connect_again() -> None:
    with wire() as at:
        at.post()
        at.calls.close()
        at.calls.close()
        assert at.post() == {"n": 1}


def test_a_deadline_between_the_connection_and_its_tls_leaves_nothing_open() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        service = Service(
            name="echo",
            url=f"https://127.0.0.1:{listening.getsockname()[1]}",
            headers={},
            loopback=True,
        )
        passing = chain([0.0, 0.0], repeat(31.0))
        calls = Calls(service=service, clock=MemoryClock(NOON), monotonic=passing.__next__)
        with closing(calls), pytest.raises(Transient) as failed:
            calls.post("/", {}, understood)
        connection, _ = listening.accept()
        with connection:
            connection.settimeout(10)
            assert connection.recv(1) == b""
    assert not isinstance(failed.value, Unknown)


# Secrets


@pytest.mark.parametrize("text", ["", " ", f"{CANARY}\r\nX: y", f" {CANARY}", f"{CANARY}é"])
def test_a_secret_that_no_header_can_hold_is_refused_unseen(text: str) -> None:
    with pytest.raises(WiringError) as refusal:
        Service(
            name="echo",
            url="https://api.example.com",
            hosts=frozenset({"api.example.com"}),
            headers={"Authorization": text},
        )
    assert CANARY not in str(refusal.value)


def test_a_secret_is_sent_and_never_shown(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    shown = list[str]()
    echoed = document(400, {"message": CANARY}, X_Told=CANARY)
    patience = Patience(deadline=SECOND / 3, failures_max=100)
    with wire(None, *WireFault, echoed, patience=patience) as at:
        assert at.post() == {"n": 1}
        for _ in (*WireFault, echoed):
            error = failure(at)
            shown += [repr(error), *traceback.format_exception(error)]
        shown += [repr(at.calls), repr(at.calls.service)]
        assert at.served.calls == len(WireFault) + 2
        assert at.echo.asked[0].headers["authorization"] == f"Bearer {CANARY}"
    assert not [text for text in shown if CANARY in text]
    assert CANARY not in caplog.text
