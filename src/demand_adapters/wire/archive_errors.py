"""Changes that the archive could not keep, as they came, each with what is wrong with it.

One document holds those of one batch. The originals stand in it byte for byte: the document is
put together around their own text, and taken apart by looking where each begins and ends.
"""

import json
from base64 import b64decode, b64encode
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from attrs import field, frozen

from demand_adapters.wire.archive_objects import Batch, stamped
from demand_adapters.wire.bodies import plain
from demand_adapters.wire.converters import instant, structured
from demand_core.domain.ids import digest
from demand_core.errors import Permanent

ERRORS: Final = "errors/"
REPLAYED: Final = "errors/replayed/"
_DECODER: Final = json.JSONDecoder()
_BLANK: Final = " \t\r\n"


@frozen(kw_only=True)
class Fault:
    """One change and why it makes no row; *path* is where in it, as far as that is known."""

    sequence: int
    at: datetime
    reason: str
    path: str
    original: bytes = field(repr=False)
    change_id: str | None = None

    @property
    def message(self) -> str:
        """For people; nothing of what stood there is in it."""
        return f"{self.reason} at {self.path}" if self.path else self.reason


@frozen(kw_only=True)
class ErrorDocument:
    """What an error file says."""

    timestamp: str
    error: str
    source: Batch
    faults: Sequence[Fault]

    @property
    def originals(self) -> Sequence[bytes]:
        """What came, byte for byte."""
        return [fault.original for fault in self.faults]


def error_key(faults: Sequence[Fault], batch: Batch) -> str:
    """Where they are set aside: the same batch with the same faults has one place."""
    source = (batch.stream, batch.shard, batch.first, batch.last)
    which = digest("demand.faults/1", *(f"{fault.sequence}:{fault.reason}" for fault in faults))
    earliest = min(fault.at for fault in faults)
    return f"{ERRORS}{stamped(earliest, digest('demand.errors/1', *source, which))}.json"


def error_document(faults: Sequence[Fault], batch: Batch, of: int) -> bytes:
    """The file for *faults*, which came in a batch *of* so many."""
    head = {
        "timestamp": instant(min(fault.at for fault in faults)),
        "error": f"{len(faults)} of {of} records: {', '.join(_reasons(faults))}",
        "source": {
            "stream": batch.stream,
            "shard": batch.shard,
            "firstSequence": batch.first,
            "lastSequence": batch.last,
        },
        "faults": [_told(index, fault) for index, fault in enumerate(faults)],
    }
    events = b",\n".join(_embedded(fault.original) for fault in faults)
    return json.dumps(head, indent=1).encode()[:-2] + b',\n "events": [\n' + events + b"\n]}\n"


def parsed(document: bytes) -> ErrorDocument:
    """What the file says; raises Permanent for one that is none of ours."""
    told: Any = plain(document)
    try:
        text, source = document.decode(), told["source"]
        originals = [original for _, _, original in members(text)]
        return ErrorDocument(
            timestamp=structured(str, told["timestamp"]),
            error=structured(str, told["error"]),
            source=Batch(
                stream=structured(str, source["stream"]),
                shard=structured(str, source["shard"]),
                first=structured(str, source["firstSequence"]),
                last=structured(str, source["lastSequence"]),
            ),
            faults=[
                _fault(index, fault, original)
                for index, (fault, original) in enumerate(
                    zip(told["faults"], originals, strict=True)
                )
            ],
        )
    except (AttributeError, KeyError, TypeError, ValueError):
        raise Permanent("no_error_file", "it says nothing as our error files do") from None


def members(text: str) -> Iterator[tuple[int, int, bytes]]:
    """Each event of a document: where it begins and ends, and what came, byte for byte."""
    for start, end in _events(text):
        yield start, end, _original(text[start:end])


def _fault(index: int, told: Any, original: bytes) -> Fault:
    if told["index"] != index:
        raise ValueError(index)
    return Fault(
        sequence=int(told["sequence"]),
        at=structured(datetime, told["at"]),
        reason=structured(str, told["reason"]),
        path=structured(str, told["path"]),
        original=original,
        change_id=structured(str, told["changeId"]) if "changeId" in told else None,
    )


def _reasons(faults: Sequence[Fault]) -> Iterator[str]:
    counted = dict[str, int]()
    for fault in faults:
        counted[fault.message] = counted.get(fault.message, 0) + 1
    for message, times in sorted(counted.items()):
        yield f"{times} x {message}"


def _told(index: int, fault: Fault) -> Mapping[str, object]:
    told = {
        "index": index,
        "reason": fault.reason,
        "path": fault.path,
        "message": fault.message,
        "sequence": str(fault.sequence),
        "at": instant(fault.at),
    }
    return told | {"changeId": fault.change_id} if fault.change_id else told


def _embedded(original: bytes) -> bytes:
    """Its own text where that is a document of its own; else its bytes in letters.

    Blanks around it would be lost, and an object that looks like bytes in letters be misread.
    """
    try:
        told = plain(original)
    except Permanent:
        told = None
    if not isinstance(told, dict) or "base64" in told or original.strip() != original:
        return json.dumps({"base64": b64encode(original).decode()}).encode()
    return original


def _original(text: str) -> bytes:
    told = _DECODER.decode(text)
    letters = told.get("base64")
    return text.encode() if letters is None else b64decode(letters, validate=True)


def _events(text: str) -> Iterator[tuple[int, int]]:
    """Where each member of the document's list of events begins and ends."""
    at = _past(text, _past(text, 0) + 1)
    while text[at] != "}":
        name, at = _DECODER.raw_decode(text, at)
        at = _past(text, _past(text, at) + 1)
        if name == "events":
            yield from _members(text, at)
            return
        _, at = _DECODER.raw_decode(text, at)
        at = _past(text, at)
        at = _past(text, at + 1) if text[at] == "," else at
    raise KeyError("events")


def _members(text: str, at: int) -> Iterator[tuple[int, int]]:
    if text[at] != "[":
        raise TypeError("events is no list")
    at = _past(text, at + 1)
    while text[at] != "]":
        _, end = _DECODER.raw_decode(text, at)
        yield at, end
        at = _past(text, end)
        at = _past(text, at + 1) if text[at] == "," else at


def _past(text: str, at: int) -> int:
    """Where the first character that is no blank stands, from *at* on."""
    while text[at] in _BLANK:
        at += 1
    return at
