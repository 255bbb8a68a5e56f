"""Outlets into the channels of the database keep what every Outlet promises."""

from collections.abc import Iterator
from contextlib import contextmanager

from demand_adapters.local.database import Database
from demand_adapters.local.entropy import SystemEntropy
from demand_adapters.local.queue import LocalQueue
from demand_adapters.local.stream import LocalStream
from demand_adapters.local.topic import LocalTopic
from demand_adapters.memory.clock import MemoryClock
from demand_adapters.outlet import queue_outlet, stream_outlet, topic_outlet
from demand_adapters.testing.outlet import OutletAtHand, OutletContract
from demand_adapters.testing.queue import SECOND
from demand_adapters.testing.strategies import NOON
from tests.contract.local.folders import passing_database

CLOCK = MemoryClock(NOON)


def a_queue(database: Database) -> LocalQueue:
    return LocalQueue(database, CLOCK, visibility=30 * SECOND, max_receive=3, name="q")


def emptied(queue: LocalQueue) -> list[str]:
    return [delivery.payload.decode() for delivery in queue.receive(queue.waiting())]


class TestLocalQueueOutlet(OutletContract):
    engine = "local"

    @contextmanager
    def fresh(self) -> Iterator[OutletAtHand]:
        with passing_database() as database:
            queue = a_queue(database)
            yield OutletAtHand(queue_outlet(queue, str.encode), lambda: emptied(queue))


class TestLocalStreamOutlet(OutletContract):
    engine = "local"

    @contextmanager
    def fresh(self) -> Iterator[OutletAtHand]:
        with passing_database() as database:
            stream = LocalStream(database, CLOCK, name="s")

            def arrived() -> list[str]:
                shards = [stream.read(shard.name, None, 1000) for shard in stream.shards()]
                return [record.payload.decode() for shard in shards for record in shard]

            outlet = stream_outlet(stream, str.encode, lambda body: body[:9])
            yield OutletAtHand(outlet, arrived)


class TestLocalTopicOutlet(OutletContract):
    engine = "local"

    @contextmanager
    def fresh(self) -> Iterator[OutletAtHand]:
        with passing_database() as database:
            topic, queue = (
                LocalTopic(database, CLOCK, SystemEntropy(), name="t"),
                a_queue(database),
            )
            topic.subscribe(queue, raw=True)
            outlet = topic_outlet(topic, str.encode, lambda body: {"type": "TEXT"})
            yield OutletAtHand(outlet, lambda: emptied(queue))
