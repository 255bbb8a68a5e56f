"""Files in a dict."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from hashlib import blake2b
from typing import Final

from attrs import evolve

from demand_adapters.file_keys import checked_key
from demand_core.errors import WiringError
from demand_core.ports.file_store import StoredFile

PIECE_BYTES: Final = 64 * 1024


class MemoryFileStore:
    """Keeps the bytes beside what is said of them; the sorted keys are made when asked for."""

    def __init__(self) -> None:
        """Begin empty."""
        self._files: dict[str, tuple[StoredFile, bytes]] = {}
        self._keys: Sequence[str] | None = None

    def find(self, key: str, /) -> StoredFile | None:
        """Look it up."""
        there = self._files.get(checked_key(key))
        return there and there[0]

    def list(
        self, prefix: str, /, *, after: str = "", limit: int = 1000
    ) -> Sequence[StoredFile]:
        """Text order is byte order: UTF-8 keeps the order of code points."""
        if self._keys is None:
            self._keys = sorted(self._files)
        keys = self._keys
        start = max(bisect_left(keys, prefix), bisect_right(keys, after))
        page = keys[start : start + limit]
        return [self._files[key][0] for key in page if key.startswith(prefix)]

    def read(
        self, key: str, /, *, start: int = 0, length: int | None = None
    ) -> Iterator[bytes] | None:
        """Cut pieces out of the bytes that stand there now."""
        if start < 0 or (length is not None and length < 0):
            raise WiringError(f"no file has {length} bytes from {start} on")
        there = self._files.get(checked_key(key))
        if there is None:
            return None
        whole = there[1]
        end = len(whole) if length is None else min(len(whole), start + length)
        return (whole[at : min(at + PIECE_BYTES, end)] for at in range(start, end, PIECE_BYTES))

    def put(
        self, key: str, pieces: Iterable[bytes], /, *, only_new: bool = False
    ) -> StoredFile | None:
        """Store nothing before the last piece has come: they may break off, or look here."""
        checked_key(key)
        whole = b"".join(pieces)
        if only_new and key in self._files:
            return None
        etag = blake2b(whole, digest_size=16).hexdigest()
        return self._store(StoredFile(key=key, size=len(whole), etag=etag), whole)

    def copy(self, source: str, target: str, /) -> StoredFile | None:
        """Share the bytes, which nobody can change."""
        checked_key(target)
        there = self._files.get(checked_key(source))
        return there and self._store(evolve(there[0], key=target), there[1])

    def delete(self, keys: Sequence[str], /) -> Sequence[int]:
        """Remove them; nothing ever remains."""
        for key in tuple(map(checked_key, keys)):
            if self._files.pop(key, None):
                self._keys = None
        return ()

    def _store(self, stored: StoredFile, whole: bytes) -> StoredFile:
        if stored.key not in self._files:
            self._keys = None
        self._files[stored.key] = (stored, whole)
        return stored
