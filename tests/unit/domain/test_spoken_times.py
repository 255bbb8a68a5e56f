"""Days, hours and zones as people say them, never an hour off by their name."""

import zoneinfo
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from demand_core.domain.sms_text import Accents, Encoding, folded, sms_size
from demand_core.domain.spoken_times import Locale, SpokenTime, nearest_locale, spoken_time
from demand_core.errors import Permanent

VALENTINE: Final = datetime(2025, 2, 14, 18, tzinfo=UTC)
ZONES: Final = (
    "America/Los_Angeles", "America/Vancouver", "America/Phoenix", "America/Whitehorse",
    "America/Denver", "America/Edmonton", "America/Boise", "America/Chicago",
    "America/Winnipeg", "America/Regina", "America/New_York", "America/Toronto",
    "America/Detroit", "America/Indiana/Indianapolis", "America/Indiana/Knox",
    "America/Kentucky/Louisville", "America/North_Dakota/Center", "America/Halifax",
    "America/Moncton", "America/Glace_Bay", "America/Blanc-Sablon", "America/Puerto_Rico",
    "America/St_Johns", "America/Anchorage", "America/Juneau", "America/Adak",
    "Pacific/Honolulu", "US/Eastern", "Canada/Newfoundland", "America/Iqaluit",
)  # fmt: skip
# What each name means to its reader, in hours from UTC.
MEANING: Final = {
    "PST": -8, "PDT": -7, "MST": -7, "MDT": -6, "CST": -6, "CDT": -5, "EST": -5, "EDT": -4,
    "AST": -4, "ADT": -3, "NST": -3.5, "NDT": -2.5, "AKST": -9, "AKDT": -8, "HST": -10,
    "HAST": -10, "HADT": -9, "UTC-9": -9,
    "HNP": -8, "HAP": -7, "HNR": -7, "HAR": -6, "HNC": -6, "HAC": -5, "HNE": -5, "HAE": -4,
    "HNA": -4, "HNT": -3.5, "HAT": -2.5, "HNAK": -9,
}  # fmt: skip
GENERIC: Final = {
    "PT",
    "MT",
    "CT",
    "ET",
    "AT",
    "NT",
    "AKT",
    "HP",
    "HR",
    "HC",
    "HE",
    "HA",
    "HAK",
}

instants = st.datetimes(datetime(2024, 1, 1), datetime(2028, 1, 1)).map(  # noqa: DTZ001
    lambda at: at.replace(tzinfo=UTC)
)


@pytest.fixture
def pinned_zones() -> Iterator[None]:
    """The rules that came with us, not those of the machine."""
    zoneinfo.reset_tzpath(to=())
    ZoneInfo.clear_cache()
    yield
    zoneinfo.reset_tzpath()
    ZoneInfo.clear_cache()


def spoken(at: datetime, zone: str, locale: Locale) -> SpokenTime:
    return spoken_time(at, ZoneInfo(zone), locale)


@pytest.mark.check("REQ-003")
@pytest.mark.parametrize(
    ("locale", "zone", "said"),
    [
        ("en-us", "America/Los_Angeles", ("Fri, Feb 14", "10:00 AM", "PST")),
        ("en-ca", "America/Toronto", ("Fri, Feb 14", "1:00 p.m.", "EST")),
        ("fr-ca", "America/Toronto", ("ven. 14 févr.", "13 h 00", "HNE")),
        ("en-us", "America/St_Johns", ("Fri, Feb 14", "2:30 PM", "NST")),
        ("fr-ca", "America/St_Johns", ("ven. 14 févr.", "14 h 30", "HNT")),
        ("en-us", "America/Indiana/Indianapolis", ("Fri, Feb 14", "1:00 PM", "EST")),
        ("fr-ca", "America/Indiana/Indianapolis", ("ven. 14 févr.", "13 h 00", "HNE")),
        ("en-us", "Pacific/Auckland", ("Sat, Feb 15", "7:00 AM", "UTC+13")),
        ("en-us", "Asia/Kolkata", ("Fri, Feb 14", "11:30 PM", "UTC+5:30")),
        ("fr-ca", "America/Caracas", ("ven. 14 févr.", "14 h 00", "UTC-4")),
        ("en-us", "UTC", ("Fri, Feb 14", "6:00 PM", "UTC")),
    ],
)
def test_each_locale_has_its_own_day_clock_and_zone(
    locale: str, zone: str, said: tuple[str, str, str]
) -> None:
    time = spoken(VALENTINE, zone, Locale(locale))
    assert (time.short_day, time.time, time.zone) == said


