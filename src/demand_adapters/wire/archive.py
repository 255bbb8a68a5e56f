"""Rows of the archive: what one change of a stored thing leaves for good.

Names are lower case, as the query engines have them. Whatever is gone keeps the fields that its
kind lists, and no other: a field that somebody adds is hidden until it is listed.
"""

from collections.abc import Callable, Mapping
from datetime import date, datetime
from functools import cached_property
from importlib.resources import files
from typing import Any, Final, Generic, TypeAlias, TypeVar

from attrs import field, frozen

from demand_adapters.item_table import Body, Change
from demand_adapters.wire.avro.evolution import breaks
from demand_adapters.wire.avro.rows import check_of
from demand_adapters.wire.avro.schemas import Schema
from demand_adapters.wire.converters import structured
from demand_adapters.wire.items import DEMAND, EVENT, NOTIFICATION, SALE, Kind
from demand_adapters.wire.keys import SHAPES
from demand_core.domain.archive import Archivable, asked_at, filed_on, reference_id
from demand_core.domain.changes import ChangeKind, RemovedBy
from demand_core.domain.demands import Demand
from demand_core.domain.events import Event
from demand_core.domain.masked import Masked
from demand_core.domain.notifications import Notification
from demand_core.domain.sales import Sale
from demand_core.errors import Permanent

T = TypeVar("T", bound=Archivable)
Row: TypeAlias = dict[str, Any]

SCHEMAS: Final = files(__package__) / "schemas"
SCHEMA_VERSION: Final = 1
REDACTED: Final = "[redacted]"
SYSTEM: Final = "demand"
ENVELOPE: Final = (
    *("recordtype", "systemid", "referenceid", "changeid", "changekind", "changedat"),
    *("version", "schemaversion", "isdeleted", "deletionreason"),
)
# Why a thing went, as analysts read it: its fan took it back, or its time had come. A third is
# said of what went with its fan.
REASONS: Final[Mapping[RemovedBy, str]] = {RemovedBy.USER: "fan", RemovedBy.EXPIRY: "expiry"}


@frozen(kw_only=True, slots=False)
class RecordType(Generic[T]):
    """How one type of item is kept; of its columns only those *kept* outlive the thing."""

    item: Kind[T]
    fields: Callable[[T], Row]
    kept: tuple[str, ...]

    @cached_property
    def schema(self) -> Schema:
        """The schema of its rows, as it is written into every file."""
        return Schema.of((SCHEMAS / f"{self.item.name}.avsc").read_bytes())

    @cached_property
    def scrubbed(self) -> frozenset[str]:
        """The columns that go with the thing."""
        columns = {field["name"] for field in self.schema.tree["fields"]}
        return frozenset(columns - {*ENVELOPE, *self.kept})

    def flaws(self) -> list[str]:
        """What would keep readers of files that were written before from reading its own.

        A version is released once its files may exist; the newest one is what is written now.
        """
        released = {
            int(version.name): Schema.of((version / f"{self.item.name}.avsc").read_bytes())
            for version in (SCHEMAS / "released").iterdir()
        }
        found = [
            f"{self.item.name}: {flaw}, since version {version}"
            for version, schema in sorted(released.items())
            for flaw in breaks(schema, self.schema)
        ]
        if released.get(SCHEMA_VERSION) != self.schema:
            found.append(
                f"{self.item.name}: not what was released as version {SCHEMA_VERSION}; raise "
                "SCHEMA_VERSION and put the schemas under released/ as that version"
            )
        return found

    def read(self, key: tuple[str, str], body: Body) -> T:
        """The value in *body*; raises Permanent naming what is wrong with it, and where."""
        value = structured(self.item.holds, body)
        if self.item.key is not None and self.item.key(value) != key:
            raise Permanent("bad_id", "the item says that it is another one than its key does")
        return value


@frozen(kw_only=True)
class Archived:
    """One row that fits its schema, of which type it is, and the day of its filing.

    *asked_at* is when its fan asked for what it is about.
    """

    record_type: str
    day: date
    asked_at: datetime | None = None
    row: Row = field(repr=False)


def archived(change: Change, system: str = SYSTEM) -> Archived | None:
    """The row that *change* leaves; None for a type of item that the archive does not keep.

    Raises Permanent with the reason why a change makes no row.
    """
    gone = change.kind is ChangeKind.REMOVE
    image = change.old if gone else change.new
    if image is None:
        raise Permanent("no_old_image" if gone else "no_new_image", "nothing to be kept")
    name = image.body.get("type")
    record_type = RECORD_TYPES.get(str(name))
    if record_type is None:
        if name in NOT_ARCHIVED:
            return None
        raise Permanent("invalid_type", "a type of item that nobody knows")
    value, at = record_type.read(image.key, image.body), _in_milliseconds(change.at)
    row = {
        "recordtype": name,
        "systemid": system,
        "referenceid": reference_id(value),
        "changeid": change.change_id,
        "changekind": change.kind.value,
        "changedat": at,
        "version": _count(image.body, "version"),
        "schemaversion": _count(image.body, "schemaVersion"),
        "isdeleted": gone,
        "deletionreason": REASONS[change.removed_by or RemovedBy.USER] if gone else None,
        **record_type.fields(value),
    }
    row["date"]["deleted"] = at if gone else None
    if gone:
        goes = record_type.scrubbed
        row = {name: _hidden(part) if name in goes else part for name, part in row.items()}
    check_of(record_type.schema)(row)
    return Archived(
        record_type=record_type.item.name,
        day=filed_on(value, at),
        asked_at=asked_at(value),
        row=row,
    )


def _count(body: Body, name: str) -> int:
    value = body.get(name)
    if type(value) is not int:
        raise Permanent("missing_field" if value is None else "wrong_type", f"$.{name}")
    return value


def _hidden(value: object) -> str | None:
    return None if value is None else REDACTED


def _in_milliseconds(at: datetime) -> datetime:
    return at.replace(microsecond=at.microsecond // 1000 * 1000)


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


RECORD_TYPES: Final[Mapping[str, RecordType[Any]]] = {
    kept.item.name: kept
    for kept in (
        RecordType(
            item=DEMAND,
            fields=_demand,
            kept=("fanid", "eventid", "saleid", "channels", "locale", "date"),
        ),
        RecordType(
            item=EVENT,
            fields=_event,
            kept=(
                *("id", "name", "url", "shorturl", "brand", "country", "storefront"),
                *("timezone", "locale", "venuename", "venuecity", "venueregion", "artists"),
                *("segment", "status", "issuppressed", "suppression", "eventdate", "date"),
            ),
        ),
        RecordType(
            item=SALE,
            fields=_sale,
            kept=(
                *("id", "eventid", "name", "kind", "startat", "endat", "issuppressed"),
                *("suppression", "withdrawnat", "date"),
            ),
        ),
        RecordType(
            item=NOTIFICATION,
            fields=_notification,
            kept=(
                *("notificationid", "kind", "fanid", "eventid", "saleid", "campaignid"),
                *("marketid", "waveid", "channel", "locale", "status", "reason"),
                *("sendattempts", "segments", "errorcode", "provider", "providermessageid"),
                *("notbefore", "notafter", "renderedfor", "date"),
            ),
        ),
    )
}
NOT_ARCHIVED: Final = frozenset(shape.kind_of_item for shape in SHAPES) - RECORD_TYPES.keys()
