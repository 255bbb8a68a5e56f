"""How one reader comes through one shard: the rules of Lambda's stream consumers, as values.

The caller keeps a `Reading` for each shard, reads `limit` records behind its checkpoint, gives
them to the worker and asks here what follows. Nothing in here reads, calls or stores.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from graphlib import TopologicalSorter
from itertools import takewhile
from typing import Protocol, TypeVar

from attrs import field, frozen
from attrs.validators import ge, optional

from demand_core.errors import Permanent, WiringError


class FeedTrimmed(Permanent):
    """What follows the checkpoint is no longer kept: records were lost, and not silently."""

    def __init__(self, detail: str = "") -> None:
        """Always the same code."""
        super().__init__("feed_trimmed", detail)


@frozen
class Shard:
    """One ordered part of a stream or feed. A *closed* one gets no more records.

    What is in its *parents* is older for every key: whoever wants order reads them to their
    end first. A parent that is no longer listed was trimmed.
    """

    name: str
    parents: tuple[str, ...] = ()
    closed: bool = False


@frozen(kw_only=True)
class ReadPolicy:
    """When a batch that fails is given up: never by default, and then it holds up its shard.

    *attempts_max* counts deliveries, the first one too. With *bisect* only a record that failed
    alone is given up; without it a batch goes as a whole, for nobody knows which one it was.
    A batch that is not full waits until its first record is as old as *gather*.
    """

    batch_max: int = field(validator=ge(1))
    attempts_max: int | None = field(default=None, validator=optional(ge(1)))
    age_max: timedelta | None = None
    bisect: bool = False
    gather: timedelta = timedelta(0)


@frozen(kw_only=True)
class Reading:
    """How far one reader came in one shard.

    All up to *checkpoint* is done or given up. After a failure *window* is the size of the next
    batch, and *attempts* how often that very batch has failed. An *ended* shard is closed, and
    nothing is left of it.
    """

    checkpoint: int | None = None
    window: int | None = None
    attempts: int = 0
    ended: bool = False


def parents_first(shards: Sequence[Shard]) -> Sequence[Shard]:
    """*shards*, each behind those that it comes from."""
    named = {shard.name: shard for shard in shards}
    order = TopologicalSorter({shard.name: shard.parents for shard in shards}).static_order()
    return [named[name] for name in order if name in named]


class Recorded(Protocol):
    """What a stream or a feed hands out, as far as the rules look at it."""

    @property
    def sequence(self) -> int:
        """Growing within its shard."""
        ...

    @property
    def at(self) -> datetime:
        """When it was written."""
        ...


R = TypeVar("R", bound=Recorded)


def limit(reading: Reading, policy: ReadPolicy) -> int:
    """How many records to read for the next batch."""
    return min(reading.window or policy.batch_max, policy.batch_max)


def waits_until(
    reading: Reading, policy: ReadPolicy, batch: Sequence[R], now: datetime
) -> datetime:
    """When *batch* is given to the worker; one that is full or failed before waits no more.

    The clock of whoever wrote it may be ahead of ours.
    """
    if not policy.gather or reading.attempts or len(batch) >= limit(reading, policy):
        return now
    return batch[0].at + policy.gather


def after_batch(
    reading: Reading,
    policy: ReadPolicy,
    batch: Sequence[R],
    failed: int | None,
    now: datetime,
) -> tuple[Reading, Sequence[R]]:
    """What follows a worker's answer, and the records that are given up.

    *failed* is the lowest sequence that it reported. The checkpoint moves to just before it,
    and all behind it comes again, whatever became of it.
    """
    if not batch:
        return reading, ()
    if failed is None:
        return Reading(checkpoint=batch[-1].sequence), ()
    done = next((n for n, record in enumerate(batch) if record.sequence == failed), None)
    if done is None:
        raise WiringError(f"sequence {failed} was reported, which is not in the batch")
    if done == 0:
        return after_crash(reading, policy, batch, now)
    moved, rest = Reading(checkpoint=batch[done - 1].sequence), batch[done:]
    if policy.bisect:  # splitting a batch is not an attempt at what remains of it
        return _again(moved, len(rest), 0), ()
    return _after_attempt(moved, policy, rest, now)


def after_crash(
    reading: Reading, policy: ReadPolicy, batch: Sequence[R], now: datetime
) -> tuple[Reading, Sequence[R]]:
    """What follows an exception: the whole batch failed, and is halved where it may be."""
    if not batch:
        return reading, ()
    if policy.bisect and len(batch) > 1:
        return _again(reading, len(batch) // 2, 0), ()
    return _after_attempt(reading, policy, batch, now)


def _after_attempt(
    reading: Reading, policy: ReadPolicy, batch: Sequence[R], now: datetime
) -> tuple[Reading, Sequence[R]]:
    attempts = reading.attempts + 1
    if policy.attempts_max and attempts >= policy.attempts_max:
        lost = batch
    elif policy.age_max is not None:
        oldest = now - policy.age_max
        lost = tuple(takewhile(lambda record: record.at < oldest, batch))
    else:
        lost = ()
    if len(lost) == len(batch):
        return Reading(checkpoint=batch[-1].sequence), lost
    kept = Reading(checkpoint=lost[-1].sequence) if lost else reading
    return _again(kept, len(batch) - len(lost), attempts), lost


def _again(reading: Reading, window: int, attempts: int) -> Reading:
    return Reading(checkpoint=reading.checkpoint, window=window, attempts=attempts)
