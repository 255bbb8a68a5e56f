"""A poller over streams that are cut and joined, that dies, forgets and comes back."""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from itertools import count
from random import Random
from typing import Final

import pytest
from attrs import define, evolve, field
from hypothesis import given
from hypothesis import strategies as st

from demand_adapters.deliveries import StreamRecord
from demand_adapters.memory.clock import MemoryClock
from demand_adapters.memory.file_store import MemoryFileStore
from demand_adapters.poller import RELIST, REST, Poller, Stepped
from demand_adapters.shard_reader import FeedTrimmed, Reading, ReadPolicy, Shard
from demand_adapters.stores.checkpoints import FileCheckpoints
from demand_adapters.testing.strategies import NOON
from demand_core.errors import Transient

PATIENT: Final = ReadPolicy(batch_max=3)
STRICT: Final = ReadPolicy(batch_max=3, attempts_max=2, bisect=True)
LATER: Final = NOON + timedelta(minutes=5)


class Killed(Exception):
    """The process is no more."""


@define
class Faulty:
    """Goes wrong in these ways, one a call, and then works."""

    coming: list[Exception] = field(factory=list)

    def fail(self) -> None:
        if self.coming:
            raise self.coming.pop(0)


@define
class Resharded(Faulty):
    """A stream whose shards are cut and joined by hand."""

    listed: dict[str, Shard] = field(factory=dict)
    trimmed: set[str] = field(factory=set)
    records: dict[str, list[StreamRecord]] = field(factory=dict)
    owner: dict[str, str] = field(factory=dict)
    sequences: Iterator[int] = field(factory=lambda: count(1))

    def open(self, partitions: str, *parents: str) -> str:
        """Give *partitions* a new shard and close the old ones."""
        name = f"shard-{len(self.records)}"
        for parent in parents:
            self.listed[parent] = evolve(self.listed[parent], closed=True)
        self.listed[name] = Shard(name, parents)
        self.records[name] = []
        self.owner |= dict.fromkeys(partitions, name)
        return name

    def put(self, partitions: str) -> None:
        for partition in partitions:
            record = StreamRecord(
                shard=self.owner[partition],
                sequence=next(self.sequences),
                at=NOON,
                partition=partition,
                payload=b"",
            )
            self.records[record.shard].append(record)

    def shards(self) -> Sequence[Shard]:
        return [*self.listed.values()]

    def read(self, shard: str, after: int | None, limit: int, /) -> Sequence[StreamRecord]:
        self.fail()
        if after is not None and shard in self.trimmed:
            raise FeedTrimmed(shard)
        return [r for r in self.records[shard] if r.sequence > (after or 0)][:limit]


@define
class Worker(Faulty):
    """Does what it is given, one after the other, and stops at *poison*."""

    poison: frozenset[int] = frozenset()
    done: list[StreamRecord] = field(factory=list)
    batches: list[int] = field(factory=list)
    given_up: list[int] = field(factory=list)
    lost: list[str] = field(factory=list)

    def run(self, batch: Sequence[StreamRecord], /) -> int | None:
        self.batches.append(len(batch))
        self.fail()
        for record in batch:
            if record.sequence in self.poison:
                return record.sequence
            self.done.append(record)
        return None

    def give_up(self, records: Sequence[StreamRecord], /) -> None:
        self.given_up += [record.sequence for record in records]

    def trimmed(self, shard: str, /) -> None:
        self.lost.append(shard)

    @property
    def sequences(self) -> list[int]:
        return [record.sequence for record in self.done]


@define
class Kept(Faulty):
    """Checkpoints that can be out of reach."""

    files: FileCheckpoints = field(factory=lambda: FileCheckpoints(files=MemoryFileStore()))

    def load(self, reader: str, /) -> dict[str, Reading]:
        return {**self.files.load(reader)}

    def save(self, reader: str, shard: str, reading: Reading, /) -> None:
        self.fail()
        self.files.save(reader, shard, reading)

    def forget(self, reader: str, shard: str, /) -> None:
        self.files.forget(reader, shard)


