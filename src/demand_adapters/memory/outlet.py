"""The writing side of every channel in memory."""

from collections.abc import Callable, Mapping, Sequence
from typing import Generic, TypeVar

from attrs import frozen

from demand_adapters.memory.queue import MemoryQueue
from demand_adapters.memory.stream import MemoryStream
from demand_adapters.memory.topic import MemoryTopic
from demand_core.ports.outlet import Outlet

T = TypeVar("T")
M = TypeVar("M")


@frozen
class MemoryOutlet(Generic[T, M]):
    """Turns every body into what its channel takes, before the channel takes any."""

    message: Callable[[T], M]
    put: Callable[[Sequence[M]], Sequence[int]]

    def send(self, bodies: Sequence[T], /) -> Sequence[int]:
        """Put them all."""
        return self.put([self.message(body) for body in bodies])


def queue_outlet(queue: MemoryQueue, encode: Callable[[T], bytes]) -> Outlet[T]:
    """Into a queue, without attributes."""
    return MemoryOutlet(encode, queue.put)


def stream_outlet(
    stream: MemoryStream, encode: Callable[[T], bytes], partition: Callable[[T], str]
) -> Outlet[T]:
    """Into a stream, where bodies of one *partition* stay in order."""
    return MemoryOutlet(lambda body: (partition(body), encode(body)), stream.put)


def topic_outlet(
    topic: MemoryTopic,
    encode: Callable[[T], bytes],
    attributes: Callable[[T], Mapping[str, str]],
) -> Outlet[T]:
    """Into a topic, whose queues choose by *attributes*."""
    return MemoryOutlet(lambda body: (encode(body), attributes(body)), topic.publish)
