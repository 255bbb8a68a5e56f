"""The one place that calls services by HTTP, and says what their answers mean.

| what came back | what the caller is told |
|---|---|
| no connection, or none in time: nothing was written | Transient |
| anything else that is no whole head of an answer | Unknown |
| 429 | Transient, not to be repeated before its time |
| 401, 402, 403; 404 and 405 in words that are not the service's own | WiringError |
| any other 4xx but 408 | Permanent |
| 408 or 5xx, with the service's own word for it | Transient |
| 2xx that can't be read, 3xx, 408 and 5xx of somebody on the way | Unknown |
| 404 and 405 that are not whole: nobody knows whose words they are | Unknown |
| nothing, for the last calls were not answered: nobody was called | Transient, as above |

Answers are asked for uncompressed, and one that is compressed all the same is not opened. A
service may repeat what it was given, so no message of ours holds more of its answer than a
status and a word that its adapter knows the form of.
"""

import json
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import partial
from threading import Lock
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, TypeVar

from attrs import define, field, frozen

from demand_adapters.http.addresses import Resolve, check_url, resolved
from demand_adapters.http.breaker import Breaker, Shut
from demand_adapters.wire.bodies import plain
from demand_core.errors import (
    DemandError,
    Permanent,
    Transient,
    Unknown,
    Unsent,
    WiringError,
)
from demand_core.ports.clock import Clock

if TYPE_CHECKING:
    import httpx

    from demand_adapters.http.connections import Connections

T = TypeVar("T")

HEADERS: Final = {
    "Accept": "application/json",
    "Accept-Encoding": "identity",
    "Content-Type": "application/json",
    "User-Agent": "demand",
}

NO_HEADERS: Final[Mapping[str, str]] = MappingProxyType({})

# Every number of seconds with more digits is longer than anybody waits.
_DIGITS_MAX: Final = 9


@frozen(kw_only=True)
class Patience:
    """How long a call may take, how much may come back, and how long a service may put us off.

    The *deadline* holds for all tries of a call with the pauses between them, *silence* for the
    gap between one byte and the next. After a 429 that says nothing of time, a *pause* is made.
    After *failures_max* calls in a row without an answer nobody calls for a *rest*, which gets
    longer each time that the first call after it fails too, up to *longest_rest*.
    """

    deadline: timedelta = timedelta(seconds=30)
    connect: timedelta = timedelta(seconds=5)
    silence: timedelta = timedelta(seconds=15)
    tries: int = 3
    first_wait_s: float = 0.1
    longest_wait_s: float = 2.0
    body_max: int = 1 << 20
    pause: timedelta = timedelta(minutes=1)
    longest_pause: timedelta = timedelta(hours=1)
    failures_max: int = 5
    rest: timedelta = timedelta(seconds=30)
    longest_rest: timedelta = timedelta(minutes=5)
    connections: int = 5


@frozen(kw_only=True)
class Service:
    """A service and the way to it: *headers* hold its secret and are never shown.

    Calls go to one of *hosts*, or with *loopback* to this machine and nowhere else.
    """

    name: str
    url: str
    hosts: frozenset[str] = frozenset()
    headers: Mapping[str, str] = field(repr=False)
    loopback: bool = False
    patience: Patience = field(factory=Patience)

    def __attrs_post_init__(self) -> None:
        """Refuse what could never be called, without showing it."""
        check_url(self.url, self.hosts, loopback=self.loopback)
        for header, text in self.headers.items():
            if not (text.isascii() and text.isprintable() and text == text.strip() != ""):
                raise WiringError(f"the {header} of {self.name} holds what no header can")


@frozen
class Answer:
    """What a service said: *document* is its JSON, None if there is none to be read.

    It is *whole* unless it broke off, or was left because it was too long.
    """

    service: str
    status: int
    document: Any = field(repr=False)
    retry_at: datetime | None
    whole: bool = True

    @property
    def done(self) -> bool:
        """Whether it says that it did what it was asked for."""
        return self.status // 100 == 2  # noqa: PLR2004  # 2xx

    @property
    def refused(self) -> bool:
        """Whether it says that what it was asked for is wrong."""
        return self.status // 100 == 4  # noqa: PLR2004  # 4xx

    def error(self, word: str | None) -> DemandError:
        """What the caller must be told; *word* is the service's own for what went wrong."""
        said = f"the {self.service} answered {self.status}" + (f" {word}" if word else "")
        match self.status:
            case 429:
                return Transient(said, retry_at=self.retry_at)
            case 401 | 402 | 403:
                return WiringError(f"{said}: give credentials that it takes")
            case 404 | 405 if word is None:
                if self.whole:
                    return WiringError(f"{said}: correct its address")
            case status if self.refused and status != 408:  # noqa: PLR2004  # a time-out
                return Permanent(word or f"http_{status}", said)
            case status if status >= 400 and word:  # noqa: PLR2004  # a failure
                return Transient(said, retry_at=self.retry_at)
        return Unknown(said, retry_at=self.retry_at)


