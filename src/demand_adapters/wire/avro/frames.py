"""The frame of a container: a header, then blocks of count, size, payload and sync marker.

Numbers are zig-zag varints of at most ten bytes. What is here looks at no row.
"""

from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from typing import Final, Protocol, TypeAlias, runtime_checkable

from attrs import define, field, frozen

from demand_adapters.wire.avro.flaws import Malformed
from demand_adapters.wire.avro.limits import Limits
from demand_adapters.wire.avro.schemas import Schema
from demand_core.errors import Permanent

MAGIC: Final = b"Obj\x01"
SYNC_SIZE: Final = 16
LONG_MAX: Final = 10
# Of each byte of a number: what counts, and what says that more follow.
DIGITS: Final = 0x7F
MORE: Final = 0x80
CHUNK: Final = 64 * 1024
SCHEMA: Final = "avro.schema"
CODEC: Final = "avro.codec"
NULL: Final = "null"
DEFLATE: Final = "deflate"
# Keys that begin so are the format's.
RESERVED: Final = "avro."


@runtime_checkable
class Readable(Protocol):
    """An open file, or whatever else gives at most *size* bytes, and none at its end."""

    def read(self, size: int, /) -> bytes:
        """Return some more bytes."""
        ...


# A container: all of it, the pieces of a FileStore, or an open file.
Source: TypeAlias = bytes | Iterable[bytes] | Readable


@frozen(kw_only=True)
class Header:
    """What stands before the blocks. *metadata* is without the schema and codec.

    *spelled* is the schema as the file spells it.
    """

    schema: Schema
    spelled: bytes
    codec: str
    metadata: Mapping[str, bytes]
    sync: bytes


@frozen(kw_only=True)
class Frame:
    """One block as stored. *head* holds its count and size as the file has them."""

    number: int
    offset: int
    count: int
    head: bytes
    payload: bytes


def pieces(source: Source) -> Iterator[bytes]:
    """The bytes of *source*, as they come."""
    if isinstance(source, bytes):
        return iter((source,))
    if isinstance(source, Readable):
        return iter(partial(source.read, CHUNK), b"")
    return iter(source)


@define
class Cursor:
    """A place in a file that is read forwards, holding no more of it than was asked for."""

    _pieces: Iterator[bytes]
    source: int = 0
    block: int = 0
    _held: bytes = field(init=False)
    _at: int = 0
    _before: int = 0

    @_held.default
    def _first(self) -> bytes:
        return next(self._pieces, b"")

    @property
    def offset(self) -> int:
        """How many bytes were taken."""
        return self._before + self._at

    def flaw(self, code: str, why: str, offset: int | None = None) -> Malformed:
        """The error that says *why* at this place."""
        at = self.offset if offset is None else offset
        return Malformed(code, why, offset=at, block=self.block, source=self.source)

    def has(self, size: int) -> bool:
        """Whether there are *size* more bytes; they are held then."""
        missing = size - len(self._held) + self._at
        if missing <= 0:
            return True
        parts = [self._held[self._at :]]
        for piece in self._pieces:
            parts.append(piece)
            missing -= len(piece)
            if missing <= 0:
                break
        self._before += self._at
        self._held, self._at = b"".join(parts), 0
        return missing <= 0

    def take(self, size: int) -> bytes:
        """The next *size* bytes; the caller has made sure that it wants so many."""
        if not self.has(size):
            raise self.flaw("cut_off", f"the file ends where {size} more bytes should be")
        self._at += size
        return self._held[self._at - size : self._at]

    def long(self) -> int:
        """The next number."""
        number = shift = 0
        while shift < 7 * LONG_MAX:
            if self._at == len(self._held) and not self.has(1):
                raise self.flaw("cut_off", "the file ends inside a number")
            byte = self._held[self._at]
            self._at += 1
            number |= (byte & DIGITS) << shift
            if byte < MORE:
                if number >> 64:
                    break
                return (number >> 1) ^ -(number & 1)
            shift += 7
        raise self.flaw("bad_number", "a number of more than 64 bits")

    def longs(self) -> tuple[int, int, bytes]:
        """The next two numbers, and their bytes as they stand."""
        self.has(2 * LONG_MAX)
        start = self._at
        first, second = self.long(), self.long()
        return first, second, self._held[start : self._at]


