"""A topic of our own: it behaves as SNS does, as far as its queues can tell."""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Generic, TypeVar

from attrs import frozen

from demand_adapters.deliveries import check_messages
from demand_core.ports.clock import Clock

Q = TypeVar("Q")


@frozen(kw_only=True)
class Passed(Generic[Q]):
    """One message on its way into one queue."""

    queue: Q
    payload: bytes
    attributes: Mapping[str, str]


@frozen(kw_only=True)
class _Subscription(Generic[Q]):
    queue: Q
    only: frozenset[str] | None
    attribute: str
    raw: bool

    def wants(self, attributes: Mapping[str, str]) -> bool:
        return self.only is None or attributes.get(self.attribute) in self.only


class Topic(Generic[Q]):
    """Passes each message on to every queue that wants it, and keeps nothing."""

    def __init__(
        self,
        clock: Clock,
        *,
        name: str,
        fresh_id: Callable[[], str],
        put_all: Callable[[Sequence[Passed[Q]]], None],
    ) -> None:
        """Begin without subscriptions: what is published then is lost, as it would be.

        What *put_all* is given was checked; it puts all or nothing.
        """
        self._clock = clock
        self._name = name
        self._fresh_id = fresh_id
        self._put_all = put_all
        self._subscriptions: list[_Subscription[Q]] = []

    def subscribe(
        self,
        queue: Q,
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
        passed: list[Passed[Q]] = []
        for body, attributes in messages:
            check_messages([body], attributes)
            message_id = self._fresh_id()
            for subscription in self._subscriptions:
                if not subscription.wants(attributes):
                    continue
                queue, payload, beside = subscription.queue, body, attributes
                if not subscription.raw:
                    payload, beside = self._envelope(message_id, body.decode(), attributes), {}
                    check_messages([payload], beside)
                passed.append(Passed(queue=queue, payload=payload, attributes=beside))
        self._put_all(passed)
        return ()

    def _envelope(self, message_id: str, text: str, attributes: Mapping[str, str]) -> bytes:
        now = self._clock.now()
        envelope: dict[str, object] = {
            "Type": "Notification",
            "MessageId": message_id,
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
