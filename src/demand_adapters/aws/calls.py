"""The one place that builds clients of AWS and calls them."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from datetime import datetime, timedelta
from functools import partial
from random import Random
from threading import Lock
from typing import Any, Final, TypeVar

from attrs import field, frozen

from demand_adapters.aws.errors import translated, unreadable
from demand_core.errors import Permanent, Transient, Unknown
from demand_core.ports.clock import Clock

T = TypeVar("T")
R = TypeVar("R")

JSON_PROTOCOLS: Final = frozenset({"json", "rest-json"})


@frozen(kw_only=True)
class Access:
    """Where AWS is and how long an answer may take; what is None is AWS's own default."""

    region: str | None = None
    endpoint_url: str | None = None
    connect_within: timedelta = timedelta(seconds=3)
    answer_within: timedelta = timedelta(seconds=10)
    connections: int = 32


@frozen(kw_only=True)
class Patience:
    """How often and how long a call is repeated, with random pauses that grow."""

    tries: int = 6
    deadline: timedelta = timedelta(seconds=30)
    first_pause: timedelta = timedelta(milliseconds=50)
    longest_pause: timedelta = timedelta(seconds=5)


@frozen(kw_only=True)
class Aws:
    """The services of one account, each client built when it is called for the first time.

    Close it when nobody calls any more. *sleep* waits for that many seconds, *chance* says how
    long a pause is.
    """

    clock: Clock
    sleep: Callable[[float], None]
    chance: Random = field(repr=False)
    access: Access = field(factory=Access)
    patience: Patience = field(factory=Patience)
    _lock: Any = field(factory=Lock, init=False, repr=False, eq=False)
    _clients: dict[str, Any] = field(factory=dict, init=False, repr=False, eq=False)
    _threads: list[ThreadPoolExecutor] = field(factory=list, init=False, repr=False, eq=False)

    def call(self, service: str, operation: str, /, **arguments: Any) -> Mapping[str, Any]:
        """Call what may be done twice until it is answered."""
        return self.persist(partial(self.once, service, operation, **arguments))

    def once(self, service: str, operation: str, /, **arguments: Any) -> Mapping[str, Any]:
        """Call a single time: the SDK does not repeat it either.

        An argument named `json` is the text of all others, as the service reads it. Raises
        Refused for what the service refuses, WiringError for what nobody but its operator can
        mend, and Transient or Unknown.
        """
        with translated(f"{service}.{operation}", self.clock):
            answer: Mapping[str, Any] = getattr(self._client(service), operation)(**arguments)
        return answer

    def persist(
        self,
        work: Callable[[], T],
        until: datetime | None = None,
        *,
        after: type[Transient] = Transient,
    ) -> T:
        """Repeat *work* while it raises *after*; raises the last one when patience ends.

        A try without answer may have had its effect whatever comes after, and is raised then.
        """
        patience, until = self.patience, until or self.until()
        unknown: Unknown | None = None
        tried = 0
        while True:
            try:
                return work()
            except after as fault:
                unknown = fault if isinstance(fault, Unknown) else unknown
                pause = self._pause(tried)
                if fault.retry_at is not None:
                    pause += max(fault.retry_at - self.clock.now(), timedelta(0))
                tried += 1
                if tried >= patience.tries or self.clock.now() + pause > until:
                    raise unknown or fault from None
                self.sleep(pause.total_seconds())

    def pause(self) -> None:
        """Leave a busy service alone for a moment."""
        self.sleep(self._pause(0).total_seconds())

    def until(self) -> datetime:
        """When patience ends that begins now."""
        return self.clock.now() + self.patience.deadline

    def in_parallel(self, work: Callable[[T], R], items: Sequence[T]) -> list[R]:
        """What *work* answers for each of *items*, in their order.

        When one raises, those not yet begun are left, and nothing is under way any more.
        """
        if len(items) <= 1:
            return [work(item) for item in items]
        pool = self._pool()
        futures: list[Future[R]] = [pool.submit(work, item) for item in items]
        try:
            wait(futures, return_when=FIRST_EXCEPTION)
        finally:
            for future in futures:
                future.cancel()
            wait(futures)
        # What was begun was begun in order, so a failure comes before all that was left.
        return [future.result() for future in futures]

    def close(self) -> None:
        """Close all connections and threads; what is called later builds its own."""
        with self._lock:
            clients, threads = [*self._clients.values()], [*self._threads]
            self._clients.clear()
            self._threads.clear()
        for pool in threads:
            pool.shutdown()
        for client in clients:
            client.close()

    def _pause(self, tried: int) -> timedelta:
        patience = self.patience
        longest = min(patience.longest_pause, patience.first_pause * (1 << tried))
        return longest * self.chance.random()

    def _pool(self) -> ThreadPoolExecutor:
        with self._lock:
            if not self._threads:
                most = self.access.connections
                self._threads.append(ThreadPoolExecutor(most, thread_name_prefix="aws"))
            return self._threads[0]

    def _client(self, service: str) -> Any:
        client = self._clients.get(service)
        if client is None:
            with self._lock:  # boto3 builds clients for one thread at a time
                client = self._clients.get(service)
                if client is None:
                    client = self._clients[service] = self._built(service)
        return client

    def _built(self, service: str) -> Any:
        import boto3
        from botocore.config import Config

        access = self.access
        config = Config(
            connect_timeout=access.connect_within.total_seconds(),
            read_timeout=access.answer_within.total_seconds(),
            max_pool_connections=access.connections,
            # A repeated conditional write meets its own first try and seems to have lost.
            retries={"total_max_attempts": 1, "mode": "legacy"},
            parameter_validation=False,
            tcp_keepalive=True,
        )
        client = boto3.Session().client(
            service,
            region_name=access.region,
            endpoint_url=access.endpoint_url,
            config=config,
        )
        events = client.meta.events
        events.register("before-parameter-build", _take_json)
        events.register("before-call", _put_json)
        events.register("before-parse", _check_answer)
        return client