@define
class Running:
    """All of it, with a poller that can die and be started again."""

    stream: Resharded = field(factory=Resharded)
    worker: Worker = field(factory=Worker)
    checkpoints: Kept = field(factory=Kept)
    policy: ReadPolicy = PATIENT
    clock: MemoryClock = field(factory=lambda: MemoryClock(NOON))
    poller: Poller[StreamRecord] = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.start()

    def start(self) -> None:
        self.poller = Poller(
            source=self.stream,
            checkpoints=self.checkpoints,
            reader="reader",
            policy=self.policy,
            clock=self.clock,
        )

    def step(self) -> Stepped:
        """One step, at the time when the one before said that there may be something."""
        step = self.poller.step(self.worker)
        self.clock.move_to(step.again_at)
        return step

    def settle(self) -> None:
        """Until nothing more is found, though it looked for shards twice."""
        quiet_since = self.clock.now()
        for _ in range(500):
            step = self.step()
            if step.read or step.faults:
                quiet_since = self.clock.now()
            if self.clock.now() - quiet_since > 2 * RELIST:
                return
        raise AssertionError("it never comes to rest")


@pytest.fixture
def running() -> Running:
    return Running()


def test_a_step_does_one_batch_of_each_shard(running: Running) -> None:
    running.stream.open("a")
    running.stream.open("b")
    running.stream.put("aaaabb")
    assert (running.step().read, running.worker.batches) == (5, [3, 2])
    assert (running.step().read, running.worker.batches) == (1, [3, 2, 1])


def test_where_nothing_is_left_a_shard_rests(running: Running) -> None:
    running.stream.open("a")
    running.stream.put("a")
    assert running.step().again_at == NOON
    assert running.step().again_at == NOON + REST
    running.stream.put("a")
    assert running.poller.step(running.worker).read == 1


def test_who_comes_too_early_finds_nothing_done(running: Running) -> None:
    running.stream.open("a")
    early = running.poller.step(running.worker)
    running.stream.put("a")
    assert running.poller.step(running.worker) == early
    assert early == Stepped(again_at=NOON + REST)


def test_new_shards_are_found_in_time(running: Running) -> None:
    assert running.step().again_at == NOON + RELIST
    running.stream.open("a")
    running.stream.put("a")
    assert running.step().read == 1


def test_after_a_restart_it_goes_on_where_it_was(running: Running) -> None:
    running.stream.open("a")
    running.stream.put("aaaa")
    running.step()
    running.start()
    running.settle()
    assert running.worker.sequences == [1, 2, 3, 4]


def test_what_was_done_before_its_checkpoint_was_kept_is_done_again(running: Running) -> None:
    running.stream.open("a")
    running.stream.put("aaaa")
    running.checkpoints.coming = [Killed()]
    with pytest.raises(Killed):
        running.step()
    running.start()
    running.settle()
    assert running.worker.sequences == [1, 2, 3, 1, 2, 3, 4]


def test_a_batch_whose_checkpoint_cannot_be_kept_is_not_done_twice(running: Running) -> None:
    running.stream.open("a")
    running.stream.put("aaaa")
    away = Transient("away")
    running.checkpoints.coming = [away, away]
    assert (running.step().faults, running.step().faults) == ([away], [away])
    assert running.worker.batches == [3]
    running.settle()
    assert running.worker.sequences == [1, 2, 3, 4]


def test_children_wait_until_both_parents_are_read_to_their_end(running: Running) -> None:
    stream = running.stream
    one, two = stream.open("a"), stream.open("b")
    stream.put("abababab")
    joined = stream.open("ab", one, two)
    stream.put("ab")
    stream.open("a", joined)
    stream.open("b", joined)
    stream.put("abab")
    running.settle()
    for partition in "ab":
        mine = [r.sequence for r in running.worker.done if r.partition == partition]
        assert mine == sorted(mine)
        assert len(mine) == 7


