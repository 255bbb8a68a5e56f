"""Files under keys, as an object store has them."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Protocol

from attrs import frozen


@frozen(kw_only=True)
class StoredFile:
    """What stands under a key. Other bytes have another *etag*."""

    key: str
    size: int
    etag: str


class FileStore(Protocol):
    """Whole files that are written at once and then only replaced or deleted.

    A key is at most 1,024 bytes of UTF-8: parts of at most 255, divided by `/`, none of them
    empty, `.` or `..`, no control characters, no backslash, no U+FFFE or U+FFFF. Anything else
    raises Permanent("bad_key"). So may the second of two keys that no folder holds at once:
    parts in one place that differ only in case or in how an accent is written, and `a` beside
    `a/b`. Where it is taken, the two are kept apart.

    Raises Transient, and Unknown after a write without answer. A reader sees a file whole or
    not at all, never half-written.
    """

    def find(self, key: str, /) -> StoredFile | None:
        """What stands under *key*, None when nothing does."""
        ...

    def list(
        self, prefix: str, /, *, after: str = "", limit: int = 1000
    ) -> Sequence[StoredFile]:
        """At most *limit* files whose key begins with *prefix* and comes after *after*.

        In ascending order of the keys' bytes; only an empty page ends the list.
        """
        ...

    def read(
        self, key: str, /, *, start: int = 0, length: int | None = None
    ) -> Iterator[bytes] | None:
        """The bytes of one file from *start* on, in pieces; None when nothing stands there.

        All are of one version; Transient says that it was replaced and there are no more.
        """
        ...

    def put(
        self, key: str, pieces: Iterable[bytes], /, *, only_new: bool = False
    ) -> StoredFile | None:
        """Write a file whole. With *only_new*, None says that one was there, which stays."""
        ...

    def copy(self, source: str, target: str, /) -> StoredFile | None:
        """Write the bytes of *source* under *target* too; None when *source* is not there."""
        ...

    def delete(self, keys: Sequence[str], /) -> Sequence[int]:
        """Remove files; one that is not there is removed. Answers positions that remain."""
        ...
