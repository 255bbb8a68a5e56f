"""What one object of an archive holds, learnt by reading it to its end within limits."""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from hashlib import blake2b, sha256
from typing import Any, Final

from attrs import field, frozen

from demand_adapters.wire.avro.frames import Header
from demand_adapters.wire.avro.reading import Row, read
from demand_adapters.wire.avro.schemas import Schema
from demand_core.domain.merges import Candidate, Form, Source

ROW_PURPOSE: Final = b"demand.row/1"
# What of a header is ours to say, but for what it says of the one file and not of its rows.
_OURS: Final = "demand."
_OWN: Final = frozenset({"demand.source", "demand.manifest"})


@frozen(kw_only=True)
class Content:
    """One object: *row_digest* is the sum of the digests of its rows as they are encoded."""

    size: int
    sha256: str
    records: int
    row_digest: int
    earliest: datetime | None
    latest: datetime | None
    header: Header = field(repr=False)

    @property
    def form(self) -> Form:
        """What another object must have in common with it to be merged."""
        return Form(
            schema_fingerprint=self.header.schema.fingerprint,
            schema=sha256(self.header.spelled).hexdigest(),
            codec=self.header.codec,
            metadata={
                name: value.decode(errors="backslashreplace")
                for name, value in sorted(self.header.metadata.items())
                if name.startswith(_OURS) and name not in _OWN
            },
        )

    def candidate(self, key: str, etag: str) -> Candidate:
        """The object as a source of a merge."""
        source = Source(
            key=key, etag=etag, size=self.size, records=self.records, sha256=self.sha256
        )
        return Candidate(
            source=source,
            form=self.form,
            row_digest=self.row_digest,
            earliest=self.earliest,
        )


class Hashed:
    """Pieces of a file as they pass; what passed is counted and hashed beside."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        """Nothing passed yet."""
        self._pieces = pieces
        self._hash = sha256()
        self.size = 0

    def __iter__(self) -> Iterator[bytes]:
        """Let them pass, once."""
        for piece in self._pieces:
            self._hash.update(piece)
            self.size += len(piece)
            yield piece

    @property
    def sha256(self) -> str:
        """Of all that passed."""
        return self._hash.hexdigest()


def content_of(
    pieces: Iterable[bytes], each: Callable[[Row, Schema], object] | None = None
) -> Content:
    """What stands in the object of these *pieces*; *each* is shown every row on the way.

    Raises Malformed where the object makes no sense. No more than one block is held.
    """
    hashed = Hashed(pieces)
    container = read(hashed)
    records = total = 0
    earliest = latest = None
    for block in container.blocks:
        for row, encoded in block.encoded:
            records += 1
            total += _digest(encoded)
            at = _changed_at(row)
            if at is not None:
                earliest = min(at, earliest or at)
                latest = max(at, latest or at)
            if each:
                each(row, container.header.schema)
    return Content(
        size=hashed.size,
        sha256=hashed.sha256,
        records=records,
        row_digest=total,
        earliest=earliest,
        latest=latest,
        header=container.header,
    )


def _digest(encoded: bytes) -> int:
    made = blake2b(encoded, digest_size=16, person=ROW_PURPOSE)
    return int.from_bytes(made.digest(), "big")


def _changed_at(row: Row) -> datetime | None:
    at: Any = row.get("changedat")
    return at if isinstance(at, datetime) else None
