"""`demand event`: what we make of an event that the source describes."""

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import BinaryIO, Final

import click

from demand_adapters.wire.converters import instant, unstructured
from demand_adapters.wire.discovery import DOCUMENT_BYTES_MAX, listing
from demand_core.domain.events import Event
from demand_core.domain.ids import EventId, checked
from demand_core.domain.links import link_state
from demand_core.domain.listings import Listing
from demand_core.domain.outlook import outlook
from demand_core.domain.sale_kinds import SaleKind
from demand_core.domain.sales import Sale
from demand_core.domain.segments import MUSIC, THEATRE, Segment
from demand_core.domain.suppression import (
    Silence,
    SuppressionPolicy,
    event_silences,
    silences,
)
from demand_core.errors import Permanent
from entrypoints.cli.options import Given, given
from entrypoints.profiles import Profile, beside
from entrypoints.tracing import prospect

SCHEMA_VERSION: Final = 1
# When we looked is not what the document says.
_OURS: Final = frozenset({"cachedAt", "date"})


@click.group()
def event() -> None:
    """Try the rules about events on your own."""


@event.command()
@click.argument("file", type=click.File("rb"))
@click.option("--id", "asked_for", help="The event that it must be.")
@click.option("--suppress-artist", "artists", multiple=True, help="An artist's id; repeatable.")
@click.option(
    "--suppress-sales",
    "kinds",
    multiple=True,
    type=click.Choice([kind.value for kind in SaleKind], case_sensitive=False),
    help="A kind of sale, beside registrations; repeatable.",
)
@click.option("--keyword", "keywords", multiple=True, help="A word in names of such sales.")
@click.option("--country", "countries", multiple=True, default=("US", "CA"), show_default=True)
@click.option("--segment", "segments", multiple=True, help="A segment's id, beside the usual.")
@click.option("--json", "as_json", is_flag=True, help="One document instead of text.")
def check(  # noqa: PLR0913  # one for each option
    file: BinaryIO,
    *,
    asked_for: str | None,
    artists: tuple[str, ...],
    kinds: tuple[str, ...],
    keywords: tuple[str, ...],
    countries: tuple[str, ...],
    segments: tuple[str, ...],
    as_json: bool,
) -> None:
    """Say what the Discovery answer in FILE (`-`: what comes in) means to us.

    The event, its sales with their ids and kinds, and every reason to stay silent about each.
    """
    policy = SuppressionPolicy(
        artist_ids=frozenset(artists),
        countries=frozenset(country.upper() for country in countries),
        segments=(MUSIC, THEATRE, *(Segment(segment_id=segment) for segment in segments)),
        kinds=frozenset({SaleKind.REGISTRATION, *(SaleKind(kind.upper()) for kind in kinds)}),
        keywords=keywords,
    )
    payload = file.read(DOCUMENT_BYTES_MAX + 1)
    found = listing(payload, datetime.now(UTC), EventId(asked_for) if asked_for else None)
    if as_json:
        click.echo(json.dumps(document(found, policy), indent=1))
    else:
        click.echo("\n".join(lines(found, policy)))


@event.command()
@click.argument("event_id", metavar="ID")
@click.option("--json", "as_json", is_flag=True, help="One document instead of text.")
@given
def why(options: Given, event_id: str, *, as_json: bool) -> None:
    """Say of each sale of a cached event what becomes of its reminders, and why."""
    known = EventId(checked("eventId", event_id))
    with beside(options.complete()) as ports:
        cached = ports.events.get_many([known]).get(known)
        if cached is None:
            raise Permanent("not_found", "nobody asked for that event yet, or no source has it")
        sales = sorted(ports.sales.of_event(known), key=lambda sale: sale.sale_id)
        told = [_told(ports, cached, sale) for sale in sales]
    if as_json:
        head = {"schemaVersion": SCHEMA_VERSION, "event": _head(cached), "sales": told}
        click.echo(json.dumps(head, indent=1))
        return
    click.echo("\n".join(f"{name:<10}{fact}" for name, fact in _head(cached).items()))
    for one in told:
        click.echo("\n" + "\n".join(f"  {name:<10}{fact}" for name, fact in one.items()))


def _head(cached: Event) -> Mapping[str, str]:
    facts = {
        "eventId": cached.event_id,
        "name": repr(cached.name),
        "status": cached.status,
        "wanted": "yes" if cached.has_demand else "no",
        "cachedAt": instant(cached.cached_at),
        "refreshAt": cached.refresh_at and instant(cached.refresh_at),
        "link": link_state(cached).value,
    }
    return {name: fact for name, fact in facts.items() if fact}


def _told(ports: Profile, cached: Event, sale: Sale) -> Mapping[str, str]:
    found = outlook(cached, sale, ports.clock.now(), ports.reminders)
    facts = {
        "saleId": sale.sale_id,
        "name": repr(sale.name),
        "kind": sale.kind.value,
        "startAt": sale.start_at and instant(sale.start_at),
        "prospect": prospect(ports, cached, sale),
        "sendFrom": found.span and instant(found.span.begin),
        "sendUntil": found.span and instant(found.span.end),
        "orderedAt": found.ordered_at and instant(found.ordered_at),
    }
    return {name: fact for name, fact in facts.items() if fact}


def document(found: Listing, policy: SuppressionPolicy) -> Mapping[str, object]:
    """Event, sales and reasons as one JSON document; what is unknown is left out."""
    plain = unstructured(found.event)
    return {
        "schemaVersion": SCHEMA_VERSION,
        "event": {
            **{name: value for name, value in plain.items() if name not in _OURS},
            **_silenced(event_silences(found.event, policy)),
        },
        "sales": [
            {
                **unstructured(sale),
                "startKnown": sale.start_at is not None,
                **_silenced(silences(found.event, sale, policy)),
            }
            for sale in found.sales
        ],
        "oddities": [unstructured(oddity) for oddity in found.oddities],
    }


def _silenced(reasons: Iterator[Silence]) -> dict[str, object]:
    because = {silence.reason.value: silence.because for silence in reasons}
    return {"isSuppressed": bool(because), "suppression": [*because], "because": because}


def lines(found: Listing, policy: SuppressionPolicy) -> Iterator[str]:
    """The same for people; what a document says is quoted."""
    event = found.event
    artists = ", ".join(repr(artist.name or artist.artist_id) for artist in event.artists)
    yield f"{event.event_id}  {event.name!r}  {event.status}"
    yield f"artists  {artists or 'none named'}"
    zone = event.time_zone or "no zone known"
    yield f"place    {event.venue.name!r}, {event.country}, {zone}"
    yield f"shop     {event.brand}, {event.storefront}, told in {event.locale}"
    yield from _reasons(event_silences(event, policy))
    for sale in found.sales:
        start = sale.start_at.isoformat() if sale.start_at else "start unknown"
        yield f"{sale.sale_id}  {sale.kind.value}  {start}  {sale.name!r}"
        yield from _reasons(silences(event, sale, policy))
    for oddity in found.oddities:
        yield f"passed over: {oddity.code} at {oddity.place}"


def _reasons(reasons: Iterator[Silence]) -> Iterator[str]:
    for silence in reasons:
        yield f"  silent: {silence.reason.value}, {silence.because!r}"
