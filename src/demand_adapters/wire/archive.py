"""Rows of the archive: what one change of a stored thing leaves for good.

Names are lower case, as the query engines have them. Whatever is gone keeps the fields that its
kind lists, and no other: a field that somebody adds is hidden until it is listed.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from functools import cached_property
from importlib.resources import files
from typing import Any, Final, Generic, TypeVar

from attrs import field, frozen

from demand_adapters.item_table import Body, Change, Key
from demand_adapters.wire.archive_columns import Column, Row, columns, part, texts
from demand_adapters.wire.avro.evolution import breaks
from demand_adapters.wire.avro.rows import PLAIN, Misfit
from demand_adapters.wire.avro.schemas import Schema
from demand_adapters.wire.converters import parsed_instant
from demand_adapters.wire.items import DEMAND, EVENT, NOTIFICATION, SALE, Kind
from demand_adapters.wire.keys import SHAPES, spelled
from demand_core.domain.archive import Archivable, filed_on
from demand_core.domain.changes import ChangeKind, RemovedBy
from demand_core.errors import Permanent

T = TypeVar("T", bound=Archivable)

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
    """How one type of item is kept; of its columns only those *kept* outlive the thing.

    Its key has *shape*, whose *parts* stand in columns. Rows of one thing are *named_by* the
    same columns, and filed by the first of *since* that they have. *apart* are columns that are
    no field of the item.
    """

    item: Kind[T]
    shape: str
    parts: Mapping[str, str]
    named_by: tuple[str, ...]
    since: tuple[str, ...]
    apart: tuple[Column, ...] = ()
    kept: tuple[str, ...]

    @cached_property
    def columns(self) -> Callable[[Body], Row]:
        """What reads its own columns from an item's body."""
        fields = self.schema.tree["fields"][len(ENVELOPE) :]
        return columns(self.item.holds, fields, {one.name: one for one in self.apart})

    @cached_property
    def _paths(self) -> Sequence[Sequence[str]]:
        return [path.split(".") for path in self.since]

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

    def read(self, key: Key, body: Body) -> Row:
        """The columns in *body*; raises Permanent naming what is wrong with it, and where."""
        try:
            row = self.columns(body)
        except Misfit as misfit:
            raise Permanent(misfit.code, f"$.{misfit.path}") from None
        if spelled(self.shape, {part: row[name] for part, name in self.parts.items()}) != key:
            raise Permanent("bad_id", "the item says that it is another one than its key does")
        return row

    def reference(self, row: Row) -> str:
        """The one name under which all rows of a thing are found."""
        return "#".join([row[name] for name in self.named_by])

    def since_when(self, row: Row) -> datetime | None:
        """Since when there is what *row* is about, as far as it says so."""
        for path in self._paths:
            at: Any = row
            for name in path:
                at = at.get(name) if type(at) is dict else None
            if isinstance(at, datetime):
                return at
        return None


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
    name = str(image.body.get("type"))
    record_type = RECORD_TYPES.get(name)
    if record_type is None:
        if name in NOT_ARCHIVED:
            return None
        raise Permanent("invalid_type", "a type of item that nobody knows")
    body, at = image.body, _in_milliseconds(change.at)
    own = record_type.read(image.key, body)
    row = {
        "recordtype": name,
        "systemid": system,
        "referenceid": record_type.reference(own),
        "changeid": change.change_id,
        "changekind": change.kind.value,
        "changedat": at,
        "version": _count(body, "version"),
        "schemaversion": _count(body, "schemaVersion"),
        "isdeleted": gone,
        "deletionreason": None,
        **own,
    }
    if gone:
        row = _deleted(row, record_type, at, change.removed_by or RemovedBy.USER)
    since = record_type.since_when(row)
    return Archived(
        record_type=name,
        day=filed_on(since, at),
        asked_at=parsed_instant(body["askedAt"]) if "askedAt" in body else since,
        row=row,
    )


def _deleted(row: Row, of: RecordType[Any], at: datetime, by: RemovedBy) -> Row:
    """What outlives the thing, and why it went."""
    left: Row = {n: _hidden(part) if n in of.scrubbed else part for n, part in row.items()}
    return left | {"deletionreason": REASONS[by], "date": left["date"] | {"deleted": at}}


def _count(body: Body, name: str) -> int:
    value = body.get(name)
    if type(value) is not int:
        raise Permanent("missing_field" if value is None else "wrong_type", f"$.{name}")
    return value


def _hidden(value: object) -> str | None:
    return None if value is None else REDACTED


def _in_milliseconds(at: datetime) -> datetime:
    return at.replace(microsecond=at.microsecond // 1000 * 1000)


def _last_code(errors: Any) -> Any:
    """Of what went wrong the last."""
    return part("code")(errors[-1]) if type(errors) is list and errors else None


def _segments(body: Any) -> Any:
    """None while nobody wrote the text that takes them."""
    if not body.get("encoding"):
        return None
    taken = body.get("segments", 1)
    try:
        PLAIN["int"](taken)
    except Misfit as misfit:
        raise misfit.under("segments") from None
    return taken


SUPPRESSED: Final = Column(
    "issuppressed", "suppression", lambda why: bool(texts(why)), absent=False
)
OF_AN_EVENT: Final = (
    *(Column(f"venue{name}", "venue", part(name)) for name in ("name", "city", "region")),
    Column("segment", "segment", part("name")),
    SUPPRESSED,
)
OF_A_MESSAGE: Final = (
    Column("segments", "", _segments),
    Column("errorcode", "errors", _last_code),
)


RECORD_TYPES: Final[Mapping[str, RecordType[Any]]] = {
    kept.item.name: kept
    for kept in (
        RecordType(
            item=DEMAND,
            shape="demand",
            parts={"fanId": "fanid", "eventId": "eventid", "saleId": "saleid"},
            named_by=("fanid", "eventid", "saleid"),
            since=("date.requested",),
            kept=("fanid", "eventid", "saleid", "channels", "locale", "date"),
        ),
        RecordType(
            item=EVENT,
            shape="event",
            parts={"eventId": "id"},
            named_by=("id",),
            since=("date.firstseen", "eventdate.start.datetime", "changedat"),
            apart=OF_AN_EVENT,
            kept=(
                *("id", "name", "url", "shorturl", "brand", "country", "storefront"),
                *("timezone", "locale", "venuename", "venuecity", "venueregion", "artists"),
                *("segment", "status", "issuppressed", "suppression", "eventdate", "date"),
            ),
        ),
        RecordType(
            item=SALE,
            shape="sale",
            parts={"eventId": "eventid", "saleId": "id"},
            named_by=("id",),
            since=("date.firstseen", "changedat"),
            apart=(SUPPRESSED,),
            kept=(
                *("id", "eventid", "name", "kind", "startat", "endat", "issuppressed"),
                *("suppression", "withdrawnat", "date"),
            ),
        ),
        RecordType(
            item=NOTIFICATION,
            shape="notification.REMINDER",
            parts={"fanId": "fanid", "saleId": "saleid", "channel": "channel"},
            named_by=("notificationid",),
            since=("date.created",),
            apart=OF_A_MESSAGE,
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
