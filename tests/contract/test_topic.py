"""What every topic promises: who gets a message, and in which wrapping."""

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

import pytest
from attrs import frozen

from demand_adapters.deliveries import BODY_BYTES_MAX, Delivery, QueueSource
from demand_adapters.memory.clock import MemoryClock
from demand_adapters.memory.queue import MemoryQueue
from demand_adapters.memory.topic import MemoryTopic
from demand_core.errors import Permanent

NOON: Final = datetime(2025, 2, 14, 12, 0, 0, 7000, tzinfo=UTC)
Message = tuple[bytes, Mapping[str, str]]


@frozen(kw_only=True)
class TopicAtHand:
    """A topic with three queues: all of it raw, only entries raw, only verdicts wrapped."""

    publish: Callable[[Sequence[Message]], Sequence[int]]
    everything: QueueSource
    entries: QueueSource
    verdicts: QueueSource


def received(queue: QueueSource) -> list[Delivery]:
    found: list[Delivery] = []
    empty = 0
    while empty < 3:
        batch = queue.receive(10)
        found += batch
        empty = 0 if batch else empty + 1
    return found


def bodies(queue: QueueSource) -> list[bytes]:
    return sorted(delivery.payload for delivery in received(queue))


ENTRY: Final = {"type": "ENTRY"}
VERDICT: Final = {"type": "VERDICT"}


class TopicContract:
    """Subclasses provide one fixture: hand."""

    @pytest.mark.parametrize("size", [0, 1, 11])
    def test_batches_of_any_size_arrive(self, hand: TopicAtHand, size: int) -> None:
        sent = [b'{"n":%d}' % n for n in range(size)]
        assert not hand.publish([(body, ENTRY) for body in sent])
        assert bodies(hand.everything) == sorted(sent)
        assert bodies(hand.entries) == sorted(sent)

    def test_a_queue_gets_only_what_it_asked_for(self, hand: TopicAtHand) -> None:
        hand.publish([(b"an entry", ENTRY), (b"a verdict", VERDICT), (b"neither", {})])
        assert bodies(hand.everything) == [b"a verdict", b"an entry", b"neither"]
        assert bodies(hand.entries) == [b"an entry"]
        assert len(received(hand.verdicts)) == 1

    def test_another_attribute_of_that_value_does_not_count(self, hand: TopicAtHand) -> None:
        hand.publish([(b"x", {"kind": "ENTRY"}), (b"y", {"type": "entry"})])
        assert received(hand.entries) == []

    def test_raw_delivery_passes_body_and_attributes_on(self, hand: TopicAtHand) -> None:
        attributes = {**ENTRY, **{f"a{n}": "é" for n in range(9)}}
        hand.publish([(b'{"a": "\xc3\xa9"}', attributes)])
        (found,) = received(hand.entries)
        assert found.payload == b'{"a": "\xc3\xa9"}'
        assert found.attributes == attributes

    def test_wrapped_delivery_puts_both_into_an_envelope(self, hand: TopicAtHand) -> None:
        hand.publish([(b'{"a": "\xc3\xa9"}', VERDICT)])
        (found,) = received(hand.verdicts)
        assert found.attributes == {}
        envelope = json.loads(found.payload)
        assert envelope["Type"] == "Notification"
        assert envelope["Message"] == '{"a": "é"}'
        assert envelope["MessageAttributes"] == {"type": {"Type": "String", "Value": "VERDICT"}}
        assert {"MessageId", "TopicArn", "Timestamp"} <= envelope.keys()

    @pytest.mark.parametrize(
        ("message", "code"),
        [
            ((b"x" * BODY_BYTES_MAX, ENTRY), "body_too_long"),
            ((b"x", {**ENTRY, **{f"a{n}": "v" for n in range(10)}}), "too_many_attributes"),
            ((b"\xff", ENTRY), "bad_text"),
        ],
    )
    def test_what_no_queue_can_carry_takes_nothing_with_it(
        self, hand: TopicAtHand, message: Message, code: str
    ) -> None:
        with pytest.raises(Permanent) as refusal:
            hand.publish([(b"fine", ENTRY), message])
        assert refusal.value.code == code
        assert received(hand.everything) == []


class TestMemoryTopic(TopicContract):
    @pytest.fixture
    def hand(self) -> TopicAtHand:
        clock = MemoryClock(NOON)
        topic = MemoryTopic(clock, name="dataSns")
        everything, entries, verdicts = (a_queue(clock, name) for name in ("all", "e", "v"))
        topic.subscribe(everything, raw=True)
        topic.subscribe(entries, only=frozenset({"ENTRY"}), raw=True)
        topic.subscribe(verdicts, only=frozenset({"VERDICT"}), raw=False)
        return TopicAtHand(
            publish=topic.publish, everything=everything, entries=entries, verdicts=verdicts
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
