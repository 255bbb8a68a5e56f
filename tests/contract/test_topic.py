"""The topic in memory keeps what every topic promises, and looks like the real one."""

import json
from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, datetime, timedelta
from typing import Final

import pytest

from demand_adapters.deliveries import BODY_BYTES_MAX
from demand_adapters.memory.clock import MemoryClock
from demand_adapters.memory.queue import MemoryQueue
from demand_adapters.memory.topic import MemoryTopic
from demand_adapters.testing.topic import ENTRY, TopicAtHand, TopicContract
from demand_core.errors import Permanent

NOON: Final = datetime(2025, 2, 14, 12, 0, 0, 7000, tzinfo=UTC)


class TestMemoryTopic(TopicContract):
    engine = "memory"

    def fresh(self) -> AbstractContextManager[TopicAtHand]:
        clock = MemoryClock(NOON)
        topic = MemoryTopic(clock, name="dataSns")
        everything, entries, verdicts = (a_queue(clock, name) for name in ("all", "e", "v"))
        topic.subscribe(everything, raw=True)
        topic.subscribe(entries, only=frozenset({"ENTRY"}), raw=True)
        topic.subscribe(verdicts, only=frozenset({"VERDICT"}), raw=False)
        return nullcontext(
            TopicAtHand(
                publish=topic.publish, everything=everything, entries=entries, verdicts=verdicts
            )
        )


def a_queue(clock: MemoryClock, name: str) -> MemoryQueue:
    return MemoryQueue(clock, visibility=timedelta(seconds=30), max_receive=3, name=name)


def test_the_envelope_of_a_memory_topic_has_every_field_of_the_real_one() -> None:
    clock = MemoryClock(NOON)
    topic, queue = MemoryTopic(clock, name="dataSns"), a_queue(clock, "q")
    topic.subscribe(queue, raw=False)
    topic.publish([(b"one", {})])
    topic.publish([(b"two", ENTRY)])
    one, two = (json.loads(delivery.payload) for delivery in queue.receive(10))
    assert list(one) == [
        "Type", "MessageId", "TopicArn", "Message", "Timestamp", "SignatureVersion",
        "Signature", "SigningCertURL", "UnsubscribeURL",
    ]  # fmt: skip
    assert list(two) == [*one, "MessageAttributes"]
    assert one["MessageId"] != two["MessageId"]
    assert one["Timestamp"] == "2025-02-14T12:00:00.007Z"


def test_a_message_that_fits_only_without_its_envelope_is_refused() -> None:
    clock = MemoryClock(NOON)
    topic, raw, wrapped = MemoryTopic(clock, name="t"), a_queue(clock, "r"), a_queue(clock, "w")
    topic.subscribe(raw, raw=True)
    assert topic.publish([(b"x" * BODY_BYTES_MAX, {})]) == ()
    topic.subscribe(wrapped, raw=False)
    with pytest.raises(Permanent) as refusal:
        topic.publish([(b"x" * BODY_BYTES_MAX, {})])
    assert refusal.value.code == "body_too_long"
    assert (raw.waiting(), wrapped.waiting()) == (1, 0)


def test_a_memory_topic_without_queues_loses_what_it_is_told() -> None:
    clock = MemoryClock(NOON)
    topic, late = MemoryTopic(clock, name="dataSns"), a_queue(clock, "late")
    assert topic.publish([(b"x", {})]) == ()
    topic.subscribe(late, raw=True)
    assert late.receive(10) == []
