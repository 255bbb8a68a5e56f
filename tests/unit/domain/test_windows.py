"""Each sale has one tick, and what may be sent is sent before the sale, on every day."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from babel.core import get_global
from hypothesis import given
from hypothesis import strategies as st

from demand_adapters.testing.strategies import instants
from demand_core.domain.windows import (
    Turn,
    WindowPolicy,
    at_once,
    owned,
    searched,
    sending,
    tick_at,
    tick_of,
    turn,
    wants_order,
)
from demand_core.errors import WiringError

MINUTE = timedelta(minutes=1)
MILLISECOND = timedelta(milliseconds=1)
DEFAULT = WindowPolicy()
YEAR = datetime(2025, 1, 1, tzinfo=UTC)
ZONES = [zone for land in ("US", "CA") for zone in get_global("territory_zones")[land]]

minutes = st.integers(1, 180).map(lambda n: n * MINUTE)
policies = st.builds(
    WindowPolicy,
    lead=st.integers(3, 180).map(lambda n: n * MINUTE),
    window=minutes,
    overdue=minutes,
)
# Near enough for every answer to come up.
distances = st.integers(-5 * 3_600_000, 5 * 3_600_000).map(lambda n: n * MILLISECOND)


@pytest.mark.check("N-R1", "REQ-001")
@pytest.mark.parametrize("lead", [10, 30, 60])
def test_every_minute_of_a_year_belongs_to_one_tick_and_sends_before_the_sale(
    lead: int,
) -> None:
    policy = WindowPolicy(lead=lead * MINUTE)
    first = tick_of(YEAR, policy)
    owners = Counter[int]()
    for number in range(366 * 48):
        tick = first + number * policy.window
        span = owned(tick, policy)
        begin, end = ((at - YEAR) // MINUTE for at in (span.begin, span.end))
        owners.update(range(begin, end))
    for minute in range(365 * 24 * 60):
        start = YEAR + minute * MINUTE
        span, tick = sending(start, policy), tick_of(start, policy)
        assert owners[minute] == 1
        assert start in owned(tick, policy)
        assert tick <= span.begin < span.end < start
        assert span.begin == start - policy.lead < tick + policy.window


@pytest.mark.check("N-R1")
@pytest.mark.parametrize("zone", ZONES)
def test_the_days_when_clocks_change_are_days_like_any_other(zone: str) -> None:
    """Every minute that clocks on the wall show, once and twice, around each change."""
    place = ZoneInfo(zone)
    days = {YEAR + timedelta(days=n) for n in range(365)}
    changing = {
        day
        for day in days
        if day.astimezone(place).utcoffset()
        != (day + timedelta(days=1)).astimezone(place).utcoffset()
    }
    assert len(changing) in {0, 2}
    for day in sorted(changing):
        midnight = day.astimezone(place).replace(tzinfo=None, hour=0, minute=0)
        for minute in range(2 * 24 * 60):
            for fold in (0, 1):
                wall = (midnight + minute * MINUTE).replace(tzinfo=place, fold=fold)
                start = wall.astimezone(UTC)
                span = sending(wall, DEFAULT)
                assert tick_of(wall, DEFAULT) == tick_of(start, DEFAULT)
                assert span == sending(start, DEFAULT)
                assert span.end.astimezone(UTC) == start - 2 * MINUTE
                assert turn(wall, span.begin.astimezone(place), DEFAULT) is Turn.OWNED
                assert turn(wall, wall, DEFAULT) is Turn.TOO_LATE


@given(start=instants, policy=policies)
def test_a_sale_belongs_to_exactly_one_of_the_ticks_around_it(
    start: datetime, policy: WindowPolicy
) -> None:
    mine = tick_of(start, policy)
    near = [mine + n * policy.window for n in range(-3, 4)]
    assert [tick for tick in near if start in owned(tick, policy)] == [mine]
    assert tick_at(mine, policy) == mine
    assert mine <= sending(start, policy).begin < mine + policy.window


@given(now=instants, away=distances, policy=policies)
def test_a_tick_reads_exactly_what_is_its_own_or_can_still_be_caught_up(
    now: datetime, away: timedelta, policy: WindowPolicy
) -> None:
    start = now + away
    found = turn(start, now, policy)
    span = sending(start, policy)
    assert (found is Turn.TOO_LATE) is (now >= span.end)
    if found is not Turn.TOO_LATE:
        assert (start in searched(now, policy)) is (found is not Turn.LATER)
        mine, current = tick_of(start, policy), tick_at(now, policy)
        expected = {-1: Turn.CATCH_UP, 0: Turn.OWNED, 1: Turn.LATER}
        assert found is expected[(mine > current) - (mine < current)]


@pytest.mark.check("N-R3")
@given(
    first=instants,
    away=distances,
    policy=policies,
    late=st.lists(st.integers(0, 10**7), min_size=1, max_size=12),
    missed=st.sets(st.integers(0, 11)),
)
def test_a_sale_is_ordered_by_its_tick_or_by_the_next_one_that_runs_in_time(
    first: datetime, away: timedelta, policy: WindowPolicy, late: list[int], missed: set[int]
) -> None:
    """Ticks come late, and some never: who could still be told is."""
    start = first + away
    ran = [
        tick_at(first, policy) + n * policy.window + delay * MILLISECOND % policy.window
        for n, delay in enumerate(late)
        if n not in missed
    ]
    ordered = [now for now in ran if wants_order(start, now, policy)]
    able = [now for now in ran if at_once(start, now, policy)]
    # Who comes just before a tick is seen to at once too, for the tick may not see him.
    settled = [now for now in able if now >= tick_of(start, policy)]
    assert ordered == settled
    assert all(now < sending(start, policy).end < start for now in ordered)


@given(now=instants, away=distances, policy=policies, ago=minutes)
def test_an_order_is_given_again_only_once_it_is_overdue(
    now: datetime, away: timedelta, policy: WindowPolicy, ago: timedelta
) -> None:
    start = now + away
    again = wants_order(start, now, policy, now - ago)
    assert again is (wants_order(start, now, policy) and ago >= policy.overdue)


@pytest.mark.check("N-S1")
def test_a_ten_o_clock_sale_is_the_half_past_nine_ticks_and_goes_out_then() -> None:
    pacific = ZoneInfo("America/Los_Angeles")
    ten = datetime(2025, 2, 14, 10, tzinfo=pacific)
    assert tick_of(ten, DEFAULT) == datetime(2025, 2, 14, 9, 30, tzinfo=pacific)
    assert sending(ten, DEFAULT).begin == tick_of(ten, DEFAULT)
    quarter_past = ten + 15 * MINUTE
    assert tick_of(quarter_past, DEFAULT) == tick_of(ten, DEFAULT)
    assert sending(quarter_past, DEFAULT).begin == datetime(2025, 2, 14, 9, 45, tzinfo=pacific)


def test_each_limit_belongs_to_the_side_that_is_safe() -> None:
    start = YEAR + 600 * MINUTE
    tick, end = tick_of(start, DEFAULT), sending(start, DEFAULT).end
    assert turn(start, end - MILLISECOND, DEFAULT) is Turn.OWNED
    assert turn(start, end, DEFAULT) is Turn.TOO_LATE
    assert not at_once(start, tick - 2 * MINUTE - MILLISECOND, DEFAULT)
    assert at_once(start, tick - 2 * MINUTE, DEFAULT)
    assert at_once(start, end - MILLISECOND, DEFAULT)
    assert not at_once(start, end, DEFAULT)
    ordered = tick + DEFAULT.overdue
    assert not wants_order(start, ordered - MILLISECOND, DEFAULT, tick)
    assert wants_order(start, ordered, DEFAULT, tick)


def test_a_time_without_a_zone_belongs_to_no_tick() -> None:
    with pytest.raises(TypeError):
        tick_of(datetime(2025, 2, 14, 10), DEFAULT)  # noqa: DTZ001  # that is the point


@pytest.mark.parametrize(
    "wrong",
    [
        {"lead": 2 * MINUTE},
        {"useful": timedelta()},
        {"useful": -MINUTE},
        {"window": timedelta()},
        {"overdue": timedelta()},
    ],
)
def test_a_policy_under_which_no_reminder_could_be_in_time_is_refused(
    wrong: dict[str, timedelta],
) -> None:
    with pytest.raises(WiringError):
        WindowPolicy(**wrong)
