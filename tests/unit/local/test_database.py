"""The file of a local run, with the faults that a disk and its users really have."""

import os
import resource
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final

import pytest

from demand_adapters.local import database as module
from demand_adapters.local.database import FILE, MIGRATIONS, Database, StateLock
from demand_adapters.testing.races import at_once
from demand_core.errors import Permanent, Transient, Unknown, WiringError

KNOWN: Final = len(MIGRATIONS)
HOLD: Final = """
import sys
from pathlib import Path
from demand_adapters.local.database import StateLock
lock = StateLock(Path(sys.argv[1]))
print("taken", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    with closing(Database(tmp_path)) as database:
        with database.write() as cursor:
            cursor.execute("CREATE TABLE notes (n INTEGER PRIMARY KEY, text TEXT NOT NULL)")
        yield database


def note(database: Database, n: int, text: str = "") -> None:
    with database.write() as cursor:
        cursor.execute("INSERT INTO notes VALUES (?, ?)", (n, text))


def notes(database: Database) -> list[int]:
    with database.read() as cursor:
        return [n for (n,) in cursor.execute("SELECT n FROM notes ORDER BY n")]


def version(folder: Path) -> int:
    with closing(sqlite3.connect(folder / FILE)) as connection:
        return int(connection.execute("PRAGMA user_version").fetchone()[0])


def test_what_was_written_is_there_when_the_file_is_opened_again(
    database: Database, tmp_path: Path
) -> None:
    note(database, 1)
    database.close()
    with closing(Database(tmp_path)) as again:
        assert notes(again) == [1]


def fail_half_way(database: Database) -> None:
    with database.write() as cursor:
        cursor.execute("INSERT INTO notes VALUES (1, '')")
        raise KeyboardInterrupt


def test_what_fails_half_way_leaves_nothing_behind(database: Database) -> None:
    with pytest.raises(KeyboardInterrupt):
        fail_half_way(database)
    assert notes(database) == []
    note(database, 2)
    assert notes(database) == [2]


def test_a_reader_sees_one_moment_and_waits_for_no_writer(database: Database) -> None:
    note(database, 1)
    with database.read() as cursor:
        (before,) = cursor.execute("SELECT count(*) FROM notes").fetchone()
        with database.write() as writing:
            writing.execute("INSERT INTO notes VALUES (2, '')")
            assert notes(database) == [1]
        assert cursor.execute("SELECT count(*) FROM notes").fetchone() == (before,)
    assert notes(database) == [1, 2]


def test_threads_that_write_at_once_wait_for_one_another(database: Database) -> None:
    def append() -> list[int]:
        for _ in range(10):
            with database.write() as cursor:
                (last,) = cursor.execute("SELECT coalesce(max(n), 0) FROM notes").fetchone()
                cursor.execute("INSERT INTO notes VALUES (?, '')", (last + 1,))
        return notes(database)

    all_of_them = [*range(1, 81)]
    for seen in at_once([append] * 8):
        assert seen == all_of_them[: len(seen)]
    assert notes(database) == all_of_them


def test_every_connection_waits_for_the_disk(database: Database) -> None:
    for transaction in (database.read, database.write):
        with transaction() as cursor:
            assert cursor.execute("PRAGMA journal_mode").fetchone() == ("wal",)
            full = 2
            assert cursor.execute("PRAGMA synchronous").fetchone() == (full,)


def test_what_is_kept_is_for_its_owner_to_read(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "state"
    with closing(Database(folder)):
        assert folder.stat().st_mode & 0o777 == 0o700
        assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}


def test_a_new_file_has_the_schema_that_is_known(tmp_path: Path) -> None:
    Database(tmp_path).close()
    assert version(tmp_path) == KNOWN


def test_an_older_file_is_brought_forward_with_all_that_is_in_it(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    note(database, 1)
    database.close()
    two = "ALTER TABLE notes ADD COLUMN a; ALTER TABLE notes ADD COLUMN b"
    later = (two, "DROP TABLE feed")
    monkeypatch.setattr(module, "MIGRATIONS", (*MIGRATIONS, *later))
    for _ in range(2):
        with closing(Database(tmp_path)) as newer, newer.read() as cursor:
            assert cursor.execute("SELECT * FROM notes").fetchall() == [(1, "", None, None)]
        assert version(tmp_path) == KNOWN + 2


def test_a_migration_that_fails_changes_nothing(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    database.close()
    later = ("DROP TABLE notes", "ALTER TABLE nowhere ADD COLUMN a")
    monkeypatch.setattr(module, "MIGRATIONS", (*MIGRATIONS, *later))
    with pytest.raises(WiringError):
        Database(tmp_path)
    monkeypatch.undo()
    assert version(tmp_path) == KNOWN
    with closing(Database(tmp_path)) as again:
        assert notes(again) == []


def test_a_file_of_a_newer_program_is_left_alone(tmp_path: Path) -> None:
    Database(tmp_path).close()
    with closing(sqlite3.connect(tmp_path / FILE)) as connection:
        connection.execute(f"PRAGMA user_version = {KNOWN + 5}")
    with pytest.raises(
        WiringError, match=rf"newer demand \(schema {KNOWN + 5}, this one knows {KNOWN}\)"
    ):
        Database(tmp_path)
    assert version(tmp_path) == KNOWN + 5


def test_a_file_of_something_else_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    other = b"no database at all, but someone's letter. " * 100
    (tmp_path / FILE).write_bytes(other)
    with pytest.raises(WiringError, match="no SQLite database"):
        Database(tmp_path)
    assert (tmp_path / FILE).read_bytes() == other


def test_a_damaged_file_is_no_fault_of_what_is_read_from_it(
    database: Database, tmp_path: Path
) -> None:
    with database.write() as cursor:
        rows = [(n, "x" * 200) for n in range(200)]
        cursor.executemany("INSERT INTO notes VALUES (?, ?)", rows)
    database.close()
    whole = (tmp_path / FILE).read_bytes()
    (tmp_path / FILE).write_bytes(whole[:8192] + b"\xff" * (len(whole) - 8192))
    with (
        pytest.raises(WiringError, match="damaged"),
        closing(Database(tmp_path)) as damaged,
    ):
        notes(damaged)


def test_a_state_folder_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("a file")
    for open_it in (Database, StateLock):
        with pytest.raises(WiringError, match="no state can be kept"):
            open_it(tmp_path / "state")


def test_a_full_disk_refuses_the_write_and_lets_the_next_one_try(database: Database) -> None:
    with database.write() as cursor:
        (pages,) = cursor.execute("PRAGMA page_count").fetchone()
        cursor.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(Transient, match="SQLITE_FULL") as refusal:
        note(database, 1, "x" * 100_000)
    assert not isinstance(refusal.value, Unknown)
    note(database, 2)
    assert notes(database) == [2]


def test_a_file_that_somebody_else_writes_to_is_tried_again_later(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BUSY_S", 0)
    with closing(Database(tmp_path)) as other, other.write() as cursor:
        cursor.execute("INSERT INTO notes VALUES (1, '')")
        with pytest.raises(Transient, match="SQLITE_BUSY"):
            Database(tmp_path)
    assert notes(database) == [1]


@contextmanager
def no_file_may_be_larger_than(size: int) -> Iterator[None]:
    """As if the disk refused to take more."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_nobody_knows_what_became_of_a_commit_that_failed(
    database: Database, tmp_path: Path
) -> None:
    note(database, 1)
    log = tmp_path / f"{FILE}-wal"
    with (
        pytest.raises(Unknown, match="SQLITE_IOERR"),
        no_file_may_be_larger_than(log.stat().st_size),
    ):
        note(database, 2)
    note(database, 3)
    assert notes(database) == [1, 3]


