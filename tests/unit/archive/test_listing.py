"""A reader finds every row once, wherever a merge has got to and however the two take turns."""

from collections import Counter
from pathlib import Path
from random import Random
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from demand_adapters.archive.listing import listed, opened
from demand_adapters.archive.merge_log import log_of
from demand_adapters.local.file_store import FolderFileStore
from demand_adapters.memory.file_store import MemoryFileStore
from demand_adapters.testing.fault_plans import Fault, Kind, OneFault
from demand_adapters.wire.archive_objects import Batch, packed
from demand_adapters.wire.avro.reading import read
from demand_adapters.wire.merge_places import Layout
from demand_core.errors import Permanent
from demand_core.ports.file_store import FileStore
from tests.unit.archive.days import (
    DAY,
    PLACE,
    Killed,
    Watched,
    counted,
    counted_in,
    deliver,
    fill,
    go_on,
    keys,
    merge,
)
from tests.unit.wire.test_archive_objects import a_row

BATCHES: Final = 3
ROWS: Final = sorted(f"c{n}" for n in range(BATCHES * 2))


def test_a_reader_is_right_wherever_in_it_a_merge_goes_on_and_as_far_as_it_may() -> None:
    tried = 0
    for call in range(1, 30):
        for calls in range(1, 60):
            files = MemoryFileStore()
            fill(files, BATCHES)

            def before(n: int, at: int = call, far: int = calls, to: FileStore = files) -> None:
                if n == at:
                    go_on(to, far)

            watched = Watched(files, before)
            assert counted_in(watched, listed(watched, "demand")) == ROWS
            if watched.calls < call:
                assert tried > 300
                return
            tried += 1


@given(turns=st.lists(st.integers(0, 12), max_size=25), again=st.integers(1, 25))
def test_a_reader_is_right_however_it_takes_turns_with_merges_and_deliveries(
    turns: list[int], again: int
) -> None:
    """One batch comes again meanwhile, and another one late; that may be seen or not."""
    files = MemoryFileStore()
    fill(files, BATCHES)

    def before(n: int) -> None:
        if n == again:
            deliver(files, 0, 1)
            deliver(files, 100)
        if n <= len(turns):
            go_on(files, turns[n - 1])

    watched = Watched(files, before)
    found = counted_in(watched, listed(watched, "demand"))
    assert found in (ROWS, sorted([*ROWS, "c100"]))


@pytest.mark.parametrize("in_a_folder", [False, True])
def test_every_count_is_exact_while_a_merge_of_many_files_is_stopped_and_killed(
    tmp_path: Path, *, in_a_folder: bool
) -> None:
    """Two hundred files; a count after each kill, and late files on the way."""
    files = FolderFileStore(tmp_path) if in_a_folder else MemoryFileStore()
    chance = Random(20250214)
    rows = fill(files, 200, rows=1)
    kills = 0
    while True:
        far = chance.randrange(1, 450)
        kind = chance.choice([Kind.BEFORE, Kind.AFTER, Kind.UNKNOWN, Kind.TRANSIENT])
        ended = Killed(files).run(OneFault(far, Fault(kind=kind)))
        assert counted(files) == rows
        if ended:
            break
        kills += 1
        if kills in {2, 5}:
            deliver(files, 1000 + kills)
            rows = sorted([*rows, f"c{1000 + kills}"])
    assert kills > 3
    assert len(keys(files, PLACE.objects)) == 1


def test_only_the_days_asked_for_are_listed_in_their_order() -> None:
    files = MemoryFileStore()
    batch = Batch(stream="s", shard="0", first="1", last="9")
    for made in packed([a_row(n, days=n % 4) for n in range(8)], batch):
        files.put(made.key, [made.content])
    days = [one.day for one in listed(files, "demand")]
    assert days == sorted(days)
    assert len(set(days)) == 4
    since, until = days[1], days[2]
    found = [one.day for one in listed(files, "demand", since=since, until=until)]
    assert found == [since, until]
    assert list(listed(files, "event")) == []


def test_what_is_no_object_is_not_listed() -> None:
    files = MemoryFileStore()
    fill(files, 1)
    for name in ("_SUCCESS", "more/deep.avro", "half.avro.tmp"):
        files.put(f"{PLACE.objects}{name}", [b"x"])
    files.put("data/demand/loose.avro", [b"x"])
    assert counted(files) == ["c0", "c1"]


def test_an_object_that_was_merged_since_is_read_where_it_went() -> None:
    files = MemoryFileStore()
    rows = fill(files, BATCHES)
    before = [*listed(files, "demand")]
    merge(files)
    deliver(files, 100)
    merge(files)
    assert counted_in(files, iter(before)) == rows


def test_an_object_that_is_lost_is_no_empty_one() -> None:
    files = MemoryFileStore()
    fill(files, 1)
    (one,) = listed(files, "demand")
    files.delete([one.key])
    with pytest.raises(Permanent, match="lost_object"):
        opened(files, one)
    deliver(files, 1)
    deliver(files, 2)
    merge(files)
    (merged,) = listed(files, "demand")
    files.delete([merged.key])
    with pytest.raises(Permanent, match="lost_object"):
        counted(files)


def test_a_manifest_that_is_missing_is_no_merge_that_never_was() -> None:
    files = MemoryFileStore()
    fill(files, 2)
    merge(files)
    files.delete(keys(files, PLACE.manifests)[:1])
    with pytest.raises(Permanent, match="bad_manifest"):
        counted(files)


def test_a_list_that_missed_a_manifest_between_two_pages_is_made_again() -> None:
    files = MemoryFileStore()
    rows = fill(files, 2)
    merge(files)
    missed = [key for key in keys(files, PLACE.manifests) if ".2." not in key]
    assert len(log_of(files, PLACE, missed).manifests) == 1
    assert counted(files) == rows


LAKE: Final = Layout(
    objects="campaignData/{type}/{part}/",
    merged="campaignData/{type}/merged/{part}.{number}.avro",
    manifests="campaignManifests/{type}/{part}.",
    retired="campaignArchive/{type}/merged/{part}/",
)


def test_files_that_stand_elsewhere_are_merged_and_listed_all_the_same() -> None:
    files, place = MemoryFileStore(), LAKE.place("demand", DAY)
    fill(files, BATCHES)
    for number, key in enumerate(keys(files, "data/")):
        files.copy(key, f"{place.objects}{number}.avro")
    for times in (1, 2):
        merge(files, place)
        (one,) = listed(files, "demand", layout=LAKE)
        assert one.key == f"campaignData/demand/merged/{DAY}.{times}.avro"
        assert keys(files, place.objects) == []
        late = f"{place.objects}late-{times}.avro"
        files.put(late, opened(files, one))
        assert len([*listed(files, "demand", layout=LAKE)]) == 2
    found = Counter(
        row["changeid"]
        for one in listed(files, "demand", layout=LAKE)
        for row in read(opened(files, one))
    )
    assert found.keys() == set(ROWS)
