"""The sources of a world: what makes things happen, each by the rules of the real one.

A queue hides what it handed out and shows it again, now and then twice, never in order; the
feed is read from a checkpoint; a crash leaves a message hidden until its time is over.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from heapq import heappop, heappush
from typing import TYPE_CHECKING, Final, Generic, Protocol, TypeVar

from attrs import define, field

from demand_adapters.deliveries import StreamRecord
from demand_adapters.item_table import Change
from demand_adapters.memory.email_service import MemoryEmailService
from demand_adapters.memory.queue import MemoryQueue
from demand_adapters.shard_reader import (
    Reading,
    ReadPolicy,
    Recorded,
    Shard,
    after_batch,
    after_crash,
    limit,
)
from demand_adapters.wire.bodies import decode
from demand_core.domain.orders import EmailOrder
from demand_core.errors import Permanent
from demand_core.topology.routing import Route
from demand_core.topology.shapes import Every, Stream, Trigger, Worker
from entrypoints.running import read_policy, route_all

if TYPE_CHECKING:
    from entrypoints.simulation.world import World

R = TypeVar("R", bound=Recorded)
R_co = TypeVar("R_co", bound=Recorded, covariant=True)

ROUTER: Final = "route_changes"
ROUTED_MAX: Final = 100
MAIL_MAX: Final = 10
# From 0 and not from the oldest kept: what was trimmed unread must not pass unnoticed.
BEGINNING: Final = Reading(checkpoint=0)
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
class Mail:
    """A queue whose reader is not ours: whoever sends e-mails."""

    queue: MemoryQueue
    service: MemoryEmailService

    def next_at(self) -> datetime | None:
        return self.queue.next_at()

    def deliver(self) -> None:
        given = self.queue.receive(MAIL_MAX)
        for delivery in given:
            # What it cannot read is its own affair, and no e-mail.
            with suppress(Permanent):
                self.service.take(decode(EmailOrder, delivery.payload))
        self.queue.delete([delivery.receipt for delivery in given])


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


class Sharded(Protocol[R_co]):
    """A stream or a feed, seen by the one reader that it has here."""

    @property
    def sequence(self) -> int:
        """That of the newest record: when it moves there is something to read."""
        ...

    def next_at(self, shard: str, after: int, /) -> datetime | None:
        """When the first record behind *after* was written; refuses what `read` refuses."""
        ...

    def shards(self) -> Sequence[Shard]:
        """The shards there are."""
        ...

    def read(self, shard: str, after: int | None, limit: int, /) -> Sequence[R_co]:
        """Records behind *after*."""
        ...


@define(eq=False)
class Shards(Generic[R]):
    """A sharded source, read from its checkpoints by the rules of Lambda's consumers.

    *run* does a batch and answers the sequences that failed; None: the process died over it.
    """

    world: "World"
    source: Sharded[R]
    policy: ReadPolicy
    run: Callable[[Sequence[R]], Sequence[int] | None]
    _readings: dict[str, Reading] = field(factory=dict)
    _held: dict[str, datetime] = field(factory=dict)
    _due: dict[str, datetime] = field(factory=dict)
    _sequence: int = 0

    def next_at(self) -> datetime | None:
        if self._sequence != self.source.sequence:
            self._sequence = self.source.sequence
            for shard in self.source.shards():
                if shard.name not in self._due:
                    self._look(shard.name)
        return min(self._due.values()) if self._due else None

    def deliver(self) -> None:
        world, chance = self.world, self.world.chance
        now = world.clock.now()
        shard = chance.choice([shard for shard, due in self._due.items() if due <= now])
        reading = self._readings.get(shard, BEGINNING)
        most = limit(reading, self.policy)
        # What failed comes again as it was, unless it is halved.
        if world.weather.short_batches and reading.window is None:
            most = chance.randint(1, most)
        batch = self.source.read(shard, reading.checkpoint, most)
        failed = self.run(batch)
        if failed is None:
            after, lost = after_crash(reading, self.policy, batch, world.clock.now())
        else:
            first = min(failed, default=None)
            after, lost = after_batch(reading, self.policy, batch, first, world.clock.now())
        world.given_up += lost
        if failed or failed is None:
            self._held[shard] = world.clock.now() + BACKOFF
        if chance.random() >= world.weather.duplicates:
            self._readings[shard] = after
        self._look(shard)

    def _look(self, shard: str) -> None:
        """Note when the first record that was not read yet can be delivered."""
        checkpoint = self._readings.get(shard, BEGINNING).checkpoint or 0
        written = self.source.next_at(shard, checkpoint)
        if written is None:
            self._due.pop(shard, None)
        else:
            seen = written + max(LATENCY, self.policy.gather)
            self._due[shard] = max(seen, self._held.get(shard, seen))


def routing(world: "World", wanted: Sequence[Route]) -> Shards[Change]:
    """The table's feed and the router that reads it."""

    def run(changes: Sequence[Change]) -> Sequence[int] | None:
        routed = world.living(ROUTER, lambda: route_all(changes, wanted, world.routed))
        if routed is None:
            return None
        world.count(ROUTER, routed.tally)
        return [change.sequence for change in changes if change.sequence > routed.behind]

    return Shards(world, world.engines.table, ReadPolicy(batch_max=ROUTED_MAX), run)


def streaming(
    world: "World", row: Worker, trigger: Stream, stream: Sharded[StreamRecord]
) -> Shards[StreamRecord]:
    """A stream and the row that reads it; what is in nobody's power to do is given up alone."""

    def run(records: Sequence[StreamRecord]) -> Sequence[int] | None:
        ran = world.invoke(row.name, trigger, [record.delivered() for record in records])
        return None if ran is None else [int(record_id) for record_id in ran.back]

    policy = read_policy(row, trigger)
    return Shards(world, stream, policy, run)
