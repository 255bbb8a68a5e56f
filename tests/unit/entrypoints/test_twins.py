"""What is served in place of a remote service, and how it begins and ends."""

import json
import os
import signal
import socket
import sys
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from itertools import islice
from pathlib import Path
from subprocess import PIPE, Popen
from typing import Any, Final

import pytest
from click.testing import CliRunner

from demand_adapters.http.calls import Calls
from demand_adapters.http.url_shortener import HttpUrlShortener, bitly
from demand_adapters.memory.clock import MemoryClock
from demand_adapters.memory.url_shortener import MemoryUrlShortener
from demand_adapters.testing.strategies import NOON
from demand_core.errors import Transient, WiringError
from entrypoints.cli import main
from entrypoints.twins import TWINS
from entrypoints.twins.serving import Served, WireFault, seeded
from entrypoints.twins.shortener import PATH, ShortenerTwin
from tests.served import URL, desk

# Nobody has to wait for the faults that it begins with.
SEED: Final = 28
SOURCE: Final = Path(__file__).parents[3] / "src"


def a_twin(**more: Any) -> ShortenerTwin:
    return ShortenerTwin(MemoryUrlShortener(MemoryClock(NOON)), MemoryClock(NOON), **more)


def spoken(url: str, *requests: bytes) -> bytes:
    """All that comes back on one connection until it is closed."""
    host, _, port = url.removeprefix("http://").rpartition(":")
    with socket.create_connection((host.strip("[]"), int(port)), timeout=10) as connection:
        for request in requests:
            connection.sendall(request)
        with suppress(OSError):  # the other side may have been faster
            connection.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: connection.recv(65536), b""))


def request(body: bytes, path: str = PATH, **headers: str) -> bytes:
    lines = [f"POST {path} HTTP/1.1", "Host: twin"]
    told = {"Content_Length": str(len(body)), **headers}
    lines += [f"{name.replace('_', '-')}: {text}" for name, text in told.items()]
    return "\r\n".join([*lines, "", ""]).encode() + body


def asks(**asked: object) -> bytes:
    return request(json.dumps(asked).encode())


@pytest.mark.parametrize(
    ("asked", "status", "word"),
    [
        (asks(long_url="http://bad"), 400, "INVALID_ARG_LONG_URL"),
        (asks(long_url=7), 400, "INVALID_ARG_LONG_URL"),
        (asks(), 400, "INVALID_ARG_LONG_URL"),
        (asks(long_url=URL, domain="bit.ly"), 400, "INVALID_ARG_DOMAIN"),
        (request(b"[]"), 400, "INVALID_ARG_LONG_URL"),
        (request(b"{"), 422, "UNPROCESSABLE_ENTITY"),
        (request(b"{}", "/v4/expand"), 404, "NOT_FOUND"),
    ],
    ids=["bad url", "no text", "no url", "domain", "list", "no json", "path"],
)
def test_the_twin_says_what_bitly_says(asked: bytes, status: int, word: str) -> None:
    with Served(a_twin()) as served:
        head, _, body = spoken(served.url, asked).partition(b"\r\n\r\n")
    assert head.startswith(f"HTTP/1.1 {status} ".encode())
    assert json.loads(body)["message"] == word


def test_the_first_link_is_created_and_then_found() -> None:
    with Served(a_twin()) as served:
        told = spoken(served.url, asks(long_url=URL), asks(long_url=URL))
    assert told.count(b"HTTP/1.1 201 Created") == told.count(b"HTTP/1.1 200 OK") == 1
    assert told.count(b'"link": "https://sho.rt/') == 2


def test_a_token_is_asked_for_if_there_is_one() -> None:
    with Served(a_twin(token="t")) as served:  # noqa: S106  # to be looked for
        body = json.dumps({"long_url": URL}).encode()
        assert b"403" in spoken(served.url, request(body))
        assert b"403" in spoken(served.url, request(body, Authorization="Bearer u"))
        assert b"201" in spoken(served.url, request(body, Authorization="Bearer t"))


@pytest.mark.parametrize("length", ["-1", "x", "99999999", "9" * 5000])
def test_a_request_of_no_sane_length_is_not_read(length: str) -> None:
    with Served(a_twin()) as served:
        assert b"411" in spoken(served.url, request(b"", Content_Length=length))
        assert served.calls == 0


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_it_listens_where_it_says(host: str) -> None:
    with Served(a_twin(), host=host) as served:
        assert b"201" in spoken(served.url, asks(long_url=URL))


def test_a_reset_is_a_reset() -> None:
    with Served(a_twin(), plan=[WireFault.RESET_AFTER]) as served:
        with pytest.raises(ConnectionResetError):
            spoken(served.url, asks(long_url=URL))
        assert served.faults == {WireFault.RESET_AFTER: 1}


def test_a_port_that_is_taken_is_named() -> None:
    with Served(a_twin()) as served:
        port = int(served.url.rpartition(":")[2])
        with pytest.raises(WiringError, match=f"127.0.0.1 port {port}"):
            Served(a_twin(), port=port)


