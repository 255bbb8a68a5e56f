"""Which keys every file store takes: what S3, a folder and a dict can all keep apart."""

import re
from typing import Final

from demand_core.errors import Permanent

BYTES_MAX: Final = 1024
# What a file system gives a name.
PART_BYTES_MAX: Final = 255

# The last two: S3 deletes by XML, which can't hold them.
_REFUSED: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\\\ufffe\uffff]")


def checked_key(key: str) -> str:
    """*key*, if a file may stand under it; else Permanent("bad_key")."""
    if flaw := _flaw(key):
        raise Permanent("bad_key", f"{flaw}: {key[:80]!a}")
    return key


def is_key(key: str) -> bool:
    """Whether a file may stand under *key*."""
    return _flaw(key) is None


def _flaw(key: str) -> str | None:
    try:
        size = len(key.encode())
    except UnicodeEncodeError:
        return "half a surrogate pair"
    if size > BYTES_MAX:
        return f"{size} bytes, of at most {BYTES_MAX}"
    if _REFUSED.search(key):
        return "a control character, a backslash or no character at all"
    parts = key.split("/")
    if not {"", ".", ".."}.isdisjoint(parts):
        return "an empty part, or one of dots"
    if (size := max(len(part.encode()) for part in parts)) > PART_BYTES_MAX:
        return f"a part of {size} bytes, of at most {PART_BYTES_MAX}"
    return None
