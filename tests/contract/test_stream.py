"""The stream in memory keeps what every StreamSource promises, and forgets when told to."""

from contextlib import AbstractContextManager, nullcontext
from datetime import timedelta

import pytest

from demand_adapters.memory.clock import MemoryClock
from demand_adapters.memory.stream import MemoryStream
from demand_adapters.testing.strategies import NOON
from demand_adapters.testing.stream import (
    KEPT,
    AgeingStream,
    AgeingStreamContract,
    StreamContract,
)
from demand_core.errors import WiringError


class TestMemoryStream(StreamContract, AgeingStreamContract):
    engine = "memory"

    def fresh(self) -> AbstractContextManager[AgeingStream]:
        clock = MemoryClock(NOON)
        stream = MemoryStream(clock, keep=KEPT)

        def age(by: timedelta) -> None:
            clock.advance(by)
            stream.trim()

        return nullcontext(AgeingStream(stream=stream, put=stream.put, age=age))


def test_a_memory_stream_needs_a_shard() -> None:
    with pytest.raises(WiringError):
        MemoryStream(MemoryClock(NOON), shards=0)
