"""The rules of a stream's reader, one by one, and what they add up to."""

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

import pytest
from attrs import define, evolve, field
from hypothesis import given
from hypothesis import strategies as st

from demand_adapters.deliveries import StreamRecord
from demand_adapters.shard_reader import Reading, ReadPolicy, after_batch, after_crash, limit
from demand_core.errors import WiringError

NOON: Final = datetime(2025, 2, 14, 12, tzinfo=UTC)
MINUTE: Final = timedelta(minutes=1)
AT_10: Final = Reading(checkpoint=10)
PATIENT: Final = ReadPolicy(batch_max=8)
SPLITTING: Final = ReadPolicy(batch_max=8, bisect=True)


def record(sequence: int, at: datetime = NOON) -> StreamRecord:
    return StreamRecord(shard="0", sequence=sequence, at=at, partition="fan", payload=b"")


# Behind checkpoint 10; a shard does not get every sequence.
BATCH: Final = tuple(map(record, (12, 13, 17, 20)))


def test_a_batch_is_as_large_as_the_policy_says() -> None:
    assert limit(Reading(), PATIENT) == 8
    assert limit(Reading(window=3), PATIENT) == 3
    assert limit(Reading(window=30), PATIENT) == 8


def test_a_batch_that_is_done_moves_the_checkpoint_to_its_end() -> None:
    tried = evolve(AT_10, window=4, attempts=2)
    assert after_batch(tried, PATIENT, BATCH, None, NOON) == (Reading(checkpoint=20), ())


@pytest.mark.parametrize("policy", [PATIENT, SPLITTING])
def test_an_empty_batch_changes_nothing(policy: ReadPolicy) -> None:
    tried = evolve(AT_10, window=4, attempts=2)
    assert after_batch(tried, policy, (), None, NOON) == (tried, ())
    assert after_crash(tried, policy, (), NOON) == (tried, ())


def test_a_reported_record_and_all_behind_it_come_again() -> None:
    reading, given_up = after_batch(AT_10, PATIENT, BATCH, 17, NOON)
    assert reading == Reading(checkpoint=13, window=2, attempts=1)
    assert given_up == ()


def test_the_first_record_reported_leaves_the_checkpoint_where_it_was() -> None:
    reading, _ = after_batch(AT_10, PATIENT, BATCH, 12, NOON)
    assert reading == Reading(checkpoint=10, window=4, attempts=1)
    fresh, _ = after_batch(Reading(), PATIENT, BATCH, 12, NOON)
    assert fresh.checkpoint is None


def test_a_report_that_is_not_of_the_batch_is_a_mistake_of_ours() -> None:
    with pytest.raises(WiringError, match="14"):
        after_batch(AT_10, PATIENT, BATCH, 14, NOON)


def test_an_exception_brings_the_same_batch_again_and_for_ever() -> None:
    reading = AT_10
    for attempts in range(1, 100):
        reading, given_up = after_crash(reading, PATIENT, BATCH, NOON + attempts * MINUTE)
        assert reading == Reading(checkpoint=10, window=4, attempts=attempts)
        assert given_up == ()


def test_progress_forgets_the_attempts_of_the_batch_before() -> None:
    reading, _ = after_batch(evolve(AT_10, attempts=7), PATIENT, BATCH, 17, NOON)
    assert reading.attempts == 1


def test_without_bisecting_a_batch_is_given_up_whole() -> None:
    policy = evolve(PATIENT, attempts_max=2)
    first, kept = after_crash(AT_10, policy, BATCH, NOON)
    assert kept == ()
    assert after_crash(first, policy, BATCH, NOON) == (Reading(checkpoint=20), BATCH)


def test_without_bisecting_what_was_done_before_the_report_is_not_given_up() -> None:
    policy = evolve(PATIENT, attempts_max=1)
    reading, given_up = after_batch(AT_10, policy, BATCH, 17, NOON)
    assert (reading, given_up) == (Reading(checkpoint=20), BATCH[2:])


def test_bisecting_splits_at_the_report_and_uses_up_no_attempt() -> None:
    policy = evolve(SPLITTING, attempts_max=1)
    reading, given_up = after_batch(AT_10, policy, BATCH, 17, NOON)
    assert (reading, given_up) == (Reading(checkpoint=13, window=2), ())


@pytest.mark.parametrize("failed", [None, 12])
def test_bisecting_halves_what_cannot_be_split_at_a_report(failed: int | None) -> None:
    policy = evolve(SPLITTING, attempts_max=1)
    reading = AT_10
    for window in (2, 1):
        batch = BATCH[: limit(reading, policy)]
        if failed:
            reading, given_up = after_batch(reading, policy, batch, failed, NOON)
        else:
            reading, given_up = after_crash(reading, policy, batch, NOON)
        assert (reading, given_up) == (Reading(checkpoint=10, window=window), ())


def test_a_record_that_failed_alone_is_given_up_alone() -> None:
    policy = evolve(SPLITTING, attempts_max=2)
    alone = Reading(checkpoint=10, window=1)
    again, kept = after_crash(alone, policy, BATCH[:1], NOON)
    assert (again, kept) == (evolve(alone, attempts=1), ())
    assert after_crash(again, policy, BATCH[:1], NOON) == (Reading(checkpoint=12), BATCH[:1])


def test_after_a_part_that_went_well_batches_are_full_again() -> None:
    reading, _ = after_batch(evolve(AT_10, window=2), SPLITTING, BATCH[:2], None, NOON)
    assert limit(reading, SPLITTING) == 8


