"""Changes that make no row, and other texts that were kept as they came, without a fan."""

import gzip
import json
import zlib
from collections.abc import Callable, Iterator
from datetime import datetime
from io import BytesIO
from typing import Any, Final

from demand_adapters.wire.archive import REDACTED
from demand_adapters.wire.archive_errors import members
from demand_adapters.wire.bodies import plain
from demand_adapters.wire.converters import parsed_instant
from demand_core.domain.ids import ALPHABETS
from demand_core.domain.subjects import Name, NamedBy
from demand_core.errors import Permanent

# What stands where the change of a forgotten fan stood.
ERASED: Final = b'{"erased": true}'
IMAGES: Final = ("NewImage", "OldImage")
CONTACTS: Final[tuple[tuple[str, NamedBy], ...]] = (
    ("phoneNumber", "phone"),
    ("email", "email"),
)
GZIP: Final = b"\x1f\x8b"
UNPACKED_MAX: Final = 4 * 1024 * 1024


def names_in_event(original: bytes) -> Iterator[Name]:
    """Those that a change says where ours say them; none where it is no document."""
    about = _part(_document(original), "dynamodb")
    partition = _text(_part(_part(about, "Keys"), "PK"))
    named_by, _, fan = partition.partition(":")
    if named_by == "fan" and ALPHABETS["fanId"].fullmatch(fan):
        yield "fan", fan
    for image in IMAGES:
        for field, kind in CONTACTS:
            text = _text(_part(_part(about, image), field))
            # Half a surrogate pair is nobody's.
            if text.isascii() and text:
                yield kind, text.lower() if kind == "email" else text


def asked_in_event(original: bytes) -> datetime | None:
    """When its fan asked, as far as it says so."""
    about = _part(_document(original), "dynamodb")
    for image in IMAGES:
        dates = _part(_part(_part(about, image), "date"), "M")
        asked = _text(_part(_part(about, image), "askedAt"))
        for text in (asked, _text(_part(dates, "requested")), _text(_part(dates, "created"))):
            try:
                return parsed_instant(text)
            except Permanent:
                continue
    return None


def unpacked(original: bytes) -> bytes:
    """What *original* holds, beside itself: some send their events packed."""
    if not original.startswith(GZIP):
        return original
    try:
        with gzip.GzipFile(fileobj=BytesIO(original)) as packed:
            return original + packed.read(UNPACKED_MAX)
    except (OSError, EOFError, zlib.error):
        return original


def without_events(document: bytes, gone: Callable[[bytes], bool]) -> tuple[bytes, int]:
    """An error file in which nothing is left of the events that are *gone*, and how many.

    Raises Permanent for one that is none of ours.
    """
    parts, at, count = list[str](), 0, 0
    try:
        text = document.decode()
        for start, end, original in members(text):
            if original != ERASED and gone(original):
                parts += [text[at:start], ERASED.decode()]
                at, count = end, count + 1
    except (LookupError, TypeError, ValueError, RecursionError):
        raise Permanent("no_error_file", "it says nothing as our error files do") from None
    return "".join((*parts, text[at:])).encode(), count


def without_texts(document: bytes, gone: Callable[[bytes], bool]) -> tuple[bytes, int]:
    """A file of JSON in which no text is left that is *gone*, and how many there were."""
    told, count = redacted(plain(document), gone)
    return json.dumps(told, indent=1).encode() if count else document, count


def redacted(told: Any, gone: Callable[[bytes], bool]) -> tuple[Any, int]:
    """Plain data in which no text is left that is *gone*, and how many there were."""
    if isinstance(told, str):
        return (REDACTED, 1) if gone(told.encode(errors="replace")) else (told, 0)
    if isinstance(told, dict):
        parts = {name: redacted(part, gone) for name, part in told.items()}
        return {n: part for n, (part, _) in parts.items()}, sum(c for _, c in parts.values())
    if isinstance(told, list):
        listed = [redacted(part, gone) for part in told]
        return [part for part, _ in listed], sum(count for _, count in listed)
    return told, 0


def _document(original: bytes) -> object:
    try:
        return plain(original)
    except Permanent:
        return None


def _part(told: object, name: str) -> object:
    return told.get(name) if isinstance(told, dict) else None


def _text(told: object) -> str:
    """The text of an attribute of DynamoDB; empty where there is none."""
    found = _part(told, "S")
    return found if isinstance(found, str) else ""
