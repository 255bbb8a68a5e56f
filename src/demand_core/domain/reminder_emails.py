"""The order for the e-mail of a reminder: a template's name, and what goes into it, checked."""

from typing import Final

from attrs import Attribute, asdict, field, frozen

from demand_core.domain.brands import host_of
from demand_core.domain.sms_text import folded, visible
from demand_core.domain.spoken_names import accents_of, email_name
from demand_core.domain.spoken_times import Locale, SpokenTime, nearest_locale, spoken_time
from demand_core.domain.templates import TEMPLATES
from demand_core.domain.wording import BRAND_NAMES, Reminder, Unsaid, Unsayable
from demand_core.errors import Permanent

EMAIL_TEMPLATE: Final = "reminder/1"


def _variable(*, link: bool = False, optional: bool = False) -> str:
    """Text of one line, all of it to be seen; its error names it and never shows it."""

    def check(_: object, attribute: "Attribute[str]", text: str) -> None:
        if not text and not optional:
            raise Permanent("bad_variable", f"{attribute.name}: missing")
        if visible(text) != text:
            raise Permanent("bad_variable", f"{attribute.name}: holds what cannot be seen")
        if link and text and host_of(text) is None:
            raise Permanent("bad_variable", f"{attribute.name}: not an https link")

    if optional:
        return field(default="", validator=check, repr=_hidden)
    return field(validator=check, repr=_hidden)


def _hidden(_: str) -> str:
    return "…"


@frozen(kw_only=True)
class EmailVariables:
    """What the template is filled with. Without a known zone `soon` stands for the clock."""

    brand: str = _variable()
    artist: str = _variable()
    venue: str = _variable()
    city: str = _variable(optional=True)
    presale: str = _variable(optional=True)
    day: str = _variable(optional=True)
    time: str = _variable(optional=True)
    zone: str = _variable(optional=True)
    soon: str = _variable()
    link: str = _variable(link=True)
    poster: str = _variable(link=True, optional=True)

    def __attrs_post_init__(self) -> None:
        """Raise Permanent for a clock time that does not say on which day or whose clock."""
        if len({bool(self.day), bool(self.time), bool(self.zone)}) > 1:
            raise Permanent("bad_variable", "day, time and zone: all or none")

    def filled(self) -> dict[str, str]:
        """Those that say something, by name."""
        return {name: text for name, text in asdict(self).items() if text}


@frozen(kw_only=True)
class ReminderEmail:
    """One e-mail to be made from a template; it shows nothing of what it says."""

    template: str = EMAIL_TEMPLATE
    locale: Locale
    fell_back: bool
    variables: EmailVariables


def reminder_email(reminder: Reminder, poster: str | None = None) -> ReminderEmail | Unsaid:
    """The e-mail for *reminder*, or why there is none; a *poster* that is no link is left out.

    Names keep all their letters, but that English spells artists without accents.
    """
    locale = nearest_locale(reminder.locale)
    artist = email_name(reminder.artist)
    city = email_name(reminder.city)
    venue = email_name(reminder.venue) or city
    if host_of(reminder.link) is None:
        return Unsaid(reason=Unsayable.BAD_LINK)
    if not artist:
        return Unsaid(reason=Unsayable.NO_ARTIST)
    if not venue:
        return Unsaid(reason=Unsayable.NO_PLACE)
    zone = reminder.zone
    spoken = spoken_time(reminder.starts_at, zone, locale) if zone else _UNSPOKEN
    variables = EmailVariables(
        brand=BRAND_NAMES[reminder.brand],
        artist=artist if locale is Locale.FR_CA else folded(artist, accents_of(locale)),
        venue=venue,
        city=city,
        presale=email_name(reminder.presale),
        day=spoken.day,
        time=spoken.time,
        zone=spoken.zone,
        soon=TEMPLATES[locale].soon.format(minutes=reminder.minutes),
        link=reminder.link,
        poster=poster if poster and host_of(poster) else "",
    )
    fell_back = locale != reminder.locale
    return ReminderEmail(locale=locale, fell_back=fell_back, variables=variables)


_UNSPOKEN: Final = SpokenTime(day="", short_day="", time="", zone="")
