"""The rows as one process on the wall clock: a loop a source, each in a thread of its own.

A loop does one batch at a time and remembers nothing that its source does not: so the process
may be stopped, or killed, between any two lines of it.
"""

import logging
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from operator import attrgetter
from pathlib import Path
from threading import Event, Lock, Thread
from traceback import extract_tb
from typing import Any, Final, TypeVar

from attrs import define, field

from demand_adapters.outlet import queue_outlet, stream_outlet
from demand_adapters.poller import Poller, Sharded
from demand_adapters.shard_reader import ReadPolicy, Recorded
from demand_adapters.stores.checkpoints import FileCheckpoints
from demand_adapters.stores.quarantine import Quarantine
from demand_adapters.wire.bodies import encode
from demand_adapters.wire.changes import encode_change
from demand_adapters.wire.converters import camel
from demand_core.batch import Tally
from demand_core.errors import Transient, WiringError
from demand_core.ports.outlet import Outlet
from demand_core.topology import TOPOLOGY
from demand_core.topology.routing import change_queue, routes
from demand_core.topology.shapes import (
    Changes,
    Channel,
    ChannelKind,
    Every,
    Queue,
    Request,
    Stream,
    Trigger,
    Worker,
)
from entrypoints.engines import MessageQueue, RunningEngines
from entrypoints.loops import ROUTER, Chores, Loop, Messages, Records, Router, Ticks, Turn
from entrypoints.metering import Meter, MeteredProfile
from entrypoints.profiles import Profile
from entrypoints.running import Runner, read_policy
from entrypoints.settings import Settings
from entrypoints.stopping import Stop
from entrypoints.wiring import assemble

ROUTED_MAX: Final = 100
# Of a queue that somebody else reads.
OUTSIDE_HIDDEN: Final = timedelta(seconds=30)
OUTSIDE_RECEIVES: Final = 10
IDLE: Final = timedelta(milliseconds=200)
AFTER_FAULT: Final = timedelta(seconds=1)
AFTER_CRASH: Final = timedelta(seconds=10)

R = TypeVar("R", bound=Recorded)

_LOG: Final = logging.getLogger("demand.run")


