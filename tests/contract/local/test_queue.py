"""The queue in the database keeps what every QueueSource promises, also for many at once."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from demand_adapters.local.database import Database
from demand_adapters.local.queue import LocalQueue, counted, show_all
from demand_adapters.memory.clock import MemoryClock
from demand_adapters.testing.queue import (
    NOW,
    SECOND,
    QueueAtHand,
    QueueContract,
    QueueProperties,
    bodies,
    receipts,
)
from demand_adapters.testing.races import at_once
from demand_adapters.testing.strategies import NOON
from demand_core.errors import WiringError
from tests.contract.local.folders import passing_database

HIDDEN = 30 * SECOND


class TestLocalQueue(QueueContract, QueueProperties):
    engine = "local"

    @contextmanager
    def fresh(self) -> Iterator[QueueAtHand]:
        with passing_database() as database:
            clock = MemoryClock(NOON)
            queue = a_queue(database, clock)
            yield QueueAtHand(
                queue=queue,
                put=queue.put,
                visibility=HIDDEN,
                max_receive=3,
                pass_time=clock.advance,
            )


def a_queue(database: Database, clock: MemoryClock, name: str = "links") -> LocalQueue:
    return LocalQueue(database, clock, visibility=HIDDEN, max_receive=3, name=name)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    with closing(Database(tmp_path)) as database:
        yield database


@pytest.fixture
def clock() -> MemoryClock:
    return MemoryClock(NOON)


@pytest.fixture
def queue(database: Database, clock: MemoryClock) -> LocalQueue:
    return a_queue(database, clock)


def test_a_local_queue_says_when_the_next_message_comes(queue: LocalQueue) -> None:
    assert (queue.next_at(), queue.waiting()) == (None, 0)
    queue.put([b"late"], delay=60 * SECOND)
    queue.put([b"soon"])
    assert (queue.next_at(), queue.waiting()) == (NOON, 2)
    found = queue.receive(10)
    assert [delivery.record_id for delivery in found] == ["links-2"]
    assert (queue.next_at(), queue.waiting()) == (NOON + 30 * SECOND, 2)
    queue.delete(receipts(found))
    assert (queue.next_at(), queue.waiting()) == (NOON + 60 * SECOND, 1)


def test_a_clock_moved_to_the_next_message_shows_it(
    clock: MemoryClock, queue: LocalQueue
) -> None:
    queue.put([b"x"], delay=timedelta(microseconds=1))
    assert queue.receive(10) == []
    clock.move_to(queue.next_at() or NOON)
    assert bodies(queue.receive(10)) == [b"x"]


def test_the_dead_count_neither_as_waiting_nor_as_next(queue: LocalQueue) -> None:
    queue.put([b"poison"])
    for _ in range(3):
        queue.release(receipts(queue.receive(1)), NOW)
    queue.put([b"fine"], delay=5 * SECOND)
    assert queue.receive(1) == []
    assert [letter.payload for letter in queue.dead_letters()] == [b"poison"]
    assert (queue.next_at(), queue.waiting()) == (NOON + 5 * SECOND, 1)


def test_the_dead_do_not_make_a_batch_smaller(queue: LocalQueue) -> None:
    queue.put([b"poison"] * 5)
    for _ in range(3):
        queue.release(receipts(queue.receive(10)), NOW)
    queue.put([b"fine"] * 3)
    assert bodies(queue.receive(3)) == [b"fine"] * 3
    assert len(queue.dead_letters()) == 5


def test_what_is_in_a_queue_is_there_for_the_next_process(
    tmp_path: Path, clock: MemoryClock
) -> None:
    with closing(Database(tmp_path)) as database:
        queue = a_queue(database, clock)
        queue.put([b"held", b"waiting"], attributes={"type": "ENTRY"})
        (held,) = queue.receive(1)
    with closing(Database(tmp_path)) as database:
        queue = a_queue(database, clock)
        (waiting,) = queue.receive(10)
        assert (waiting.received, waiting.attributes) == (1, {"type": "ENTRY"})
        queue.delete([held.receipt])
        assert queue.waiting() == 1


def test_what_a_dead_process_held_is_shown_and_what_shall_wait_is_not(
    database: Database, clock: MemoryClock, queue: LocalQueue
) -> None:
    queue.put([b"held", b"released"])
    later = [found for found in queue.receive(10) if found.payload == b"released"]
    queue.release(receipts(later), 60 * SECOND)
    queue.put([b"delayed"], delay=60 * SECOND)
    queue.put([b"visible"])
    show_all(database, clock)
    assert bodies(queue.receive(10)) == [b"held", b"visible"]
    clock.advance(60 * SECOND)
    assert b"released" in bodies(queue.receive(10))


def test_the_queues_of_a_database_are_counted(
    database: Database, clock: MemoryClock, queue: LocalQueue
) -> None:
    assert counted(database) == {}
    queue.put([b"dead"])
    for _ in range(3):
        queue.release(receipts(queue.receive(1)), NOW)
    queue.receive(1)
    queue.put([b"a", b"b"])
    a_queue(database, clock, "notes").put([b"c"], delay=SECOND)
    assert counted(database) == {"links": (2, 1), "notes": (1, 0)}


def test_two_queues_of_one_database_share_nothing(
    database: Database, clock: MemoryClock, queue: LocalQueue
) -> None:
    other = a_queue(database, clock, "notes")
    queue.put([b"x"])
    found = queue.receive(10)
    other.delete(receipts(found))
    other.release(receipts(found), 90 * SECOND)
    assert (other.receive(10), other.next_at(), other.waiting()) == ([], None, 0)
    assert (queue.next_at(), queue.waiting()) == (NOON + HIDDEN, 1)


def test_a_local_queue_takes_stale_receipts_and_does_nothing(
    clock: MemoryClock, queue: LocalQueue
) -> None:
    queue.put([b"x"])
    stale = receipts(queue.receive(10))
    clock.advance(HIDDEN)
    queue.release(stale, 60 * SECOND)
    assert queue.next_at() == NOON + HIDDEN
    queue.receive(10)
    queue.delete(stale)
    assert queue.waiting() == 1


@pytest.mark.parametrize("receipt", ["", "1", "1.", "1.2", "1.1.1", "01.1", "1.1 ", "x"])
def test_a_receipt_that_was_never_given_does_nothing(queue: LocalQueue, receipt: str) -> None:
    queue.put([b"x"])
    queue.receive(1)
    queue.delete([receipt])
    queue.release([receipt], 90 * SECOND)
    assert (queue.next_at(), queue.waiting()) == (NOON + HIDDEN, 1)


@pytest.mark.parametrize("delay", [-SECOND, 13 * 3600 * SECOND])
def test_a_local_queue_refuses_delays_that_sqs_refuses(
    queue: LocalQueue, delay: timedelta
) -> None:
    with pytest.raises(WiringError):
        queue.put([b"x"], delay=delay)
    with pytest.raises(WiringError):
        queue.release([], delay)
    assert queue.waiting() == 0


@pytest.mark.parametrize(("hidden", "times"), [(NOW, 3), (13 * 3600 * SECOND, 3), (HIDDEN, 0)])
def test_a_local_queue_refuses_settings_that_sqs_refuses(
    database: Database, clock: MemoryClock, hidden: timedelta, times: int
) -> None:
    with pytest.raises(WiringError):
        LocalQueue(database, clock, visibility=hidden, max_receive=times, name="q")


def test_of_8_threads_that_empty_a_queue_no_two_get_the_same_message(queue: LocalQueue) -> None:
    sent = [b"%d" % n for n in range(200)]
    queue.put(sent)

    def taken() -> list[bytes]:
        found: list[bytes] = []
        while batch := queue.receive(7):
            found += [delivery.payload for delivery in batch]
            queue.delete(receipts(batch[::2]))
        return found

    found = [payload for each in at_once([taken] * 8) for payload in each]
    assert sorted(found) == sorted(sent)
