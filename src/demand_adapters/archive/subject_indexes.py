"""Whom several objects are about, out of the indexes beside them."""

from collections.abc import Iterable, Iterator
from typing import Final

from demand_core.errors import Permanent
from demand_core.ports.file_store import FileStore

HASH_BYTES: Final = 16
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


def _names(files: FileStore, key: str) -> Iterator[bytes]:
    held = b""
    for piece in files.read(key) or ():
        held += piece
        whole = len(held) - len(held) % HASH_BYTES
        yield from (held[at : at + HASH_BYTES] for at in range(0, whole, HASH_BYTES))
        held = held[whole:]
    if held:
        raise Permanent("bad_index", f"{key}: its last name is cut off: write it anew")