@define(eq=False)
class Service:
    """Every row with what wakes it, on the engines of one profile.

    *instead* are ports that take the place of the profile's own, by their names.
    """

    settings: Settings
    engines: RunningEngines
    rows: Sequence[Worker] = TOPOLOGY
    instead: Mapping[str, object] = field(factory=dict, kw_only=True)
    tallies: dict[str, Tally] = field(factory=dict, init=False)
    crashes: int = field(default=0, init=False)
    meter: Meter = field(factory=Meter, init=False)
    _lock: Any = field(factory=Lock, init=False)

    def run(self, stop: Stop, seconds: float | None = None) -> None:
        """Let all loops turn until *stop* is told, or for so long.

        Raises WiringError when a loop finds a mistake.
        """
        ended, mistakes = Event(), list[WiringError]()

        def turn(loop: Loop) -> None:
            try:
                self._turn(loop, ended)
            except WiringError as mistake:
                mistakes.append(mistake)
                stop.tell()

        threads = [Thread(target=turn, args=[loop], name=loop.name) for loop in self.loops()]
        for thread in threads:
            thread.start()
        stop.wait(seconds)
        _LOG.info("stopping when the batches under way are done")
        ended.set()
        for thread in threads:
            thread.join()
        if mistakes:
            raise mistakes[0]

    def loops(self) -> Sequence[Loop]:
        """One for each trigger of each row, the router, the chores; none shares a store."""
        chores = Chores(do=self._tidy, clock=self.engines.clock)
        return [*self._woken(), self._router(), chores]

    def count(self, row: str, tally: Tally) -> None:
        """Add to what became of everything that *row* was given."""
        with self._lock:
            self.tallies[row] = self.tallies.get(row, Tally()) + tally

    def _turn(self, loop: Loop, ended: Event) -> None:
        while not ended.is_set():
            try:
                pause = timedelta(0) if loop.step() else IDLE
            except Transient as fault:
                _LOG.warning("%s: %s", loop.name, fault)
                pause = AFTER_FAULT
            except WiringError:
                raise
            except Exception as crash:  # noqa: BLE001  # a bug in one row must not stop others
                _LOG.error("%s: %s", loop.name, _place(crash))  # no values
                with self._lock:
                    self.crashes += 1
                pause = AFTER_CRASH
            ended.wait(pause.total_seconds())

    def _woken(self) -> Iterator[Loop]:
        for row in self.rows:
            for trigger in row.triggers:
                # Whoever asks calls, and waits for the reply.
                if not isinstance(trigger, Request):
                    yield self._loop(row, trigger)

    def _loop(self, row: Worker, trigger: Trigger) -> Loop:
        ports = self._ports()
        turn = Turn(
            row=row,
            trigger=trigger,
            work=assemble(row, ports, self._outlet),
            runner=Runner(clock=ports.clock, quarantine=Quarantine(files=ports.files)),
            count=self.count,
        )
        match trigger:
            case Queue() | Changes():
                queue = self._queue(turn.source, row)
                return Messages(turn, queue, ports.entropy.stream("backoff"))
            case Stream():
                stream = self.engines.records(trigger.channel.name)
                poller = _poller(stream, row.name, read_policy(row, trigger), ports)
                return Records(turn, poller, ports.announcer)
            case Every():
                return Ticks(turn, trigger.period, ports.clock)
        raise WiringError(f"{row.name}: nothing here wakes it by {type(trigger).__name__}")

    def _router(self) -> Loop:
        ports = self._ports()
        policy = ReadPolicy(batch_max=ROUTED_MAX)
        return Router(
            poller=_poller(self.engines.feed, ROUTER, policy, ports),
            routes=routes(self.rows, camel),
            outlets={
                row.name: queue_outlet(self._queue(change_queue(row.name), row), encode_change)
                for row in self.rows
                if any(isinstance(trigger, Changes) for trigger in row.triggers)
            },
            count=self.count,
            announcer=ports.announcer,
        )

    def _ports(self) -> Profile:
        return MeteredProfile(self.settings, self.engines, self.meter, **self.instead)

    def _tidy(self) -> None:
        ports = self._ports()
        read = FileCheckpoints(files=ports.files).load
        streams = {
            trigger.channel.name: read(row.name)
            for row in self.rows
            for trigger in row.triggers
            if isinstance(trigger, Stream)
        }
        self.engines.tidy(read(ROUTER), streams)

    def _queue(self, name: str, row: Worker) -> MessageQueue:
        return self.engines.queue(
            name, visibility=row.visibility, max_receive=row.retry.max_receive
        )

    def _outlet(self, channel: Channel[Any]) -> Outlet[Any]:
        """The writing side of *channel*; whoever reads it says how it delivers."""
        if channel.kind is ChannelKind.STREAM:
            by = attrgetter(channel.partition)
            return stream_outlet(self.engines.stream(channel.name), encode, by)
        for row in self.rows:
            for trigger in row.triggers:
                if isinstance(trigger, Queue) and trigger.channel is channel:
                    return queue_outlet(self._queue(channel.name, row), encode)
        if channel.read_outside:
            queue = self.engines.queue(
                channel.name, visibility=OUTSIDE_HIDDEN, max_receive=OUTSIDE_RECEIVES
            )
            return queue_outlet(queue, encode)
        raise WiringError(f"nobody here reads {channel.name}")


def _poller(source: Sharded[R], reader: str, policy: ReadPolicy, ports: Profile) -> Poller[R]:
    return Poller(source, FileCheckpoints(files=ports.files), reader, policy, ports.clock)


def _place(crash: Exception) -> str:
    """What it was and where, without its words: they may hold a contact."""
    last = extract_tb(crash.__traceback__)[-1]
    return f"{type(crash).__name__} at {Path(last.filename).name}:{last.lineno}"
