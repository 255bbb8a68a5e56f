"""A batch makes the same objects whenever it comes, one for each type and day."""

import re
from collections import Counter
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Final
from uuid import UUID

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from demand_adapters.testing.strategies import NOON, a_demand, an_event
from demand_adapters.wire.archive import RECORD_TYPES, Archived
from demand_adapters.wire.archive_objects import ArchiveObject, Batch, packed
from demand_adapters.wire.avro.reading import read
from demand_core.domain.demands import DemandDates
from demand_core.domain.events import EventDates
from tests.unit.wire.test_archive import changed, kept

DAY: Final = timedelta(days=1)
BATCH: Final = Batch(stream="changes", shard="shard-0", first="49590338", last="49590341")
KEY: Final = re.compile(
    r"data/(demand|event)/partition_date=(\d{4}-\d\d-\d\d)/\d{8}T\d{9}Z-([0-9a-f-]{36})\.avro"
)


def a_row(n: int, kind: str = "demand", days: int = 0, change: str | None = None) -> Archived:
    at = NOON - days * DAY
    value = (
        a_demand(n, date=DemandDates(requested=at))
        if kind == "demand"
        else an_event(n, dates=EventDates(first_seen=at))
    )
    moment = NOON + n * timedelta(seconds=1)
    return kept(evolve(changed(value, at=moment), change_id=change or f"c{n}"))


def rows_in(stored: ArchiveObject) -> list[str]:
    return [row["changeid"] for row in read(stored.content)]


batches: Final = st.lists(
    st.builds(
        a_row, st.integers(0, 30), st.sampled_from(["demand", "event"]), st.integers(0, 2)
    ),
    max_size=20,
)


@pytest.mark.check("P-UC1-group", "P-UC1-path")
@given(rows=batches)
def test_there_is_one_object_for_each_type_and_day_with_each_change_once(
    rows: Sequence[Archived],
) -> None:
    made = packed(rows, BATCH)
    groups = {(row.record_type, row.day) for row in rows}
    assert len(made) == len({stored.key for stored in made}) == len(groups)
    for stored in made:
        found = KEY.fullmatch(stored.key)
        assert found
        assert UUID(found[3]).version == 8
        group = (found[1], date.fromisoformat(found[2]))
        changes = [r.row["changeid"] for r in rows if (r.record_type, r.day) == group]
        assert rows_in(stored) == list(dict.fromkeys(changes))
        assert stored.rows == len(rows_in(stored))


@given(rows=batches)
def test_the_same_batch_makes_the_same_bytes_under_the_same_names(
    rows: Sequence[Archived],
) -> None:
    assert packed(rows, BATCH) == packed(list(rows), evolve(BATCH))


def test_another_batch_makes_other_names_of_the_same_rows() -> None:
    rows = [a_row(1), a_row(2)]
    others = [
        packed(rows, evolve(BATCH, **{part: "other"}))[0].key
        for part in ("stream", "shard", "first", "last")
    ]
    others += [packed(rows[:1], BATCH)[0].key, packed(rows, BATCH)[0].key]
    assert Counter(others).most_common(1)[0][1] == 1


def test_a_name_begins_with_the_time_of_the_earliest_change() -> None:
    (stored,) = packed([a_row(7), a_row(3)], BATCH)
    assert stored.key.rpartition("/")[2].startswith("20250214T120003000Z-")


def test_a_file_says_where_it_came_from_and_by_which_schema() -> None:
    (stored,) = packed([a_row(1)], BATCH)
    header = read(stored.content).header
    assert header.metadata == {
        "demand.normalised": b"1",
        "demand.schema.fingerprint": RECORD_TYPES["demand"].schema.fingerprint.encode(),
        "demand.schema.version": b"1",
        "demand.source": b"changes/shard-0/49590338-49590341",
    }
    assert "phone" not in repr(stored)


def test_a_batch_of_nothing_makes_nothing() -> None:
    assert packed([], BATCH) == []
