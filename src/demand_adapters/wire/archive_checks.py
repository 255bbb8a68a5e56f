"""Holds an object of the archive to all that its name, its folder and its header say of it."""

import re
from collections.abc import Callable, Iterator
from datetime import UTC, date
from typing import Final

from demand_adapters.wire.archive import RECORD_TYPES
from demand_adapters.wire.archive_columns import Row
from demand_adapters.wire.archive_contents import Content
from demand_adapters.wire.archive_objects import stamp
from demand_adapters.wire.avro.rows import check_of
from demand_adapters.wire.avro.schemas import Schema
from demand_core.errors import Permanent

_NAME: Final = re.compile(
    r"(\d{8}T\d{9}Z)-[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}\.avro"
)


def day_of(record_type: str, row: Row) -> date | None:
    """The day under which *row* belongs; None where it says nothing of it."""
    at = RECORD_TYPES[record_type].since_when(row)
    return at.astimezone(UTC).date() if at else None


def row_check(record_type: str, day: str) -> Callable[[Row, Schema], str]:
    """What says what is wrong with a row of an object of that type and day; empty: nothing."""

    def flaw(row: Row, schema: Schema) -> str:
        try:
            check_of(schema)(row)
        except Permanent as misfit:
            return f"a row that is none of its schema: {misfit}"
        if row.get("recordtype") != record_type:
            return "a row of another type"
        if str(day_of(record_type, row)) != day:
            return "a row of another day"
        return ""

    return flaw


def header_flaws(key: str, content: Content) -> Iterator[str]:
    """What an object's name and header say that it does not hold."""
    named = _NAME.fullmatch(key.rpartition("/")[2])
    if not named:
        yield "its name is none that we give"
    elif content.earliest and stamp(content.earliest) != named[1]:
        yield "its name says another time than its first change"
    told = content.header.metadata.get("demand.schema.fingerprint", b"")
    if told != content.header.schema.fingerprint.encode():
        yield "its header says another fingerprint than its schema has"
    if not content.records:
        yield "it holds no row"