def test_it_ends_at_once_though_somebody_waits_and_leaves_no_thread() -> None:
    before = threading.active_count()
    with desk(WireFault.HANG) as both:
        host, _, port = both.served.url.removeprefix("http://").rpartition(":")
        idle = socket.create_connection((host, int(port)))
        with pytest.raises(Transient):
            both.shortener.shorten(URL)
    with closing(idle):
        assert idle.recv(1) == b""
    assert threading.active_count() == before


def test_the_same_seed_makes_the_same_faults_at_the_rate_that_is_asked_for() -> None:
    first, again = (list(islice(seeded(7, 0.15), 4000)) for _ in range(2))
    assert first == again
    assert first != list(islice(seeded(8, 0.15), 4000))
    happened = Counter(fault for fault in first if fault)
    assert 500 < happened.total() < 700
    assert happened.keys() == {*WireFault}
    assert not any(islice(seeded(7, 0), 1000))


@contextmanager
def demand(*arguments: str) -> Iterator["Popen[str]"]:
    """The command in a process of its own, gone at the end."""
    process = Popen(
        [sys.executable, "-m", "entrypoints.cli", *arguments],
        env={**os.environ, "PYTHONPATH": str(SOURCE)},
        stdout=PIPE,
        stderr=PIPE,
        text=True,
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_served_twin_says_where_it_is_and_ends_when_it_is_told(
    number: signal.Signals,
) -> None:
    with demand("twin", "serve", "shortener", "--json") as process:
        assert process.stdout is not None
        first = json.loads(process.stdout.readline())
        service = bitly(None, url=first["url"], loopback=True)
        with closing(Calls(service=service, clock=MemoryClock(NOON))) as calls:
            link = HttpUrlShortener(calls=calls, host="sho.rt").shorten(URL)
        process.send_signal(number)
        told, wrong = process.communicate(timeout=30)
    assert (first["name"], first["schemaVersion"]) == ("shortener", 1)
    assert first["settings"] == {
        "DEMAND_SHORTENER_URL": first["url"],
        "DEMAND_SHORTENER_DOMAIN": "sho.rt",
    }
    assert link.startswith("https://sho.rt/")
    assert json.loads(told) == {"schemaVersion": 1, "calls": 1, "faults": {}}
    assert (process.returncode, wrong) == (0, "")


@contextmanager
def served_by_command(*arguments: str) -> Iterator[tuple[HttpUrlShortener, "Popen[str]"]]:
    with demand("twin", "serve", "shortener", *arguments) as process:
        assert process.stdout is not None
        _, _, url = process.stdout.readline().strip().rpartition(" ")
        service = bitly(None, url=url, loopback=True)
        with closing(Calls(service=service, clock=MemoryClock(NOON))) as calls:
            yield HttpUrlShortener(calls=calls, host="sho.rt"), process


def test_a_command_with_a_seed_makes_the_faults_of_that_seed() -> None:
    due = [*islice(seeded(SEED, 0.15), 20)]
    assert any(due)
    assert not {WireFault.HANG, WireFault.SLOW_HEAD, WireFault.SLOW_BODY} & {*due}
    with served_by_command("--faults", "harsh", "--seed", str(SEED)) as (shortener, process):
        failed = [is_failed(shortener) for _ in due]
        process.terminate()
        told, _ = process.communicate(timeout=30)
    assert failed == [fault is not None for fault in due]
    assert told == f"20 calls, of which {sum(failed)} went wrong\n"


def test_a_command_with_a_limit_throttles_what_is_above() -> None:
    with served_by_command("--calls-per-s", "1") as (shortener, _):
        assert any(is_failed(shortener) for _ in range(200))


def is_failed(shortener: HttpUrlShortener) -> bool:
    try:
        shortener.shorten(URL)
    except Transient:
        return True
    return False


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["no-such-twin"], "no-such-twin"),
        (["shortener", "--host", "0.0.0.0"], "--exposed"),  # noqa: S104  # refused
        (["shortener", "--host", "::"], "--exposed"),
        (["shortener", "--host", "10.0.0.1"], "--exposed"),
        (["shortener", "--host", "example.com"], "no address in digits"),
        (["shortener", "--port", "65536"], "65536"),
        (["shortener", "--calls-per-s", "0"], "--calls-per-s"),
    ],
    ids=lambda said: " ".join(said) if isinstance(said, list) else "",
)
def test_what_cannot_or_must_not_be_served_is_wrong_usage(
    arguments: Sequence[str], said: str
) -> None:
    done = CliRunner().invoke(main, ["twin", "serve", *arguments])
    assert done.exit_code == 2
    assert said in done.stderr


def test_a_taken_port_is_wrong_configuration() -> None:
    with Served(a_twin()) as served:
        port = served.url.rpartition(":")[2]
        done = CliRunner().invoke(main, ["twin", "serve", "shortener", "--port", port])
    assert done.exit_code == 5
    assert done.stderr.startswith("demand: nobody can listen on 127.0.0.1 port")


def test_every_twin_of_the_table_answers() -> None:
    for build in TWINS.values():
        with Served(build(MemoryClock(NOON), None)) as served:
            assert b"HTTP/1.1 " in spoken(served.url, request(b"{}"))
