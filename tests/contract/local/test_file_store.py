"""The files in a folder keep what every FileStore promises, whatever else is in the folder."""

import os
import resource
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest

from demand_adapters.local.file_store import UNFINISHED, FolderFileStore
from demand_adapters.testing.file_store import (
    CLASHES,
    FileStoreContract,
    FileStoreProperties,
    contents,
    fill,
    listed,
)
from demand_adapters.testing.races import at_once
from demand_core.errors import Permanent, Transient, WiringError
from demand_core.ports.file_store import FileStore
from tests.contract.local.folders import passing_folder


class TestFolderFileStore(FileStoreContract, FileStoreProperties):
    engine = "local"

    @contextmanager
    def fresh(self) -> Iterator[FileStore]:
        with passing_folder() as folder:
            yield FolderFileStore(folder)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "files"


@pytest.fixture
def store(folder: Path) -> FolderFileStore:
    return FolderFileStore(folder)


def keys(store: FileStore) -> list[str]:
    return [stored.key for stored in listed(store)]


def test_a_key_is_read_as_a_path(folder: Path, store: FolderFileStore) -> None:
    fill(store, "quarantine/links/1.json")
    assert (folder / "quarantine" / "links" / "1.json").read_text() == "quarantine/links/1.json"


def test_what_others_put_into_the_folder_is_a_file_as_any(
    folder: Path, store: FolderFileStore
) -> None:
    (folder / "a").mkdir()
    (folder / "a" / "b.json").write_text("by hand")
    assert keys(store) == ["a/b.json"]
    assert contents(store, "a/b.json") == b"by hand"
    assert store.put("a/b.json", [b"x"], only_new=True) is None


@pytest.mark.parametrize(("first", "second"), CLASHES, ids=ascii)
def test_a_folder_refuses_what_another_system_could_not_keep_apart(
    store: FolderFileStore, first: str, second: str
) -> None:
    fill(store, first)
    with pytest.raises(Permanent) as refusal:
        fill(store, second)
    assert refusal.value.code == "bad_key"


def test_what_was_in_the_folder_before_clashes_too(folder: Path) -> None:
    folder.mkdir()
    (folder / "A").write_text("before")
    with pytest.raises(Permanent):
        fill(FolderFileStore(folder), "a")


@pytest.mark.parametrize("inside", ["link", "there/link"])
@pytest.mark.parametrize("key", ["secret", "deep/secret"])
def test_no_link_leads_out_of_the_folder(
    tmp_path: Path, folder: Path, store: FolderFileStore, inside: str, key: str
) -> None:
    outside = tmp_path / "outside"
    fill(FolderFileStore(outside), key)
    fill(store, "there/a")
    (folder / inside).symlink_to(outside)
    for call in (
        lambda: store.find(f"{inside}/{key}"),
        lambda: store.read(f"{inside}/{key}"),
        lambda: store.put(f"{inside}/{key}", [b"x"]),
        lambda: store.copy(f"{inside}/{key}", "b"),
        lambda: store.copy("there/a", f"{inside}/{key}"),
        lambda: store.delete([f"{inside}/{key}"]),
    ):
        with pytest.raises(Permanent) as refusal:
            call()
        assert refusal.value.code == "bad_key"
    assert keys(store) == ["there/a"]
    assert store.list(f"{inside}/") == []
    assert contents(FolderFileStore(outside), key) == key.encode()


def test_a_link_in_the_place_of_a_file_is_neither_read_nor_written(
    tmp_path: Path, folder: Path, store: FolderFileStore
) -> None:
    (tmp_path / "secret").write_text("outside")
    (folder / "a").symlink_to(tmp_path / "secret")
    for call in (lambda: contents(store, "a"), lambda: store.put("a", [b"x"])):
        with pytest.raises(Permanent):
            call()
    assert keys(store) == []
    assert (tmp_path / "secret").read_text() == "outside"


@pytest.mark.parametrize("prefix", ["../", "../outside/", "/", "a/../../outside/", "a//"])
def test_a_prefix_finds_nothing_outside(
    tmp_path: Path, store: FolderFileStore, prefix: str
) -> None:
    fill(FolderFileStore(tmp_path / "outside"), "secret")
    fill(store, "a/b")
    assert store.list(prefix) == []


def test_what_is_no_file_or_has_no_key_is_passed_over(
    folder: Path, store: FolderFileStore
) -> None:
    fill(store, "a")
    os.mkfifo(folder / "pipe")
    for name in ("back\\slash", "line\nbreak"):
        (folder / name).touch()
    assert keys(store) == ["a"]
    assert store.find("pipe") is None
    assert store.read("pipe") is None
    assert not store.delete(["pipe"])


def test_what_a_killed_writer_left_is_never_seen_and_swept_at_the_next_start(
    folder: Path, store: FolderFileStore
) -> None:
    left = folder / UNFINISHED / "left"
    left.write_text("half a fi")
    assert keys(store) == []
    assert keys(FolderFileStore(folder)) == []
    assert not left.exists()


def test_a_start_leaves_alone_what_others_are_writing(
    folder: Path, store: FolderFileStore
) -> None:
    def pieces() -> Iterator[bytes]:
        yield b"one "
        FolderFileStore(folder)
        yield b"two"

    store.put("a", pieces())
    assert contents(store, "a") == b"one two"


