"""Many objects become one, whatever happens meanwhile: no row is lost, none counts twice."""

import tracemalloc
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from demand_adapters.archive.listing import listed
from demand_adapters.archive.merge_log import log_of
from demand_adapters.local.file_store import FolderFileStore
from demand_adapters.memory.file_store import MemoryFileStore
from demand_adapters.testing.fault_plans import Fault, Kind, OneFault
from demand_adapters.wire.archive_objects import index_key
from demand_adapters.wire.avro.reading import read
from demand_core.domain.merges import DECIDED, MergeState
from demand_core.errors import Permanent, Transient
from demand_core.ports.file_store import FileStore
from tests.unit.archive.days import (
    PLACE,
    Killed,
    Watched,
    assert_merged,
    counted,
    deliver,
    fill,
    go_on,
    keys,
    merge,
    rewrite,
)
from tests.unit.archive.test_delivery import content

KINDS: Final = (Kind.BEFORE, Kind.AFTER, Kind.TRANSIENT, Kind.UNKNOWN, Kind.PARTIAL)
CALLS_MAX: Final = 200
ROWS: Final = sorted(f"c{n}" for n in range(6))


def names_in(files: FileStore, key: str) -> set[bytes]:
    index = content(files, key)
    return {index[at : at + 16] for at in range(0, len(index), 16)}


def test_many_objects_become_one_and_stand_where_no_table_looks() -> None:
    files = MemoryFileStore()
    rows = fill(files, 5)
    sources = {key: content(files, key) for key in keys(files, PLACE.objects)}
    answer = merge(files)
    assert counted(files) == rows
    assert_merged(files, [*sources])
    assert {key: content(files, PLACE.retired_key(key)) for key in sources} == sources
    (manifest,) = answer.done
    assert (manifest.state, manifest.merged.records) == (MergeState.MOVED, 10)
    assert (answer.left, answer.dropped, answer.changed) == ({}, [], [])


def test_the_merged_object_is_named_as_the_others_and_says_where_it_is_from() -> None:
    files = MemoryFileStore()
    fill(files, 3)
    before = read(content(files, keys(files, PLACE.objects)[0])).header
    stamp = min(keys(files, PLACE.objects)).rpartition("/")[2][:19]
    merge(files)
    (one,) = listed(files, "demand")
    assert one.key.startswith(f"{PLACE.objects}{stamp}-")
    header = read(content(files, one.key)).header
    own = {"demand.source": before.metadata["demand.source"]}
    (manifest, *_) = keys(files, PLACE.manifests)
    told = {"demand.manifest": manifest.encode()}
    assert {**header.metadata, **own} == {**before.metadata, **told}


def test_the_index_of_the_merged_object_names_all_whom_its_sources_do() -> None:
    files = MemoryFileStore()
    fill(files, 4)
    indexes = keys(files, "index/")
    merge(files)
    (one,) = listed(files, "demand")
    index = content(files, index_key(one.key))
    names = [index[at : at + 16] for at in range(0, len(index), 16)]
    assert names == sorted(set().union(*(names_in(files, key) for key in indexes)))


def test_an_index_that_is_missing_keeps_nobody_from_merging() -> None:
    files = MemoryFileStore()
    rows = fill(files, 2)
    missing, other = keys(files, "index/")
    files.delete([missing])
    merge(files)
    (one,) = listed(files, "demand")
    assert names_in(files, index_key(one.key)) == names_in(files, other)
    assert counted(files) == rows


def test_an_index_that_is_cut_off_is_no_shorter_one() -> None:
    files = MemoryFileStore()
    rows = fill(files, 2)
    index = keys(files, "index/")[0]
    whole = content(files, index)
    files.put(index, [whole[:-1]])
    with pytest.raises(Permanent, match="bad_index"):
        merge(files)
    assert counted(files) == rows
    files.put(index, [whole])
    merge(files)
    assert_merged(files, [])


def test_one_object_alone_stays_as_it_is_and_a_second_run_does_nothing() -> None:
    files = MemoryFileStore()
    fill(files, 1)
    assert merge(files).done == []
    deliver(files, 77)
    assert len(merge(files).done) == 1
    before = {found.key: found.etag for found in files.list("")}
    assert merge(files).done == []
    assert {found.key: found.etag for found in files.list("")} == before


def test_what_comes_late_is_merged_with_what_was_merged_before() -> None:
    files = MemoryFileStore()
    rows = fill(files, 3)
    merge(files)
    (first,) = listed(files, "demand")
    deliver(files, 100)
    assert counted(files) == sorted([*rows, "c100"])
    merge(files)
    assert counted(files) == sorted([*rows, "c100"])
    assert_merged(files, [first.key])
    assert [manifest.number for manifest in log_of(files, PLACE).manifests] == [1, 2]


def test_the_same_batch_delivered_again_after_it_was_merged_counts_once() -> None:
    files = MemoryFileStore()
    rows = fill(files, 3)
    merge(files)
    deliver(files, 0, 1)
    assert len(keys(files, PLACE.objects)) == 2
    assert counted(files) == rows
    merge(files)
    assert counted(files) == rows
    assert len(keys(files, PLACE.objects)) == 1
    assert len(keys(files, PLACE.retired)) == 3


