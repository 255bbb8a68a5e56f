"""Reads containers that anybody may have written: bounded memory, one kind of error."""

import struct
import zlib
from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from io import BytesIO
from typing import Any, Final, TypeAlias

import fastavro
from attrs import field, frozen

from demand_adapters.wire.avro.flaws import Malformed
from demand_adapters.wire.avro.frames import (
    NULL,
    Cursor,
    Frame,
    Header,
    Source,
    frames,
    header,
    pieces,
)
from demand_adapters.wire.avro.limits import LIMITS, Limits

Row: TypeAlias = dict[str, Any]

# Whatever fastavro and what it calls raise for bytes that are no row of the schema. The text
# of these may hold what stands in the row, so that nobody gets to see it.
UNREADABLE: Final = (
    ArithmeticError,
    EOFError,
    LookupError,
    MemoryError,
    RecursionError,
    StopIteration,
    TypeError,
    ValueError,
    struct.error,
)
RAW_DEFLATE: Final = -15


@frozen(kw_only=True)
class Block:
    """One block, framed well and inflated; its rows are decoded as they are asked for, once.

    *content* is what *stored*
    inflates to; each row comes *encoded* too: as it stands in there.
    """

    stored: Frame = field(repr=False)
    content: bytes = field(repr=False)
    encoded: Iterator[tuple[Row, bytes]] = field(repr=False, eq=False)

    @property
    def number(self) -> int:
        """Which one of its file."""
        return self.stored.number

    @property
    def offset(self) -> int:
        """Where it begins."""
        return self.stored.offset

    @property
    def count(self) -> int:
        """How many rows it has."""
        return self.stored.count

    @property
    def rows(self) -> Iterator[Row]:
        """The rows alone."""
        return (row for row, _ in self.encoded)


@frozen(kw_only=True)
class Container:
    """A file whose header was read. It is read once, by block or by row."""

    header: Header
    blocks: Iterator[Block] = field(repr=False, eq=False)

    def __iter__(self) -> Iterator[Row]:
        """Every row in order; raises Malformed where the file stops making sense."""
        for block in self.blocks:
            for row, _ in block.encoded:
                yield row


def read(
    source: Source,
    *,
    limits: Limits = LIMITS,
    known: AbstractSet[str] | None = None,
    bare: bool = False,
) -> Container:
    """The container in *source*; raises Malformed at once for what its header shows.

    *bare* leaves times and the like as the numbers that they are stored as. With *known*, only
    schemas of these fingerprints are read. A file that was cut off exactly between two blocks
    is a whole file of fewer rows: the format has no mark for its end. What *source* itself
    raises flies.
    """
    cursor = Cursor(pieces(source))
    head = header(cursor, limits)
    if known is not None and head.schema.fingerprint not in known:
        raise Malformed("unknown_schema", f"nobody knows schema {head.schema.fingerprint}")
    parsed = head.schema.bare if bare else head.schema.parsed
    return Container(header=head, blocks=_blocks(cursor, head, parsed, limits))


def _blocks(cursor: Cursor, head: Header, parsed: Any, limits: Limits) -> Iterator[Block]:
    for frame in frames(cursor, head.sync, limits):
        content = frame.payload
        if head.codec != NULL:
            content = _inflated(frame, limits)
        if frame.count * head.schema.least > len(content):
            raise _flaw(frame, "bad_count", "more rows than its bytes can hold")
        yield Block(
            stored=frame,
            content=content,
            encoded=_rows(frame, content, parsed, head.schema.row_bytes_max(limits)),
        )


def _flaw(frame: Frame, code: str, why: str) -> Malformed:
    return Malformed(code, why, offset=frame.offset, block=frame.number)


def _inflated(frame: Frame, limits: Limits) -> bytes:
    """What the payload inflates to, stopping at the first byte too many."""
    ratio = max(limits.ratio_from, limits.ratio_max * len(frame.payload))
    most = min(limits.block_bytes_max, ratio)
    inflater = zlib.decompressobj(RAW_DEFLATE)
    try:
        content = inflater.decompress(frame.payload, most + 1)
    except zlib.error:
        raise _flaw(frame, "bad_deflate", "bytes that are no deflate stream") from None
    if len(content) > most:
        why = f"{len(frame.payload)} bytes inflate to more than {most}"
        raise _flaw(frame, "block_too_large", why)
    if not inflater.eof:
        raise _flaw(frame, "bad_deflate", "a deflate stream without its end")
    # fastavro's own writer leaves three bytes of a checksum behind that others do not write.
    if not zlib.adler32(content).to_bytes(4, "big").startswith(inflater.unused_data):
        raise _flaw(frame, "trailing_bytes", "bytes after the end of the deflate stream")
    return content


def _rows(frame: Frame, content: bytes, parsed: Any, width: int) -> Iterator[tuple[Row, bytes]]:
    """The rows of *content*, of which fastavro sees no more than the *width* of one row."""
    decode = fastavro.schemaless_reader
    begin, window = 0, BytesIO(content[:width])
    done = 0
    while done < frame.count:
        start = window.tell()
        try:
            row: Any = decode(window, parsed, None)
        except UNREADABLE:
            if begin + width >= len(content) or window.tell() < width:
                raise _flaw(frame, "bad_row", f"row {done + 1} is not of the schema") from None
            if start == 0:
                why = f"row {done + 1} has more than {width} bytes"
                raise _flaw(frame, "row_too_large", why) from None
            # It may only have been cut off by the window, which now begins with it.
            begin += start
            window = BytesIO(content[begin : begin + width])
            continue
        done += 1
        yield row, content[begin + start : begin + window.tell()]
    if begin + window.tell() != len(content):
        raise _flaw(frame, "trailing_bytes", "bytes after the last row")