def header(cursor: Cursor, limits: Limits) -> Header:
    """The header at the beginning of a file."""
    if not cursor.has(len(MAGIC)) or cursor.take(len(MAGIC)) != MAGIC:
        raise Malformed("bad_magic", "this is no Avro container", source=cursor.source)
    metadata = _metadata(cursor, limits)
    codec = metadata.pop(CODEC, NULL.encode())
    spelled = metadata.pop(SCHEMA, None)
    if spelled is None:
        raise cursor.flaw("bad_metadata", "the header has no avro.schema")
    if codec not in {NULL.encode(), DEFLATE.encode()}:
        raise cursor.flaw("bad_codec", "a codec that is neither null nor deflate")
    try:
        schema = Schema.of(spelled, limits=limits)
    except Malformed as flaw:
        raise Malformed(flaw.code, flaw.detail, source=cursor.source) from None
    return Header(
        schema=schema,
        spelled=spelled,
        codec=codec.decode(),
        metadata=metadata,
        sync=cursor.take(SYNC_SIZE),
    )


def _metadata(cursor: Cursor, limits: Limits) -> dict[str, bytes]:
    found = dict[str, bytes]()
    while count := cursor.long():
        if count < 0:
            count = -count
            cursor.long()  # the bytes of this part, for those who skip it
        if len(found) + count > limits.metadata_entries_max:
            most = limits.metadata_entries_max
            raise cursor.flaw("header_too_large", f"more than {most} entries of metadata")
        for _ in range(count):
            try:
                key = _entry(cursor, limits).decode()
            except UnicodeDecodeError:
                raise cursor.flaw("bad_metadata", "a key that is not UTF-8") from None
            if key in found:
                raise cursor.flaw("bad_metadata", "a key stands twice")
            found[key] = _entry(cursor, limits)
    return found


def _entry(cursor: Cursor, limits: Limits) -> bytes:
    size = cursor.long()
    if size < 0:
        raise cursor.flaw("bad_metadata", "a key or value of negative length")
    if cursor.offset + size > limits.header_bytes_max:
        most = limits.header_bytes_max
        raise cursor.flaw("header_too_large", f"a header of more than {most} bytes")
    return cursor.take(size)


def frames(cursor: Cursor, sync: bytes, limits: Limits) -> Iterator[Frame]:
    """The blocks after the header. A file that ends between two of them is whole."""
    while cursor.has(1):
        cursor.block += 1
        offset = cursor.offset
        count, size, head = cursor.longs()
        if count < 0 or size < 0:
            raise cursor.flaw("bad_count", "a block of a negative count or size", offset)
        if size > limits.stored_bytes_max:
            most = limits.stored_bytes_max
            raise cursor.flaw("block_too_large", f"more than {most} stored bytes", offset)
        payload = cursor.take(size)
        if cursor.take(SYNC_SIZE) != sync:
            at = cursor.offset - SYNC_SIZE
            raise cursor.flaw("bad_sync", "no sync marker of this file after the block", at)
        yield Frame(number=cursor.block, offset=offset, count=count, head=head, payload=payload)


def long_bytes(number: int) -> bytes:
    """*number* as it is written; it must have at most 64 bits."""
    rest = (number << 1) ^ (number >> 63)
    out = bytearray()
    while rest > DIGITS:
        out.append(rest & DIGITS | MORE)
        rest >>= 7
    out.append(rest)
    return bytes(out)


def header_bytes(
    spelled: bytes,
    codec: str,
    metadata: Mapping[str, str | bytes],
    sync: bytes,
    limits: Limits,
) -> bytes:
    """A header with metadata sorted by key; raises Permanent for one that nobody could read."""
    if len(sync) != SYNC_SIZE:
        raise Permanent("bad_sync", f"a sync marker has {SYNC_SIZE} bytes")
    if any(key.startswith(RESERVED) for key in metadata):
        raise Permanent("bad_metadata", f"keys that begin with {RESERVED} are the format's")
    entries = {**metadata, CODEC: codec, SCHEMA: spelled}
    parts = [MAGIC, long_bytes(len(entries))]
    for key, value in sorted(entries.items()):
        for text in (key, value):
            stored = text.encode() if isinstance(text, str) else text
            parts += [long_bytes(len(stored)), stored]
    head = b"".join((*parts, long_bytes(0), sync))
    if len(head) > limits.header_bytes_max or len(entries) > limits.metadata_entries_max:
        raise Permanent("bad_metadata", "more metadata than a reader takes")
    return head
