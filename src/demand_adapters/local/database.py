"""The one SQLite file of a local run, and who may open it.

What is in it outlives the program that wrote it, and power cuts: a commit that was answered is
on the disk.
"""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from threading import Lock, RLock
from typing import Final

from demand_core.errors import DemandError, Permanent, Transient, Unknown, WiringError

FILE: Final = "demand.sqlite3"
LOCK: Final = "lock"
# How long to wait for a writer in another process.
BUSY_S: Final = 10.0
WAL_MAX_BYTES: Final = 64 * 2**20

SETTINGS: Final = (
    "PRAGMA journal_mode = WAL",
    # With NORMAL, a power cut takes the last commits back: the claim is gone, the text is out.
    "PRAGMA synchronous = FULL",
    "PRAGMA fullfsync = ON",  # on a Mac, a plain fsync stops short of the disk
    "PRAGMA foreign_keys = OFF",
    "PRAGMA trusted_schema = OFF",
    "PRAGMA secure_delete = ON",  # what was erased is not to be found in free pages
    f"PRAGMA journal_size_limit = {WAL_MAX_BYTES}",
)

# MIGRATIONS[n] brings version n to n + 1. Once released, a script never changes. They are cut
# at the semicolons, so no statement may hold one of its own.
MIGRATIONS: Final = (
    """
    -- What items were and are, one row a write, as long as it stands or the feed tells of it.
    -- The feed says of a row that it took the place of `old`. One without a body is a removal.
    CREATE TABLE images (
        sequence INTEGER PRIMARY KEY AUTOINCREMENT,
        at INTEGER NOT NULL,
        pk TEXT NOT NULL,
        sk TEXT NOT NULL,
        old INTEGER,
        removed_by TEXT,
        expires_at INTEGER,
        indexed TEXT,
        body TEXT
    );
    -- Changes up to here are no longer told.
    CREATE TABLE feed (trimmed INTEGER NOT NULL);
    INSERT INTO feed VALUES (0);
    CREATE TABLE items (
        pk TEXT NOT NULL,
        sk TEXT NOT NULL,
        image INTEGER NOT NULL,
        expires_at INTEGER,
        PRIMARY KEY (pk, sk)
    ) WITHOUT ROWID;
    CREATE INDEX expiring ON items (expires_at) WHERE expires_at IS NOT NULL;
    CREATE TABLE entries (
        name TEXT NOT NULL,
        pk TEXT NOT NULL,
        sk TEXT NOT NULL,
        item_pk TEXT NOT NULL,
        item_sk TEXT NOT NULL,
        PRIMARY KEY (name, pk, sk, item_pk, item_sk)
    ) WITHOUT ROWID;
    -- One that is visible at no time is a dead letter. One that is held was received, and not
    -- put off since.
    CREATE TABLE messages (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        queue TEXT NOT NULL,
        visible_at INTEGER,
        received INTEGER NOT NULL DEFAULT 0,
        held INTEGER NOT NULL DEFAULT FALSE,
        attributes TEXT NOT NULL,
        payload BLOB NOT NULL
    );
    CREATE INDEX waiting ON messages (queue, visible_at);
    CREATE TABLE records (
        sequence INTEGER PRIMARY KEY AUTOINCREMENT,
        stream TEXT NOT NULL,
        shard TEXT NOT NULL,
        at INTEGER NOT NULL,
        partition_key TEXT NOT NULL,
        payload BLOB NOT NULL
    );
    CREATE INDEX sharded ON records (stream, shard);
    -- Records of a shard up to here are no longer kept.
    CREATE TABLE shards (
        stream TEXT NOT NULL,
        shard TEXT NOT NULL,
        trimmed INTEGER NOT NULL,
        PRIMARY KEY (stream, shard)
    ) WITHOUT ROWID
    """,
)

# The next call may find the disk emptied, the file free, a descriptor to spare.
PASSING: Final = frozenset(
    {
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_NOMEM,
        sqlite3.SQLITE_PROTOCOL,
    }
)
REFUSED: Final = (sqlite3.Error, UnicodeEncodeError)
DAMAGED: Final = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})


