"""Checkpoints come back as they were kept, from any file store."""

from hypothesis import given
from hypothesis import strategies as st

from demand_adapters.memory.file_store import MemoryFileStore
from demand_adapters.shard_reader import Reading
from demand_adapters.stores.checkpoints import FileCheckpoints

# As long as the sequences of Kinesis.
SEQUENCES = st.integers(0, 10**56)
READINGS = st.builds(
    Reading,
    checkpoint=st.none() | SEQUENCES,
    window=st.none() | st.integers(1, 10_000),
    attempts=st.integers(0, 100),
    ended=st.booleans(),
)


@given(readings=st.dictionaries(st.sampled_from(["shardId-1", "shardId-2", "0"]), READINGS))
def test_every_reading_comes_back_under_its_shard(readings: dict[str, Reading]) -> None:
    checkpoints = FileCheckpoints(files=MemoryFileStore())
    for shard, reading in readings.items():
        checkpoints.save("reader", shard, Reading(checkpoint=1))
        checkpoints.save("reader", shard, reading)
    assert checkpoints.load("reader") == readings


def test_more_shards_come_back_than_a_page_has() -> None:
    checkpoints = FileCheckpoints(files=MemoryFileStore())
    for n in range(1001):
        checkpoints.save("reader", f"shard-{n}", Reading(checkpoint=n))
    assert len(checkpoints.load("reader")) == 1001


def test_readers_know_nothing_of_one_another() -> None:
    checkpoints = FileCheckpoints(files=MemoryFileStore())
    checkpoints.save("reader", "0", Reading(checkpoint=1))
    checkpoints.save("reader-2", "0", Reading(checkpoint=2))
    checkpoints.forget("reader", "0")
    assert checkpoints.load("reader") == {}
    assert checkpoints.load("reader-2") == {"0": Reading(checkpoint=2)}
