"""Reads a stream or a feed as Lambda's consumers do, where no Lambda does it.

It looks for shards, reads each from its checkpoint, parents to their end before their children,
and keeps what `shard_reader` makes of every answer. It never waits: it says when to come again.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final, Generic, Protocol, TypeVar

from attrs import define, evolve, field

from demand_adapters.shard_reader import (
    FeedTrimmed,
    Reading,
    ReadPolicy,
    Recorded,
    Shard,
    after_batch,
    after_crash,
    limit,
    waits_until,
)
from demand_core.errors import Transient
from demand_core.ports.clock import Clock

R = TypeVar("R", bound=Recorded)
R_co = TypeVar("R_co", bound=Recorded, covariant=True)
R_contra = TypeVar("R_contra", bound=Recorded, contravariant=True)

# Kinesis answers five reads of a shard a second, to all its readers together.
REST: Final = timedelta(seconds=1)
# DynamoDB answers ten questions for shards a second, to everybody in the account.
RELIST: Final = timedelta(seconds=10)


class Sharded(Protocol[R_co]):
    """A stream or a feed, as far as a reader needs it."""

    def shards(self) -> Sequence[Shard]:
        """The shards there are."""
        ...

    def read(self, shard: str, after: int | None, limit: int, /) -> Sequence[R_co]:
        """Records behind *after*; nothing of a closed shard means that it is at its end."""
        ...


class Checkpoints(Protocol):
    """How far readers came, kept where a restart finds it. Raises Transient."""

    def load(self, reader: str, /) -> Mapping[str, Reading]:
        """Of every shard that *reader* began."""
        ...

    def save(self, reader: str, shard: str, reading: Reading, /) -> None:
        """Keep it instead of the one before."""
        ...

    def forget(self, reader: str, shard: str, /) -> None:
        """The shard is no more."""
        ...


class Consumer(Protocol[R_contra]):
    """What is done with records; a Transient from any of these brings the batch again."""

    def run(self, batch: Sequence[R_contra], /) -> int | None:
        """Work on *batch*; answers the lowest sequence that failed."""
        ...

    def give_up(self, records: Sequence[R_contra], /) -> None:
        """Put aside what is not tried again; called before the checkpoint passes it."""
        ...

    def trimmed(self, shard: str, /) -> None:
        """Tell people that records of *shard* may be lost, for nobody read them in time."""
        ...


@define(kw_only=True)
class Stepped:
    """What one step did, and *again_at*: before then another one would find nothing."""

    again_at: datetime
    read: int = 0
    given_up: int = 0
    faults: list[Transient] = field(factory=list)


@define(eq=False)
class Poller(Generic[R]):
    """The one reader of its name: two at once would do everything twice.

    After a failure, and where nothing is left to read, a shard rests for a second; a service
    that names another time is believed.
    """

    source: Sharded[R]
    checkpoints: Checkpoints
    reader: str
    policy: ReadPolicy
    clock: Clock
    _shards: dict[str, Shard] = field(factory=dict, init=False)
    _readings: dict[str, Reading] = field(factory=dict, init=False)
    _unsaved: set[str] = field(factory=set, init=False)
    _resting: dict[str, datetime] = field(factory=dict, init=False)
    _look_at: datetime | None = field(default=None, init=False)

    def step(self, consumer: Consumer[R]) -> Stepped:
        """Do at most one batch of each shard. What stores and services can't do is a fault."""
        step = Stepped(again_at=self.clock.now())
        try:
            self._look(consumer)
        except Transient as fault:
            step.faults.append(fault)
            step.again_at = fault.retry_at or self.clock.now() + REST
            return step
        for shard in self._shards.values():
            if self._ready(shard) and self._ready_at(shard) <= self.clock.now():
                self._turn(shard, consumer, step)
        ready = [self._ready_at(shard) for shard in self._shards.values() if self._ready(shard)]
        step.again_at = max(self.clock.now(), min([self._next_look(), *ready]))
        return step

    def _look(self, consumer: Consumer[R]) -> None:
        """Find out, now and then, which shards there are, and which are there no more."""
        if self._next_look() > self.clock.now():
            return
        if self._look_at is None:
            self._readings = dict(self.checkpoints.load(self.reader))
        shards = {shard.name: shard for shard in self.source.shards()}
        for gone in sorted(self._readings.keys() - shards):
            if not self._readings[gone].ended:
                consumer.trimmed(gone)
            self.checkpoints.forget(self.reader, gone)
            del self._readings[gone]
        self._shards = shards
        self._look_at = self.clock.now() + RELIST

    def _next_look(self) -> datetime:
        return self._look_at or self.clock.now()

    def _ready(self, shard: Shard) -> bool:
        """Whether something may be left of it, and nothing that is older."""
        if shard.name in self._unsaved:
            return True
        older = [self._reading(parent) for parent in shard.parents if parent in self._shards]
        return not self._reading(shard.name).ended and all(reading.ended for reading in older)

    def _ready_at(self, shard: Shard) -> datetime:
        return self._resting.get(shard.name, self.clock.now())

    def _reading(self, shard: str) -> Reading:
        return self._readings.get(shard, Reading())

    def _rest(self, shard: Shard, until: datetime | None = None) -> None:
        self._resting[shard.name] = until or self.clock.now() + REST

    def _turn(self, shard: Shard, consumer: Consumer[R], step: Stepped) -> None:
        """Do one batch of *shard*, unless the one before still has to be noted."""
        try:
            if shard.name not in self._unsaved:
                before = self._reading(shard.name)
                after = self._batch(shard, before, consumer, step)
                if after == before:
                    return
                self._readings[shard.name] = after
                self._unsaved.add(shard.name)
            self.checkpoints.save(self.reader, shard.name, self._readings[shard.name])
            self._unsaved.remove(shard.name)
        except Transient as fault:
            step.faults.append(fault)
            self._rest(shard, fault.retry_at)

    def _batch(
        self, shard: Shard, before: Reading, consumer: Consumer[R], step: Stepped
    ) -> Reading:
        """How far one more batch came."""
        most = limit(before, self.policy)
        try:
            batch = self.source.read(shard.name, before.checkpoint, most)
        except FeedTrimmed:
            consumer.trimmed(shard.name)
            self._rest(shard)
            return Reading()
        if not batch:
            self._rest(shard)
            return evolve(before, ended=shard.closed)
        now = self.clock.now()
        if (due := waits_until(before, self.policy, batch, now)) > now:
            self._rest(shard, due)
            return before
        step.read += len(batch)
        try:
            failed = consumer.run(batch)
        except Transient as fault:
            step.faults.append(fault)
            self._rest(shard, fault.retry_at)
            after, lost = after_crash(before, self.policy, batch, self.clock.now())
        else:
            if failed is not None:
                self._rest(shard)
            after, lost = after_batch(before, self.policy, batch, failed, self.clock.now())
        if lost:
            consumer.give_up(lost)
            step.given_up += len(lost)
        return after
