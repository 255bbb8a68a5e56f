"""The writing side of every channel: bodies become what the channel takes."""

from collections.abc import Callable, Mapping, Sequence
from typing import Generic, Protocol, TypeVar

from attrs import frozen

from demand_core.ports.outlet import Outlet

T = TypeVar("T")
M = TypeVar("M")
M_contra = TypeVar("M_contra", contravariant=True)


class Puts(Protocol[M_contra]):
    """A queue or a stream, on any engine."""

    def put(self, messages: Sequence[M_contra], /) -> Sequence[int]:
        """Take messages; answers as an Outlet does."""
        ...


class Publishes(Protocol):
    """A topic, on any engine."""

    def publish(self, messages: Sequence[tuple[bytes, Mapping[str, str]]], /) -> Sequence[int]:
        """Take (body, attributes) pairs; answers as an Outlet does."""
        ...


@frozen
class EncodingOutlet(Generic[T, M]):
    """Makes a message of every body, before the channel is given any."""

    message: Callable[[T], M]
    put: Callable[[Sequence[M]], Sequence[int]]

    def send(self, bodies: Sequence[T], /) -> Sequence[int]:
        """Put them all."""
        return self.put([self.message(body) for body in bodies])


def queue_outlet(queue: Puts[bytes], encode: Callable[[T], bytes]) -> Outlet[T]:
    """Into a queue, without attributes."""
    return EncodingOutlet(encode, queue.put)


def stream_outlet(
    stream: Puts[tuple[str, bytes]],
    encode: Callable[[T], bytes],
    partition: Callable[[T], str],
) -> Outlet[T]:
    """Into a stream, where bodies of one *partition* stay in order."""
    return EncodingOutlet(lambda body: (partition(body), encode(body)), stream.put)


def topic_outlet(
    topic: Publishes,
    encode: Callable[[T], bytes],
    attributes: Callable[[T], Mapping[str, str]],
) -> Outlet[T]:
    """Into a topic, whose queues choose by *attributes*."""
    return EncodingOutlet(lambda body: (encode(body), attributes(body)), topic.publish)
