"""The text of a reminder: what it says in each locale, and what it gives up to fit."""

import math
from collections.abc import Collection, Iterator, Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Final
from zoneinfo import ZoneInfo

from attrs import Attribute, evolve, field, frozen

from demand_core.domain.brands import LIVE_NATION, TICKETMASTER, host_of
from demand_core.domain.hours import is_zone
from demand_core.domain.sms_text import Encoding, SmsSize, folded, sms_size
from demand_core.domain.spoken_names import accents_of, sms_name
from demand_core.domain.spoken_times import Locale, nearest_locale, spoken_time
from demand_core.domain.templates import TEMPLATES, Template
from demand_core.errors import Permanent

BRAND_NAMES: Final[Mapping[str, str]] = MappingProxyType(
    {TICKETMASTER: "Ticketmaster", LIVE_NATION: "Live Nation"}
)


@frozen(kw_only=True)
class Reminder:
    """What there is to say. *presale* is the sale's name, and absent for a public sale.

    Without a zone the text says how soon: it is read at most *lead* before the sale.
    """

    locale: str
    brand: str = field()
    artist: str
    starts_at: datetime
    lead: timedelta
    link: str
    time_zone: str | None = None
    venue: str | None = None
    city: str | None = None
    presale: str | None = None

    @brand.validator
    def _known(self, _: "Attribute[str]", brand: str) -> None:
        if brand not in BRAND_NAMES:
            raise Permanent("bad_brand", f"none of {', '.join(BRAND_NAMES)}")

    @property
    def zone(self) -> ZoneInfo | None:
        """The zone whose clocks the text goes by, if there is such a zone."""
        known = self.time_zone is not None and is_zone(self.time_zone)
        return ZoneInfo(self.time_zone) if self.time_zone and known else None

    @property
    def minutes(self) -> int:
        """Within how many minutes the sale opens, for whoever reads the text."""
        return math.ceil(self.lead / timedelta(minutes=1))


class Step(StrEnum):
    """What a text gives up, in this order: each only if it is still too long without."""

    VENUE = "venue"
    PRESALE = "presale"
    DATE = "date"
    PHRASE = "phrase"
    ARTIST = "artist"


# Fewer letters of a name than this tell nobody who plays.
ARTIST_KEPT_MIN: Final = 8


class Unsayable(StrEnum):
    """Why there is no text."""

    NO_ARTIST = "no_artist"
    NO_PLACE = "no_place"
    BAD_LINK = "bad_link"
    TOO_LONG = "too_long"


@frozen(kw_only=True)
class Unsaid:
    """There is no text, for this reason; the size is that of the shortest one tried."""

    reason: Unsayable
    size: SmsSize | None = None


@frozen(kw_only=True)
class Sms:
    """A text as it is sent, which fits, and what it gave up for that."""

    text: str = field(repr=lambda _: "…")
    size: SmsSize
    locale: Locale
    fell_back: bool
    shortened: tuple[Step, ...] = ()


def as_sms(text: str, locale: str, *, budget: int = 1) -> Sms | Unsaid:
    """*text* as it stands, if it takes at most *budget* segments."""
    size = sms_size(text)
    if size.segments > budget:
        return Unsaid(reason=Unsayable.TOO_LONG, size=size)
    nearest = nearest_locale(locale)
    return Sms(text=text, size=size, locale=nearest, fell_back=nearest != locale)


def reminder_sms(
    reminder: Reminder,
    *,
    budget: int = 1,
    templates: Mapping[Locale, Template] = TEMPLATES,
) -> Sms | Unsaid:
    """The text for *reminder*, shortened step by step until it takes *budget* segments."""
    locale = nearest_locale(reminder.locale)
    said = _Said.of(reminder, locale, templates[locale])
    if host_of(reminder.link) is None:
        return Unsaid(reason=Unsayable.BAD_LINK)
    if not said.artist:
        return Unsaid(reason=Unsayable.NO_ARTIST)
    if not (said.venue or said.city):
        return Unsaid(reason=Unsayable.NO_PLACE)
    written = Unsaid(reason=Unsayable.TOO_LONG)
    for steps, text in _shorter_and_shorter(said, budget):
        match as_sms(text, reminder.locale, budget=budget):
            case Sms() as sms:
                return evolve(sms, shortened=steps)
            case Unsaid() as written:
                pass
    return written


@frozen(kw_only=True)
class _Said:
    """The words that go into a template, each ready to be put in."""

    template: Template
    artist: str
    presale: str
    venue: str
    city: str
    times: Mapping[str, str]
    soon: str
    brand: str
    link: str

    @classmethod
    def of(cls, reminder: Reminder, locale: Locale, template: Template) -> "_Said":
        times = dict[str, str]()
        if zone := reminder.zone:
            spoken = spoken_time(reminder.starts_at, zone, locale)
            times = {"day": spoken.short_day, "time": spoken.time, "zone": spoken.zone}
        return cls(
            template=template,
            artist=sms_name(reminder.artist, locale),
            presale=sms_name(reminder.presale, locale),
            venue=sms_name(reminder.venue, locale),
            city=sms_name(reminder.city, locale),
            times={name: folded(said, accents_of(locale)) for name, said in times.items()},
            soon=template.soon.format(minutes=reminder.minutes),
            brand=BRAND_NAMES[reminder.brand],
            # Phones find a link without its scheme too, and it is eight characters.
            link=reminder.link[len("https://") :],
        )

    def written(self, given_up: Collection[Step]) -> str:
        words = self.template
        brief = Step.PHRASE in given_up
        presale = "" if Step.PRESALE in given_up else self.presale
        return (words.brief if brief else words.phrase).format_map(
            {
                "artist": self.artist,
                "presale": presale and words.presale.format(name=presale),
                "place": self._place(given_up),
                "when": self._when(given_up),
                "brand": self.brand,
                "link": self.link,
            }
        )

    def _place(self, given_up: Collection[Step]) -> str:
        if self.venue and not (self.city and Step.VENUE in given_up):
            return self.template.venue.format(name=self.venue)
        return self.template.city.format(name=self.city)

    def _when(self, given_up: Collection[Step]) -> str:
        words = self.template
        if not self.times:
            return self.soon
        if Step.PHRASE in given_up:
            return words.clock.format_map(self.times)
        return (words.at_time if Step.DATE in given_up else words.on_day).format_map(self.times)


def _shorter_and_shorter(said: _Said, budget: int) -> Iterator[tuple[tuple[Step, ...], str]]:
    """The text with all it could say, then with one thing less each time, and what that was."""
    given_up: tuple[Step, ...] = ()
    text = said.written(given_up)
    yield given_up, text
    for step in (Step.VENUE, Step.PRESALE, Step.DATE, Step.PHRASE):
        shorter = said.written((*given_up, step))
        if _cost(shorter) < _cost(text):
            given_up, text = (*given_up, step), shorter
            yield given_up, text
    longest = min(len(said.artist) - 1, 160 * budget)
    for kept in range(longest, ARTIST_KEPT_MIN - 1, -1):
        artist = f"{said.artist[:kept].rstrip()}..."
        yield (*given_up, Step.ARTIST), evolve(said, artist=artist).written(given_up)


def _cost(text: str) -> tuple[bool, int]:
    size = sms_size(text)
    return size.encoding is Encoding.UCS_2, size.units