def test_an_email_has_the_whole_date() -> None:
    days = {locale: spoken(VALENTINE, "America/Toronto", locale).day for locale in Locale}
    assert days == {
        Locale.EN_US: "Friday, February 14, 2025",
        Locale.EN_CA: "Friday, February 14, 2025",
        Locale.FR_CA: "vendredi 14 février 2025",
    }


@pytest.mark.parametrize(
    ("at", "english", "french"),
    [
        ("2025-03-09T09:59Z", "1:59 AM PST", "1 h 59 HNP"),
        ("2025-03-09T10:00Z", "3:00 AM PDT", "3 h 00 HAP"),
        ("2025-11-02T08:30Z", "1:30 AM PDT", "1 h 30 HAP"),
        ("2025-11-02T09:30Z", "1:30 AM PST", "1 h 30 HNP"),
    ],
)
def test_the_hour_that_comes_twice_is_told_apart(at: str, english: str, french: str) -> None:
    for locale, said in ((Locale.EN_US, english), (Locale.FR_CA, french)):
        time = spoken(datetime.fromisoformat(at), "America/Los_Angeles", locale)
        assert f"{time.time} {time.zone}" == said


@given(instants, st.sampled_from(ZONES), st.sampled_from(Locale))
def test_a_zones_name_never_means_another_hour_than_the_clock_shows(
    at: datetime, zone: str, locale: Locale
) -> None:
    name = spoken(at, zone, locale).zone
    offset = at.astimezone(ZoneInfo(zone)).utcoffset()
    assert offset is not None
    assert name in GENERIC or MEANING[name] == offset / timedelta(hours=1)


@pytest.mark.usefixtures("pinned_zones")
@pytest.mark.parametrize(
    ("zone", "english", "french"),
    [
        ("America/Vancouver", "11:00 AM PT", "11 h 00 HP"),
        ("America/Edmonton", "12:00 PM MT", "12 h 00 HR"),
    ],
)
def test_where_rules_changed_since_the_library_the_name_is_generic(
    zone: str, english: str, french: str
) -> None:
    at = datetime(2026, 12, 14, 18, tzinfo=UTC)
    for locale, said in (
        (Locale.EN_CA, english.replace("AM", "a.m.").replace("PM", "p.m.")),
        (Locale.EN_US, english),
        (Locale.FR_CA, french),
    ):
        time = spoken(at, zone, locale)
        assert f"{time.time} {time.zone}" == said


@given(instants, st.sampled_from([*ZONES, "Asia/Tokyo"]), st.sampled_from(Locale))
def test_no_day_or_hour_makes_a_text_longer_by_its_signs(
    at: datetime, zone: str, locale: Locale
) -> None:
    time = spoken(at, zone, locale)
    said = f"{folded(time.short_day, Accents.KEEP_GSM)} {time.time} {time.zone}"
    assert sms_size(said).encoding is Encoding.GSM_7


def test_august_keeps_its_accent_where_letters_are_free() -> None:
    time = spoken(datetime(2025, 8, 14, tzinfo=UTC), "America/Toronto", Locale.FR_CA)
    assert time.day == "mercredi 13 août 2025"


def test_an_instant_without_a_zone_is_refused() -> None:
    with pytest.raises(Permanent, match="naive_time"):
        spoken(VALENTINE.replace(tzinfo=None), "America/Toronto", Locale.EN_US)


@pytest.mark.check("REQ-003")
@pytest.mark.parametrize(
    ("asked", "ours"),
    [
        ("en-us", "en-us"), ("en-ca", "en-ca"), ("fr-ca", "fr-ca"), ("fr_CA", "fr-ca"),
        ("EN-CA", "en-ca"), ("fr", "fr-ca"), ("fr-FR", "fr-ca"), ("es-ca", "en-ca"),
        ("en", "en-us"), ("en-gb", "en-us"), ("es-mx", "en-us"), ("", "en-us"),
        ("fra", "en-us"),
    ],
)  # fmt: skip
def test_a_locale_that_is_not_ours_falls_back_by_language_then_by_country(
    asked: str, ours: str
) -> None:
    assert nearest_locale(asked).value == ours
