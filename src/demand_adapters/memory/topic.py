"""A topic that behaves as SNS does, as far as its queues can tell."""

import json
from collections.abc import Mapping, Sequence
from typing import Final

from attrs import frozen

from demand_adapters.deliveries import check_size
from demand_adapters.memory.queue import MemoryQueue
from demand_core.errors import Permanent
from demand_core.ports.clock import Clock

ATTRIBUTES_MAX: Final = 10


@frozen(kw_only=True)
class _Subscription:
    queue: MemoryQueue
    only: frozenset[str] | None
    attribute: str
    raw: bool

    def wants(self, attributes: Mapping[str, str]) -> bool:
        return self.only is None or attributes.get(self.attribute) in self.only


class MemoryTopic:
    """Passes each message on to every queue that wants it, and keeps nothing."""

    def __init__(self, clock: Clock, *, name: str) -> None:
        """Begin without subscriptions: what is published then is lost, as it would be."""
        self._clock = clock
        self._name = name
        self._published = 0
        self._subscriptions: list[_Subscription] = []

    def subscribe(
        self,
        queue: MemoryQueue,
        /,
        *,
        only: frozenset[str] | None = None,
        attribute: str = "type",
        raw: bool,
    ) -> None:
        """Pass on to *queue*, from now on, what has *attribute* at one of *only*."""
        self._subscriptions.append(
            _Subscription(queue=queue, only=only, attribute=attribute, raw=raw)
        )

    def publish(self, messages: Sequence[tuple[bytes, Mapping[str, str]]], /) -> Sequence[int]:
        """Take (body, attributes) pairs, all or none; answers as an Outlet does."""
        planned: list[tuple[MemoryQueue, bytes, Mapping[str, str]]] = []
        for number, (body, attributes) in enumerate(messages, self._published + 1):
            text = _checked(body, attributes)
            for subscription in self._subscriptions:
                if not subscription.wants(attributes):
                    continue
                if subscription.raw:
                    planned.append((subscription.queue, body, attributes))
                else:
                    wrapped = self._envelope(number, text, attributes)
                    check_size([wrapped], {})
                    planned.append((subscription.queue, wrapped, {}))
        self._published += len(messages)
        for queue, payload, passed in planned:
            queue.put([payload], attributes=passed)
        return ()

    def _envelope(self, number: int, text: str, attributes: Mapping[str, str]) -> bytes:
        now = self._clock.now()
        envelope: dict[str, object] = {
            "Type": "Notification",
            "MessageId": f"{self._name}-{number}",
            "TopicArn": f"arn:aws:sns:us-east-1:000000000000:{self._name}",
            "Message": text,
            "Timestamp": f"{now:%Y-%m-%dT%H:%M:%S}.{now.microsecond // 1000:03d}Z",
            "SignatureVersion": "1",
            "Signature": "",
            "SigningCertURL": "",
            "UnsubscribeURL": "",
        }
        if attributes:
            envelope["MessageAttributes"] = {
                name: {"Type": "String", "Value": value} for name, value in attributes.items()
            }
        return json.dumps(envelope).encode()


def _checked(body: bytes, attributes: Mapping[str, str]) -> str:
    if len(attributes) > ATTRIBUTES_MAX:
        raise Permanent(
            "too_many_attributes", f"{len(attributes)}, of at most {ATTRIBUTES_MAX}"
        )
    check_size([body], attributes)
    try:
        return body.decode()
    except UnicodeDecodeError:
        raise Permanent("bad_text", "a message is text in UTF-8") from None
