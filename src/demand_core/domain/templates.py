"""The words around what a reminder says: patterns for each locale, checked when made."""

from collections.abc import Mapping
from string import Formatter
from types import MappingProxyType
from typing import Final

from attrs import Attribute, field, frozen

from demand_core.domain.spoken_times import Locale
from demand_core.errors import Permanent


def _with(*wanted: str) -> str:
    """A pattern that must hold each of *wanted* and nothing else in braces."""

    def hold(_: object, attribute: "Attribute[str]", pattern: str) -> None:
        try:
            parts = list(Formatter().parse(pattern))
        except ValueError:
            raise Permanent("bad_template", f"{attribute.name}: unpaired brace") from None
        found = [name for _, name, *_ in parts if name is not None]
        strange = [name for name in found if name not in wanted]
        if strange:
            raise Permanent("bad_template", f"{attribute.name}: nobody fills {{{strange[0]}}}")
        for name in wanted:
            if found.count(name) != 1:
                raise Permanent("bad_template", f"{attribute.name}: {{{name}}} belongs in once")
        if any(spec or conversion for *_, spec, conversion in parts):
            raise Permanent("bad_template", f"{attribute.name}: a name alone between braces")

    return field(validator=hold)


@frozen(kw_only=True)
class Template:
    """The words of one locale. Every pattern must hold just what it is filled with."""

    phrase: str = _with("artist", "presale", "place", "when", "brand", "link")
    brief: str = _with("artist", "place", "when", "brand", "link")
    presale: str = _with("name")
    venue: str = _with("name")
    city: str = _with("name")
    on_day: str = _with("day", "time", "zone")
    at_time: str = _with("time", "zone")
    clock: str = _with("time", "zone")
    soon: str = _with("minutes")


_ENGLISH: Final = Template(
    phrase="It's almost time! Tickets for {artist}{presale}{place} go on sale {when}. "
    "{brand}: {link}",
    brief="{artist}{place}: {when}. {brand}: {link}",
    presale=" {name}",
    venue=" at {name}",
    city=" in {name}",
    on_day="{day} at {time} {zone}",
    at_time="at {time} {zone}",
    clock="{time} {zone}",
    soon="within {minutes} min",
)
TEMPLATES: Final[Mapping[Locale, Template]] = MappingProxyType(
    {
        Locale.EN_US: _ENGLISH,
        Locale.EN_CA: _ENGLISH,
        Locale.FR_CA: Template(
            phrase="C'est presque l'heure! Billets pour {artist}{presale}{place} en vente "
            "{when}. {brand} : {link}",
            brief="{artist}{place} : {when}. {brand} : {link}",
            presale=" - {name}",
            venue=" ({name})",
            city=" ({name})",
            on_day="{day} à {time} {zone}",
            at_time="à {time} {zone}",
            clock="{time} {zone}",
            soon="d'ici {minutes} min",
        ),
    }
)
