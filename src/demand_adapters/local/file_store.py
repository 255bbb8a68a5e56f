"""Files in a folder, each at the path that its key spells."""

import errno
import fcntl
import os
import stat
import sys
import time
import unicodedata
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import lru_cache
from itertools import islice
from pathlib import Path
from tempfile import NamedTemporaryFile
from threading import Lock
from typing import IO, Final

from demand_adapters.file_keys import checked_key, is_key
from demand_core.errors import Permanent, Transient, Unknown, WiringError
from demand_core.ports.file_store import StoredFile

PIECE_BYTES: Final = 64 * 1024
# No key has a backslash in it.
UNFINISHED: Final = "\\unfinished"
# How often to begin again when a folder is removed under the hands of a write.
TRIES: Final = 10
# The names of so many folders are remembered, for a look at what differs only in case.
FOLDERS_KNOWN: Final = 256
# So many are kept in order for the next page of a list.
FOLDERS_LISTED: Final = 4
# So long after a change, the next one shows in the time of the folder, however coarse that is.
SETTLED_NS: Final = 2 * 10**9


class FolderFileStore:
    """Takes part in what any number of processes do in *folder*, which must know hard links.

    What is written grows in a folder of its own, and is shown whole by one link or rename: its
    bytes are on the disk before its name is, its name before the answer. Links that others put
    into the folder are not followed.
    """

    def __init__(self, folder: Path) -> None:
        """Make the folder, and remove what writers that were killed have left."""
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            (folder / UNFINISHED).mkdir(exist_ok=True)
            self._root = folder.resolve()
            _sweep(self._root / UNFINISHED)
        except OSError as error:
            raise WiringError(f"no files can be kept in {folder}: {error.strerror}") from error
        self._showing = Lock()
        self._names = lru_cache(maxsize=FOLDERS_KNOWN)(_folded_names)
        self._settled = lru_cache(maxsize=FOLDERS_LISTED)(_sorted_keys)
        self._stamp = 0

    def find(self, key: str, /) -> StoredFile | None:
        """Look at the path."""
        path = self._path(key)
        with _translated():
            there = _regular(path)
        return there and _stored(key, there)

    def list(
        self, prefix: str, /, *, after: str = "", limit: int = 1000
    ) -> Sequence[StoredFile]:
        """Look into the folders that the page may come from, and no others."""
        at = prefix[: prefix.rfind("/") + 1]
        folder = str(self._root / at)
        if (at and not is_key(at[:-1])) or os.path.realpath(folder) != folder:
            return []
        with _translated():
            return list(islice(self._below(at, prefix, after), limit))

    def read(
        self, key: str, /, *, start: int = 0, length: int | None = None
    ) -> Iterator[bytes] | None:
        """Hold the file open: its bytes stay until then, also when its name goes."""
        if start < 0 or (length is not None and length < 0):
            raise WiringError(f"no file has {length} bytes from {start} on")
        path = self._path(key)
        with _translated():
            try:
                file = path.open("rb", buffering=0) if _regular(path) else None
            except FileNotFoundError:
                file = None
        if file is None:
            return None
        pieces = _pieces(file, start, sys.maxsize if length is None else length)
        next(pieces)
        return pieces

    def put(
        self, key: str, pieces: Iterable[bytes], /, *, only_new: bool = False
    ) -> StoredFile | None:
        """Write beside the folder's files, then show it among them."""
        path = self._path(key)
        with _translated(), self._unfinished() as file:
            for piece in pieces:
                file.write(piece)
            stored = self._finished(file, key)
            if not self._show(Path(file.name), path, only_new=only_new):
                return None
        with _translated(Unknown):
            _sync_folder(path.parent)
        return stored

    def copy(self, source: str, target: str, /) -> StoredFile | None:
        """Read and write: the two share nothing."""
        checked_key(target)
        pieces = self.read(source)
        return None if pieces is None else self.put(target, pieces)

    def delete(self, keys: Sequence[str], /) -> Sequence[int]:
        """Remove them, and the folders that they leave empty."""
        paths = [self._path(key) for key in keys]
        remain = list[int]()
        folders = dict[Path, None]()
        for position, path in enumerate(paths):
            try:
                if _regular(path):
                    path.unlink(missing_ok=True)
                    folders[path.parent] = None
            except OSError:
                remain.append(position)
        with _translated(Unknown):
            for folder in folders:
                _sync_folder(folder)
        for folder in folders:
            self._prune(folder)
        return remain

    def _path(self, key: str) -> Path:
        path = self._root / checked_key(key)
        if os.path.realpath(path) != str(path):
            raise Permanent("bad_key", f"a link stands on its way: {key[:80]!a}")
        return path

    def _below(self, at: str, prefix: str, after: str) -> Iterator[StoredFile]:
        """What the folder *at* holds of a page, in the order of the keys."""
        keys = self._keys(at)
        # What *after* is in may be the folder just before it.
        start = max(bisect_left(keys, prefix), bisect_right(keys, after) - 1)
        for n in range(start, len(keys)):
            key = keys[n]
            if not key.startswith(prefix):
                return
            if key.endswith("/"):
                if is_key(key[:-1]) and (key > after or after.startswith(key)):
                    yield from self._below(key, prefix, after)
            elif key > after and is_key(key) and (there := _regular(self._root / key)):
                yield _stored(key, there)

    def _keys(self, at: str) -> Sequence[str]:
        folder = self._root / at
        try:
            changed = folder.stat().st_ctime_ns
            if changed + SETTLED_NS < time.time_ns():
                return self._settled(folder, at, changed)
            return _sorted_keys(folder, at)
        except (FileNotFoundError, NotADirectoryError):
            return ()

    @contextmanager
    def _unfinished(self) -> Iterator[IO[bytes]]:
        with NamedTemporaryFile(dir=self._root / UNFINISHED, prefix="", delete=False) as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX)  # what is locked is not swept away
                yield file
            finally:
                with suppress(OSError):  # it has become the file, or waits for the next start
                    Path(file.name).unlink()

    def _finished(self, file: IO[bytes], key: str) -> StoredFile:
        """Bring the bytes to the disk, with a time that tells them from all others."""
        with self._showing:
            # The clock of a file system is coarse, and the numbers of files are used again.
            self._stamp = max(self._stamp + 1, time.time_ns())
            stamp = self._stamp
        file.flush()
        os.utime(file.fileno(), ns=(stamp, stamp))
        _sync(file.fileno())
        return _stored(key, os.fstat(file.fileno()))

    def _show(self, file: Path, path: Path, *, only_new: bool) -> bool:
        for _ in range(TRIES):
            # One at a time: of two names that differ only in case, one is the first.
            with self._showing, suppress(FileNotFoundError):
                self._make(path.parent)
                self._refuse_twin(path)
                try:
                    if only_new:
                        path.hardlink_to(file)
                    else:
                        file.replace(path)
                except (FileExistsError, IsADirectoryError):
                    if not path.is_dir():
                        return False
                    self._clear(path)
                else:
                    return True
        raise Transient("the folders on the way come and go")

    def _make(self, folder: Path) -> None:
        if folder == self._root:
            return
        self._make(folder.parent)
        self._refuse_twin(folder)
        try:
            folder.mkdir()
        except FileExistsError:
            if not folder.is_dir():
                raise Permanent("bad_key", "a file stands on its way") from None
        else:
            _sync_folder(folder.parent)

    def _refuse_twin(self, path: Path) -> None:
        names, name = self._names(path.parent), path.name
        twin = names.get(_folded(name), name)
        if twin != name and os.path.lexists(path.with_name(twin)):
            raise Permanent("bad_key", f"differs only in case: {name[:80]!a}")
        names[_folded(name)] = name

    def _clear(self, path: Path) -> None:
        """Remove a folder that holds nothing but folders, as a killed `delete` leaves it."""
        for folder, _, _ in os.walk(path, topdown=False):
            with suppress(OSError):
                Path(folder).rmdir()
        if path.is_dir():
            raise Permanent("bad_key", "files stand below it")

    def _prune(self, folder: Path) -> None:
        with self._showing, suppress(OSError):  # somebody has put something there
            while folder != self._root:
                folder.rmdir()
                folder = folder.parent


