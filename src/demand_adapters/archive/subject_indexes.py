"""Whom several objects are about, out of the indexes beside them."""

from collections.abc import Iterable, Iterator
from typing import Final

from demand_adapters.archive.merge_log import every
from demand_core.errors import Permanent
from demand_core.ports.file_store import FileStore

HASH_BYTES: Final = 16
INDEXES: Final = "index/"
PIECE: Final = 4096


def united(files: FileStore, keys: Iterable[str]) -> Iterator[bytes]:
    """The index of all that the indexes under *keys* name, each once and ascending.

    One that is not there names nobody. All names are held at once, some hundred bytes for each
    person of a day.
    """
    names = set[bytes]()
    for key in keys:
        names.update(_names(files, key))
    in_order = sorted(names)
    for at in range(0, len(in_order), PIECE):
        yield b"".join(in_order[at : at + PIECE])


def naming(files: FileStore, hashes: frozenset[bytes]) -> Iterator[str]:
    """The keys of all indexes that name one of *hashes*."""
    for found in every(files, INDEXES):
        if not hashes.isdisjoint(_names(files, found.key)):
            yield found.key


def objects_of(files: FileStore, key: str) -> Iterator[str]:
    """The objects that the index under *key* is of: where they count, and where they went."""
    stem = key.removeprefix(INDEXES).removesuffix(".idx")
    objects = (f"data/{stem}.avro", f"merged/{stem}.avro", f"merged/{stem}~")
    for prefix in objects:
        yield from (found.key for found in every(files, prefix))


def without(content: bytes, hashes: frozenset[bytes]) -> bytes:
    """The index *content* when it names none of *hashes*."""
    at = range(0, len(content), HASH_BYTES)
    return b"".join(name for n in at if (name := content[n : n + HASH_BYTES]) not in hashes)


def _names(files: FileStore, key: str) -> Iterator[bytes]:
    held = b""
    for piece in files.read(key) or ():
        held += piece
        whole = len(held) - len(held) % HASH_BYTES
        yield from (held[at : at + HASH_BYTES] for at in range(0, whole, HASH_BYTES))
        held = held[whole:]
    if held:
        raise Permanent("bad_index", f"{key}: its last name is cut off: write it anew")