def test_an_object_that_can_not_be_read_is_left_where_it_is_and_said_so() -> None:
    files = MemoryFileStore()
    fill(files, 3)
    bad, *good = keys(files, PLACE.objects)
    files.put(bad, [content(files, bad)[:-20]])
    answer = merge(files)
    assert answer.unreadable == [bad]
    assert "cut_off" in answer.left[bad]
    assert bad in keys(files, PLACE.objects)
    assert sorted(source.key for source in answer.done[0].sources) == good


def test_what_is_no_object_is_neither_merged_nor_touched() -> None:
    files = MemoryFileStore()
    rows = fill(files, 2)
    others = [f"{PLACE.objects}{name}" for name in ("_SUCCESS", "deep/x.avro", "x.avro.tmp")]
    for key in others:
        files.copy(keys(files, PLACE.objects)[0], key)
    answer = merge(files)
    assert answer.unreadable == []
    assert set(others) < set(keys(files, PLACE.objects))
    assert len(answer.done[0].sources) == 2
    assert counted(files) == rows


def test_only_objects_of_one_form_are_merged_and_the_others_among_themselves() -> None:
    files = MemoryFileStore()
    rows = fill(files, 5)
    for key in keys(files, PLACE.objects)[:2]:
        respelled(files, key)
    answer = merge(files)
    assert [len(manifest.sources) for manifest in answer.done] == [2, 3]
    assert counted(files) == rows
    assert len(keys(files, PLACE.objects)) == 2
    assert set(answer.left) == set(keys(files, PLACE.objects))


def respelled(files: MemoryFileStore, key: str) -> None:
    """The same rows in a file whose header says something else of them."""
    stored = content(files, key)
    files.put(key, [stored.replace(b"demand.normalised\x021", b"demand.normalised\x020")])


def at_every_call(
    do: Callable[[MemoryFileStore], object], check: Callable[[MemoryFileStore, Any], None]
) -> int:
    """Merge the same day over and over, and *do* something before each of its calls in turn."""
    for n in range(1, CALLS_MAX):
        files = MemoryFileStore()
        fill(files, 3)

        def before(call: int, n: int = n, files: MemoryFileStore = files) -> None:
            if call == n:
                do(files)

        watched = Watched(files, before)
        answer = merge(watched)
        if watched.calls < n:
            return n
        check(files, answer)
    raise AssertionError("a merge without end")


@pytest.mark.parametrize("kind", KINDS)
def test_wherever_a_merge_is_killed_every_count_is_exact_and_the_next_run_ends_it(
    kind: Kind,
) -> None:
    for n in range(1, CALLS_MAX):
        files = MemoryFileStore()
        rows = fill(files, 3)
        sources = keys(files, PLACE.objects)
        done = Killed(files).run(OneFault(n, Fault(kind=kind, taken=(1,))))
        assert counted(files) == rows
        merge(files)
        assert counted(files) == rows
        assert_merged(files, sources)
        if done:
            assert n > 40
            return


def test_two_mergers_at_once_do_no_harm() -> None:
    def check(files: MemoryFileStore, answer: Any) -> None:
        assert counted(files) == ROWS
        assert_merged(files, [])
        assert not answer.changed

    assert at_every_call(merge, check) > 20


def test_a_merger_that_was_slow_undoes_nothing_of_what_others_did_meanwhile() -> None:
    """Meanwhile all is merged, something comes late, and all is merged again."""

    def twice(files: MemoryFileStore) -> None:
        merge(files)
        deliver(files, 100)
        merge(files)

    def check(files: MemoryFileStore, answer: Any) -> None:
        assert counted(files) == sorted([*ROWS, "c100"])
        merge(files)
        assert counted(files) == sorted([*ROWS, "c100"])
        assert_merged(files, [])

    assert at_every_call(twice, check) > 20


def test_what_is_delivered_while_one_merges_is_no_source_and_counts() -> None:
    def check(files: MemoryFileStore, answer: Any) -> None:
        assert counted(files) == sorted([*ROWS, "c100"])

    assert at_every_call(lambda files: deliver(files, 100), check) > 20


def test_what_is_delivered_again_while_one_merges_counts_once() -> None:
    def check(files: MemoryFileStore, answer: Any) -> None:
        assert counted(files) == ROWS
        merge(files)
        assert counted(files) == ROWS
        assert_merged(files, [])

    assert at_every_call(lambda files: deliver(files, 0, 1), check) > 20


def erase(files: FileStore) -> None:
    """Write the first object that counts again, with other rows of the same changes."""
    key = next(found.key for found in listed(files, "demand"))
    rewrite(files, key, lambda row: row.update(fanid="erased"))


def fans(files: FileStore, keys: Iterable[str]) -> list[str]:
    return [row["fanid"] for key in keys for row in read(content(files, key))]


