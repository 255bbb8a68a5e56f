"""What workers take and give: records in, an outcome out, a tally for the report.

A worker has one of three shapes. It is called with a batch of records, with a tick (`now`), or
with one request that wants a reply. Whatever it was given is done, retried or dropped with a
reason, so that every report adds up.
"""

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from typing import Generic, TypeVar

from attrs import field, frozen

from demand_core.errors import Permanent, Transient, WiringError

T = TypeVar("T")
K = TypeVar("K", bound=Hashable)


@frozen
class Record(Generic[T]):
    """One decoded thing to work on. *record_id* is the source's name for this delivery."""

    record_id: str
    body: T


@frozen(kw_only=True)
class Outcome:
    """What became of a batch. A record that is not named here is done.

    *noted* counts what was odd about the work and changed nothing of it.
    """

    retry: frozenset[str] = frozenset()
    dropped: Mapping[str, str] = field(factory=dict)
    noted: Mapping[str, int] = field(factory=dict)

    def __attrs_post_init__(self) -> None:
        """Refuse an outcome that says two things of one record."""
        if both := self.retry & self.dropped.keys():
            raise WiringError(f"retried and dropped at once: {sorted(both)}")


@frozen(kw_only=True)
class Tally:
    """Counts of a run: records = done + retried + dropped; the others stand beside them."""

    done: int = 0
    retried: int = 0
    dropped: Mapping[str, int] = field(factory=dict)
    quarantined: int = 0
    noted: Mapping[str, int] = field(factory=dict)

    @property
    def records(self) -> int:
        """How many were decoded and given to the worker."""
        return self.done + self.retried + sum(self.dropped.values())

    def __add__(self, other: "Tally") -> "Tally":
        """Count two runs as one."""
        return Tally(
            done=self.done + other.done,
            retried=self.retried + other.retried,
            dropped=_summed(self.dropped, other.dropped),
            quarantined=self.quarantined + other.quarantined,
            noted=_summed(self.noted, other.noted),
        )


def _summed(one: Mapping[str, int], other: Mapping[str, int]) -> Mapping[str, int]:
    sums = {reason: one.get(reason, 0) + other.get(reason, 0) for reason in {**one, **other}}
    return {reason: times for reason, times in sums.items() if times}


def tally(record_ids: Sequence[str], outcome: Outcome) -> Tally:
    """Count *outcome*, refusing one that names a record the worker was never given."""
    if strangers := (outcome.retry | outcome.dropped.keys()) - set(record_ids):
        raise WiringError(f"the outcome names unknown records: {sorted(strangers)}")
    retried = len(outcome.retry)
    return Tally(
        done=len(record_ids) - retried - len(outcome.dropped),
        retried=retried,
        dropped=Counter(outcome.dropped.values()) if outcome.dropped else {},
        noted=outcome.noted,
    )


def one_by_one(batch: Iterable[Record[K]], work: Callable[[K], str | None]) -> Outcome:
    """Do *work* once for each different body, isolating every body from its neighbours.

    *work* answers None when it is done or the reason why it drops the body. Transient sends all
    records of that body back, Permanent drops them with its code. A Transient with `retry_at`
    is the service asking all of us to stay away: the bodies behind it go back untried.
    """
    ids: dict[K, list[str]] = {}
    for record in batch:
        ids.setdefault(record.body, []).append(record.record_id)
    retry = set[str]()
    dropped = dict[str, str]()
    away = False
    for body, record_ids in ids.items():
        if away:
            retry.update(record_ids)
            continue
        try:
            reason = work(body)
        except Transient as fault:
            retry.update(record_ids)
            away = fault.retry_at is not None
        except Permanent as refusal:
            dropped |= dict.fromkeys(record_ids, refusal.code)
        else:
            if reason is not None:
                dropped |= dict.fromkeys(record_ids, reason)
    return Outcome(retry=frozenset(retry), dropped=dropped)
