"""A topic in this process."""

from collections.abc import Sequence
from itertools import count

from demand_adapters.memory.queue import MemoryQueue
from demand_adapters.topic import Passed, Topic
from demand_core.ports.clock import Clock


class MemoryTopic(Topic[MemoryQueue]):
    """Its messages are numbered, so that the same seed makes the same bytes."""

    def __init__(self, clock: Clock, *, name: str) -> None:
        """Begin with the first number."""
        ids = (f"{name}-{number}" for number in count(1))
        super().__init__(clock, name=name, fresh_id=ids.__next__, put_all=_put_all)


def _put_all(passed: Sequence[Passed[MemoryQueue]]) -> None:
    for one in passed:
        one.queue.put([one.payload], attributes=one.attributes)
