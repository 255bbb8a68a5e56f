"""Days, clock times and zones in the manner of each locale, by patterns of our own.

The library's ready-made formats put U+202F before AM, which alone would make an SMS several.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final
from zoneinfo import ZoneInfo

from attrs import frozen

from demand_core.errors import Permanent


class Locale(StrEnum):
    """The locales that messages are written in."""

    EN_US = "en-us"
    EN_CA = "en-ca"
    FR_CA = "fr-ca"


def nearest_locale(asked: str) -> Locale:
    """Ours for what was *asked*: itself, else by language French, else by country, else US."""
    tag = asked.strip().replace("_", "-").casefold()
    if tag.partition("-")[0] == Locale.FR_CA[:2]:
        return Locale.FR_CA
    return Locale.EN_CA if tag.endswith("-ca") else Locale.EN_US


@frozen(kw_only=True)
class SpokenTime:
    """One instant as people at a place say it."""

    day: str
    short_day: str
    time: str
    zone: str


@frozen(kw_only=True)
class _Manner:
    library: str
    day: str
    short_day: str
    time: str


_MANNERS: Final = {
    Locale.EN_US: _Manner(
        library="en_US", day="EEEE, MMMM d, y", short_day="EEE, MMM d", time="h:mm a"
    ),
    Locale.EN_CA: _Manner(
        library="en_CA", day="EEEE, MMMM d, y", short_day="EEE, MMM d", time="h:mm a"
    ),
    Locale.FR_CA: _Manner(
        library="fr_CA", day="EEEE d MMMM y", short_day="EEE d MMM", time="H 'h' mm"
    ),
}


def spoken_time(at: datetime, zone: ZoneInfo, locale: Locale) -> SpokenTime:
    """*at* on the clocks of *zone*; an instant without a zone of its own is refused."""
    from babel.dates import format_datetime

    if at.utcoffset() is None:
        raise Permanent("naive_time", "a sale starts at an instant")
    manner = _MANNERS[locale]

    def written(pattern: str) -> str:
        return format_datetime(at, pattern, tzinfo=zone, locale=manner.library)

    return SpokenTime(
        day=written(manner.day),
        short_day=written(manner.short_day),
        time=written(manner.time),
        zone=_zone_name(at, zone, locale),
    )


def _names(standard: str, summer: str, generic: str, letters: str) -> dict[str, set[float]]:
    hours = (-8.0, -7.0, -6.0, -5.0, -4.0, -3.5, -9.0)
    named = dict[str, set[float]]()
    for letter, hour in zip(letters.split(), hours, strict=True):
        named[standard.format(letter)] = {hour}
        named[summer.format(letter)] = {hour + 1}
        named[generic.format(letter)] = {hour, hour + 1}
    return named


# The names that fans know, with the hours from UTC that each may stand for.
_ENGLISH: Final = {
    **_names("{}ST", "{}DT", "{}T", "P M C E A N AK"),
    "HST": {-10.0},
    "HAST": {-10.0},
    "HADT": {-9.0},
}
_FRENCH: Final = {**_names("HN{}", "HA{}", "H{}", "P R C E A T AK"), "HST": {-10.0}}
_IN_FRENCH: Final = dict(zip(_ENGLISH, _FRENCH, strict=False))


def _zone_name(at: datetime, zone: ZoneInfo, locale: Locale) -> str:
    """The first name that says what the clock shows: precise, generic, or hours from UTC."""
    local = at.astimezone(zone)
    offset = local.utcoffset() or timedelta()
    known = _FRENCH if locale is Locale.FR_CA else _ENGLISH
    for name in _candidates(local, zone, locale):
        if offset / timedelta(hours=1) in known.get(name, ()):
            return name
    return _hours_from_utc(offset)


def _candidates(local: datetime, zone: ZoneInfo, locale: Locale) -> Iterator[str]:
    """What the library says, which knows no recent change of rules, then the zone itself.

    In en_US the library lacks Newfoundland; en_CA has all other English names too. It has none
    in any language for Indianapolis and its like, which it knows by older names.
    """
    from babel.dates import format_datetime

    french = locale is Locale.FR_CA
    library = _MANNERS[Locale.FR_CA if french else Locale.EN_CA].library
    for pattern in ("z", "v"):
        yield format_datetime(local, pattern, tzinfo=zone, locale=library)
    own = local.tzname() or ""
    yield _IN_FRENCH.get(own, own) if french else own


def _hours_from_utc(offset: timedelta) -> str:
    minutes = round(offset / timedelta(minutes=1))
    hours, rest = divmod(abs(minutes), 60)
    if not minutes:
        return "UTC"
    return f"UTC{'-' if minutes < 0 else '+'}{hours}{f':{rest:02}' if rest else ''}"