def test_a_source_that_is_written_again_is_never_lost_in_either_version() -> None:
    """Before it is decided the merge begins anew; after it both versions are kept."""
    too_late, began_anew = 0, 0

    def check(files: MemoryFileStore, answer: Any) -> None:
        nonlocal too_late, began_anew
        assert counted(files) == ROWS
        counting = fans(files, [one.key for one in listed(files, "demand")])
        too_late += bool(answer.changed)
        began_anew += bool(answer.dropped)
        assert ("erased" in counting) != bool(answer.changed)
        assert "erased" in [*counting, *fans(files, keys(files, PLACE.retired))]
        assert_merged(files, [])

    assert at_every_call(erase, check) > 20
    # A store can't write on condition of another file: between the last look and the word.
    assert too_late == 2
    assert began_anew > 10


def until(files: FileStore, reached: Callable[[], bool]) -> None:
    """Somebody merges as far as that, and not one call further."""
    for calls in range(1, CALLS_MAX):
        if reached():
            return
        go_on(files, calls)
    raise AssertionError("it was never reached")


def test_a_merger_that_was_slow_does_not_bring_back_what_was_written_over() -> None:
    def decided(files: FileStore) -> bool:
        return any(manifest.state in DECIDED for manifest in log_of(files, PLACE).manifests)

    def check(files: MemoryFileStore, answer: Any) -> None:
        (one,) = listed(files, "demand")
        assert "erased" in fans(files, [one.key])

    assert at_every_call(merge_as_far(decided, erase), check) > 20


def test_a_merger_that_was_slow_does_not_give_up_what_others_decided() -> None:
    def removed(files: FileStore) -> bool:
        return len(keys(files, PLACE.objects)) == 1

    def check(files: MemoryFileStore, answer: Any) -> None:
        assert counted(files) == ROWS
        assert_merged(files, [])

    assert at_every_call(merge_as_far(removed), check) > 20


def merge_as_far(
    reached: Callable[[FileStore], bool], then: Callable[[FileStore], object] = counted
) -> Callable[[MemoryFileStore], None]:
    """Merge until it is *reached*, and do something."""

    def do(files: MemoryFileStore) -> None:
        until(files, lambda: reached(files))
        then(files)

    return do


def assert_each_once(found: list[str]) -> None:
    """The late one may be there."""
    assert found in (ROWS, sorted([*ROWS, "c100"]))


@given(data=st.data())
def test_whatever_goes_on_beside_a_merge_every_change_counts_once(data: st.DataObject) -> None:
    files = MemoryFileStore()
    fill(files, 3)
    events: Mapping[str, Callable[[], object]] = {
        "nothing": lambda: None,
        "others merge": lambda: merge(files),
        "others begin": lambda: go_on(files, data.draw(st.integers(1, 40))),
        "again": lambda: deliver(files, 0, 1),
        "late": lambda: deliver(files, 100),
        "erased": lambda: erase(files),
    }

    def before(_: int) -> None:
        events[data.draw(st.sampled_from([*events]))]()
        assert_each_once(counted(files))

    with suppress(Transient):
        merge(Watched(files, before))
    merge(files)
    assert_each_once(counted(files))
    assert_merged(files, [])


def test_objects_that_never_stand_still_are_left_for_another_time() -> None:
    files = MemoryFileStore()
    rows = fill(files, 2)
    key = keys(files, PLACE.objects)[0]

    class Restless(MemoryFileStore):
        def put(self, at: str, pieces: Any, /, *, only_new: bool = False) -> Any:
            stored = files.put(at, pieces, only_new=only_new)
            if at.endswith(".idx"):
                rewrite(files, key, lambda row: row.update(version=row["version"] + 1))
            return stored

        find, list, read = files.find, files.list, files.read
        copy, delete = files.copy, files.delete

    with pytest.raises(Exception, match="merge again"):
        merge(Restless())
    assert counted(files) == rows
    merge(files)
    assert_merged(files, [])


def test_a_damaged_manifest_stops_merger_and_reader_and_nothing_is_touched() -> None:
    files = MemoryFileStore()
    fill(files, 2)
    merge(files)
    key = keys(files, PLACE.manifests)[-1]
    files.put(key, [b'{"number": 1}'])
    before = {found.key: found.etag for found in files.list("")}
    for call in (lambda: merge(files), lambda: counted(files)):
        with pytest.raises(Permanent, match="bad_manifest"):
            call()
    assert {found.key: found.etag for found in files.list("")} == before


def peak(folder: Path, objects: int) -> int:
    """The most memory that a merge of so many objects took."""
    files = FolderFileStore(folder / str(objects))
    deliver(files, *range(400))
    (key,) = keys(files, PLACE.objects)
    for n in range(1, objects):
        files.copy(key, key.replace(".avro", f"{n}.avro"))
    tracemalloc.start()
    merge(files)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(keys(files, PLACE.objects)) == 1
    return most


def test_more_objects_take_no_more_memory_than_their_names(tmp_path: Path) -> None:
    peak(tmp_path, 2)  # what is made once and kept
    assert peak(tmp_path, 20) < peak(tmp_path, 4) + 80_000
