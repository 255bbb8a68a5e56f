"""Writes containers: the same schema, rows, metadata and marker are the same bytes."""

import zlib
from collections.abc import Iterable, Iterator, Mapping
from io import BytesIO
from typing import Any, Final

import fastavro

from demand_adapters.wire.avro.frames import DEFLATE, header_bytes, long_bytes
from demand_adapters.wire.avro.limits import LIMITS, Limits
from demand_adapters.wire.avro.rows import Misfit, check_of
from demand_adapters.wire.avro.schemas import Schema
from demand_core.errors import Permanent

# Rows of the archive take 43, 36, 33 and 32 bytes in blocks of 4, 16, 64 and 256 kB.
BLOCK_BYTES: Final = 64_000
# Level 9 saves one byte in a hundred for twice the time.
LEVEL: Final = 6
RAW_DEFLATE: Final = -15


def write(
    schema: Schema,
    rows: Iterable[Mapping[str, Any]],
    *,
    metadata: Mapping[str, str | bytes],
    sync: bytes,
    limits: Limits = LIMITS,
    held: bool = False,
) -> bytes:
    """A container of *rows*, each with the fields of *schema* and values of their types.

    Rows that were *held* to the schema already are taken as they are.
    *sync* is 16 bytes that whoever writes derives from what is written: a marker by chance
    would make other bytes each time. Raises Permanent, which names the row and the path and
    shows no value, and also where a row or a header would be too large to be read again.
    """
    parts = [header_bytes(schema.json.encode(), DEFLATE, metadata, sync, limits)]
    for count, content in _blocks(schema, rows if held else _held(schema, rows), limits):
        payload = deflated(content, limits)
        parts += [long_bytes(count), long_bytes(len(payload)), payload, sync]
    return b"".join(parts)


def _held(schema: Schema, rows: Iterable[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    check = check_of(schema)
    for number, row in enumerate(rows, 1):
        try:
            check(row)
        except Misfit as misfit:
            raise Permanent(misfit.code, f"row {number}: {misfit.detail}") from None
        yield row


def _blocks(
    schema: Schema, rows: Iterable[Mapping[str, Any]], limits: Limits
) -> Iterator[tuple[int, bytes]]:
    """Counts and encoded rows; a block is closed by the row that fills it."""
    encode, parsed = fastavro.schemaless_writer, schema.parsed
    most = schema.row_bytes_max(limits)
    block, count, size = BytesIO(), 0, 0
    for number, row in enumerate(rows, 1):
        encode(block, parsed, row, disable_tuple_notation=True)
        begun, size, count = size, block.tell(), count + 1
        if size - begun > most:
            raise Permanent("row_too_large", f"row {number}: more than {most} bytes")
        if size >= BLOCK_BYTES:
            yield count, block.getvalue()
            block, count, size = BytesIO(), 0, 0
    if count:
        yield count, block.getvalue()


def deflated(content: bytes, limits: Limits) -> bytes:
    deflater = zlib.compressobj(LEVEL, zlib.DEFLATED, RAW_DEFLATE)
    payload = deflater.compress(content) + deflater.flush()
    ratio = max(limits.ratio_from, limits.ratio_max * len(payload))
    if len(content) > min(limits.block_bytes_max, ratio):
        raise Permanent("row_too_large", "a row that repeats itself too much to be read again")
    return payload