def test_text_that_is_none_is_refused_without_being_shown(database: Database) -> None:
    with pytest.raises(Permanent) as refusal:
        note(database, 1, "canary \ud83c")
    assert refusal.value.code == "bad_value"
    assert "canary" not in str(refusal.value)
    assert notes(database) == []


@pytest.mark.parametrize("statement", ["SELECT * FROM nowhere", "INSERT INTO notes VALUES (1)"])
def test_a_mistake_of_ours_is_told_as_one(database: Database, statement: str) -> None:
    for transaction in (database.read, database.write):
        with pytest.raises(WiringError, match="SQLITE_ERROR"), transaction() as cursor:
            cursor.execute(statement)


def test_a_write_inside_a_write_is_a_mistake_and_no_deadlock(database: Database) -> None:
    with pytest.raises(WiringError, match="this thread writes already"), database.write():
        note(database, 1)
    assert notes(database) == []


def test_a_closed_file_is_neither_read_nor_written(database: Database) -> None:
    with database.read() as cursor:
        database.close()
        assert cursor.execute("SELECT count(*) FROM notes").fetchone() == (0,)
    for transaction in (database.read, database.write):
        with pytest.raises(WiringError, match="closed"), transaction():
            pass


def test_a_folder_in_use_names_who_has_it_and_what_to_do(tmp_path: Path) -> None:
    with closing(StateLock(tmp_path)):
        for _ in range(2):
            with pytest.raises(WiringError, match=rf"in use by process {os.getpid()}: stop"):
                StateLock(tmp_path)
    StateLock(tmp_path).close()


def test_the_folder_of_another_process_is_free_once_that_is_killed(tmp_path: Path) -> None:
    command = [sys.executable, "-c", HOLD, str(tmp_path)]
    source = {"PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(
        command, env=source, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout
        assert holder.stdout.readline() == b"taken\n"
        with pytest.raises(WiringError, match=f"process {holder.pid}: stop"):
            StateLock(tmp_path)
        holder.kill()
        holder.wait()
        StateLock(tmp_path).close()
