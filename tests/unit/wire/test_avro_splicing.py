"""A splice has the rows of its sources in their order, in blocks that nobody looked into."""

import io
import json
import tracemalloc
from collections.abc import Iterator
from typing import Final

import fastavro
import pytest
from hypothesis import given
from hypothesis import strategies as st

from demand_adapters.wire.avro.flaws import Malformed
from demand_adapters.wire.avro.frames import Cursor, Source, frames, header, pieces
from demand_adapters.wire.avro.limits import LIMITS
from demand_adapters.wire.avro.reading import Row, read
from demand_adapters.wire.avro.schemas import Schema
from demand_adapters.wire.avro.splicing import splice
from demand_adapters.wire.avro.writing import BLOCK_BYTES, write
from demand_core.errors import Permanent
from tests.avro_files import SYNC, block, head, record, tables

OTHER: Final = SYNC[::-1]
THIRD: Final = bytes(16)
LONGS: Final = Schema.of(json.dumps(record("long")))


def longs(*numbers: int, sync: bytes = SYNC) -> bytes:
    return write(LONGS, [{"f0": n} for n in numbers], metadata={"a": "b"}, sync=sync)


def spliced(*sources: Source) -> bytes:
    return b"".join(splice(sources, sync=THIRD, metadata={"demand.manifest": "m"}))


def payloads(file: bytes) -> list[tuple[bytes, bytes]]:
    """Heads and payloads of all blocks."""
    cursor = Cursor(pieces(file))
    sync = header(cursor, LIMITS).sync
    return [(frame.head, frame.payload) for frame in frames(cursor, sync, LIMITS)]


@given(tables(), st.data())
def test_a_splice_has_the_rows_and_the_blocks_of_its_sources_in_order(
    table: tuple[str, list[Row]], data: st.DataObject
) -> None:
    spelled, rows = table
    schema = Schema.of(spelled)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(rows)), max_size=3)))
    parts = [rows[a:b] for a, b in zip([0, *cuts], [*cuts, len(rows)], strict=True)]
    files = [
        write(schema, part, metadata={"n": str(n)}, sync=bytes([n]) * 16)
        for n, part in enumerate(parts)
    ]
    made = splice(files, sync=THIRD, metadata={})
    whole = b"".join(made)
    assert list(read(whole)) == list(fastavro.reader(io.BytesIO(whole))) == rows
    assert (made.records, made.sources) == (len(rows), len(files))
    assert payloads(whole) == [stored for file in files for stored in payloads(file)]
    assert made.blocks == len(payloads(whole))


def test_the_same_sources_are_the_same_bytes_however_they_come() -> None:
    one, two = longs(1, 2), longs(3, sync=OTHER)
    whole = spliced(one, two)
    assert whole == spliced(io.BytesIO(one), [two[:9], two[9:]])
    assert read(whole).header.metadata == {"demand.manifest": b"m"}
    assert SYNC not in whole
    assert OTHER not in whole


def test_numbers_of_a_block_stay_as_they_were_spelled() -> None:
    wordy = b"\x82\x00" + b"\x82\x80\x00" + b"\x02" + SYNC
    whole = spliced(head(record("long")) + wordy)
    assert wordy.removesuffix(SYNC) + THIRD in whole
    assert list(read(whole)) == [{"f0": 1}]


def test_a_source_without_rows_adds_none() -> None:
    made = splice([longs(), longs(5), longs()], sync=THIRD, metadata={})
    assert list(read(b"".join(made))) == [{"f0": 5}]
    assert (made.records, made.blocks, made.sources) == (1, 1, 3)


def test_a_splice_and_its_rows_hold_little_more_than_one_block() -> None:
    rows = [{"f0": f"{n:01000}"} for n in range(500)]
    texts = Schema.of(json.dumps(record("string")))
    file = write(texts, rows, metadata={}, sync=SYNC)
    tracemalloc.start()
    made = splice((io.BytesIO(file) for _ in range(20)), sync=THIRD, metadata={})
    told = sum(1 for _ in read(made))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert told == made.records == 20 * len(rows)
    assert peak < 5 * BLOCK_BYTES


def test_a_source_is_opened_when_its_turn_comes() -> None:
    opened = list[int]()

    def sources() -> Iterator[bytes]:
        for n in range(3):
            opened.append(n)
            yield longs(n)

    parts = iter(splice(sources(), sync=THIRD, metadata={}))
    seen = []
    for _ in range(4):
        next(parts)
        seen.append(len(opened))
    assert seen == [1, 1, 2, 3]


@pytest.mark.parametrize(
    ("second", "code"),
    [
        (
            write(Schema.of(json.dumps(record("int"))), [], metadata={}, sync=SYNC),
            "other_schema",
        ),
        (head(json.dumps(record("long")).encode(), "deflate"), "other_schema"),
        (head(LONGS.json.encode(), "null"), "other_codec"),
        (longs(1)[:-1], "cut_off"),
        (longs(1) + b"\x02", "cut_off"),
        (head(LONGS.json.encode(), "deflate") + block(1, b"", THIRD), "bad_sync"),
        (head(LONGS.json.encode(), "deflate") + block(-1, b""), "bad_count"),
        (head(record("null"), "deflate"), "bad_schema"),
        (b"", "bad_magic"),
    ],
    ids=[
        "schema",
        "spelling",
        "codec",
        "cut off",
        "trailing",
        "marker",
        "count",
        "bad schema",
        "empty",
    ],
)
def test_a_source_that_is_not_as_the_first_is_refused_by_its_number(
    second: bytes, code: str
) -> None:
    made = splice([longs(1), second], sync=THIRD, metadata={})
    with pytest.raises(Malformed) as refused:
        list(made)
    assert (refused.value.code, refused.value.source) == (code, 2)
    assert "source 2" in str(refused.value)


def test_a_splice_of_nothing_or_with_a_bad_header_is_refused() -> None:
    with pytest.raises(Permanent, match="no_source"):
        spliced()
    with pytest.raises(Permanent, match="bad_sync"):
        list(splice([longs(1)], sync=b"", metadata={}))
    with pytest.raises(Permanent, match="bad_metadata"):
        list(splice([longs(1)], sync=THIRD, metadata={"avro.schema": ""}))
    with pytest.raises(Permanent, match="bad_metadata"):
        list(splice([longs(1)], sync=THIRD, metadata={"demand.manifest": bytes(2**20)}))
