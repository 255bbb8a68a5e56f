"""What wakes the rows of a running process: each source with the way its answers go back."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Final, Protocol

from attrs import define, field, frozen

from demand_adapters.deliveries import Delivery, QueueSource, StreamRecord
from demand_adapters.item_table import Change
from demand_adapters.poller import Poller
from demand_core.batch import Tally
from demand_core.domain.alerts import Alert
from demand_core.errors import Permanent
from demand_core.ports.announcer import Announcer
from demand_core.ports.clock import Clock
from demand_core.ports.outlet import Outlet
from demand_core.topology.routing import Route
from demand_core.topology.shapes import Trigger, Worker
from entrypoints.running import Ran, Runner, Work, lowest, route_all, source_name

ROUTER: Final = "route_changes"
MILLISECOND: Final = timedelta(milliseconds=1)
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

Count = Callable[[str, Tally], None]


class Loop(Protocol):
    """One source and what it wakes."""

    @property
    def name(self) -> str:
        """What reports call it."""
        ...

    def step(self) -> bool:
        """Do what there is now, a batch at most; whether there was anything."""
        ...


@frozen(kw_only=True)
class Turn:
    """A row at work: what becomes of all that it is given is counted."""

    row: Worker
    trigger: Trigger
    work: Work
    runner: Runner
    count: Count

    @property
    def source(self) -> str:
        """Where its records come from."""
        return source_name(self.row.name, self.trigger)

    def batch(self, given: Sequence[Delivery]) -> Ran:
        """Run it on what its source handed out."""
        ran = self.runner.batch(self.work, self.trigger, self.source, given)
        self.count(self.row.name, ran.tally)
        return ran

    def tick(self, due: datetime) -> Ran:
        """Run it for a time that has come."""
        ran = self.runner.tick(self.work, due)
        self.count(self.row.name, ran.tally)
        return ran


@frozen
class Messages:
    """A queue and the row that reads it."""

    turn: Turn
    queue: QueueSource
    chance: Random

    @property
    def name(self) -> str:
        """The row's."""
        return self.turn.row.name

    def step(self) -> bool:
        """Give back what must come again, after a random part of the row's back-off."""
        row = self.turn.row
        given = self.queue.receive(row.batch_max)
        if not given:
            return False
        back = self.turn.batch(given).back
        for delivery in given:
            if delivery.record_id in back:
                delay = self.chance.randint(0, row.retry.backoff // MILLISECOND) * MILLISECOND
                self.queue.release([delivery.receipt], delay)
        self.queue.delete([d.receipt for d in given if d.record_id not in back])
        return True


@frozen
class Records:
    """A stream and the row that reads it; also what its poller does with a batch."""

    turn: Turn
    poller: Poller[StreamRecord]
    announcer: Announcer

    @property
    def name(self) -> str:
        """The row's."""
        return self.turn.row.name

    def step(self) -> bool:
        """One batch of each shard."""
        return self.poller.step(self).read > 0

    def run(self, batch: Sequence[StreamRecord], /) -> int | None:
        """Have the row work on it."""
        given = [record.delivered() for record in batch]
        first = lowest(given, self.turn.batch(given).back)
        return None if first is None else int(first)

    def give_up(self, records: Sequence[StreamRecord], /) -> None:
        """Set them aside as they came."""
        aside, why = self.turn.runner.set_aside, Permanent("tried_too_often")
        for record in records:
            if fault := aside(self.turn.source, record.delivered(), why).fault:
                raise fault

    def trimmed(self, shard: str, /) -> None:
        """An incident."""
        self.announcer.announce(_trimmed(self.name, shard))


@frozen(kw_only=True)
class Router:
    """The table's feed and the queues of the rows that its changes concern."""

    poller: Poller[Change]
    routes: Sequence[Route]
    outlets: Mapping[str, Outlet[Change]]
    count: Count
    announcer: Announcer
    name: str = ROUTER

    def step(self) -> bool:
        """One batch of each shard."""
        return self.poller.step(self).read > 0

    def run(self, batch: Sequence[Change], /) -> int | None:
        """Pass it on."""
        routed = route_all(batch, self.routes, self.outlets)
        self.count(self.name, routed.tally)
        return next((c.sequence for c in batch if c.sequence > routed.behind), None)

    def give_up(self, records: Sequence[Change], /) -> None:
        """Never: a change that no queue takes holds its shard up until one does."""
        raise AssertionError(f"{len(records)} changes were given up")

    def trimmed(self, shard: str, /) -> None:
        """An incident."""
        self.announcer.announce(_trimmed(self.name, shard))


@define(eq=False)
class Ticks:
    """The clock and the row that it wakes: of several missed ticks, for the last one."""

    turn: Turn
    period: timedelta
    clock: Clock
    _done: datetime = field(init=False)

    def __attrs_post_init__(self) -> None:
        """The first tick is the next one."""
        self._done = self._last()

    @property
    def name(self) -> str:
        """The row's."""
        return self.turn.row.name

    def step(self) -> bool:
        """Run for a tick that is due; one whose run failed is not done."""
        due = self._last()
        if due <= self._done:
            return False
        if fault := self.turn.tick(due).fault:
            raise fault
        self._done = due
        return True

    def _last(self) -> datetime:
        return EPOCH + (self.clock.now() - EPOCH) // self.period * self.period


@define(eq=False, kw_only=True)
class Chores:
    """What an engine needs done now and then; nothing of it is urgent."""

    do: Callable[[], None]
    clock: Clock
    every: timedelta = timedelta(minutes=1)
    name: str = "chores"
    _again_at: datetime | None = None

    def step(self) -> bool:
        """Do it, at most once in the time."""
        now = self.clock.now()
        if self._again_at is not None and now < self._again_at:
            return False
        self._again_at = now + self.every
        self.do()
        return False


def _trimmed(reader: str, shard: str) -> Alert:
    return Alert(
        key=f"trimmed:{reader}:{shard}",
        summary=f"{reader} came too late to {shard}: records of it are lost",
    )
