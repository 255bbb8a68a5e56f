"""What nobody asked for arrives by day, wherever its reader may be, or not at all."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from babel.core import get_global
from hypothesis import assume, given
from hypothesis import strategies as st

from demand_core.domain.contacts import Phone
from demand_core.domain.hours import (
    HoursPolicy,
    MessageClass,
    Plan,
    Ruling,
    Verdict,
    class_of,
    is_allowed,
    is_zone,
    plausible_zones,
    ruling,
)
from demand_core.domain.notifications import NotificationKind
from demand_core.errors import WiringError

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
DEFAULT = HoursPolicy()
NORTH_AMERICA = [zone for land in ("US", "CA") for zone in get_global("territory_zones")[land]]
NEW_YORK = Phone("+12125550123")
# Clocks go forward and back in these weeks.
SPRING = datetime(2025, 3, 8, 12, tzinfo=UTC)
AUTUMN = datetime(2025, 11, 1, 12, tzinfo=UTC)

quarters = st.integers(0, 95).map(lambda n: time(n // 4, n % 4 * 15))
policies = st.just(DEFAULT) | st.builds(
    lambda hours: HoursPolicy(opens=min(hours), closes=max(hours)),
    st.tuples(quarters, quarters).filter(lambda hours: hours[0] != hours[1]),
)
zone_lists = st.lists(
    st.sampled_from([*NORTH_AMERICA, "Australia/Lord_Howe", "Asia/Kathmandu"]),
    min_size=1,
    max_size=3,
).map(tuple)
instants = st.builds(
    lambda base, minutes: base + minutes * MINUTE,
    st.sampled_from([SPRING, AUTUMN, datetime(2025, 7, 1, tzinfo=UTC)]),
    st.integers(0, 48 * 60),
)
spans = st.integers(0, 30 * 60).map(lambda n: n * MINUTE)
plans = st.builds(
    lambda at, early, useful, has_email: Plan(
        message_class=MessageClass.CAMPAIGN,
        at=at,
        earliest=at - early,
        until=at + useful,
        has_email=has_email,
    ),
    instants,
    spans,
    spans,
    st.booleans(),
)


def on_every_clock(at: datetime, zones: tuple[str, ...], policy: HoursPolicy) -> bool:
    """The rule, said as plainly as it can be."""
    walls = [at.astimezone(ZoneInfo(zone)) for zone in zones]
    minutes = [wall.hour * 60 + wall.minute for wall in walls]
    opens = policy.opens.hour * 60 + policy.opens.minute
    closes = policy.closes.hour * 60 + policy.closes.minute
    return all(opens <= minute < closes for minute in minutes)


def expected(plan: Plan, now: datetime, zones: tuple[str, ...], policy: HoursPolicy) -> Ruling:
    """Every minute tried, one after the other."""
    at = max(now, plan.at)
    if at < plan.until:
        if on_every_clock(at, zones, policy):
            return Ruling(Verdict.NOW, at)
        first = max(now, plan.earliest)
        before = [first + n * MINUTE for n in range(max(0, (at - first) // MINUTE))]
        if good := [one for one in before if on_every_clock(one, zones, policy)]:
            return Ruling(Verdict.EARLIER, good[-1])
        after = [at + n * MINUTE for n in range((plan.until - at) // MINUTE)]
        if good := [one for one in after if on_every_clock(one, zones, policy)]:
            return Ruling(Verdict.WAIT, good[0])
    return Ruling(Verdict.EMAIL if plan.has_email else Verdict.DROPPED)


@given(now=instants, plan=plans, zones=zone_lists, policy=policies)
def test_the_ruling_is_the_one_that_trying_every_minute_finds(
    now: datetime, plan: Plan, zones: tuple[str, ...], policy: HoursPolicy
) -> None:
    assert ruling(plan, now, zones, policy) == expected(plan, now, zones, policy)


@given(
    now=instants, away=st.integers(-600, 600), useful=spans, zones=zone_lists, policy=policies
)
def test_nothing_ever_goes_outside_the_hours_or_its_own_time(
    now: datetime, away: int, useful: timedelta, zones: tuple[str, ...], policy: HoursPolicy
) -> None:
    now += timedelta(seconds=away % 60)
    at = now + away * MINUTE + timedelta(seconds=7)
    plan = Plan(
        message_class=MessageClass.CAMPAIGN, at=at, earliest=at - 5 * HOUR, until=at + useful
    )
    found = ruling(plan, now, zones, policy)
    if found.at is None:
        assert found.verdict in {Verdict.EMAIL, Verdict.DROPPED}
    else:
        assert max(now, plan.earliest) <= found.at < plan.until
        assert is_allowed(found.at, zones, policy)
        assert (found.at < max(now, at)) is (found.verdict is Verdict.EARLIER)


@given(now=instants, useful=spans, zones=zone_lists)
def test_what_a_fan_asked_for_goes_at_any_hour_but_never_too_late(
    now: datetime, useful: timedelta, zones: tuple[str, ...]
) -> None:
    plan = Plan(message_class=MessageClass.REQUESTED, at=now, earliest=now, until=now + useful)
    wanted = Ruling(Verdict.NOW, now) if useful else Ruling(Verdict.DROPPED)
    assert ruling(plan, now, zones, DEFAULT) == wanted
    assert ruling(plan, now, (), DEFAULT) == wanted
    strict = HoursPolicy(binds=frozenset(MessageClass))
    assume(not is_allowed(now, zones, DEFAULT))
    assert ruling(plan, now, zones, strict).verdict is not Verdict.NOW


@pytest.mark.parametrize("zone", NORTH_AMERICA)
@pytest.mark.parametrize("day", [SPRING, AUTUMN])
def test_days_when_clocks_change_open_at_eight_and_close_at_nine_as_the_wall_says(
    zone: str, day: datetime
) -> None:
    minutes = [day + n * MINUTE for n in range(2 * 24 * 60)]
    allowed = [at for at in minutes if is_allowed(at, (zone,), DEFAULT)]
    walls = {at.astimezone(ZoneInfo(zone)).hour for at in allowed}
    assert walls == set(range(8, 21))
    assert len(allowed) in range(26 * 60 - 60, 26 * 60 + 61)
    first = next(at for at in minutes if not is_allowed(at, (zone,), DEFAULT))
    plan = Plan(
        message_class=MessageClass.CAMPAIGN, at=first, earliest=first, until=first + 24 * HOUR
    )
    opens = ruling(plan, first, (zone,), DEFAULT).at
    assert opens is not None
    assert opens.astimezone(ZoneInfo(zone)).time() == time(8)


def test_an_hour_is_allowed_only_where_all_zones_agree() -> None:
    coasts = ("America/New_York", "America/Los_Angeles")
    morning = datetime(2025, 2, 14, 10, 59, tzinfo=ZoneInfo("America/New_York"))
    assert is_allowed(morning, coasts[:1], DEFAULT)
    assert not is_allowed(morning, coasts, DEFAULT)
    assert is_allowed(morning + MINUTE, coasts, DEFAULT)
    assert is_allowed(morning.replace(hour=20), coasts, DEFAULT)
    assert not is_allowed(morning.replace(hour=21), coasts, DEFAULT)


def test_waiting_until_the_message_is_of_no_use_is_no_waiting() -> None:
    night = datetime(2025, 2, 14, 6, tzinfo=ZoneInfo("America/New_York"))
    zones = ("America/New_York",)
    for late, verdict in ((timedelta(), Verdict.DROPPED), (MINUTE, Verdict.WAIT)):
        plan = Plan(
            message_class=MessageClass.CAMPAIGN,
            at=night,
            earliest=night,
            until=night + 2 * HOUR + late,
        )
        assert ruling(plan, night, zones, DEFAULT).verdict is verdict


def test_nobody_of_whom_no_zone_is_known_gets_a_campaign_text() -> None:
    noon = datetime(2025, 2, 14, 18, tzinfo=UTC)
    plan = Plan(
        message_class=MessageClass.CAMPAIGN,
        at=noon,
        earliest=noon,
        until=noon + 24 * HOUR,
        has_email=True,
    )
    assert ruling(plan, noon, (), DEFAULT) == Ruling(Verdict.EMAIL)


@pytest.mark.parametrize(
    ("number", "some", "many"),
    [
        ("+12125550123", {"America/New_York"}, False),
        ("+12085550123", {"America/Boise", "America/Los_Angeles", "America/Denver"}, False),
        ("+14235550123", {"America/Chicago", "America/New_York"}, False),
        ("+18675551234", {"America/Vancouver", "America/Toronto", "America/Edmonton"}, False),
        ("+17872345678", {"America/Puerto_Rico"}, False),
        ("+442079460123", {"Europe/London"}, False),
        ("+18002345678", {"America/New_York", "Pacific/Honolulu"}, True),
        ("+15551234567", {"America/New_York", "Pacific/Honolulu"}, True),
    ],
)
def test_a_number_may_be_in_any_zone_of_its_area(
    number: str, some: set[str], many: bool
) -> None:
    zones = plausible_zones(None, Phone(number), "US")
    assert some <= set(zones)
    assert (len(zones) > 10) is many
    assert all(map(is_zone, zones))


def test_a_given_zone_counts_before_the_number_and_that_before_the_country() -> None:
    assert plausible_zones("America/Denver", NEW_YORK, "US") == ("America/Denver",)
    for hostile in ("", "Mars/Olympus", "../../etc/passwd", "/etc/passwd", "A\x00", "x" * 9999):
        assert plausible_zones(hostile, NEW_YORK, "CA") == ("America/New_York",)
    nowhere = Phone("+999123456789")
    assert set(plausible_zones(None, nowhere, "US")) <= set(NORTH_AMERICA)
    assert "Pacific/Honolulu" in plausible_zones(None, nowhere, "US")
    assert plausible_zones(None, nowhere, "??") == ()


def test_reminders_are_asked_for_and_nothing_else_is() -> None:
    asked = [kind for kind in NotificationKind if class_of(kind) is MessageClass.REQUESTED]
    assert asked == [NotificationKind.REMINDER]


@pytest.mark.parametrize(
    ("opens", "closes"),
    [
        (time(21), time(8)),
        (time(8), time(8)),
        (time(8, 10), time(21)),
        (time(8), time(21, 0, 1)),
        (time(8, tzinfo=UTC), time(21)),
    ],
)
def test_hours_that_never_open_or_begin_between_quarters_are_refused(
    opens: time, closes: time
) -> None:
    with pytest.raises(WiringError):
        HoursPolicy(opens=opens, closes=closes)
