"""The queue in memory keeps what every QueueSource promises, and a few things more."""

from contextlib import AbstractContextManager, nullcontext
from datetime import timedelta

import pytest

from demand_adapters.memory.clock import MemoryClock
from demand_adapters.memory.queue import MemoryQueue
from demand_adapters.testing.queue import (
    SECOND,
    QueueAtHand,
    QueueContract,
    QueueProperties,
    bodies,
    receipts,
)
from demand_adapters.testing.strategies import NOON
from demand_core.errors import WiringError


class TestMemoryQueue(QueueContract, QueueProperties):
    engine = "memory"

    def fresh(self) -> AbstractContextManager[QueueAtHand]:
        clock, hidden = MemoryClock(NOON), 30 * SECOND
        queue = MemoryQueue(clock, visibility=hidden, max_receive=3, name="links")
        return nullcontext(
            QueueAtHand(
                queue=queue,
                put=queue.put,
                visibility=hidden,
                max_receive=3,
                pass_time=clock.advance,
            )
        )


@pytest.fixture
def clock() -> MemoryClock:
    return MemoryClock(NOON)


@pytest.fixture
def queue(clock: MemoryClock) -> MemoryQueue:
    return MemoryQueue(clock, visibility=30 * SECOND, max_receive=3, name="links")


def test_a_memory_queue_says_when_the_next_message_comes(queue: MemoryQueue) -> None:
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
    clock: MemoryClock, queue: MemoryQueue
) -> None:
    queue.put([b"x"], delay=timedelta(microseconds=1))
    assert queue.receive(10) == []
    clock.move_to(queue.next_at() or NOON)
    assert bodies(queue.receive(10)) == [b"x"]


def test_what_is_done_is_swept_out_and_the_others_stay_in_order(
    clock: MemoryClock, queue: MemoryQueue
) -> None:
    for n in range(50):
        queue.put([b"%d" % (n * 37 % 50)], delay=(1 + n * 37 % 50) * SECOND)
    for _ in range(300):
        queue.put([b"done"])
        queue.delete(receipts(queue.receive(10)))
    for n in range(50):
        assert queue.next_at() == clock.now() + SECOND
        clock.advance(SECOND)
        (found,) = queue.receive(10)
        assert found.payload == b"%d" % n
        queue.delete([found.receipt])
    assert queue.next_at() is None


def test_a_memory_queue_takes_stale_receipts_and_does_nothing(
    clock: MemoryClock, queue: MemoryQueue
) -> None:
    queue.put([b"x"])
    stale = receipts(queue.receive(10))
    clock.advance(30 * SECOND)
    queue.release(stale, 60 * SECOND)
    assert queue.next_at() == NOON + 30 * SECOND
    queue.receive(10)
    queue.delete(stale)
    assert queue.waiting() == 1


@pytest.mark.parametrize("delay", [-SECOND, 13 * 3600 * SECOND])
def test_a_memory_queue_refuses_delays_that_sqs_refuses(
    queue: MemoryQueue, delay: timedelta
) -> None:
    with pytest.raises(WiringError):
        queue.put([b"x"], delay=delay)
    with pytest.raises(WiringError):
        queue.release([], delay)
    assert queue.waiting() == 0
