"""What the archive set aside: looked at, and delivered again when it was mended."""

from collections.abc import Iterator, Sequence

from attrs import frozen

from demand_adapters.archive.delivery import FileArchive
from demand_adapters.archive.merge_log import every
from demand_adapters.wire.archive_errors import (
    ERRORS,
    REPLAYED,
    ErrorDocument,
    Fault,
    parsed,
)
from demand_adapters.wire.erased_events import ERASED
from demand_core.domain.archive import Fate, ToldChange
from demand_core.errors import Permanent, Transient
from demand_core.ports.file_store import FileStore


@frozen(kw_only=True)
class Replayed:
    """How many changes of one file are in the archive by now, and what is wrong with others."""

    key: str
    mended: int
    left: Sequence[str]


@frozen(kw_only=True)
class ErrorFiles:
    """Those that wait for somebody, in the order in which they came."""

    files: FileStore
    archive: FileArchive

    def waiting(self) -> Iterator[str]:
        """Where they stand."""
        for found in every(self.files, ERRORS):
            if not found.key.startswith(REPLAYED):
                yield found.key

    def document(self, key: str) -> ErrorDocument:
        """What one says; raises Permanent where there is none, or none of ours."""
        pieces = self.files.read(key)
        if pieces is None or not key.startswith(ERRORS):
            raise Permanent("no_error_file", f"nothing stands at {key}")
        return parsed(b"".join(pieces))

    def replay(
        self, key: str, instead: Sequence[bytes] | None = None, *, dry_run: bool = False
    ) -> Replayed:
        """Deliver its events again, or what is given *instead* of them, in their order.

        The file moves away once all is where it belongs, and what is still wrong has a file of
        its own by then. A replay that broke off, or is done twice, adds nothing. Raises
        Transient while the store does not take what belongs into it.
        """
        document = self.document(key)
        changes = _changes(document, instead)
        judged = self.archive.judged(changes)
        wrong = [fault.message for fault in judged if isinstance(fault, Fault)]
        answer = Replayed(key=key, mended=len(changes) - len(wrong), left=wrong)
        if dry_run or (changes and not answer.mended):
            return answer
        filed = self.archive.deliver(changes)
        if any(became.fate is Fate.WAITS for became in filed):
            raise Transient(f"not all of {key} could be stored: replay it again")
        self.files.copy(key, REPLAYED + key.removeprefix(ERRORS))
        if self.files.delete([key]):
            raise Transient(f"{key} could not be moved away: replay it again")
        return answer


def _changes(document: ErrorDocument, instead: Sequence[bytes] | None) -> Sequence[ToldChange]:
    """Of what is left of a forgotten fan's change nothing can be made any more."""
    events = document.originals if instead is None else instead
    if len(events) != len(document.faults):
        wanted = f"{len(events)} events for {len(document.faults)} faults"
        raise Permanent("wrong_number", f"{wanted}: each fault needs one, in its order")
    return [
        ToldChange(
            shard=document.source.shard,
            position=fault.sequence,
            at=fault.at,
            payload=event,
        )
        for fault, event in zip(document.faults, events, strict=True)
        if fault.original != ERASED
    ]
