"""Archive over a file store: rows by type and day, whom they are about, what is set aside."""

import logging
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final, NamedTuple

from attrs import evolve, field, frozen

from demand_adapters.archive.forgetting import Forgetting
from demand_adapters.archive.merge_log import every
from demand_adapters.wire.archive import Archived, archived
from demand_adapters.wire.archive_errors import (
    ERRORS,
    REPLAYED,
    Fault,
    error_document,
    error_key,
)
from demand_adapters.wire.archive_objects import ArchiveObject, Batch, packed, stamp
from demand_adapters.wire.change_records import decode_record
from demand_adapters.wire.erased_events import ERASED, asked_in_event, names_in_event
from demand_adapters.wire.erased_rows import erased, names_in
from demand_core.domain.archive import Fate, Filed, ToldChange
from demand_core.domain.contacts import ContactKey
from demand_core.domain.erasures import Forgotten
from demand_core.domain.subjects import Name
from demand_core.errors import Permanent, Transient
from demand_core.ports.clock import Clock
from demand_core.ports.erasure_book import ErasureBook
from demand_core.ports.file_store import FileStore

NOT_ARCHIVED: Final = "not_archived"

_LOG: Final = logging.getLogger("demand.archive")


@frozen(kw_only=True)
class FileArchive:
    """*key* hashes whom an object is about, for its index; *stream* is what objects name."""

    files: FileStore
    clock: Clock
    erasures: ErasureBook
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
        batch = _batch(self.stream, changes)
        file_of = dict[str, str]()
        try:
            mark = self.erasures.mark()
            judged = self._kept_from(self.judged(changes))
            rows = [row for row in judged.found if isinstance(row, Archived)]
            faults = [fault for fault in judged.found if isinstance(fault, Fault)]
            for made in packed(rows, batch):
                self._keep(made, judged.forgotten)
                file_of |= dict.fromkeys(made.change_ids, made.key)
            of, known = len(changes), judged.forgotten
            aside = self._set_aside(faults, batch, of, known) if faults else ""
            self._still(mark)
        except Transient as fault:
            _LOG.warning("%s waits: %s", batch, fault)
            return [Filed(Fate.WAITS)] * len(changes)
        return [_filed(found, file_of, aside) for found in judged.found]

    def clear(self, before: datetime, /) -> None:
        """By their names, which begin with the time of the first change in each."""
        for prefix in (REPLAYED, ERRORS):
            old = [
                found.key
                for found in every(self.files, prefix)
                if found.key.removeprefix(prefix) < stamp(before)
            ]
            if old and self.files.delete(old):
                raise Transient("not all that was set aside long ago could be removed")

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

    def _still(self, mark: str) -> None:
        """Raise Transient if somebody is to be forgotten whom nobody knew of before."""
        if self.erasures.mark() != mark:
            raise Transient("somebody is to be forgotten since it began")

    def _kept_from(self, judged: Sequence[Archived | Fault | None]) -> "_Kept":
        """What may be kept of them: nothing that says who is to be forgotten."""
        names = {name: None for found in judged for name in _names(found)}
        forgotten = self.erasures.forgotten([*names])
        if forgotten:
            judged = [_without(found, forgotten) for found in judged]
        return _Kept(judged, forgotten)

    def _keep(self, made: ArchiveObject, forgotten: Mapping[Name, Forgotten]) -> None:
        """Its index first: whoever finds an object finds whom it is about."""
        self._put(made.index_key, made.index(self.key), forgotten)
        self._put(made.key, made.content, forgotten)
        late = self.clock.now() - made.earliest
        _LOG.info(
            "kept %d rows as %s, %.1f s after the first change",
            made.rows,
            made.key,
            late.total_seconds(),
        )

    def _set_aside(
        self, faults: Sequence[Fault], batch: Batch, of: int, known: Mapping[Name, Forgotten]
    ) -> str:
        key = error_key(faults, batch)
        self._put(key, error_document(faults, batch, of), known)
        return key

    def _put(self, key: str, content: bytes, forgotten: Mapping[Name, Forgotten]) -> None:
        """What an earlier try left there may say who is to be forgotten since."""
        if self.files.put(key, [content], only_new=True) or not forgotten:
            return
        cleaner = Forgetting(files=self.files, keys=[self.key], known=forgotten)
        look = cleaner.look(key)
        if look and look.told:
            cleaner.clean(key)


class _Kept(NamedTuple):
    """What became of changes, and who of those in them is forgotten."""

    found: Sequence[Archived | Fault | None]
    forgotten: Mapping[Name, Forgotten]


def _names(found: Archived | Fault | None) -> Iterable[Name]:
    match found:
        case Archived(row=row):
            return names_in(row)
        case Fault(original=original):
            return names_in_event(original)
    return ()


def _without(
    found: Archived | Fault | None, forgotten: Mapping[Name, Forgotten]
) -> Archived | Fault | None:
    match found:
        case Archived(row=row, asked_at=since):
            return evolve(found, row=erased(row, since, forgotten))
        case Fault(original=original):
            asked = asked_in_event(original)
            told = [forgotten[n] for n in names_in_event(original) if n in forgotten]
            if any(one.covers(asked) for one in told):
                return evolve(found, original=ERASED)
    return found


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
