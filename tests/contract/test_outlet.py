"""The outlets in memory keep what every Outlet promises, whatever channel they lead to."""

from contextlib import AbstractContextManager, nullcontext
from datetime import timedelta

import pytest

from demand_adapters.memory.clock import MemoryClock
from demand_adapters.memory.queue import MemoryQueue
from demand_adapters.memory.stream import MemoryStream
from demand_adapters.memory.topic import MemoryTopic
from demand_adapters.outlet import queue_outlet, stream_outlet, topic_outlet
from demand_adapters.testing.outlet import OutletAtHand, OutletContract
from demand_adapters.testing.strategies import NOON
from demand_core.errors import Permanent


def a_queue(clock: MemoryClock) -> MemoryQueue:
    return MemoryQueue(clock, visibility=timedelta(seconds=30), max_receive=3, name="q")


def emptied(queue: MemoryQueue) -> list[str]:
    return [delivery.payload.decode() for delivery in queue.receive(queue.waiting())]


class TestMemoryQueueOutlet(OutletContract):
    engine = "memory"

    def fresh(self) -> AbstractContextManager[OutletAtHand]:
        queue = a_queue(MemoryClock(NOON))
        outlet = queue_outlet(queue, str.encode)
        return nullcontext(OutletAtHand(outlet, lambda: emptied(queue)))


class TestMemoryStreamOutlet(OutletContract):
    engine = "memory"

    def fresh(self) -> AbstractContextManager[OutletAtHand]:
        stream = MemoryStream(MemoryClock(NOON))

        def arrived() -> list[str]:
            records = [
                r for shard in stream.shards() for r in stream.read(shard.name, None, 1000)
            ]
            return [record.payload.decode() for record in records]

        outlet = stream_outlet(stream, str.encode, lambda body: body[:9])
        return nullcontext(OutletAtHand(outlet, arrived))


class TestMemoryTopicOutlet(OutletContract):
    engine = "memory"

    def fresh(self) -> AbstractContextManager[OutletAtHand]:
        clock = MemoryClock(NOON)
        topic, queue = MemoryTopic(clock, name="t"), a_queue(clock)
        topic.subscribe(queue, raw=True)
        outlet = topic_outlet(topic, str.encode, lambda body: {"type": "TEXT"})
        return nullcontext(OutletAtHand(outlet, lambda: emptied(queue)))


def test_a_stream_outlet_keeps_a_partition_together_and_in_order() -> None:
    stream = MemoryStream(MemoryClock(NOON))
    outlet = stream_outlet(stream, str.encode, lambda body: body[0])
    outlet.send(["a1", "b1", "a2", "b2", "a3"])
    found = [r for shard in stream.shards() for r in stream.read(shard.name, None, 10)]
    for partition in "ab":
        payloads = [r.payload for r in found if r.partition == partition]
        assert payloads == sorted(payloads)


def test_a_topic_outlet_says_of_each_body_what_it_is() -> None:
    clock = MemoryClock(NOON)
    topic, queue = MemoryTopic(clock, name="t"), a_queue(clock)
    topic.subscribe(queue, only=frozenset({"b"}), raw=True)
    topic_outlet(topic, str.encode, lambda body: {"type": body[0]}).send(["a1", "b1", "a2"])
    assert emptied(queue) == ["b1"]


def test_a_body_that_cannot_be_encoded_takes_nothing_with_it() -> None:
    queue = a_queue(MemoryClock(NOON))

    def encode(body: str) -> bytes:
        if not body:
            raise Permanent("bad_body")
        return body.encode()

    with pytest.raises(Permanent):
        queue_outlet(queue, encode).send(["fine", ""])
    assert queue.waiting() == 0
