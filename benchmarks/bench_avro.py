"""Containers against what they are built on: fastavro alone, decoding, and copying bytes.

Rows are changes of the archive with 23 fields, 1,000 to a file as a batch delivers them. Read:
our bounded reader against `fastavro.reader`, target at most 2.5 times its time; write: against
`fastavro.writer`, which checks nothing. Splice: 50 files to one, against decoding and encoding
every row, target at least 20 times as fast, and against copying one file behind the other,
which makes no valid file, target at most 5 times its time. All are CPU time of one process.
"""

import io
import json
import shutil
import statistics
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, BinaryIO

import fastavro

from demand_adapters.wire.avro.reading import read
from demand_adapters.wire.avro.schemas import Schema
from demand_adapters.wire.avro.splicing import splice
from demand_adapters.wire.avro.writing import write

FILES = 50
ROWS = 1_000
ROUNDS = 7
READ_MAX = 2.5
SPLICE_MIN = 20.0
JOIN_MAX = 5.0
SYNC = bytes(range(16))
NOON = datetime(2027, 3, 1, 12, tzinfo=UTC)

INSTANT = {"type": "long", "logicalType": "timestamp-millis"}
TEXTS = ["recordtype", "systemid", "referenceid", "changeid", "changekind"]
TEXTS += ["fanid", "eventid", "saleid"]
ABSENT = ["deletionreason", "phonenumber", "email", "locale"]
STEPS = ["updated", "triggered", "notified", "deleted"]
DATE: dict[str, Any] = {
    "type": "record",
    "name": "demand.archive.DemandDate",
    "fields": [
        {"name": "requested", "type": INSTANT},
        *({"name": step, "type": ["null", INSTANT], "default": None} for step in STEPS),
    ],
}
DEMAND: dict[str, Any] = {
    "type": "record",
    "name": "demand.archive.Demand",
    "fields": [
        *({"name": name, "type": "string"} for name in TEXTS),
        {"name": "changedat", "type": INSTANT},
        {"name": "version", "type": "long"},
        {"name": "schemaversion", "type": "int"},
        {"name": "isdeleted", "type": "boolean"},
        {"name": "channels", "type": {"type": "array", "items": "string"}},
        *({"name": name, "type": ["null", "string"], "default": None} for name in ABSENT),
        {"name": "date", "type": DATE},
    ],
}
SCHEMA = Schema.of(json.dumps(DEMAND))
PARSED = fastavro.parse_schema(DEMAND)


def change(n: int) -> dict[str, Any]:
    """One row, as different from the others as changes are."""
    at = NOON + timedelta(milliseconds=37 * n)
    return {
        "recordtype": "demand",
        "systemid": "demand",
        "referenceid": f"fan{n:08}#G5v0Z9{n % 40:04}#public",
        "changeid": f"{n * 2_654_435_761 % 2**64:016x}",
        "changekind": "MODIFY",
        "fanid": f"fan{n:08}",
        "eventid": f"G5v0Z9{n % 40:04}",
        "saleid": "public",
        "changedat": at,
        "version": 1_800_000_000_000 + n,
        "schemaversion": 1,
        "isdeleted": False,
        "channels": ["sms", "email"],
        "deletionreason": None,
        "phonenumber": f"+1212{2_000_000 + n}",
        "email": f"fan{n}@example.org",
        "locale": "en-us",
        "date": {
            "requested": at,
            "updated": None,
            "triggered": at,
            "notified": None,
            "deleted": None,
        },
    }


def cost(work: Callable[[], object]) -> float:
    """CPU seconds of one call."""
    began = time.process_time()
    work()
    return time.process_time() - began


def times(ours: Callable[[], object], theirs: Callable[[], object]) -> float:
    """How many times the cost of *theirs* ours is."""
    pairs = [(cost(ours), cost(theirs)) for _ in range(ROUNDS)]
    return statistics.median(mine / other for mine, other in pairs)


def by_fastavro(rows: list[dict[str, Any]]) -> bytes:
    """A file as fastavro makes it."""
    out = io.BytesIO()
    fastavro.writer(out, PARSED, rows, codec="deflate", sync_marker=SYNC)
    return out.getvalue()


def decoded_and_encoded(paths: list[Path], target: Path) -> None:
    """The merge that knows no blocks."""

    def rows() -> Iterator[Any]:
        for path in paths:
            with path.open("rb") as file:
                yield from fastavro.reader(file)

    with target.open("wb") as out:
        fastavro.writer(out, PARSED, rows(), codec="deflate", sync_marker=SYNC)


def spliced(paths: list[Path], target: Path) -> None:
    """Our merge."""

    def sources() -> Iterator[BinaryIO]:
        for path in paths:
            with path.open("rb") as file:
                yield file

    with target.open("wb") as out:
        out.writelines(splice(sources(), sync=SYNC, metadata={}))


def joined(paths: list[Path], target: Path) -> None:
    """One file after the other, which is no container."""
    with target.open("wb") as out:
        for path in paths:
            with path.open("rb") as file:
                shutil.copyfileobj(file, out)


def merges(folder: Path, rows: list[dict[str, Any]]) -> tuple[float, float]:
    """How much faster a splice is than decoding, and how much slower than joining."""
    paths, target = [folder / f"{n:02}.avro" for n in range(FILES)], folder / "merged.avro"
    for n, path in enumerate(paths):
        batch = rows[n * ROWS : (n + 1) * ROWS]
        path.write_bytes(write(SCHEMA, batch, metadata={}, sync=SYNC))
    for merge in (decoded_and_encoded, spliced):
        merge(paths, target)
        assert list(read(target.read_bytes())) == rows

    def many(merge: Callable[[list[Path], Path], None]) -> Callable[[], None]:
        def merged() -> None:
            for _ in range(20):
                merge(paths, target)

        return merged

    slower = times(partial(decoded_and_encoded, paths, target), many(spliced))
    return 20 * slower, times(many(spliced), many(joined))


def main() -> None:
    """Assert that all sides did the same work, and compare."""
    rows = [change(n) for n in range(FILES * ROWS)]
    few = rows[: 10 * ROWS]
    file = write(SCHEMA, few, metadata={}, sync=SYNC)
    assert list(read(file)) == few == list(fastavro.reader(io.BytesIO(file)))
    reading = times(
        lambda: sum(1 for _ in read(file)),
        lambda: sum(1 for _ in fastavro.reader(io.BytesIO(file))),
    )
    writing = times(
        lambda: write(SCHEMA, few, metadata={}, sync=SYNC), lambda: by_fastavro(few)
    )
    with TemporaryDirectory() as folder:
        merging, joining = merges(Path(folder), rows)
    print(f"read    {reading:5.2f} times fastavro.reader (target at most {READ_MAX})")
    print(f"write   {writing:5.2f} times fastavro.writer, which checks nothing")
    print(
        f"splice  {merging:5.0f} times faster than decoding (target at least {SPLICE_MIN:.0f})"
    )
    print(f"        {joining:5.2f} times joining the bytes (target at most {JOIN_MAX:.0f})")
    if reading > READ_MAX or merging < SPLICE_MIN or joining > JOIN_MAX:
        raise SystemExit("a target was missed")


if __name__ == "__main__":
    main()
