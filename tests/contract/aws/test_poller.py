"""A poller reads a stream that is cut and joined, and keeps its checkpoints in a bucket."""

from collections.abc import Iterator, Sequence
from datetime import timedelta

import pytest
from attrs import define, field

from demand_adapters.aws.calls import Aws
from demand_adapters.aws.file_store import S3FileStore
from demand_adapters.aws.stream import KinesisStream
from demand_adapters.deliveries import StreamRecord
from demand_adapters.memory.clock import MemoryClock
from demand_adapters.poller import RELIST, Poller
from demand_adapters.shard_reader import ReadPolicy, Shard
from demand_adapters.stores.checkpoints import FileCheckpoints
from demand_adapters.testing.strategies import NOON
from tests.contract.aws.channels import a_bucket, a_stream, wait_until_active

FANS = [f"fan{n}" for n in range(20)]


@define
class Worker:
    """Remembers what it was given."""

    done: list[tuple[str, bytes]] = field(factory=list)

    def run(self, batch: Sequence[StreamRecord], /) -> int | None:
        self.done += [(record.partition, record.payload) for record in batch]
        return None

    def give_up(self, records: Sequence[StreamRecord], /) -> None:
        raise AssertionError(f"{len(records)} given up")

    def trimmed(self, shard: str, /) -> None:
        raise AssertionError(f"{shard} trimmed")


@pytest.fixture
def stream(aws: Aws) -> Iterator[KinesisStream]:
    with a_stream(aws, shards=1) as stream:
        yield stream


@pytest.fixture
def files(aws: Aws) -> Iterator[S3FileStore]:
    with a_bucket(aws) as files:
        yield files


def open_shards(stream: KinesisStream) -> list[Shard]:
    return [shard for shard in stream.shards() if not shard.closed]


def cut(stream: KinesisStream, shard: Shard) -> None:
    listed = stream.aws.call("kinesis", "list_shards", StreamName=stream.name)["Shards"]
    (hashes,) = (told["HashKeyRange"] for told in listed if told["ShardId"] == shard.name)
    middle = (int(hashes["StartingHashKey"]) + int(hashes["EndingHashKey"])) // 2
    stream.aws.call(
        "kinesis",
        "split_shard",
        StreamName=stream.name,
        ShardToSplit=shard.name,
        NewStartingHashKey=str(middle),
    )
    wait_until_active(stream.aws, stream.name)


def join(stream: KinesisStream, one: Shard, other: Shard) -> None:
    stream.aws.call(
        "kinesis",
        "merge_shards",
        StreamName=stream.name,
        ShardToMerge=one.name,
        AdjacentShardToMerge=other.name,
    )
    wait_until_active(stream.aws, stream.name)


def test_a_stream_that_is_cut_and_joined_is_read_in_the_order_of_each_key(
    stream: KinesisStream, files: S3FileStore
) -> None:
    def put(n: int) -> None:
        assert not stream.put([(fan, b"%d" % n) for fan in FANS])

    put(0)
    cut(stream, *open_shards(stream))
    put(1)
    join(stream, *open_shards(stream))
    put(2)
    assert [len(shard.parents) for shard in stream.shards()] == [0, 1, 1, 2]
    assert [shard.closed for shard in stream.shards()] == [True, True, True, False]
    clock, worker = MemoryClock(NOON), Worker()
    for _ in range(8):  # each time by another process, which knows what the bucket knows
        poller = Poller(
            source=KinesisStream(aws=stream.aws, name=stream.name),
            checkpoints=FileCheckpoints(files=files),
            reader="reader",
            policy=ReadPolicy(batch_max=7),
            clock=clock,
        )
        for _ in range(3):
            clock.move_to(poller.step(worker).again_at)
        clock.advance(RELIST + timedelta(seconds=1))
    for fan in FANS:
        mine = [payload for partition, payload in worker.done if partition == fan]
        assert mine == [b"0", b"1", b"2"]
