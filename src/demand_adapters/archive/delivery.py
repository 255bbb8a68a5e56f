"""Archive over a file store: rows by type and day, whom they are about, what is set aside."""

import logging
from collections.abc import Mapping, Sequence
from typing import Final

from attrs import field, frozen

from demand_adapters.wire.archive import Archived, archived
from demand_adapters.wire.archive_errors import Fault, error_document, error_key
from demand_adapters.wire.archive_objects import ArchiveObject, Batch, packed
from demand_adapters.wire.change_records import decode_record
from demand_core.domain.archive import Fate, Filed, ToldChange
from demand_core.domain.contacts import ContactKey
from demand_core.errors import Permanent, Transient
from demand_core.ports.clock import Clock
from demand_core.ports.file_store import FileStore

NOT_ARCHIVED: Final = "not_archived"

_LOG: Final = logging.getLogger("demand.archive")


@frozen(kw_only=True)
class FileArchive:
    """*key* hashes whom an object is about, for its index; *stream* is what objects name."""

    files: FileStore
    clock: Clock
    key: ContactKey = field(repr=False)
    stream: str
    system: str

    def deliver(self, changes: Sequence[ToldChange], /) -> Sequence[Filed]:
        """Write one object after the other; where one is not taken all changes wait.

        So the same batch comes again and makes the same objects. Let go by parts it would come
        with other boundaries, and what was written already would stand there twice.
        """
        if not changes:
            return ()
        batch, judged = _batch(self.stream, changes), self.judged(changes)
        faults = [fault for fault in judged if isinstance(fault, Fault)]
        file_of = dict[str, str]()
        try:
            for made in packed((row for row in judged if isinstance(row, Archived)), batch):
                self._keep(made)
                file_of |= dict.fromkeys(made.change_ids, made.key)
            aside = self._set_aside(faults, batch, len(changes)) if faults else ""
        except Transient as fault:
            _LOG.warning("%s waits: %s", batch, fault)
            return [Filed(Fate.WAITS)] * len(changes)
        return [_filed(found, file_of, aside) for found in judged]

    def judged(self, changes: Sequence[ToldChange]) -> Sequence[Archived | Fault | None]:
        """The row of each; a fault says why there is none, None that nobody wants it."""
        return [self._judged(change) for change in changes]

    def _judged(self, change: ToldChange) -> Archived | Fault | None:
        change_id = None
        try:
            decoded = decode_record(change.payload, change.position)
            change_id = decoded.change_id
            return archived(decoded, self.system)
        except Permanent as flaw:
            return Fault(
                sequence=change.position,
                at=change.at,
                reason=flaw.code,
                path=flaw.detail if flaw.detail.startswith("$") else "",
                original=change.payload,
                change_id=change_id,
            )

    def _keep(self, made: ArchiveObject) -> None:
        """Its index first: whoever finds an object finds whom it is about."""
        self.files.put(made.index_key, [made.index(self.key)], only_new=True)
        self.files.put(made.key, [made.content], only_new=True)
        late = self.clock.now() - made.earliest
        _LOG.info(
            "kept %d rows as %s, %.1f s after the first change",
            made.rows,
            made.key,
            late.total_seconds(),
        )

    def _set_aside(self, faults: Sequence[Fault], batch: Batch, of: int) -> str:
        key = error_key(faults, batch)
        self.files.put(key, [error_document(faults, batch, of)], only_new=True)
        return key


def _filed(found: Archived | Fault | None, file_of: Mapping[str, str], aside: str) -> Filed:
    match found:
        case None:
            return Filed(Fate.LEFT_OUT, NOT_ARCHIVED)
        case Fault():
            return Filed(Fate.SET_ASIDE, found.reason, aside)
    return Filed(Fate.KEPT, file=file_of[found.row["changeid"]])


def _batch(stream: str, changes: Sequence[ToldChange]) -> Batch:
    positions = [change.position for change in changes]
    return Batch(
        stream=stream,
        shard=changes[0].shard,
        first=str(min(positions)),
        last=str(max(positions)),
    )
