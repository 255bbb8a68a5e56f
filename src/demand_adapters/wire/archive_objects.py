"""Objects of the archive: rows of one batch, by type and day, under names that the batch makes.

A batch that is delivered again makes the same bytes under the same names, so that writing them
only where nothing stands leaves each row there once.
"""

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Final
from uuid import UUID

from attrs import field, frozen

from demand_adapters.wire.archive import RECORD_TYPES, Archived
from demand_adapters.wire.avro.writing import write
from demand_core.domain.ids import digest

SCHEMA_VERSION: Final = 1
# What a reader may rely on: every row was held to its schema before it was written.
NORMALISED: Final = "1"


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
    """One file to be stored, and how many rows are in it."""

    key: str
    rows: int
    content: bytes = field(repr=False)


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
        sync=bytes.fromhex(digest("demand.sync/1", key)),
    )
    return ArchiveObject(key=key, rows=len(rows), content=content)


def _name(name: str, day: date, rows: Sequence[Archived], batch: Batch) -> str:
    """The time of the earliest change, and a UUID made of all that tells this object."""
    earliest = min(row.row["changedat"] for row in rows)
    stamp = f"{earliest:%Y%m%dT%H%M%S}{earliest.microsecond // 1000:03}Z"
    source = (batch.stream, batch.shard, batch.first, batch.last)
    changes = digest("demand.changes/1", *(row.row["changeid"] for row in rows))
    made = int(digest("demand.object/1", *source, name, str(day), changes), 16)
    return f"{stamp}-{_in_version_8(made)}"


def _in_version_8(number: int) -> UUID:
    """*number* as a UUID of the version for those who make their own."""
    version, variant = 0xF << 76, 0x3 << 62
    return UUID(int=number & ~version & ~variant | 0x8 << 76 | 0x2 << 62)
