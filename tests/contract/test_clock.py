"""The clock in memory keeps what every Clock promises, and moves as it is told."""

from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, timedelta, timezone

import pytest

from demand_adapters.memory.clock import MemoryClock
from demand_adapters.testing.clock import ClockContract
from demand_adapters.testing.strategies import MILLISECOND, NOON
from demand_core.errors import WiringError
from demand_core.ports.clock import Clock


class TestMemoryClock(ClockContract):
    engine = "memory"

    def fresh(self) -> AbstractContextManager[Clock]:
        return nullcontext(MemoryClock(NOON))


def test_a_memory_clock_stands_still_between_moves() -> None:
    clock = MemoryClock(NOON)
    assert clock.now() == clock.now() == NOON


def test_a_memory_clock_moves_as_far_as_it_is_told() -> None:
    clock = MemoryClock(NOON)
    clock.advance(timedelta(hours=1))
    assert clock.now() == NOON + timedelta(hours=1)
    clock.move_to(NOON + timedelta(hours=2))
    clock.move_to(NOON + timedelta(hours=2))
    assert clock.now() == NOON + timedelta(hours=2)


def test_a_memory_clock_refuses_to_go_back() -> None:
    clock = MemoryClock(NOON)
    with pytest.raises(WiringError, match="back"):
        clock.move_to(NOON - MILLISECOND)
    with pytest.raises(WiringError, match="back"):
        clock.advance(-timedelta(microseconds=1))
    assert clock.now() == NOON


def test_a_memory_clock_never_stops_short_of_where_it_is_moved() -> None:
    clock = MemoryClock(NOON)
    clock.move_to(NOON + timedelta(microseconds=1))
    assert clock.now() == NOON + MILLISECOND
    clock.advance(timedelta(microseconds=1))
    assert clock.now() == NOON + 2 * MILLISECOND


def test_a_memory_clock_answers_in_utc_whatever_zone_it_is_given() -> None:
    east = timezone(timedelta(hours=9))
    clock = MemoryClock(NOON.astimezone(east))
    assert clock.now() == NOON
    assert clock.now().tzinfo is UTC


def test_a_memory_clock_takes_no_time_without_a_zone() -> None:
    with pytest.raises(WiringError, match="zone"):
        MemoryClock(NOON.replace(tzinfo=None))
