"""A twin behind a real socket, and all that goes wrong between a service and its caller."""

import json
import select
import socket
import struct
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from enum import Enum
from http.client import responses
from http.server import BaseHTTPRequestHandler
from random import Random
from socketserver import TCPServer, ThreadingMixIn
from threading import Lock, Thread
from types import TracebackType
from typing import Any, Final, Protocol, Self

from attrs import evolve, field, frozen

from demand_core.errors import WiringError

JSON: Final[Mapping[str, str]] = {"Content-Type": "application/json"}
PAGE: Final[Mapping[str, str]] = {"Content-Type": "text/html"}
# Its end is the end of the connection, so nobody is told how much will come.
UNTOLD: Final[Mapping[str, str]] = {"Connection": "close"}

OVERSIZE: Final = 8 << 20
# Larger than any request that a twin is asked for.
_ASKED_DIGITS_MAX: Final = 7
# A connection that is closed with this is reset.
_RESET: Final = (socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


class WireFault(Enum):
    """What happens to one call."""

    RESET_BEFORE = "reset, and nothing done"
    THROTTLED = "429, and nothing done"
    BUSY = "503 in the service's own words, and nothing done"
    RESET_AFTER = "done, and reset"
    HANG = "done, and no answer ever"
    BARE_500 = "done, and 500 by somebody on the way"
    ERROR_IN_200 = "done, and 200 with an error in it"
    WRONG_TYPE = "done, and the answer called a web page"
    OVERSIZED = "done, and an answer without end"
    TRUNCATED = "done, and half an answer"
    SLOW_HEAD = "done, and told byte by byte"
    SLOW_BODY = "done, and told byte by byte after the head"


@frozen
class Asked:
    """One request; the names of its headers are in lower case."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


@frozen
class Said:
    """One response, which tells its length unless *headers* tell another, or none."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default=JSON)

    def head(self) -> bytes:
        """All that stands before the body."""
        length = {} if self.is_last else {"Content-Length": str(len(self.body))}
        lines = [f"HTTP/1.1 {self.status} {responses.get(self.status, 'Odd')}"]
        lines += [f"{name}: {text}" for name, text in {**length, **self.headers}.items()]
        return "\r\n".join([*lines, "", ""]).encode()

    @property
    def is_last(self) -> bool:
        """Whether the connection ends with it."""
        return UNTOLD.items() <= self.headers.items()


def document(status: int, body: object, **headers: str) -> Said:
    """A response in JSON; the header `Retry-After` is given as *Retry_After*."""
    dashed = {name.replace("_", "-"): text for name, text in headers.items()}
    return Said(status, json.dumps(body).encode(), {**JSON, **dashed})


class Twin(Protocol):
    """A service in memory, with its own way to speak."""

    def answer(self, asked: Asked, /) -> Said:
        """Do what is asked for, or say why not; one call at a time."""
        ...

    def complaint(self, status: int, /) -> Said:
        """How the service says that it did nothing."""
        ...

    def settings(self, url: str, /) -> Mapping[str, str]:
        """What a run must be told to call it at *url*."""
        ...


def seeded(seed: int, rate: float) -> Iterator[WireFault | None]:
    """Calls of which about *rate* go wrong, each in one of all the ways."""
    chance, ways = Random(seed), [*WireFault]  # noqa: S311  # to be repeated, not to be secret
    while True:
        yield chance.choice(ways) if chance.random() < rate else None


class Served:
    """While it is entered, *twin* answers on *host* and *port*; port 0 is any that is free.

    For each call *plan* says what goes wrong, or what is said in place of the twin; after its
    end nothing goes wrong. What is told byte by byte has *drip_s* between them.
    """

    def __init__(
        self,
        twin: Twin,
        *,
        plan: Iterable[WireFault | Said | None] = (),
        host: str = "127.0.0.1",
        port: int = 0,
        drip_s: float = 1.0,
    ) -> None:
        """Listen, but answer nobody yet."""
        self.calls = 0
        self.faults = Counter[WireFault]()
        self.drip_s = drip_s
        self._twin = twin
        self._plan = iter(plan)
        self._lock = Lock()
        try:
            self._server = _Server(self, host, port)
        except OSError as error:
            said = f"nobody can listen on {host} port {port}: {error.strerror}"
            raise WiringError(said) from None
        self._thread = Thread(target=self._server.serve_forever, args=(0.02,))

    @property
    def url(self) -> str:
        """Where it listens."""
        host, port = self._server.server_address[:2]
        return f"http://[{host!s}]:{port}" if ":" in str(host) else f"http://{host!s}:{port}"

    def __enter__(self) -> Self:
        """Begin to answer."""
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Hang up on everybody, and wait until every thread is gone."""
        self._server.shutdown()
        self._thread.join()
        self._server.hang_up()
        self._server.server_close()

    def due(self) -> WireFault | Said | None:
        """What happens to the call that has come."""
        with self._lock:
            self.calls += 1
            due = next(self._plan, None)
            if isinstance(due, WireFault):
                self.faults[due] += 1
            return due

    def answer(self, asked: Asked) -> Said:
        """What the twin says."""
        with self._lock:
            return self._twin.answer(asked)

    def complaint(self, status: int) -> Said:
        """What the twin would say if it did nothing."""
        return self._twin.complaint(status)


class _Server(ThreadingMixIn, TCPServer):
    allow_reuse_address = True
    request_queue_size = 128

    def __init__(self, served: Served, host: str, port: int) -> None:
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.served = served
        self._open = set[Any]()
        super().__init__((host, port), _Conversation)

    def process_request(self, request: Any, client_address: Any) -> None:
        self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._open.discard(request)
        super().shutdown_request(request)

    def hang_up(self) -> None:
        for connection in [*self._open]:
            with suppress(OSError):  # the other side was faster
                connection.shutdown(socket.SHUT_RDWR)


class _Conversation(BaseHTTPRequestHandler):
    """One connection: its calls, one after the other."""

    server: _Server
    protocol_version = "HTTP/1.1"
    timeout = 60.0

    def handle(self) -> None:
        with suppress(ConnectionError, TimeoutError):  # who asked has gone
            super().handle()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # http.server's name
        """Say nothing: stderr is for people, and a path may be nobody's business."""

    def do_POST(self) -> None:
        length = self.headers.get("Content-Length", "")
        if not (length.isascii() and length.isdecimal() and len(length) <= _ASKED_DIGITS_MAX):
            self._say(Said(411, b"", UNTOLD))
            return
        self._meet(self.rfile.read(int(length)))

    def do_GET(self) -> None:
        self._meet(b"")

    def _meet(self, body: bytes) -> None:
        headers = {name.lower(): text for name, text in self.headers.items()}
        match self.server.served.due():
            case Said() as instead:
                self._say(instead)
            case WireFault.RESET_BEFORE:
                self._reset()
            case WireFault.THROTTLED:
                self._say(self.server.served.complaint(429))
            case WireFault.BUSY:
                self._say(self.server.served.complaint(503))
            case due:
                asked = Asked(self.command, self.path, headers, body)
                self._tell(self.server.served.answer(asked), due)

    def _tell(self, answer: Said, due: WireFault | None) -> None:
        match due:
            case WireFault.RESET_AFTER:
                self._reset()
            case WireFault.HANG:
                self._waits(None)
            case WireFault.TRUNCATED:
                self.close_connection = True
                self.wfile.write(answer.head() + answer.body[: len(answer.body) // 2])
            case WireFault.SLOW_HEAD:
                self._drip(answer.head() + answer.body)
            case WireFault.SLOW_BODY:
                self.wfile.write(answer.head())
                self._drip(answer.body)
            case _:
                self._say(self._spoiled(answer, due))

    def _spoiled(self, answer: Said, due: WireFault | None) -> Said:
        match due:
            case WireFault.BARE_500:
                return Said(500, b"<h1>Oops</h1>", PAGE)
            case WireFault.ERROR_IN_200:
                return evolve(self.server.served.complaint(503), status=200)
            case WireFault.WRONG_TYPE:
                return evolve(answer, headers=PAGE)
            case WireFault.OVERSIZED:
                return Said(answer.status, answer.body + b" " * OVERSIZE, {**JSON, **UNTOLD})
        return answer

    def _say(self, said: Said) -> None:
        self.close_connection = said.is_last
        self.wfile.write(said.head() + said.body)

    def _reset(self) -> None:
        self.close_connection = True
        self.connection.setsockopt(*_RESET)
        self.connection.close()

    def _drip(self, told: bytes) -> None:
        for at in range(len(told)):
            if not self._waits(self.server.served.drip_s):
                break
            self.wfile.write(told[at : at + 1])

    def _waits(self, seconds: float | None) -> bool:
        """Let time pass, and say whether the other side still waits for its answer."""
        gone, _, _ = select.select([self.connection], [], [], seconds)
        self.close_connection = bool(gone)
        return not gone
