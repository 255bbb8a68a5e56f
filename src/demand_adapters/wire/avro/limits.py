"""How much one container may ask of us."""

from typing import Final

from attrs import frozen

KIB: Final = 1024
MIB: Final = 1024 * KIB


@frozen(kw_only=True)
class Limits:
    """Bounds of every file that is read; what is over one is refused before it costs anything.

    The header: all of its bytes, its entries, the bytes of the schema among them. The schema:
    how deep its types stand in one another, and how many types, fields and symbols it has.

    A block: its bytes as stored and as inflated, and how many times the stored ones the
    inflated may be. Up to *ratio_from* inflated bytes nobody asks: they do no harm, and rows
    that are all alike shrink by more.

    A row: the memory that it may take once it is decoded. From this and the schema follows how
    many bytes it may have.
    """

    header_bytes_max: int = MIB
    metadata_entries_max: int = 100
    schema_bytes_max: int = 128 * KIB
    schema_depth_max: int = 32
    schema_parts_max: int = 2_000
    stored_bytes_max: int = 16 * MIB
    block_bytes_max: int = 64 * MIB
    ratio_max: int = 100
    ratio_from: int = MIB
    row_memory_max: int = 128 * MIB


LIMITS: Final = Limits()