def test_what_fails_and_is_too_old_is_given_up() -> None:
    policy = evolve(PATIENT, age_max=10 * MINUTE)
    aged = [record(12, NOON - 12 * MINUTE), record(13, NOON - 11 * MINUTE)]
    young = [record(17, NOON - 10 * MINUTE), record(20)]
    reading, given_up = after_crash(AT_10, policy, [*aged, *young], NOON)
    assert given_up == tuple(aged)
    assert reading == Reading(checkpoint=13, window=2, attempts=1)
    reading, given_up = after_crash(reading, policy, young, NOON + 11 * MINUTE)
    assert (reading, given_up) == (Reading(checkpoint=20), tuple(young))


def test_age_alone_gives_nothing_up() -> None:
    policy = evolve(PATIENT, age_max=MINUTE)
    late = NOON + 60 * MINUTE
    assert after_batch(AT_10, policy, BATCH, None, late) == (Reading(checkpoint=20), ())


def test_bisecting_finds_the_record_before_its_age_counts() -> None:
    policy = evolve(SPLITTING, age_max=MINUTE)
    late = NOON + 60 * MINUTE
    reading, given_up = after_crash(AT_10, policy, BATCH, late)
    assert (reading, given_up) == (Reading(checkpoint=10, window=2), ())
    alone = Reading(checkpoint=10, window=1)
    assert after_crash(alone, policy, BATCH[:1], late) == (Reading(checkpoint=12), BATCH[:1])


@pytest.mark.parametrize("wrong", [{"batch_max": 0}, {"batch_max": 1, "attempts_max": 0}])
def test_a_policy_that_would_never_move_is_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="must be >="):
        ReadPolicy(**wrong)  # type: ignore[arg-type]  # mypy takes the dict for every field


@define
class Reader:
    """A whole run over one shard: a worker that is told which records to fail, and how."""

    records: Sequence[StreamRecord]
    policy: ReadPolicy
    poison: frozenset[int]
    crashes: Sequence[bool]
    reading: Reading = field(factory=Reading)
    deliveries: Counter[int] = field(factory=Counter)
    done: set[int] = field(factory=set)
    given_up: list[StreamRecord] = field(factory=list)

    def step(self, number: int) -> bool:
        """Do one batch; False when there is none left."""
        before = self.reading
        behind = [r for r in self.records if r.sequence > (before.checkpoint or 0)]
        batch = behind[: limit(before, self.policy)]
        if not batch:
            return False
        self.deliveries.update(r.sequence for r in batch)
        bad = [r.sequence for r in batch if r.sequence in self.poison]
        now = NOON + number * MINUTE
        if bad and self.crashes[number % len(self.crashes)]:
            fine = list[StreamRecord]()
            self.reading, lost = after_crash(before, self.policy, batch, now)
        else:
            failed = bad[0] if bad else None
            fine = [r for r in batch if failed is None or r.sequence < failed]
            self.reading, lost = after_batch(before, self.policy, batch, failed, now)
        self.done.update(r.sequence for r in fine)
        self.given_up += lost
        self.check_step(before, batch)
        return True

    def check_step(self, before: Reading, batch: Sequence[StreamRecord]) -> None:
        """The checkpoint never goes back, and passes nothing that nobody answers for."""
        was, passed = before.checkpoint or 0, self.reading.checkpoint or 0
        assert was <= passed <= batch[-1].sequence
        settled = self.done | {r.sequence for r in self.given_up}
        assert all(r.sequence in settled for r in batch if r.sequence <= passed)

    def run(self) -> "Reader":
        """Read to the end, which comes within some calls for each record."""
        for number in range(1000):
            if not self.step(number):
                return self
        raise AssertionError("the reader does not come to an end")


SEQUENCES = st.sets(st.integers(1, 200), max_size=24).map(sorted)
LIMITED = st.builds(
    ReadPolicy,
    batch_max=st.integers(1, 10),
    attempts_max=st.integers(1, 4),
    age_max=st.none() | st.integers(0, 60).map(lambda minutes: minutes * MINUTE),
    bisect=st.booleans(),
)
CRASHES = st.lists(st.booleans(), min_size=1, max_size=8)


@st.composite
def readers(draw: st.DrawFn, policies: st.SearchStrategy[ReadPolicy] = LIMITED) -> Reader:
    sequences = draw(SEQUENCES)
    poison = draw(st.sets(st.sampled_from(sequences))) if sequences else set[int]()
    return Reader(
        records=[record(sequence) for sequence in sequences],
        policy=draw(policies),
        poison=frozenset(poison),
        crashes=draw(CRASHES),
    )


@given(reader=readers())
def test_every_record_is_done_or_given_up_and_never_both(reader: Reader) -> None:
    reader.run()
    given_up = [r.sequence for r in reader.given_up]
    assert len(set(given_up)) == len(given_up)
    assert reader.done.isdisjoint(given_up)
    assert reader.done.union(given_up) == {r.sequence for r in reader.records}
    assert reader.poison <= set(given_up)


@given(reader=readers(LIMITED.map(lambda policy: evolve(policy, bisect=True))))
def test_bisecting_never_gives_up_a_neighbour_of_a_poison_record(reader: Reader) -> None:
    assert {r.sequence for r in reader.run().given_up} == reader.poison


@given(reader=readers())
def test_without_failures_every_record_is_delivered_exactly_once(reader: Reader) -> None:
    reader.poison = frozenset()
    assert reader.run().deliveries == Counter(r.sequence for r in reader.records)
    assert reader.given_up == []


@given(reader=readers(), pause=st.integers(1, 30))
def test_without_limits_bisecting_comes_as_far_as_the_first_poison(
    reader: Reader, pause: int
) -> None:
    reader.policy = evolve(reader.policy, attempts_max=None, age_max=None, bisect=True)
    for number in range(300):
        if not reader.step(number * pause):
            break
    first = min(reader.poison, default=1000)
    assert reader.done == {r.sequence for r in reader.records if r.sequence < first}
    assert reader.given_up == []
