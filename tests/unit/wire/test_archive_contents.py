"""What an object holds is told by its bytes and by its rows, in whatever order they stand."""

import tracemalloc
from datetime import timedelta
from hashlib import sha256
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from demand_adapters.testing.strategies import NOON
from demand_adapters.wire.archive_contents import content_of
from demand_adapters.wire.archive_objects import Batch, marker, packed
from demand_adapters.wire.avro.flaws import Malformed
from demand_adapters.wire.avro.reading import Row, read
from demand_adapters.wire.avro.splicing import splice
from demand_core.domain.merges import DIGESTS
from tests.unit.wire.test_archive_objects import a_row

BATCH: Final = Batch(stream="changes", shard="s", first="1", last="9")
KEY: Final = "data/demand/partition_date=2025-02-14/x.avro"


def an_object(*numbers: int) -> bytes:
    (made,) = packed([a_row(n) for n in numbers], BATCH)
    return made.content


def test_an_object_is_counted_hashed_and_dated() -> None:
    file = an_object(3, 1, 2)
    seen = list[Row]()
    found = content_of([file[:50], file[50:]], lambda row, _: seen.append(row))
    assert (found.size, found.records) == (len(file), 3)
    assert found.sha256 == sha256(file).hexdigest()
    assert (found.earliest, found.latest) == (
        NOON + timedelta(seconds=1),
        NOON + timedelta(seconds=3),
    )
    assert seen == list(read(file))


@given(st.permutations(range(6)), st.integers(1, 5))
def test_the_digest_of_rows_minds_neither_their_order_nor_their_files(
    order: list[int], cut: int
) -> None:
    parts = [an_object(*order[:cut]), an_object(*order[cut:])]
    whole = b"".join(splice(parts, sync=marker(KEY), metadata={}))
    total = sum(content_of([part]).row_digest for part in parts) % DIGESTS
    assert content_of([whole]).row_digest % DIGESTS == total
    assert content_of([an_object(*range(6))]).row_digest % DIGESTS == total


def test_another_row_or_one_row_twice_makes_another_digest() -> None:
    digests = {
        content_of([an_object(*numbers)]).row_digest % DIGESTS
        for numbers in ((1, 2), (1, 3), (1,), (2,))
    }
    twice = b"".join(splice([an_object(1)] * 2, sync=marker(KEY), metadata={}))
    assert len(digests | {content_of([twice]).row_digest % DIGESTS}) == 5


def test_only_what_can_stand_in_one_file_has_one_form() -> None:
    one, other = content_of([an_object(1)]), content_of([an_object(2, 3)])
    assert one.form == other.form
    assert "demand.source" not in one.form.metadata
    file = an_object(1).replace(b"demand.normalised\x021", b"demand.normalised\x020")
    assert content_of([file]).form != one.form


def test_what_makes_no_sense_is_no_content() -> None:
    with pytest.raises(Malformed):
        content_of([an_object(1)[:-1]])


def peak(file: bytes) -> int:
    tracemalloc.start()
    content_of(file[at : at + 65536] for at in range(0, len(file), 65536))
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return most


def test_a_longer_object_takes_no_more_memory() -> None:
    part = an_object(*range(2000))
    whole = b"".join(splice([part] * 20, sync=marker(KEY), metadata={}))
    content_of([part])
    assert peak(whole) < peak(part) + 150_000 < len(whole)