def _sweep(folder: Path) -> None:
    for left in folder.iterdir():
        with suppress(FileNotFoundError, BlockingIOError), left.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            left.unlink()


def _regular(path: Path) -> os.stat_result | None:
    """What stands there, if it is a file and neither a folder nor a link."""
    try:
        there = path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    return there if stat.S_ISREG(there.st_mode) else None


def _stored(key: str, there: os.stat_result) -> StoredFile:
    etag = f"{there.st_ino:x}-{there.st_mtime_ns:x}"
    return StoredFile(key=key, size=there.st_size, etag=etag)


def _pieces(file: IO[bytes], start: int, length: int) -> Iterator[bytes]:
    with file, _translated():
        yield b""  # begun: whoever does not read on has it closed all the same
        file.seek(start)
        while piece := file.read(min(PIECE_BYTES, length)):
            length -= len(piece)
            yield piece


def _sorted_keys(folder: Path, at: str, changed: int = 0) -> Sequence[str]:
    """What stands in one folder; a folder in it ends with a slash.

    When it was *changed* is for those who keep the answer.
    """
    del changed
    with os.scandir(folder) as entries:
        return sorted(
            f"{at}{entry.name}/" if entry.is_dir(follow_symlinks=False) else at + entry.name
            for entry in entries
        )


def _folded_names(folder: Path) -> dict[str, str]:
    return {_folded(path.name): path.name for path in folder.iterdir()}


def _folded(name: str) -> str:
    """As a file system may see it that knows no case, and no two ways to write an accent."""
    return unicodedata.normalize("NFC", name.casefold())


def _sync(descriptor: int) -> None:
    if sys.platform == "darwin":  # where a plain fsync stops short of the disk
        fcntl.fcntl(descriptor, fcntl.F_FULLFSYNC)
    else:
        os.fsync(descriptor)


def _sync_folder(folder: Path) -> None:
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except FileNotFoundError:  # emptied and removed meanwhile, as others asked
        return
    try:
        _sync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _translated(failed: type[Transient] = Transient) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno == errno.ENAMETOOLONG:
            raise Permanent("bad_key", "too long for this file system") from error
        raise failed(f"the folder of files: {error.strerror}") from error
