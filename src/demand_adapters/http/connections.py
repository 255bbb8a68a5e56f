"""Connections that go only where they may, and never outlive the call that they serve.

A service that sends a byte now and then keeps every single read short, in the head of its
answer too. So it is the connection that knows how long the call has left, read by read.
"""

import logging
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache, partial
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any, Final

import httpcore
import httpx
from attrs import field, frozen

from demand_adapters.http.addresses import Resolve, is_loopback, is_public
from demand_core.errors import WiringError

# What may happen to a call by no fault of ours.
FAILURES: Final = (
    httpcore.TimeoutException,
    httpcore.NetworkError,
    httpcore.RemoteProtocolError,
)

# What these say of a call holds its whole address and the head of its answer.
_TALKATIVE: Final = ("httpcore", "httpx")

# The authorities that came with us, whatever the environment names; read once for all services.
_trust: Final = cache(partial(httpx.create_ssl_context, trust_env=False))


@frozen(kw_only=True)
class Request:
    """What is asked, with its own headers beside those of every call."""

    method: str
    url: str
    headers: Mapping[str, str] = field(factory=dict)
    content: bytes | None = field(default=None, repr=False)


class Connections:
    """The open connections to one service. Nobody's proxy, redirect or cookie is followed."""

    def __init__(
        self,
        *,
        resolve: Resolve,
        loopback: bool,
        most: int,
        headers: Mapping[str, str],
        monotonic: Callable[[], float],
    ) -> None:
        """Connect to nobody yet."""
        for name in _TALKATIVE:
            logging.getLogger(name).setLevel(logging.WARNING)
        self._watch = Watch(monotonic)
        guard = _Guard(resolve, is_loopback if loopback else is_public, self._watch)
        pool = httpcore.ConnectionPool(
            ssl_context=_trust(),
            max_connections=most,
            network_backend=guard,
        )
        self._client = httpx.Client(
            transport=_Transport(pool),
            headers=headers,
            follow_redirects=False,
            trust_env=False,
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=())),
        )

    @contextmanager
    def ask(
        self, request: Request, *, until: float, connect_s: float, silence_s: float
    ) -> Iterator[httpx.Response]:
        """The answer as far as its head; its body is read, or not, by whoever asked."""
        self._watch.begin(until)
        timeout = httpx.Timeout(silence_s, connect=connect_s)
        with self._client.stream(
            request.method,
            request.url,
            content=request.content,
            headers=request.headers,
            timeout=timeout,
        ) as response:
            yield response

    def wrote(self) -> bool:
        """Whether the service may have seen anything of this thread's last call."""
        return self._watch.wrote

    def close(self) -> None:
        """Hang up."""
        self._client.close()


class Watch(threading.local):
    """How long the call of this thread has left, and whether any of it was written."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        """Watch no call yet."""
        self._monotonic = monotonic
        self.begin(0.0)

    def begin(self, until: float) -> None:
        """Watch a call that has until then."""
        self.until = until
        self.wrote = False

    def left(self, at_most: float | None) -> float:
        """The seconds that the next step may take."""
        left = self.until - self._monotonic()
        if left <= 0:
            raise httpcore.ReadTimeout
        return left if at_most is None else min(left, at_most)


class _Stream(httpcore.NetworkStream):
    """A stream that stops with the call it serves, and notes what it writes."""

    def __init__(self, stream: httpcore.NetworkStream, watch: Watch) -> None:
        self._stream = stream
        self._watch = watch

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, self._watch.left(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        left = self._watch.left(timeout)
        self._watch.wrote = True
        self._stream.write(buffer, left)

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: Any, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        try:
            left = self._watch.left(timeout)
        except httpcore.TimeoutException:
            self.close()  # nobody else knows of it yet
            raise
        return _Stream(self._stream.start_tls(ssl_context, server_hostname, left), self._watch)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


class _Guard(httpcore.NetworkBackend):
    """Asks for a host's addresses once, and connects to none but those it has checked.

    A name that is asked twice may answer twice, and the second time with somebody else's.
    """

    def __init__(self, resolve: Resolve, allowed: Callable[[str], bool], watch: Watch) -> None:
        self._resolve = resolve
        self._allowed = allowed
        self._watch = watch
        self._sockets = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        try:
            addresses = self._resolve(host, port)
        except OSError as error:
            raise httpcore.ConnectError from error
        if not all(map(self._allowed, addresses)):
            raise WiringError(f"{host} has an address that may not be called")
        failure: Exception = httpcore.ConnectError()
        for address in addresses:
            left = self._watch.left(timeout)
            try:
                stream = self._sockets.connect_tcp(
                    address, port, left, local_address, socket_options
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
            else:
                return _Stream(stream, self._watch)
        raise failure


class _Transport(httpx.BaseTransport):
    """httpx over a pool of our own: its own takes no guard."""

    def __init__(self, pool: httpcore.ConnectionPool) -> None:
        self._pool = pool

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        response = self._pool.handle_request(
            httpcore.Request(
                request.method,
                str(request.url),
                headers=request.headers.raw,
                content=request.read(),
                extensions=request.extensions,
            )
        )
        return httpx.Response(response.status, headers=response.headers, stream=_Body(response))

    def close(self) -> None:
        self._pool.close()


class _Body(httpx.SyncByteStream):
    def __init__(self, response: httpcore.Response) -> None:
        self._response = response

    def __iter__(self) -> Iterator[bytes]:
        return self._response.iter_stream()

    def close(self) -> None:
        self._response.close()
