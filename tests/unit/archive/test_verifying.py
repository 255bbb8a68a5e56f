"""What is wrong in an archive is told, each in a line, and what is right is not."""

from collections.abc import Callable
from typing import Final

import pytest

from demand_adapters.archive.verifying import Verified, Verifier
from demand_adapters.memory.file_store import MemoryFileStore
from demand_adapters.wire.avro.splicing import splice
from demand_core.ports.file_store import FileStore
from tests.unit.archive.days import (
    PLACE,
    Watched,
    deliver,
    fill,
    go_on,
    keys,
    merge,
    rewrite,
)
from tests.unit.archive.test_delivery import content
from tests.unit.archive.test_merging import until


def verified(files: FileStore, **days: str) -> Verified:
    return Verifier(files=files).verify("demand", **days)


def wrong(files: FileStore) -> list[str]:
    return [finding.what for finding in verified(files).findings if finding.wrong]


def notes(files: FileStore) -> list[str]:
    return [finding.what for finding in verified(files).findings if not finding.wrong]


def filled(batches: int = 3) -> MemoryFileStore:
    files = MemoryFileStore()
    fill(files, batches)
    return files


def merged() -> MemoryFileStore:
    files = filled()
    merge(files)
    return files


def test_what_was_delivered_merged_and_delivered_again_late_is_in_order() -> None:
    files = merged()
    deliver(files, 100)
    merge(files)
    deliver(files, 101)
    found = verified(files)
    assert found.findings == []
    assert (found.objects, found.rows, found.repeated, found.elsewhere) == (2, 8, 0, 0)


def test_only_the_days_asked_for_are_read() -> None:
    assert verified(filled(), since="2025-02-15").objects == 0
    assert verified(filled(), until="2025-02-13").objects == 0
    assert verified(filled(), since=PLACE.part, until=PLACE.part).objects == 3


def test_changes_that_came_twice_are_counted_and_nothing_is_wrong() -> None:
    files = filled(1)
    deliver(files, 1, 2)
    found = verified(files)
    assert (found.rows, found.repeated, found.elsewhere, found.findings) == (4, 0, 1, [])
    merge(files)
    found = verified(files)
    assert (found.rows, found.repeated, found.elsewhere, found.findings) == (4, 1, 0, [])


def first(files: FileStore) -> str:
    return keys(files, PLACE.objects)[0]


def put(key: str, made: bytes = b"x") -> Callable[[MemoryFileStore], object]:
    return lambda files: files.put(key, [made])


def cut(files: MemoryFileStore) -> None:
    files.put(first(files), [content(files, first(files))[:-3]])


def move_to_another_day(files: MemoryFileStore) -> None:
    key = first(files)
    files.copy(key, key.replace(PLACE.part, "2025-02-13"))
    index = PLACE.index_key(key)
    files.copy(index, index.replace(PLACE.part, "2025-02-13"))


def lose_a_row(files: MemoryFileStore) -> None:
    source = content(files, keys(files, PLACE.retired)[0])
    pieces = splice([source], sync=bytes(16), metadata={"demand.schema.fingerprint": b"0"})
    files.put(first(files), pieces)


WRONG: Final[dict[str, tuple[Callable[[], MemoryFileStore], Callable[..., object], str]]] = {
    "cut off": (filled, cut, "can't be read: cut_off"),
    "another day": (filled, move_to_another_day, "a row of another day (2 x)"),
    "another type": (
        filled,
        lambda files: rewrite(files, first(files), lambda row: row.update(recordtype="x")),
        "a row of another type (2 x)",
    ),
    "name": (
        filled,
        lambda files: files.copy(first(files), f"{PLACE.objects}mine.avro"),
        "none that we give",
    ),
    "no index": (
        filled,
        lambda files: files.delete([PLACE.index_key(first(files))]),
        "no index says",
    ),
    "cut index": (
        filled,
        lambda files: files.put(PLACE.index_key(first(files)), [b"x" * 17]),
        "cut off",
    ),
    "no object": (filled, put(f"{PLACE.objects}_SUCCESS"), "among objects"),
    "no day": (filled, put("data/demand/partition_date=x/y.avro"), "among objects"),
    "no manifest": (filled, put("manifests/demand/readme.txt"), "among manifests"),
    "damaged manifest": (
        merged,
        lambda files: files.put(keys(files, PLACE.manifests)[-1], [b"{}"]),
        "bad_manifest",
    ),
    "missing manifest": (
        merged,
        lambda files: files.delete(keys(files, PLACE.manifests)[:1]),
        "bad_manifest",
    ),
    "lost": (merged, lambda files: files.delete([first(files)]), "lost_object"),
    "lost rows": (merged, lose_a_row, "2 rows, where its manifest says 6"),
    "came again": (merged, lambda files: deliver(files, 0, 1), "came again"),
    "no copy": (
        merged,
        lambda files: files.delete(keys(files, PLACE.retired)[:1]),
        "no copy of it was kept",
    ),
}


@pytest.mark.parametrize(("begun", "spoil", "says"), WRONG.values(), ids=WRONG.keys())
def test_each_thing_that_is_wrong_is_told(
    begun: Callable[[], MemoryFileStore], spoil: Callable[..., object], says: str
) -> None:
    files = begun()
    assert wrong(files) == []
    spoil(files)
    assert any(says in what for what in wrong(files))


def test_a_merge_that_broke_off_is_told_and_is_not_wrong() -> None:
    files = filled()
    until(files, lambda: len(keys(files, PLACE.manifests)) == 2)
    go_on(files, 1)
    assert wrong(files) == []
    assert notes(files) == ["a merge goes on or broke off: merge again"]
    merge(files)
    assert notes(files) == []


def test_a_merged_object_that_was_written_again_is_told_and_is_not_wrong() -> None:
    files = merged()
    rewrite(files, first(files), lambda row: row.update(fanid="erased"))
    assert wrong(files) == []
    assert notes(files) == ["it was written again after it was merged"]


def test_what_was_made_for_a_merge_that_was_given_up_is_in_the_way() -> None:
    files = filled()
    until(files, lambda: len(keys(files, PLACE.objects)) == 4)
    sources = keys(files, PLACE.objects)
    rewrite(files, sources[0], lambda row: row.update(fanid="erased"))
    until(files, lambda: len(keys(files, PLACE.manifests)) == 2)
    assert "its merge was given up: merge again" in wrong(files)
    merge(files)
    assert wrong(files) == []
    objects = [*keys(files, PLACE.objects), *keys(files, PLACE.retired)]
    assert sorted(keys(files, PLACE.indexes)) == sorted(map(PLACE.index_key, objects))


def test_a_merge_that_goes_on_meanwhile_is_not_called_wrong() -> None:
    for n in range(1, 100):
        files = filled()

        def before(call: int, n: int = n, files: FileStore = files) -> None:
            if call == n:
                merge(files)

        watched = Watched(files, before)
        assert wrong(watched) == []
        if watched.calls < n:
            return


def test_nothing_that_stands_in_a_row_is_told() -> None:
    files = filled()
    rewrite(files, first(files), lambda row: row.update(recordtype="+13105550100"))
    assert all("+1310" not in what for what in wrong(files))
