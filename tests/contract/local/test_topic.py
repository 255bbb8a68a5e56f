"""The topic over the database keeps what every topic promises, and puts into all or none."""

import json
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from demand_adapters.local.database import Database
from demand_adapters.local.entropy import SystemEntropy
from demand_adapters.local.queue import LocalQueue
from demand_adapters.local.topic import LocalTopic
from demand_adapters.memory.clock import MemoryClock
from demand_adapters.testing.queue import SECOND
from demand_adapters.testing.strategies import NOON
from demand_adapters.testing.topic import ENTRY, TopicAtHand, TopicContract
from demand_core.errors import Permanent
from tests.contract.local.folders import passing_database


class TestLocalTopic(TopicContract):
    engine = "local"

    @contextmanager
    def fresh(self) -> Iterator[TopicAtHand]:
        with passing_database() as database:
            topic = a_topic(database)
            everything, entries, verdicts = (a_queue(database, name) for name in "aev")
            topic.subscribe(everything, raw=True)
            topic.subscribe(entries, only=frozenset({"ENTRY"}), raw=True)
            topic.subscribe(verdicts, only=frozenset({"VERDICT"}), raw=False)
            yield TopicAtHand(
                publish=topic.publish, everything=everything, entries=entries, verdicts=verdicts
            )


def a_topic(database: Database) -> LocalTopic:
    return LocalTopic(database, MemoryClock(NOON), SystemEntropy(), name="dataSns")


def a_queue(database: Database, name: str) -> LocalQueue:
    clock = MemoryClock(NOON)
    return LocalQueue(database, clock, visibility=30 * SECOND, max_receive=3, name=name)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    with closing(Database(tmp_path)) as database:
        yield database


def test_a_message_has_one_id_in_all_its_queues_and_no_other_has_it(
    database: Database,
) -> None:
    topic = a_topic(database)
    queues = [a_queue(database, name) for name in "ab"]
    for queue in queues:
        topic.subscribe(queue, raw=False)
    topic.publish([(b"one", ENTRY), (b"two", ENTRY)])
    ids = [
        {json.loads(delivery.payload)["MessageId"] for delivery in queue.receive(10)}
        for queue in queues
    ]
    assert ids[0] == ids[1]
    assert len(ids[0]) == 2


def test_what_one_queue_cannot_take_none_takes(database: Database) -> None:
    topic, first = a_topic(database), a_queue(database, "first")
    topic.subscribe(first, raw=True)
    topic.subscribe(a_queue(database, "\ud800"), raw=True)
    with pytest.raises(Permanent):
        topic.publish([(b"x", {})])
    assert first.waiting() == 0
