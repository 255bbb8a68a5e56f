"""The clock of the machine keeps what every Clock promises, whatever is done to the machine."""

from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, datetime, timedelta

from hypothesis import given

from demand_adapters.local.clock import WallClock, milliseconds, moment
from demand_adapters.testing.clock import ClockContract
from demand_adapters.testing.races import at_once
from demand_adapters.testing.strategies import MILLISECOND, NOON, instants
from demand_core.ports.clock import Clock


class TestWallClock(ClockContract):
    engine = "local"

    def fresh(self) -> AbstractContextManager[Clock]:
        return nullcontext(WallClock())


def test_a_wall_clock_says_what_the_machine_says() -> None:
    before = datetime.now(UTC)
    assert before - MILLISECOND < WallClock().now() <= datetime.now(UTC)


def test_a_wall_clock_stands_still_while_the_machine_repeats_itself() -> None:
    said = iter([2_000_999_999, 1_000_000_000, 1_999_000_000, 2_001_000_000])
    clock = WallClock(said.__next__)
    answers = [milliseconds(clock.now()) for _ in range(4)]
    assert answers == [2000, 2000, 2000, 2001]


def test_no_thread_asks_while_another_one_may_be_told_a_later_time() -> None:
    asking, most = list[int](), list[int]()

    def system_ns() -> int:
        asking.append(1)
        for _ in range(50):  # where others get their turn
            most.append(len(asking))
        asking.pop()
        return 10**9

    clock = WallClock(system_ns)
    at_once([lambda: [clock.now() for _ in range(50)]] * 8)
    assert set(most) == {1}


@given(instants)
def test_a_moment_comes_back_as_it_was(at: datetime) -> None:
    assert moment(milliseconds(at)) == at


def test_who_waits_for_less_than_a_millisecond_waits_for_one() -> None:
    assert moment(milliseconds(NOON + timedelta(microseconds=1))) == NOON + MILLISECOND