@define(kw_only=True, eq=False)
class Calls:
    """Calls of one service; connections are opened by the first. Close it after the last.

    *sleep* waits for so many seconds between two tries.
    """

    service: Service
    clock: Clock
    sleep: Callable[[float], None] = field(default=time.sleep, repr=False)
    monotonic: Callable[[], float] = field(default=time.monotonic, repr=False)
    resolve: Resolve = field(default=resolved, repr=False)
    _lock: Any = field(factory=Lock, init=False, repr=False)
    _opened: "Connections | None" = field(default=None, init=False, repr=False)
    _breaker: Breaker = field(init=False, repr=False)

    @_breaker.default
    def _closed(self) -> Breaker:
        patience = self.service.patience
        return Breaker(
            failures_max=patience.failures_max,
            rest_s=patience.rest.total_seconds(),
            longest_rest_s=patience.longest_rest.total_seconds(),
            probe_s=patience.longest_wait_s,
            monotonic=self.monotonic,
        )

    def post(
        self,
        path: str,
        body: Mapping[str, object],
        read: Callable[[Answer], T],
        *,
        headers: Mapping[str, str] = NO_HEADERS,
        repeatable: bool = False,
    ) -> T:
        """What *read* makes of the answer to *body*; it raises what the caller must know.

        A call that never left is tried again, one that did only if it is *repeatable* and the
        service asks for no time of its own.
        """
        content = json.dumps(body, allow_nan=False).encode()
        ask = partial(self._ask, "POST", path, content, headers)
        return self._tried(ask, read, repeatable=repeatable)

    def get(self, path: str, read: Callable[[Answer], T]) -> T:
        """What *read* makes of what lies there; who only looks may look again."""
        ask = partial(self._ask, "GET", path, None, NO_HEADERS)
        return self._tried(ask, read, repeatable=True)

    def _tried(
        self,
        ask: Callable[[float], Answer],
        read: Callable[[Answer], T],
        *,
        repeatable: bool,
    ) -> T:
        from tenacity import (
            RetryCallState,
            Retrying,
            retry_if_exception,
            wait_random_exponential,
        )

        patience = self.service.patience
        until = self.monotonic() + patience.deadline.total_seconds()

        def ends(state: RetryCallState) -> bool:
            late = self.monotonic() + state.upcoming_sleep >= until
            return late or state.attempt_number >= patience.tries

        def again(error: BaseException) -> bool:
            if not isinstance(error, Transient) or error.retry_at is not None:
                return False
            return repeatable or isinstance(error, Unsent)

        retrying = Retrying(
            sleep=self.sleep,
            stop=ends,
            wait=wait_random_exponential(patience.first_wait_s, patience.longest_wait_s),
            retry=retry_if_exception(again),
            reraise=True,
        )
        try:
            return self._breaker.around(lambda: retrying(lambda: read(ask(until))), _is_answer)
        except Shut as shut:
            said = f"the {self.service.name} did not answer lately"
            retry_at = self.clock.now() + timedelta(seconds=shut.seconds)
            raise Unsent(said, retry_at=retry_at) from None

    def close(self) -> None:
        """Hang up; a later call connects again."""
        with self._lock:
            opened, self._opened = self._opened, None
        if opened:
            opened.close()

    def _ask(
        self,
        method: str,
        path: str,
        content: bytes | None,
        headers: Mapping[str, str],
        until: float,
    ) -> Answer:
        from demand_adapters.http.connections import FAILURES, Request

        patience, connections = self.service.patience, self._connected()
        url = self.service.url + path
        try:
            with connections.ask(
                Request(method=method, url=url, headers=headers, content=content),
                until=until,
                connect_s=patience.connect.total_seconds(),
                silence_s=patience.silence.total_seconds(),
            ) as response:
                return self._answer(response)
        except FAILURES as failure:
            said = f"the {self.service.name} did not answer: {type(failure).__name__}"
            raise (Unknown if connections.wrote() else Unsent)(said) from None

    def _answer(self, response: "httpx.Response") -> Answer:
        now, status, patience = self.clock.now(), response.status_code, self.service.patience
        later = put_off(response.headers.get("Retry-After", ""), now, patience.longest_pause)
        if later is None and status == 429:  # noqa: PLR2004  # too many requests
            later = now + patience.pause
        document, whole = _document(response, patience.body_max)
        return Answer(self.service.name, status, document, later, whole)

    def _connected(self) -> "Connections":
        from demand_adapters.http.connections import Connections

        with self._lock:
            if self._opened is None:
                self._opened = Connections(
                    resolve=self.resolve,
                    loopback=self.service.loopback,
                    most=self.service.patience.connections,
                    headers={**HEADERS, **self.service.headers},
                    monotonic=self.monotonic,
                )
            return self._opened


def put_off(said: str, now: datetime, longest: timedelta) -> datetime | None:
    """When a Retry-After lets us come again, in either of its forms; None for nonsense."""
    if said.isascii() and said.isdecimal():
        wait = timedelta(seconds=int(said)) if len(said) <= _DIGITS_MAX else longest
        return now + min(wait, longest)
    try:
        at = parsedate_to_datetime(said)
    except (ValueError, OverflowError):
        return None
    # Without a zone it is one of the old forms, which are in UTC too.
    at = at.replace(tzinfo=at.tzinfo or UTC)
    return min(max(at, now), now + longest).astimezone(UTC)


def _is_answer(error: Exception) -> bool:
    """Whether the service itself is there: it refuses, or says when to come again."""
    if isinstance(error, Transient):
        return error.retry_at is not None and not isinstance(error, Unknown)
    return isinstance(error, DemandError)


def _document(response: "httpx.Response", body_max: int) -> tuple[Any, bool]:
    """The JSON of an answer, None if it is none that can be read; and whether it is whole."""
    from demand_adapters.http.connections import FAILURES

    kind = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        return None, True
    content = bytearray()
    try:
        for piece in response.iter_raw():  # as it came: what is packed stays so
            content += piece
            if len(content) > body_max:
                return None, False
        return plain(bytes(content)), True
    except FAILURES:
        return None, False
    except Permanent:
        return None, True
