"""What every Outlet promises, whatever channel stands behind it."""

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

import pytest
from attrs import frozen

from demand_adapters.memory.clock import MemoryClock
from demand_adapters.memory.outlet import queue_outlet, stream_outlet, topic_outlet
from demand_adapters.memory.queue import MemoryQueue
from demand_adapters.memory.stream import MemoryStream
from demand_adapters.memory.topic import MemoryTopic
from demand_core.errors import Permanent
from demand_core.ports.outlet import Outlet

NOON: Final = datetime(2025, 2, 14, 12, tzinfo=UTC)
# Longer than any channel takes, and still quick to make.
TOO_LONG: Final = "x" * 11 * 1024 * 1024


@frozen
class OutletAtHand:
    """An outlet of texts, and all that arrived at the other end since the last look."""

    outlet: Outlet[str]
    arrived: Callable[[], Sequence[str]]


class OutletContract:
    """Subclasses provide one fixture: hand."""

    @pytest.mark.parametrize("size", [0, 1, 10, 11, 501])
    def test_batches_of_any_size_arrive(self, hand: OutletAtHand, size: int) -> None:
        sent = [f"body {n}" for n in range(size)]
        assert not hand.outlet.send(sent)
        assert set(hand.arrived()) == set(sent)

    def test_equal_bodies_each_arrive(self, hand: OutletAtHand) -> None:
        assert not hand.outlet.send(["same"] * 3)
        assert Counter(hand.arrived())["same"] >= 3

    def test_one_call_after_another_arrives(self, hand: OutletAtHand) -> None:
        for body in ("one", "two"):
            assert not hand.outlet.send([body])
        assert set(hand.arrived()) == {"one", "two"}

    def test_text_of_any_script_arrives_unchanged(self, hand: OutletAtHand) -> None:
        sent = ['{"a": "é"}', "🎟", "line\nbreak\ttab", '"\\']
        assert not hand.outlet.send(sent)
        assert set(hand.arrived()) == set(sent)

    def test_a_body_that_no_channel_carries_takes_nothing_with_it(
        self, hand: OutletAtHand
    ) -> None:
        with pytest.raises(Permanent):
            hand.outlet.send(["fine", TOO_LONG])
        assert hand.arrived() == []


def a_queue(clock: MemoryClock) -> MemoryQueue:
    return MemoryQueue(clock, visibility=timedelta(seconds=30), max_receive=3, name="q")


def emptied(queue: MemoryQueue) -> list[str]:
    return [delivery.payload.decode() for delivery in queue.receive(queue.waiting())]


class TestMemoryQueueOutlet(OutletContract):
    @pytest.fixture
    def hand(self) -> OutletAtHand:
        queue = a_queue(MemoryClock(NOON))
        return OutletAtHand(queue_outlet(queue, str.encode), lambda: emptied(queue))


class TestMemoryStreamOutlet(OutletContract):
    @pytest.fixture
    def hand(self) -> OutletAtHand:
        stream = MemoryStream(MemoryClock(NOON))

        def arrived() -> list[str]:
            records = [
                r for shard in stream.shards() for r in stream.read(shard.name, None, 1000)
            ]
            return [record.payload.decode() for record in records]

        return OutletAtHand(stream_outlet(stream, str.encode, lambda body: body[:9]), arrived)


class TestMemoryTopicOutlet(OutletContract):
    @pytest.fixture
    def hand(self) -> OutletAtHand:
        clock = MemoryClock(NOON)
        topic, queue = MemoryTopic(clock, name="t"), a_queue(clock)
        topic.subscribe(queue, raw=True)
        outlet = topic_outlet(topic, str.encode, lambda body: {"type": "TEXT"})
        return OutletAtHand(outlet, lambda: emptied(queue))


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