class Database:
    """Transactions on the file in *folder*, from any thread: many read while one writes.

    They raise Transient when nothing was done, Unknown when the commit itself failed, Permanent
    for text that is none, and WiringError for what no repetition mends; never an error of
    SQLite's.
    """

    def __init__(self, folder: Path) -> None:
        """Open the file, or make it; bring an older one up to date."""
        self._path = folder / FILE
        self._writing = RLock()
        self._pool = Lock()
        self._idle: list[sqlite3.Connection] = []
        self._closed = False
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            # Never open one that is there: closing it would take SQLite's own locks away.
            with suppress(FileExistsError):
                self._path.touch(0o600, exist_ok=False)
        except OSError as error:
            raise WiringError(f"no state can be kept in {folder}: {error.strerror}") from error
        if not self._path.is_file():
            raise WiringError(f"{self._path} is no file: remove it, or name another folder")
        with self._translated():
            self._writer = self._connected()
        try:
            self._migrate()
        except DemandError:
            self.close()
            raise

    @contextmanager
    def read(self) -> Iterator[sqlite3.Cursor]:
        """A transaction that sees one moment of the file, and holds up nobody."""
        with self._translated():
            connection = self._taken()
            try:
                with closing(connection.cursor()) as cursor:
                    cursor.execute("BEGIN")
                    yield cursor
            finally:
                connection.rollback()
                self._give_back(connection)

    @contextmanager
    def write(self) -> Iterator[sqlite3.Cursor]:
        """The only transaction that writes: kept as a whole at the end, or not at all."""
        with self._writing:
            failed: type[Transient] = Transient
            if self._closed or self._writer.in_transaction:
                raise WiringError(f"{self._path} is closed, or this thread writes already")
            try:
                with closing(self._writer.cursor()) as cursor:
                    cursor.execute("BEGIN IMMEDIATE")
                    yield cursor
                    failed = Unknown
                    cursor.execute("COMMIT")
            except REFUSED as error:
                raise self._said(error, failed) from error
            finally:
                with self._translated():
                    self._writer.rollback()

    def close(self) -> None:
        """Close the file once the write under way is done; reads under way close their own."""
        with self._writing, self._pool:
            self._closed = True
            for connection in (*self._idle, self._writer):
                connection.close()
            self._idle.clear()

    def _connected(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self._path, timeout=BUSY_S, isolation_level=None, check_same_thread=False
        )
        try:
            for setting in SETTINGS:
                connection.execute(setting)
        except sqlite3.Error:
            connection.close()
            raise
        return connection

    def _taken(self) -> sqlite3.Connection:
        with self._pool:
            if self._closed:
                raise WiringError(f"{self._path} is closed")
            if self._idle:
                return self._idle.pop()
        return self._connected()

    def _give_back(self, connection: sqlite3.Connection) -> None:
        with self._pool:
            if self._closed:
                connection.close()
            else:
                self._idle.append(connection)

    def _migrate(self) -> None:
        with self.write() as cursor:
            (version,) = cursor.execute("PRAGMA user_version").fetchone()
            if version > len(MIGRATIONS):
                raise WiringError(
                    f"{self._path} was written by a newer demand (schema {version}, this one "
                    f"knows {len(MIGRATIONS)}): run that one, or name another folder"
                )
            for script in MIGRATIONS[version:]:
                for statement in script.split(";"):
                    cursor.execute(statement)
            cursor.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except REFUSED as error:
            raise self._said(error, Transient) from error

    def _said(
        self, error: sqlite3.Error | UnicodeEncodeError, failed: type[Transient]
    ) -> DemandError:
        if isinstance(error, UnicodeEncodeError):
            return Permanent("bad_value", "text that is not UTF-8")
        # What Python itself refuses has no code; the extended codes hold the plain one below.
        code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_MISUSE) & 0xFF
        name = getattr(error, "sqlite_errorname", "SQLITE_MISUSE")
        if code in PASSING:
            return failed(f"{self._path}: {name}")
        if code in DAMAGED:
            return WiringError(
                f"{self._path} is no SQLite database, or is damaged ({name}): "
                "put a copy of it back, or name another folder"
            )
        return WiringError(f"{self._path}: {name}: {error}")


class StateLock:
    """The folder is this process's, until it is released or the process ends.

    It is apart from `Database`, which stands several processes: the rest of a local run
    does not.
    """

    def __init__(self, folder: Path) -> None:
        """Take it; a WiringError names who has it."""
        import fcntl  # which Windows does not have

        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._file = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            holder = os.read(self._file, 20).decode() or "that is just starting"
            os.close(self._file)
            raise WiringError(
                f"{folder} is in use by process {holder}: stop that one, or name another folder"
            ) from error
        except OSError as error:
            raise WiringError(f"no state can be kept in {folder}: {error.strerror}") from error
        os.ftruncate(self._file, 0)
        os.write(self._file, str(os.getpid()).encode())

    def close(self) -> None:
        """Let the next one in. The file stays: who removes it may remove another's."""
        os.close(self._file)
