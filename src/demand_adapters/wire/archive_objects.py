"""Objects of the archive: rows of one batch, by type and day, under names that the batch makes.

A batch that is delivered again makes the same bytes under the same names, so that writing them
only where nothing stands leaves each row there once.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Final
from uuid import UUID

from attrs import field, frozen

from demand_adapters.wire.archive import RECORD_TYPES, REDACTED, SCHEMA_VERSION, Archived
from demand_adapters.wire.avro.writing import write
from demand_core.domain.contacts import ContactKey
from demand_core.domain.ids import digest
from demand_core.domain.subjects import NamedBy, subject_hash

# What a reader may rely on: every row was held to its schema before it was written.
NORMALISED: Final = "1"
# The columns that say whom a row is about.
SUBJECTS: Final[Mapping[str, NamedBy]] = {
    "fanid": "fan",
    "phonenumber": "phone",
    "email": "email",
}


@frozen(kw_only=True)
class Batch:
    """Where records came from: part of one shard, by the positions of its first and last."""

    stream: str
    shard: str
    first: str
    last: str

    def __str__(self) -> str:
        """In one line, for those who look into a file."""
        return f"{self.stream}/{self.shard}/{self.first}-{self.last}"


@frozen(kw_only=True)
class ArchiveObject:
    """One file to be stored: which changes are in it, the first one's time, and who."""

    key: str
    change_ids: frozenset[str]
    earliest: datetime
    content: bytes = field(repr=False)
    subjects: frozenset[tuple[NamedBy, str]] = field(repr=False)

    @property
    def rows(self) -> int:
        """How many."""
        return len(self.change_ids)

    @property
    def index_key(self) -> str:
        """Where it stands whom this object is about."""
        return index_key(self.key)

    def index(self, key: ContactKey) -> bytes:
        """The hashes of all whom it is about, in order."""
        hashes = {subject_hash(named_by, text, key) for named_by, text in self.subjects}
        return b"".join(sorted(hashes))


def index_key(key: str) -> str:
    """Where the index of the object under *key* stands."""
    return f"index/{key.removeprefix('data/').removesuffix('.avro')}.idx"


def marker(key: str) -> bytes:
    """What stands between the blocks of the object under *key*."""
    return bytes.fromhex(digest("demand.sync/1", key))


def packed(rows: Iterable[Archived], batch: Batch) -> Sequence[ArchiveObject]:
    """One object for each type and day, the rows in their order, each change once."""
    groups = dict[tuple[str, date], dict[str, Archived]]()
    for row in rows:
        group = groups.setdefault((row.record_type, row.day), {})
        group.setdefault(row.row["changeid"], row)
    return [
        _object(name, day, list(group.values()), batch)
        for (name, day), group in sorted(groups.items())
    ]


def _object(name: str, day: date, rows: Sequence[Archived], batch: Batch) -> ArchiveObject:
    schema = RECORD_TYPES[name].schema
    key = f"data/{name}/partition_date={day}/{_name(name, day, rows, batch)}.avro"
    content = write(
        schema,
        [row.row for row in rows],
        metadata={
            "demand.normalised": NORMALISED,
            "demand.schema.fingerprint": schema.fingerprint,
            "demand.schema.version": str(SCHEMA_VERSION),
            "demand.source": str(batch),
        },
        sync=marker(key),
        held=True,
    )
    return ArchiveObject(
        key=key,
        change_ids=frozenset(row.row["changeid"] for row in rows),
        earliest=_earliest(rows),
        content=content,
        subjects=frozenset(
            (named_by, row.row[column])
            for column, named_by in SUBJECTS.items()
            for row in rows
            if row.row.get(column) not in {None, REDACTED}
        ),
    )


def _earliest(rows: Sequence[Archived]) -> datetime:
    at: datetime = min(row.row["changedat"] for row in rows)
    return at


def _name(name: str, day: date, rows: Sequence[Archived], batch: Batch) -> str:
    """The time of the earliest change, and a UUID made of all that tells this object."""
    source = (batch.stream, batch.shard, batch.first, batch.last)
    changes = digest("demand.changes/1", *(row.row["changeid"] for row in rows))
    made = digest("demand.object/1", *source, name, str(day), changes)
    return stamped(_earliest(rows), made)


def stamped(at: datetime, made: str) -> str:
    """A name of the required form: a time, and the digest *made* as a UUID.

    Its version is the one for those who make their own.
    """
    version, variant = 0xF << 76, 0x3 << 62
    own = UUID(int=int(made, 16) & ~version & ~variant | 0x8 << 76 | 0x2 << 62)
    return f"{stamp(at)}-{own}"


def stamp(at: datetime) -> str:
    """A time as names begin with it."""
    return f"{at:%Y%m%dT%H%M%S}{at.microsecond // 1000:03}Z"