def test_folders_that_a_killed_delete_left_are_in_nobodys_way(
    folder: Path, store: FolderFileStore
) -> None:
    for key in ("a", "b"):
        (folder / key / "c" / "d").mkdir(parents=True)
    assert keys(store) == []
    store.put("a", [b"x"])
    store.put("b", [b"y"], only_new=True)
    assert keys(store) == ["a", "b"]


def test_deleting_leaves_no_empty_folders(folder: Path, store: FolderFileStore) -> None:
    fill(store, "a/b/c/d", "a/b/e")
    store.delete(["a/b/c/d"])
    assert not (folder / "a" / "b" / "c").exists()
    store.delete(["a/b/e"])
    assert [path.name for path in folder.iterdir()] == [UNFINISHED]


@pytest.fixture
def an_hour_later(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was changed just now was changed long ago."""
    now = time.time_ns() + 3600 * 10**9
    monkeypatch.setattr("time.time_ns", lambda: now)


@pytest.mark.usefixtures("an_hour_later")
def test_the_pages_of_a_large_folder_cost_one_look_at_it(
    folder: Path, store: FolderFileStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked, scandir = list[Path](), os.scandir

    def counted(path: Path) -> "os._ScandirIterator[str]":
        looked.append(path)
        return scandir(path)

    (folder / "a").mkdir()
    for n in range(100):
        (folder / "a" / f"{n:03}").touch()
    monkeypatch.setattr("os.scandir", counted)
    assert [stored.key for stored in listed(store, "a/", limit=7)] == [
        f"a/{n:03}" for n in range(100)
    ]
    assert looked == [folder / "a"]


@pytest.mark.usefixtures("an_hour_later")
def test_a_page_shows_what_came_and_went_since_the_page_before(
    folder: Path, store: FolderFileStore
) -> None:
    fill(store, "a", "b", "d")
    assert [stored.key for stored in store.list("", limit=1)] == ["a"]
    looked = folder.stat().st_ctime_ns
    while folder.stat().st_ctime_ns == looked:  # its clock may not have ticked since
        fill(store, "c")
        store.delete(["b"])
    assert [stored.key for stored in store.list("", after="a")] == ["c", "d"]


def test_every_version_has_a_time_of_its_own_however_coarse_the_clock(
    folder: Path, store: FolderFileStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.time_ns", lambda: 10**18)
    times, etags = list[int](), set[str]()
    for n in range(20):
        stored = store.put("a", [b"%02d" % n])
        etags.add(stored.etag if stored else "")
        times.append((folder / "a").stat().st_mtime_ns)
    assert times == [10**18 + n for n in range(20)]
    assert len(etags) == 20


def test_a_full_disk_has_no_effect(store: FolderFileStore, folder: Path) -> None:
    store.put("old", [b"whole"])
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2**20, limits[1]))
    try:
        for key in ("old", "new"):
            with pytest.raises(Transient):
                store.put(key, [b"x" * 2**16] * 20)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert contents(store, "old") == b"whole"
    assert keys(store) == ["old"]
    assert list((folder / UNFINISHED).iterdir()) == []


def test_a_key_too_long_for_where_the_folder_is_is_refused(tmp_path: Path) -> None:
    deep = tmp_path.joinpath(*["d" * 250] * 14)
    store, key = FolderFileStore(deep), "/".join(["k" * 200] * 5)
    with pytest.raises(Permanent) as refusal:
        store.find(key)
    assert refusal.value.code == "bad_key"
    with pytest.raises(Permanent):
        store.put(key, [b"x"])


def test_a_folder_that_cannot_be_made_is_told_at_once(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(WiringError, match="no files can be kept"):
        FolderFileStore(tmp_path / "file" / "files")


def test_a_folder_that_is_gone_may_come_back(folder: Path, store: FolderFileStore) -> None:
    (folder / UNFINISHED).rmdir()
    with pytest.raises(Transient):
        fill(store, "a")
    (folder / UNFINISHED).mkdir()
    fill(store, "a")
    assert keys(store) == ["a"]


def test_one_of_64_threads_that_create_a_file_is_told_that_it_did(
    store: FolderFileStore,
) -> None:
    writers = [partial(store.put, "a/b", [b"%d" % n], only_new=True) for n in range(64)]
    answers = at_once(writers)
    (winner,) = [n for n, stored in enumerate(answers) if stored]
    assert contents(store, "a/b") == b"%d" % winner


def test_of_names_that_differ_in_case_one_thread_creates_one(store: FolderFileStore) -> None:
    def created(key: str) -> bool:
        try:
            fill(store, key)
        except Permanent:
            return False
        return True

    for n in range(20):
        names = [f"{case}{n}" for case in ("key", "KEY", "Key", "kEy")]
        assert sum(at_once([partial(created, name) for name in names])) == 1


def test_readers_see_whole_versions_while_writers_replace_them_and_folders_come_and_go(
    store: FolderFileStore,
) -> None:
    versions = [b"%d" % n * 100_000 for n in range(4)]
    store.put("a", versions)

    def replace(version: bytes) -> Sequence[bytes | None]:
        for _ in range(20):
            store.put("a", [version] * 4)
            fill(store, "b/c")
            store.delete(["b/c"])
        return ()

    def read() -> Sequence[bytes | None]:
        return [contents(store, "a") for _ in range(40)]

    writers = [partial(replace, version) for version in versions]
    seen = at_once([partial(read), partial(read), *writers])
    whole = [b"".join(versions), *(version * 4 for version in versions)]
    assert [found in whole for each in seen for found in each] == [True] * 80
    assert keys(store) == ["a"]
