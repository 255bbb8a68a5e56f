"""What every Clock promises."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from demand_adapters.memory.clock import MemoryClock
from demand_core.errors import WiringError
from demand_core.ports.clock import Clock

NOON = datetime(2025, 2, 14, 12, tzinfo=UTC)
MS = timedelta(milliseconds=1)


class ClockContract:
    """Subclasses provide one fixture: clock."""

    def test_now_is_in_utc(self, clock: Clock) -> None:
        assert clock.now().tzinfo is UTC

    def test_now_is_cut_to_milliseconds(self, clock: Clock) -> None:
        assert clock.now().microsecond % 1000 == 0

    def test_time_never_goes_back(self, clock: Clock) -> None:
        answers = [clock.now() for _ in range(1000)]
        assert answers == sorted(answers)


class TestMemoryClock(ClockContract):
    @pytest.fixture
    def clock(self) -> Clock:
        return MemoryClock(NOON)


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
        clock.move_to(NOON - MS)
    with pytest.raises(WiringError, match="back"):
        clock.advance(-timedelta(microseconds=1))
    assert clock.now() == NOON


def test_a_memory_clock_never_stops_short_of_where_it_is_moved() -> None:
    clock = MemoryClock(NOON)
    clock.move_to(NOON + timedelta(microseconds=1))
    assert clock.now() == NOON + MS
    clock.advance(timedelta(microseconds=1))
    assert clock.now() == NOON + 2 * MS


def test_a_memory_clock_answers_in_utc_whatever_zone_it_is_given() -> None:
    east = timezone(timedelta(hours=9))
    clock = MemoryClock(NOON.astimezone(east))
    assert clock.now() == NOON
    assert clock.now().tzinfo is UTC


def test_a_memory_clock_takes_no_time_without_a_zone() -> None:
    with pytest.raises(WiringError, match="zone"):
        MemoryClock(NOON.replace(tzinfo=None))