def test_a_child_waits_for_a_parent_that_is_held_up(running: Running) -> None:
    stream, worker = running.stream, running.worker
    parent = stream.open("ab")
    stream.put("ab")
    stream.open("a", parent)
    stream.open("b", parent)
    stream.put("ab")
    worker.poison = frozenset({2})
    for _ in range(40):
        running.step()
    assert worker.sequences == [1]
    worker.poison = frozenset()
    running.settle()
    assert worker.sequences == [1, 2, 3, 4]


def test_a_shard_that_closes_behind_its_last_record_is_at_its_end(running: Running) -> None:
    parent = running.stream.open("a")
    running.stream.put("a")
    running.settle()
    running.stream.open("a", parent)
    running.stream.put("a")
    running.start()
    running.settle()
    assert running.worker.sequences == [1, 2]


def test_a_parent_that_is_no_longer_listed_holds_nothing_up(running: Running) -> None:
    parent = running.stream.open("a")
    running.stream.open("a", parent)
    running.stream.put("a")
    del running.stream.listed[parent]
    running.settle()
    assert (running.worker.sequences, running.worker.lost) == ([1], [])


def test_a_shard_that_goes_unread_is_told_of_once(running: Running) -> None:
    parent = running.stream.open("a")
    running.stream.put("a")
    running.step()
    running.stream.put("a")
    running.stream.open("a", parent)
    del running.stream.listed[parent]
    for _ in range(2):
        running.start()
        running.settle()
    assert (running.worker.sequences, running.worker.lost) == ([1], [parent])


def test_a_shard_that_goes_when_it_was_read_is_forgotten(running: Running) -> None:
    parent = running.stream.open("a")
    running.stream.put("a")
    child = running.stream.open("a", parent)
    running.stream.put("a")
    running.settle()
    del running.stream.listed[parent]
    running.settle()
    assert running.worker.lost == []
    assert running.checkpoints.load("reader").keys() == {child}


def test_what_was_trimmed_is_told_and_the_oldest_kept_comes_next(running: Running) -> None:
    shard = running.stream.open("a")
    running.stream.put("a")
    running.settle()
    running.stream.put("aa")
    del running.stream.records[shard][:2]
    running.stream.trimmed.add(shard)
    step = running.step()
    assert (step.read, running.worker.lost) == (0, [shard])
    running.stream.trimmed.clear()
    running.start()
    running.settle()
    assert (running.worker.sequences, running.worker.lost) == ([1, 3], [shard])


def test_a_record_is_given_up_after_its_attempts_and_harms_no_other() -> None:
    running = Running(policy=STRICT)
    running.stream.open("a")
    running.stream.put("aaaaa")
    running.worker.poison = frozenset({2})
    given_up = 0
    while given_up == 0:
        given_up = running.step().given_up
    running.settle()
    assert (given_up, running.worker.given_up) == (1, [2])
    assert running.worker.sequences == [1, 3, 4, 5]


def test_a_failure_counts_also_when_the_process_is_started_again() -> None:
    running = Running(policy=ReadPolicy(batch_max=1, attempts_max=3))
    running.stream.open("a")
    running.stream.put("a")
    running.worker.poison = frozenset({1})
    for _ in range(3):
        running.step()
        running.start()
    assert running.worker.given_up == [1]


def test_a_batch_that_fails_rests_and_other_shards_go_on(running: Running) -> None:
    running.stream.open("a")
    running.stream.open("b")
    running.stream.put("abbbb")
    running.worker.poison = frozenset({1})
    for _ in range(2):
        running.step()
    assert running.worker.sequences == [2, 3, 4, 5]
    assert running.clock.now() == NOON
    running.worker.poison = frozenset()
    running.settle()
    assert running.worker.sequences == [2, 3, 4, 5, 1]


