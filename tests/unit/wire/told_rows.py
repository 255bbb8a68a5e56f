"""What stands in a row of each value, told by the value itself, without schema or item."""

from typing import Any, TypeAlias

from demand_core.domain.archive import Archivable
from demand_core.domain.demands import Demand
from demand_core.domain.events import Event
from demand_core.domain.masked import Masked
from demand_core.domain.notifications import Notification
from demand_core.domain.sales import Sale

Row: TypeAlias = dict[str, Any]


def own_columns(value: Archivable) -> Row:
    """All columns but those that every row has."""
    row = _own(value)
    row["date"]["deleted"] = None
    return row


def _own(value: Archivable) -> Row:
    match value:
        case Demand():
            return _demand(value)
        case Event():
            return _event(value)
        case Sale():
            return _sale(value)
        case Notification():
            return _notification(value)


def reference(value: Archivable) -> str:
    """What all rows of it are called."""
    match value:
        case Demand():
            return f"{value.fan_id}#{value.event_id}#{value.sale_id}"
        case Event():
            return value.event_id
        case Sale():
            return value.sale_id
        case Notification():
            return value.notification_id


def _revealed(masked: Masked | None) -> str | None:
    return masked.reveal() if masked else None


def _demand(value: Demand) -> Row:
    dates = value.date
    return {
        "fanid": value.fan_id,
        "eventid": value.event_id,
        "saleid": value.sale_id,
        "channels": [channel.value for channel in value.channels],
        "phonenumber": _revealed(value.phone_number),
        "email": _revealed(value.email),
        "locale": value.locale,
        "date": {
            "requested": dates.requested,
            "updated": dates.updated,
            "triggered": dates.triggered,
            "notified": dates.notified,
        },
    }


def _event(value: Event) -> Row:
    start, dates = value.event_date.start, value.dates
    return {
        "id": value.event_id,
        "name": value.name,
        "url": value.url,
        "shorturl": value.short_url,
        "brand": value.brand,
        "country": value.country,
        "storefront": value.storefront,
        "timezone": value.time_zone,
        "locale": value.locale,
        "venuename": value.venue.name,
        "venuecity": value.venue.city,
        "venueregion": value.venue.region,
        "artists": [{"id": a.artist_id, "name": a.name} for a in value.artists],
        "segment": value.segment.name,
        "status": value.status,
        "issuppressed": bool(value.suppression),
        "suppression": list(value.suppression),
        "eventdate": {
            "start": {
                "datetime": start.date_time,
                "localdate": start.local_date,
                "localtime": start.local_time,
            }
        },
        "date": {
            "firstseen": dates.first_seen,
            "updated": dates.updated,
        },
    }


def _sale(value: Sale) -> Row:
    return {
        "id": value.sale_id,
        "eventid": value.event_id,
        "name": value.name,
        "kind": value.kind.value,
        "startat": value.start_at,
        "endat": value.end_at,
        "issuppressed": bool(value.suppression),
        "suppression": list(value.suppression),
        "withdrawnat": value.withdrawn_at,
        "date": {"firstseen": value.date.first_seen, "updated": value.date.updated},
    }


def _notification(value: Notification) -> Row:
    dates = value.date
    return {
        "notificationid": value.notification_id,
        "kind": value.kind.value,
        "fanid": value.fan_id,
        "eventid": value.event_id,
        "saleid": value.sale_id,
        # Of waves and notices, which are not stored yet.
        "campaignid": None,
        "marketid": None,
        "waveid": None,
        "channel": value.channel.value,
        "phonenumber": _revealed(value.phone_number),
        "email": _revealed(value.email),
        "locale": value.locale,
        "messagebody": _revealed(value.message_body),
        "status": value.status.value,
        "reason": value.reason,
        "sendattempts": value.send_attempts,
        "segments": value.segments if value.encoding else None,
        "errorcode": value.errors[-1].code if value.errors else None,
        "provider": value.provider,
        "providermessageid": value.provider_message_id,
        "notbefore": value.not_before,
        "notafter": value.not_after,
        "renderedfor": value.rendered_for,
        "date": {
            "created": dates.created,
            "triggered": dates.triggered,
            "queued": dates.queued,
            "sent": dates.sent,
            "delivered": dates.delivered,
            "failed": dates.failed,
        },
    }