def chunks(
    items: Sequence[T], *, count: int, size: Callable[[T], int], size_max: int
) -> Iterator[Sequence[T]]:
    """*items* in their order, as many at once as a call carries by number and by bytes.

    Raises Permanent for one that no call carries.
    """
    chunk, total = list[T](), 0
    for item in items:
        took = size(item)
        if took > size_max:
            raise Permanent("too_large", f"{took} bytes, of at most {size_max}")
        if chunk and (len(chunk) == count or total + took > size_max):
            yield chunk
            chunk, total = [], 0
        chunk.append(item)
        total += took
    if chunk:
        yield chunk


def part(answer: Mapping[str, Any], name: str) -> Any:
    """What an answer must hold; raises Unknown for one that does not."""
    if name not in answer:
        raise unreadable(f"no {name}")
    return answer[name]


def _take_json(params: dict[str, Any], context: dict[str, Any], **_: Any) -> None:
    context["json"] = params.pop("json", None)


def _put_json(params: dict[str, Any], context: Mapping[str, Any], **_: Any) -> None:
    """Send what was already written: botocore would take it apart and write it again."""
    if context["json"] is not None:
        params["body"] = context["json"].encode()


def _check_answer(operation_model: Any, response_dict: Mapping[str, Any], **_: Any) -> None:
    """Raise Unknown for an answer that is no JSON, which botocore takes for an empty one."""
    if operation_model.service_model.resolved_protocol not in JSON_PROTOCOLS:
        return
    body = response_dict["body"]
    if response_dict["status_code"] >= 300 or not isinstance(body, bytes):  # noqa: PLR2004
        return
    if not (body[:1] == b"{" and body[-1:] == b"}") and (body or operation_model.output_shape):
        raise unreadable(f"{operation_model.service_model.service_name}.{operation_model.name}")