@pytest.mark.parametrize("at", ["read", "run", "save", "listing"])
def test_a_service_that_names_a_time_is_left_alone_until_then(
    running: Running, at: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    running.stream.open("a")
    running.stream.put("a")
    busy = Transient("busy", retry_at=NOON + RELIST / 2)
    if at == "listing":
        monkeypatch.setattr(Resharded, "shards", lambda stream: stream.fail() or ())
    failing: Faulty = {"run": running.worker, "save": running.checkpoints}.get(
        at, running.stream
    )
    failing.coming = [busy]
    step = running.step()
    assert (step.faults, step.again_at) == ([busy], busy.retry_at)
    monkeypatch.undo()
    running.settle()
    assert running.worker.sequences == [1]


def test_a_bug_of_the_worker_flies_and_moves_nothing(running: Running) -> None:
    running.stream.open("a")
    running.stream.put("a")
    running.worker.coming = [ZeroDivisionError()]
    with pytest.raises(ZeroDivisionError):
        running.step()
    assert running.checkpoints.load("reader") == {}
    running.settle()
    assert running.worker.sequences == [1]


def reshard(stream: Resharded, chance: Random) -> None:
    """Cut one open shard in two, or join two."""
    shards = sorted({*stream.owner.values()})
    shard = chance.choice(shards)
    mine = "".join(p for p, owner in stream.owner.items() if owner == shard)
    others = [other for other in shards if other != shard]
    if len(mine) > 1 and chance.random() < 0.6:
        stream.open(mine[0], shard)
        stream.open(mine[1:], shard)
    elif others:
        other = chance.choice(others)
        more = "".join(p for p, owner in stream.owner.items() if owner == other)
        stream.open(mine + more, shard, other)


@given(chance=st.randoms(use_true_random=False), poison=st.frozensets(st.integers(1, 30)))
def test_whatever_happens_each_key_is_done_in_order_and_nothing_is_left_out(
    chance: Random, poison: frozenset[int]
) -> None:
    running = Running(policy=STRICT)
    running.stream.open("abcdef")
    running.worker.poison = poison
    for _ in range(chance.randint(1, 12)):
        running.stream.put("".join(chance.choices("abcdef", k=chance.randint(0, 6))))
        if chance.random() < 0.4:
            reshard(running.stream, chance)
        for faulty in (running.stream, running.worker, running.checkpoints):
            if chance.random() < 0.2:
                faulty.coming = [chance.choice([Killed(), Transient("away")])]
        try:
            running.step()
        except Killed:
            running.start()
    for faulty in (running.stream, running.worker, running.checkpoints):
        faulty.coming = []
    running.settle()
    worker, written = running.worker, next(running.stream.sequences) - 1
    assert {*worker.sequences, *worker.given_up} == set(range(1, written + 1))
    assert {n for n in poison if n <= written} <= set(worker.given_up)
    assert worker.lost == []
    for partition in "abcdef":
        mine = dict.fromkeys(r.sequence for r in worker.done if r.partition == partition)
        assert [*mine] == sorted(mine)


def test_records_wait_for_others_until_the_first_is_old_enough_or_a_batch_is_full() -> None:
    running = Running(policy=evolve(PATIENT, gather=timedelta(seconds=30)))
    running.stream.open("a")
    running.stream.put("aa")
    step = running.step()
    assert (step.read, running.worker.batches) == (0, [])
    running.clock.move_to(NOON + timedelta(seconds=29))
    assert running.step().read == 0
    running.clock.move_to(NOON + timedelta(seconds=30))
    assert running.step().read == 2
    running.stream.put("aaa")
    for record in running.stream.records["shard-0"]:
        assert record.at == NOON
    running.settle()
    assert running.worker.batches == [2, 3]


def test_a_clock_that_is_ahead_of_ours_holds_nothing_up(running: Running) -> None:
    shard = running.stream.open("a")
    running.stream.put("a")
    (record,) = running.stream.records[shard]
    running.stream.records[shard] = [evolve(record, at=LATER)]
    assert running.step().read == 1
