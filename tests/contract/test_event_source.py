"""Events in memory keep what every EventSource promises, asked sparingly or not."""

import json
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from datetime import timedelta
from typing import Final

import pytest

from demand_adapters.event_source import SparingEventSource
from demand_adapters.memory.clock import MemoryClock
from demand_adapters.memory.event_source import MemoryEventSource
from demand_adapters.testing.event_source import EventSourceContract, SourceAtHand, described
from demand_adapters.testing.strategies import NOON
from demand_core.domain.ids import EventId
from demand_core.errors import Transient
from demand_core.ports.event_source import EventSource

DAY: Final = timedelta(days=1)


def at_hand(
    around: Callable[[MemoryEventSource, MemoryClock], EventSource],
) -> AbstractContextManager[SourceAtHand]:
    clock = MemoryClock(NOON)
    memory = MemoryEventSource(clock)
    return nullcontext(
        SourceAtHand(
            source=around(memory, clock),
            clock=clock,
            pass_time=clock.advance,
            put=memory.put,
            goes_down=lambda: memory.goes_down(clock.now() + DAY),
            comes_back=lambda: memory.goes_down(clock.now()),
        )
    )


class TestMemoryEventSource(EventSourceContract):
    engine = "memory"

    def fresh(self) -> AbstractContextManager[SourceAtHand]:
        return at_hand(lambda memory, _: memory)


class TestSparingEventSource(EventSourceContract):
    engine = "memory, sparing"

    def fresh(self) -> AbstractContextManager[SourceAtHand]:
        return at_hand(lambda memory, clock: SparingEventSource(source=memory, clock=clock))


def test_the_memory_source_notes_every_call_as_it_saw_it() -> None:
    clock = MemoryClock(NOON)
    memory = MemoryEventSource(clock)
    event_id = EventId("E1")
    assert memory.look_up(event_id) is None
    memory.put(event_id, json.dumps(described(event_id)).encode())
    clock.advance(DAY)
    assert memory.look_up(event_id) is not None
    memory.remove(event_id)
    assert memory.look_up(event_id) is None
    assert memory.calls == [
        (NOON, event_id, False),
        (NOON + DAY, event_id, True),
        (NOON + DAY, event_id, False),
    ]


def test_the_memory_source_is_down_until_it_was_said_to_be_back() -> None:
    clock = MemoryClock(NOON)
    memory = MemoryEventSource(clock)
    memory.goes_down(NOON + DAY)
    clock.advance(DAY - timedelta(milliseconds=1))
    with pytest.raises(Transient):
        memory.look_up(EventId("E1"))
    clock.move_to(NOON + DAY)
    assert memory.look_up(EventId("E1")) is None
