"""Events as Discovery describes them, made for stories."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from attrs import frozen

_SEGMENTS: Final = {
    "Music": "KZFzniwnSyZfZ7v7nJ",
    "Arts & Theatre": "KZFzniwnSyZfZ7v7na",
    "Sports": "KZFzniwnSyZfZ7v7nE",
}
_OPEN_FOR: Final = timedelta(hours=12)


@frozen(kw_only=True)
class Described:
    """What a story has to say of an event; all else is the same for all."""

    event_id: str
    artist: str
    artist_id: str
    venue: str = "The Breakwater"
    city: str = "Los Angeles"
    region: str = "CA"
    country: str = "US"
    time_zone: str = "America/Los_Angeles"
    host: str = "www.ticketmaster.com"
    status: str = "offsale"
    segment: str = "Music"
    public: datetime | None = None
    presales: Sequence[tuple[str, datetime]] = ()


def document(said: Described) -> bytes:
    """The answer of the service to who asks for the event."""
    return json.dumps(described(said), ensure_ascii=False).encode()


def described(said: Described) -> dict[str, Any]:
    """The same as plain data."""
    return {
        "id": said.event_id,
        "type": "event",
        "name": f"{said.artist}: Harbour Tour",
        "locale": "en-us",
        "url": f"https://{said.host}/harbour-tour/event/{said.event_id}",
        "images": [_image(said.event_id)],
        "dates": {
            "timezone": said.time_zone,
            "status": {"code": said.status},
            "start": {"dateTBD": False, "dateTBA": True, "timeTBA": True},
        },
        "sales": {
            "public": _public(said.public),
            "presales": [_presale(name, at) for name, at in said.presales],
        },
        "classifications": [
            {"primary": True, "segment": {"id": _SEGMENTS[said.segment], "name": said.segment}}
        ],
        "_embedded": {
            "venues": [_venue(said)],
            "attractions": [{"id": said.artist_id, "name": said.artist, "type": "attraction"}],
        },
    }


def _image(event_id: str) -> dict[str, Any]:
    url = f"https://s1.ticketm.net/dam/a/{event_id}.jpg"
    return {"ratio": "16_9", "url": url, "width": 1136, "height": 639, "fallback": False}


def _venue(said: Described) -> dict[str, Any]:
    return {
        "name": said.venue,
        "type": "venue",
        "timezone": said.time_zone,
        "city": {"name": said.city},
        "state": {"stateCode": said.region},
        "country": {"countryCode": said.country},
    }


def _public(at: datetime | None) -> dict[str, Any]:
    """A start that nobody has set comes as one that nobody will see."""
    return {
        "startDateTime": _instant(at) if at else "9999-12-31T06:00:00Z",
        "startTBD": False,
        "startTBA": False,
    }


def _presale(name: str, at: datetime) -> dict[str, Any]:
    return {
        "name": name,
        "startDateTime": _instant(at),
        "endDateTime": _instant(at + _OPEN_FOR),
    }


def _instant(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
