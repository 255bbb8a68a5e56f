"""The sources of a world: what makes things happen, each by the rules of the real one.

A queue hides what it handed out and shows it again, now and then twice, never in order; the
feed is read from a checkpoint; a crash leaves a message hidden until its time is over.
"""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from heapq import heappop, heappush
from typing import TYPE_CHECKING, Final, Protocol

from attrs import define, field

from demand_adapters.memory.queue import MemoryQueue
from demand_core.topology.routing import Route
from demand_core.topology.shapes import Every, Trigger, Worker
from entrypoints.running import route_all

if TYPE_CHECKING:
    from entrypoints.simulation.world import World

ROUTER: Final = "route_changes"
ROUTED_MAX: Final = 100
BACKOFF: Final = timedelta(seconds=1)
LATENCY: Final = timedelta(milliseconds=200)
MILLISECOND: Final = timedelta(milliseconds=1)


class Source(Protocol):
    """Something that makes things happen."""

    def next_at(self) -> datetime | None:
        """When it can deliver next; None while it has nothing."""
        ...

    def deliver(self) -> None:
        """Let one thing happen."""
        ...


@define(eq=False)
class Agenda:
    """What was arranged to happen at a time."""

    world: "World"
    _due: list[tuple[datetime, int, Callable[[], object]]] = field(factory=list)
    _count: int = 0

    def add(self, when: datetime, action: Callable[[], object]) -> None:
        self._count += 1
        heappush(self._due, (when, self._count, action))

    def next_at(self) -> datetime | None:
        return self._due[0][0] if self._due else None

    def deliver(self) -> None:
        heappop(self._due)[2]()


@define(eq=False)
class Messages:
    """A queue and the row that reads it."""

    world: "World"
    row: Worker
    trigger: Trigger
    queue: MemoryQueue

    def next_at(self) -> datetime | None:
        return self.queue.next_at()

    def deliver(self) -> None:
        world, chance = self.world, self.world.chance
        most = self.row.batch_max
        given = self.queue.receive(
            chance.randint(1, most) if world.weather.short_batches else most
        )
        if not given:
            return
        ran = world.invoke(self.row.name, self.trigger, given)
        if ran is None:
            return
        done, backoff = list[str](), self.row.retry.backoff // MILLISECOND
        for delivery in given:
            again = delivery.record_id in ran.back
            if again or chance.random() < world.weather.duplicates:
                delay = timedelta(milliseconds=chance.randint(0, backoff))
                self.queue.release([delivery.receipt], delay)
            else:
                done.append(delivery.receipt)
        self.queue.delete(done)


@define(eq=False)
class Ticks:
    """A clock that wakes a row; under rough weather late, twice or not at all."""

    world: "World"
    row: Worker
    every: Every
    _due: datetime = field(init=False)
    _late: timedelta = timedelta(0)

    def __attrs_post_init__(self) -> None:
        self._due = self.world.clock.now() + self.every.period

    def next_at(self) -> datetime | None:
        return self._due + self._late

    def deliver(self) -> None:
        due, chance, weather = self._due, self.world.chance, self.world.weather
        self._due = due + self.every.period
        self._late = (
            timedelta(seconds=chance.random() * 60) if weather.fault_rate else timedelta(0)
        )
        times = 1
        if chance.random() < weather.duplicates:
            times = chance.choice((0, 2))
        for _ in range(times):
            self.world.tick(self.row.name, due)


@define(eq=False)
class Routing:
    """The table's feed and the router that reads it, shard by shard."""

    world: "World"
    wanted: Sequence[Route]
    _behind: dict[str, int] = field(factory=dict)
    _held: dict[str, datetime] = field(factory=dict)
    _due: dict[str, datetime] = field(factory=dict)
    _sequence: int = 0

    def next_at(self) -> datetime | None:
        if self._sequence != self.world.engines.table.sequence:
            self._look()
        return min(self._due.values()) if self._due else None

    def deliver(self) -> None:
        world, now = self.world, self.world.clock.now()
        shard = world.chance.choice([s for s, due in self._due.items() if due <= now])
        changes = world.engines.table.read(shard, self._behind.get(shard, 0), ROUTED_MAX)
        routed = world.living(ROUTER, lambda: route_all(changes, self.wanted, world.routed))
        if routed != changes[-1].sequence:
            self._held[shard] = world.clock.now() + BACKOFF
        if routed is not None and world.chance.random() >= world.weather.duplicates:
            self._behind[shard] = routed
        self._look()

    def _look(self) -> None:
        table = self.world.engines.table
        self._sequence = table.sequence
        found = ((s, table.next_at(s, self._behind.get(s, 0))) for s in table.shards())
        ahead = {shard: at + LATENCY for shard, at in found if at}
        self._due = {s: max(at, self._held.get(s, at)) for s, at in ahead.items()}
