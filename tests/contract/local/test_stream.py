"""The stream in the database keeps what every StreamSource promises."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Final

import pytest

from demand_adapters.local.database import Database
from demand_adapters.local.stream import PIECE, SHARDS, LocalStream
from demand_adapters.memory.clock import MemoryClock
from demand_adapters.testing.races import at_once
from demand_adapters.testing.strategies import NOON
from demand_adapters.testing.stream import (
    KEPT,
    AgeingStream,
    AgeingStreamContract,
    StreamContract,
    read_on,
)
from tests.contract.local.folders import passing_database

EVERYTHING: Final = 2**63 - 1
MINUTE: Final = timedelta(minutes=1)


class TestLocalStream(StreamContract, AgeingStreamContract):
    engine = "local"

    @contextmanager
    def fresh(self) -> Iterator[AgeingStream]:
        with passing_database() as database:
            clock = MemoryClock(NOON)
            stream = LocalStream(database, clock, name="audit")

            def age(by: timedelta) -> None:
                clock.advance(by)
                for shard in SHARDS:
                    stream.trim(shard, EVERYTHING)

            yield AgeingStream(stream=stream, put=stream.put, age=age)


@pytest.fixture
def clock() -> MemoryClock:
    return MemoryClock(NOON)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    with closing(Database(tmp_path)) as database:
        yield database


@pytest.fixture
def stream(database: Database, clock: MemoryClock) -> LocalStream:
    return LocalStream(database, clock, name="audit")


def filled(stream: LocalStream, count: int) -> tuple[str, list[int]]:
    """The shard that *count* records of one partition are in, and their sequences."""
    stream.put([("fan", b"%d" % n) for n in range(count)])
    ((shard, records),) = ((s, r) for s in SHARDS if (r := read_on(stream, s)))
    return shard, [record.sequence for record in records]


def test_what_a_reader_has_yet_to_read_is_kept_however_old(
    clock: MemoryClock, stream: LocalStream
) -> None:
    shard, sequences = filled(stream, 5)
    clock.advance(30 * KEPT)
    assert stream.trim(shard, sequences[2]) == 3
    assert [record.sequence for record in read_on(stream, shard, sequences[2])] == sequences[3:]
    assert stream.trim(shard, sequences[2]) == 0


def test_a_sweep_goes_piece_by_piece(clock: MemoryClock, stream: LocalStream) -> None:
    shard, _ = filled(stream, PIECE + 1)
    clock.advance(KEPT + MINUTE)
    swept = [stream.trim(shard, EVERYTHING) for _ in range(3)]
    assert swept == [PIECE, 1, 0]


def test_a_clock_that_was_put_back_over_a_restart_costs_nothing_young(
    database: Database, clock: MemoryClock, stream: LocalStream
) -> None:
    shard, sequences = filled(stream, 1)
    put_back = MemoryClock(NOON - KEPT)
    LocalStream(database, put_back, name="audit").put([("fan", b"later")])
    clock.advance(MINUTE)
    assert stream.trim(shard, EVERYTHING) == 0
    assert len(read_on(stream, shard, sequences[0])) == 1


def test_the_streams_of_one_database_share_nothing_but_the_count(
    database: Database, clock: MemoryClock, stream: LocalStream
) -> None:
    other = LocalStream(database, clock, name="notes")
    shard, _ = filled(stream, 3)
    clock.advance(KEPT + MINUTE)
    assert (other.trim(shard, EVERYTHING), read_on(other, shard)) == (0, [])
    stream.trim(shard, EVERYTHING)
    assert other.read(shard, 1, 10) == []


def test_what_is_in_a_stream_is_there_for_the_next_process(
    tmp_path: Path, clock: MemoryClock
) -> None:
    with closing(Database(tmp_path)) as database:
        shard, sequences = filled(LocalStream(database, clock, name="audit"), 2)
    with closing(Database(tmp_path)) as database:
        again = LocalStream(database, clock, name="audit")
        assert [record.sequence for record in read_on(again, shard)] == sequences


def test_of_8_threads_that_write_at_once_each_is_kept_in_its_own_order(
    stream: LocalStream,
) -> None:
    def write(writer: int) -> None:
        for n in range(10):
            stream.put([(f"fan{writer}", b"%d" % n)])

    at_once([partial(write, writer) for writer in range(8)])
    found = [record for shard in SHARDS for record in read_on(stream, shard)]
    for writer in range(8):
        own = [record.payload for record in found if record.partition == f"fan{writer}"]
        assert own == [b"%d" % n for n in range(10)]
