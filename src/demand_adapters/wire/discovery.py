"""One event as the Discovery API v2 answers it, asked for in `en-us`.

Nothing but id, name and url is always there. What we do not know is passed over; what we know
must have its type; what has it and makes no sense is absent and noted.
"""

import re
from collections.abc import Callable, Mapping
from datetime import date, datetime, time
from typing import Final
from zoneinfo import ZoneInfo

from demand_adapters.wire.bodies import plain
from demand_adapters.wire.places import Place
from demand_core.domain.artists import Artist
from demand_core.domain.brands import HOSTS, brand_of, host_of, storefront_of
from demand_core.domain.events import Event, EventDate, EventStart
from demand_core.domain.ids import ALPHABETS, EventId
from demand_core.domain.listings import Listing
from demand_core.domain.sales import ListedSale, Sale, announced, presales, public_sale
from demand_core.domain.segments import Segment
from demand_core.domain.venues import Venue, locale_of
from demand_core.errors import Permanent

DOCUMENT_BYTES_MAX: Final = 4 * 1024 * 1024
POSTER_RATIO: Final = "16_9"
POSTER_WIDTH_MAX: Final = 1200

STATUSES: Final[Mapping[str, str]] = {
    "onsale": "onsale",
    "offsale": "offsale",
    "canceled": "canceled",
    "cancelled": "canceled",
    "postponed": "postponed",
    "rescheduled": "rescheduled",
}
UNKNOWN_STATUS: Final = "unknown"
# What the standard for country codes leaves to users, and others take for an unknown country.
UNKNOWN_COUNTRY: Final = "ZZ"

_COUNTRY: Final = re.compile("[A-Z]{2}")
_ERROR_CODE: Final = re.compile(r"[A-Za-z0-9._-]{1,64}")


def listing(
    payload: bytes,
    now: datetime,
    asked_for: EventId | None = None,
    hosts: Mapping[str, str] = HOSTS,
) -> Listing:
    """The event in *payload* with its sales, as looked up *now*.

    Raises Permanent naming code and place for what is no event, not the one *asked_for*, or not
    fit to be told of. The links of an event lead to one of *hosts*.
    """
    if len(payload) > DOCUMENT_BYTES_MAX:
        raise Permanent("too_large", f"more than {DOCUMENT_BYTES_MAX} bytes")
    document = Place("$", plain(payload))
    event_id = _event_id(document)
    if asked_for not in {None, event_id}:
        raise Permanent("wrong_event", "$.id: not the one that was asked for")
    event = _event(document, event_id, now, hosts)
    sales = _sales(document.at("sales"), event_id, hosts)
    return Listing(event=event, sales=sales, oddities=tuple(document.oddities))


def _event_id(document: Place) -> EventId:
    for envelope in (_fault, _first_error):
        if not document.at("id").text() and (error := envelope(document)):
            code = error.text() or ""
            shown = code if _ERROR_CODE.fullmatch(code) else "of an unfamiliar kind"
            raise Permanent("no_event", f"{error.path}: the answer is an error, {shown}")
    event_id = document.at("id").required()
    if document.at("type").text() not in {None, "event"}:
        raise Permanent("no_event", "$.type: not event")
    if not ALPHABETS["eventId"].fullmatch(event_id):
        raise Permanent("bad_id", "$.id: not the spelling of an event id")
    return EventId(event_id)


def _fault(document: Place) -> Place | None:
    """The gateway's envelope."""
    fault = document.at("fault")
    return fault.at("detail", "errorcode") if fault.is_there else None


def _first_error(document: Place) -> Place | None:
    """The service's own envelope."""
    return next((error.at("code") for error in document.at("errors").each()), None)


def _event(
    document: Place, event_id: EventId, now: datetime, hosts: Mapping[str, str]
) -> Event:
    url = document.at("url").required()
    brand = brand_of(url, hosts)
    if brand is None:
        raise Permanent("bad_url", "$.url: no https link to a known shop")
    place = next(document.at("_embedded", "venues").each(), document.at("_embedded", "venue"))
    venue = _venue(place)
    country = venue.country or UNKNOWN_COUNTRY
    return Event(
        event_id=event_id,
        name=document.at("name").required(),
        url=url,
        brand=brand,
        country=country,
        storefront=storefront_of(brand, country),
        locale=locale_of(country, venue.region),
        status=_status(document.at("dates", "status", "code")),
        cached_at=now,
        time_zone=_zone(document.at("dates", "timezone")) or _zone(place.at("timezone")),
        event_date=EventDate(start=_start(document.at("dates", "start"))),
        venue=venue,
        artists=_artists(document.at("_embedded", "attractions")),
        segment=_segment(document.at("classifications")),
        image_url=_poster(document.at("images")),
        is_test=document.at("test").flag(),
    )


