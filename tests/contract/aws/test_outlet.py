"""Outlets into queues, streams and topics of AWS keep what every Outlet promises, on moto."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from demand_adapters.aws.calls import Aws
from demand_adapters.aws.queue import SqsQueue
from demand_adapters.outlet import queue_outlet, stream_outlet, topic_outlet
from demand_adapters.testing.outlet import OutletAtHand, OutletContract
from demand_adapters.testing.queue import received
from demand_adapters.testing.stream import read_on
from tests.contract.aws.channels import a_queue, a_stream, a_topic, moto_time, subscribe


class OnMoto(OutletContract):
    engine = "moto"

    @pytest.fixture(autouse=True)
    def _account(self, aws: Aws) -> None:
        self.aws = aws


def emptied(queue: SqsQueue) -> list[str]:
    return [delivery.payload.decode() for delivery in received(queue)]


class TestQueueOutlet(OnMoto):
    @contextmanager
    def fresh(self) -> Iterator[OutletAtHand]:
        with moto_time(), a_queue(self.aws) as queue:
            yield OutletAtHand(queue_outlet(queue, str.encode), lambda: emptied(queue))


class TestStreamOutlet(OnMoto):
    @contextmanager
    def fresh(self) -> Iterator[OutletAtHand]:
        with a_stream(self.aws) as stream:

            def arrived() -> list[str]:
                found = [read_on(stream, shard.name) for shard in stream.shards()]
                return [record.payload.decode() for records in found for record in records]

            outlet = stream_outlet(stream, str.encode, lambda body: body[:9])
            yield OutletAtHand(outlet, arrived)


class TestTopicOutlet(OnMoto):
    @contextmanager
    def fresh(self) -> Iterator[OutletAtHand]:
        with moto_time(), a_topic(self.aws) as topic, a_queue(self.aws) as queue:
            subscribe(topic, queue, raw=True)
            outlet = topic_outlet(topic, str.encode, lambda body: {"type": "TEXT"})
            yield OutletAtHand(outlet, lambda: emptied(queue))
