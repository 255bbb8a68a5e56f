"""Which keys every file store takes: what S3, a folder and a dict can all keep apart."""

import re
from typing import Final

from demand_core.errors import Permanent

BYTES_MAX: Final = 1024

_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f]")


def checked_key(key: str) -> str:
    """*key*, if a file may stand under it; else Permanent("bad_key")."""
    if flaw := _flaw(key):
        raise Permanent("bad_key", f"{flaw}: {key[:80]!a}")
    return key


def _flaw(key: str) -> str | None:
    try:
        size = len(key.encode())
    except UnicodeEncodeError:
        return "half a surrogate pair"
    if size > BYTES_MAX:
        return f"{size} bytes, of at most {BYTES_MAX}"
    if _CONTROL.search(key):
        return "a control character"
    if "\\" in key:
        return "a backslash"
    if not {"", ".", ".."}.isdisjoint(key.split("/")):
        return "an empty part, or one of dots"
    return None
