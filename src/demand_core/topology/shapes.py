"""What the rows of the topology are made of."""

from collections.abc import Mapping
from datetime import timedelta
from enum import Enum
from importlib import import_module
from typing import Any, Generic, TypeAlias, TypeVar

from attrs import field, frozen

from demand_core.domain.changes import ChangeKind
from demand_core.errors import WiringError

T = TypeVar("T")


class ChannelKind(Enum):
    """How a channel delivers."""

    QUEUE = "queue"
    STREAM = "stream"
    TOPIC = "topic"


@frozen(kw_only=True)
class Channel(Generic[T]):
    """Something that carries bodies of one type. *outside* names the end that is not ours.

    Bodies that are equal in the field *partition* stay in order; only streams keep any.
    """

    name: str
    kind: ChannelKind
    body: type[T]
    partition: str = ""
    written_outside: bool = False
    read_outside: bool = False


@frozen
class Queue:
    """Woken by messages of a queue."""

    channel: Channel[Any]

    @property
    def body(self) -> type:
        """What a record holds."""
        return self.channel.body


@frozen
class Stream:
    """Woken by records of a stream, in order within each shard.

    With *held* nothing is given up: what fails holds its shard up until it is done. Records
    wait for others until the first is as old as *gather*, or a batch is full.
    """

    channel: Channel[Any]
    held: bool = False
    gather: timedelta = timedelta(0)

    @property
    def body(self) -> type:
        """What a record holds."""
        return self.channel.body


@frozen(kw_only=True)
class Changes:
    """Woken by changes of one kind of item, through a queue of the row's own.

    With *watching*, only by those in which one of these fields is not what it was; with
    *becoming*, only if the first of them is one of these texts by then. The message names the
    item and never shows it: whoever acts reads what stands there by then.
    """

    kind: str
    on: frozenset[ChangeKind]
    body: type
    watching: tuple[str, ...] = ()
    becoming: frozenset[str] = frozenset()


@frozen(kw_only=True)
class Every:
    """Woken by the clock at every multiple of *period*."""

    period: timedelta


@frozen(kw_only=True)
class Upload:
    """Woken by files that appear under *prefix*."""

    prefix: str
    body: type


@frozen(kw_only=True)
class Request:
    """Called by somebody who waits for the reply."""

    body: type
    reply: type


Trigger: TypeAlias = Queue | Stream | Changes | Every | Upload | Request


@frozen(kw_only=True)
class Retry:
    """How a queue delivers again what came back: after a random part of *backoff*.

    *max_receive* is no rule of the work. A message that reaches it is an incident.
    """

    max_receive: int = 10
    backoff: timedelta = timedelta(minutes=1)


@frozen(kw_only=True)
class Worker:
    """One worker: everything about it that is not code. *outputs* routes its Outlet fields."""

    name: str
    subsystem: str
    origin: str
    triggers: tuple[Trigger, ...]
    batch_max: int = 10
    timeout: timedelta = timedelta(minutes=5)
    retry: Retry = Retry()
    outputs: Mapping[str, Channel[Any]] = field(factory=dict)
    loops: bool = False
    about: str

    @property
    def visibility(self) -> timedelta:
        """How long a queue hides from others what this worker has taken: AWS's advice."""
        return 6 * self.timeout

    @property
    def module(self) -> str:
        """Where the class stands."""
        return f"demand_core.workers.{self.subsystem}.{self.name}"

    def load(self) -> type:
        """Import the class, now and not before: a process that runs one worker loads one."""
        name = "".join(part.title() for part in self.name.split("_"))
        try:
            found = getattr(import_module(self.module), name, None)
        except ImportError as error:
            raise WiringError(f"{self.name}: no module {self.module}") from error
        if not isinstance(found, type):
            raise WiringError(f"{self.name}: no class {name} in {self.module}")
        return found
