"""Suppression: every reason to stay silent about an event or one of its sales.

Asked anew at every decision, so that a policy that changes reaches what is long cached. A start
that nobody has announced is no reason: such a sale is simply not due.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from enum import Enum
from typing import Final

from attrs import evolve, frozen

from demand_core.domain.events import Event
from demand_core.domain.listings import Listing
from demand_core.domain.sale_kinds import SaleKind
from demand_core.domain.sales import Sale, name_key
from demand_core.domain.segments import MUSIC, THEATRE, Segment


class Suppression(Enum):
    """Because of what we stay silent."""

    ARTIST = "artist"
    COUNTRY = "country"
    SEGMENT = "segment"
    STATUS = "status"
    TEST = "test"
    REGISTRATION_SALE = "registration_sale"
    SALE_KIND = "sale_kind"


@frozen
class Silence:
    """One reason, and what in the event or sale it was."""

    reason: Suppression
    because: str


@frozen(kw_only=True, cache_hash=True)
class SuppressionPolicy:
    """Whom and what we stay silent about, and the only places and segments we speak of.

    Segments are told by id, and by name where a show has no id. Of *keywords* each silences the
    sales whose name has it as a word.
    """

    artist_ids: frozenset[str] = frozenset()
    countries: frozenset[str] = frozenset({"US", "CA"})
    segments: tuple[Segment, ...] = (MUSIC, THEATRE)
    kinds: frozenset[SaleKind] = frozenset({SaleKind.REGISTRATION})
    keywords: tuple[str, ...] = ()


# Rescheduled shows take place, and a show whose sales are all ahead arrives as offsale.
SILENT_STATUSES: Final = frozenset({"canceled", "postponed"})


def _artist(event: Event, policy: SuppressionPolicy) -> str | None:
    ids = dict.fromkeys(artist.artist_id for artist in event.artists)
    return ", ".join(i for i in ids if i in policy.artist_ids) or None


def _country(event: Event, policy: SuppressionPolicy) -> str | None:
    return None if event.country in policy.countries else event.country


def _segment(event: Event, policy: SuppressionPolicy) -> str | None:
    segment = event.segment
    if segment.segment_id:
        found = any(segment.segment_id == wanted.segment_id for wanted in policy.segments)
    else:
        name = (segment.name or "").casefold()
        found = any(name == (wanted.name or "").casefold() != "" for wanted in policy.segments)
    return None if found else segment.name or segment.segment_id or "none given"


def _status(event: Event, _: SuppressionPolicy) -> str | None:
    return event.status if event.status in SILENT_STATUSES else None


def _test(event: Event, _: SuppressionPolicy) -> str | None:
    return "marked as a test" if event.is_test else None


def _registration(sale: Sale, policy: SuppressionPolicy) -> str | None:
    if sale.kind is SaleKind.REGISTRATION and sale.kind in policy.kinds:
        return sale.told_by or sale.kind.value
    if not policy.keywords:
        return None
    name = f" {name_key(sale.name)} "
    keys = [key for key in map(name_key, policy.keywords) if key]
    return next((key for key in keys if f" {key} " in name), None)


def _kind(sale: Sale, policy: SuppressionPolicy) -> str | None:
    listed = sale.kind in policy.kinds - {SaleKind.REGISTRATION}
    return sale.told_by or sale.kind.value if listed else None


EVENT_RULES: Final[Mapping[Suppression, Callable[[Event, SuppressionPolicy], str | None]]] = {
    Suppression.ARTIST: _artist,
    Suppression.COUNTRY: _country,
    Suppression.SEGMENT: _segment,
    Suppression.STATUS: _status,
    Suppression.TEST: _test,
}
SALE_RULES: Final[Mapping[Suppression, Callable[[Sale, SuppressionPolicy], str | None]]] = {
    Suppression.REGISTRATION_SALE: _registration,
    Suppression.SALE_KIND: _kind,
}


def event_silences(event: Event, policy: SuppressionPolicy) -> Iterator[Silence]:
    """Every reason that silences all sales of *event*."""
    for reason, rule in EVENT_RULES.items():
        if because := rule(event, policy):
            yield Silence(reason, because)


def silences(event: Event, sale: Sale, policy: SuppressionPolicy) -> Iterator[Silence]:
    """Every reason to stay silent about *sale* of *event*; none means that fans are told."""
    yield from event_silences(event, policy)
    for reason, rule in SALE_RULES.items():
        if because := rule(sale, policy):
            yield Silence(reason, because)


def judged(found: Listing, policy: SuppressionPolicy) -> Listing:
    """*found* with all the reasons that silence its event and each of its sales by now."""
    event = evolve(found.event, suppression=_reasons(event_silences(found.event, policy)))
    sales = (
        evolve(sale, suppression=_reasons(silences(found.event, sale, policy)))
        for sale in found.sales
    )
    return evolve(found, event=event, sales=tuple(sales))


def _reasons(because: Iterable[Silence]) -> tuple[str, ...]:
    return tuple(silence.reason.value for silence in because)