def _venue(place: Place) -> Venue:
    return Venue(
        venue_id=place.at("id").text(),
        name=place.at("name").text(),
        city=place.at("city", "name").text(),
        region=(place.at("state", "stateCode").text() or "").upper() or None,
        country=_country(place.at("country", "countryCode")),
    )


def _country(place: Place) -> str | None:
    code = (place.text() or "").upper()
    if _COUNTRY.fullmatch(code):
        return code
    if code:
        place.odd("bad_country")
    return None


def _status(place: Place) -> str:
    word = (place.text() or "").lower()
    if word and word not in STATUSES:
        place.odd("unfamiliar_status")
    return STATUSES.get(word, UNKNOWN_STATUS)


def _zone(place: Place) -> str | None:
    name = place.text()
    try:
        return ZoneInfo(name).key if name else None
    except (OSError, ValueError, LookupError):
        place.odd("unknown_zone")
        return None


def _start(place: Place) -> EventStart:
    no_date = place.at("dateTBA").flag() or place.at("dateTBD").flag()
    no_time = place.at("timeTBA").flag() or place.at("noSpecificTime").flag()
    at = announced(place.at("dateTime").instant())
    on_date = _normal(place.at("localDate"), _calendar_date)
    on_time = _normal(place.at("localTime"), _clock_time)
    return EventStart(
        date_time=None if no_date or no_time else at,
        local_date=None if no_date else on_date,
        local_time=None if no_time else on_time,
        date_tba=no_date,
        time_tba=no_time,
    )


def _calendar_date(text: str) -> str:
    return date.fromisoformat(text).isoformat()


def _clock_time(text: str) -> str:
    return time.fromisoformat(text).replace(tzinfo=None).isoformat()


def _normal(place: Place, normal: Callable[[str], str]) -> str | None:
    try:
        return normal(text) if (text := place.text()) else None
    except ValueError:
        place.odd("bad_time")
        return None


def _artists(places: Place) -> tuple[Artist, ...]:
    listed = (
        Artist(artist_id=place.at("id").text(), name=place.at("name").text())
        for place in places.each()
    )
    return tuple(artist for artist in listed if artist != Artist())


def _segment(places: Place) -> Segment:
    classes = list(places.each())
    chosen = next((place for place in classes if place.at("primary").flag()), None)
    found = (chosen or next(iter(classes), Place("$"))).at("segment")
    return Segment(segment_id=found.at("id").text(), name=found.at("name").text())


def _poster(images: Place) -> str | None:
    """The widest that a message should carry; of several the first."""
    best, widest = None, 0
    for image in images.each():
        url, width = image.at("url").text(), image.at("width").number() or 0
        fits = image.at("ratio").text() == POSTER_RATIO and widest < width <= POSTER_WIDTH_MAX
        if url and not host_of(url):
            image.at("url").odd("bad_url")
        elif url and fits:
            best, widest = url, width
    return best


def _sales(place: Place, event_id: EventId, hosts: Mapping[str, str]) -> tuple[Sale, ...]:
    public, others = place.at("public"), place.at("presales")
    first = [public_sale(event_id, _listed(public, hosts))] if public.is_there else []
    rest = list(presales(event_id, [_listed(presale, hosts) for presale in others.each()]))
    for presale in rest:
        if presale.told_by is None:
            others.odd("unfamiliar_presale")
    return (*first, *rest)


def _listed(place: Place, hosts: Mapping[str, str]) -> ListedSale:
    start, end = _span(place)
    url = place.at("url").text()
    followed = url if url and brand_of(url, hosts) else None
    if url and not followed:
        place.at("url").odd("bad_url")
    return ListedSale(
        name=place.at("name").text(),
        description=place.at("description").text(),
        start_at=start,
        end_at=end,
        url=followed,
        listed_url=url,
    )


def _span(place: Place) -> tuple[datetime | None, datetime | None]:
    """Start and end; an end that is not after the start says nothing."""
    start = announced(place.at("startDateTime").instant())
    end = announced(place.at("endDateTime").instant())
    if place.at("startTBD").flag() or place.at("startTBA").flag():
        start = None
    if start and end and end <= start:
        place.at("endDateTime").odd("end_before_start")
        end = None
    return start, end
