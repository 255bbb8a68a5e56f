"""What every topic promises: who gets a message, and in which wrapping."""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Final

import pytest
from attrs import frozen

from demand_adapters.deliveries import BODY_BYTES_MAX, QueueSource
from demand_adapters.testing.contract import Contract
from demand_adapters.testing.queue import received
from demand_core.errors import Permanent

Message = tuple[bytes, Mapping[str, str]]


@frozen(kw_only=True)
class TopicAtHand:
    """A topic with three queues: all of it raw, only entries raw, only verdicts wrapped."""

    publish: Callable[[Sequence[Message]], Sequence[int]]
    everything: QueueSource
    entries: QueueSource
    verdicts: QueueSource


def bodies(queue: QueueSource) -> list[bytes]:
    return sorted(delivery.payload for delivery in received(queue))


ENTRY: Final = {"type": "ENTRY"}
VERDICT: Final = {"type": "VERDICT"}


class TopicContract(Contract[TopicAtHand]):
    """For a topic with those three queues."""

    port = "Topic"

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
