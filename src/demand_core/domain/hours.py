"""The hours in which a message that nobody asked for may arrive."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, time, timedelta
from enum import Enum
from functools import cache, lru_cache
from typing import Final
from zoneinfo import ZoneInfo

from attrs import frozen

from demand_core.domain.contacts import Phone
from demand_core.domain.notifications import NotificationKind
from demand_core.errors import WiringError

# Every zone in use is off UTC by whole quarters and changes its clocks at one, so that between
# two quarters nothing begins to be allowed and nothing ends.
_QUARTER: Final = timedelta(minutes=15)
_MINUTE: Final = timedelta(minutes=1)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_LOOK_MAX: Final = timedelta(days=2)


class MessageClass(Enum):
    """Whether the fan asked for this very message."""

    REQUESTED = "requested"
    CAMPAIGN = "campaign"


def class_of(kind: NotificationKind) -> MessageClass:
    """A fan orders reminders, one by one; presale notices and waves are our idea."""
    asked = kind is NotificationKind.REMINDER
    return MessageClass.REQUESTED if asked else MessageClass.CAMPAIGN


@frozen(kw_only=True)
class HoursPolicy:
    """When a message may arrive, on the recipient's own clock, and which classes that binds."""

    opens: time = time(8)
    closes: time = time(21)
    binds: frozenset[MessageClass] = frozenset({MessageClass.CAMPAIGN})

    def __attrs_post_init__(self) -> None:
        """Raise WiringError for hours that never open or that begin between two quarters."""
        quarters = {0, 15, 30, 45}
        for at in (self.opens, self.closes):
            if at.minute not in quarters or at.second or at.microsecond or at.tzinfo:
                raise WiringError("hours begin and end at whole quarters, on any clock")
        if self.opens >= self.closes:
            raise WiringError("hours open before they close, on the same day")


def plausible_zones(given: str | None, phone: Phone, country: str) -> tuple[str, ...]:
    """Where the recipient may be: as *given*, else by the number, else by the *country*.

    Numbers move within their area code, so each zone of it counts. Nothing known is empty.
    """
    if given and is_zone(given):
        return (given,)
    return _zones_of_area(phone.reveal()) or _zones_of_country(country)


@lru_cache(maxsize=1024)
def is_zone(name: str) -> bool:
    """Whether the name, which may be anybody's, is that of a zone."""
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return False
    return True


def _zones_of_area(e164: str) -> tuple[str, ...]:
    if not e164.startswith("+1"):
        return _zones_of_number(e164)
    return _zones_of_area_code(e164[1:5])


@cache
def _zones_of_area_code(area: str) -> tuple[str, ...]:
    """Every zone of *area*, a country code 1 with three digits, be it one exchange only."""
    from phonenumbers.tzdata import TIMEZONE_DATA

    found = [zones for prefix, zones in TIMEZONE_DATA.items() if prefix.startswith(area)]
    return _real(zone for zones in found or [TIMEZONE_DATA["1"]] for zone in zones)


@lru_cache(maxsize=1024)
def _zones_of_number(e164: str) -> tuple[str, ...]:
    from phonenumbers import NumberParseException, parse
    from phonenumbers.timezone import time_zones_for_number

    try:
        return _real(time_zones_for_number(parse(e164)))
    except NumberParseException:
        return ()


@lru_cache(maxsize=1024)
def _zones_of_country(country: str) -> tuple[str, ...]:
    from babel.core import get_global

    return _real(get_global("territory_zones").get(country, ()))


def _real(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(name for name in dict.fromkeys(names) if is_zone(name))


def is_allowed(at: datetime, zones: Sequence[str], policy: HoursPolicy) -> bool:
    """Whether all *zones* agree that *at* is within the hours; without a zone none does."""
    clocks = [at.astimezone(ZoneInfo(zone)).time() for zone in zones]
    return bool(clocks) and all(policy.opens <= clock < policy.closes for clock in clocks)


class Verdict(Enum):
    """What becomes of a message at the hour that it is meant for."""

    NOW = "goes as planned"
    EARLIER = "goes before, while the hours last"
    WAIT = "waits until the hours begin"
    EMAIL = "goes by e-mail instead"
    DROPPED = "goes nowhere"


@frozen
class Ruling:
    """The verdict, and when the message goes if it goes by SMS."""

    verdict: Verdict
    at: datetime | None = None


@frozen(kw_only=True)
class Plan:
    """When a message is meant to go, how early it could, and when it is of no more use."""

    message_class: MessageClass
    at: datetime
    earliest: datetime
    until: datetime
    has_email: bool = False


def ruling(plan: Plan, now: datetime, zones: Sequence[str], policy: HoursPolicy) -> Ruling:
    """What becomes of a message that is planned, or due: then there is no earlier any more."""
    at = max(now, plan.at)
    if at < plan.until:
        if plan.message_class not in policy.binds or is_allowed(at, zones, policy):
            return Ruling(Verdict.NOW, at)
        key = tuple(zones)
        if before := _last_before(at, max(now, plan.earliest), key, policy):
            return Ruling(Verdict.EARLIER, before)
        if after := _first_after(at, plan.until, key, policy):
            return Ruling(Verdict.WAIT, after)
    return Ruling(Verdict.EMAIL if plan.has_email else Verdict.DROPPED)


def _last_before(
    at: datetime, earliest: datetime, zones: tuple[str, ...], policy: HoursPolicy
) -> datetime | None:
    """The last minute of the hours before *at*, which is outside them."""
    quarter = _nearest(_quarter(at), -_QUARTER, zones, policy)
    if quarter is None or quarter + _QUARTER <= earliest:
        return None
    return max(quarter + _QUARTER - _MINUTE, earliest)


def _first_after(
    at: datetime, until: datetime, zones: tuple[str, ...], policy: HoursPolicy
) -> datetime | None:
    """The first instant of the hours after *at*, which is outside them, and before *until*."""
    quarter = _nearest(_quarter(at), _QUARTER, zones, policy)
    return quarter if quarter and quarter < until else None


def _quarter(at: datetime) -> datetime:
    return _EPOCH + (at - _EPOCH) // _QUARTER * _QUARTER


@lru_cache(maxsize=1024)
def _nearest(
    quarter: datetime, step: timedelta, zones: tuple[str, ...], policy: HoursPolicy
) -> datetime | None:
    """The nearest quarter in that direction that is allowed: a wave asks the same for many."""
    steps = range(1, _LOOK_MAX // _QUARTER)
    candidates = (quarter + n * step for n in steps)
    return next((at for at in candidates if is_allowed(at, zones, policy)), None)
