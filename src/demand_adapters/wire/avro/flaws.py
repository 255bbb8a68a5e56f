"""What is wrong with a file or a schema: one error with a code, a sentence and a place.

Codes of a file: bad_magic, bad_metadata, bad_number, bad_sync, bad_codec, bad_count,
bad_deflate, bad_row, cut_off, trailing_bytes, header_too_large, block_too_large, row_too_large,
unknown_schema.
Codes of its schema: bad_schema, bad_name, recursive_schema, schema_too_deep, schema_too_large.
Codes of a splice: other_schema, other_codec.
"""

from demand_core.errors import Permanent


class Malformed(Permanent):
    """A container or a schema that is not read; no word of its content is in the message.

    *offset* is the byte where it shows, *block* counts from 1 and *source*, in a splice, too.
    """

    def __init__(
        self,
        code: str,
        why: str,
        *,
        offset: int | None = None,
        block: int = 0,
        source: int = 0,
    ) -> None:
        """Make one sentence of what is wrong and where."""
        places = (("source", source), ("block", block))
        where = [f"{name} {number}" for name, number in places if number]
        if offset is not None:
            where.append(f"byte {offset}")
        super().__init__(code, f"{why} ({', '.join(where)})" if where else why)
        self.offset = offset
        self.block = block
        self.source = source
