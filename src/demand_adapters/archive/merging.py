"""Makes one object of the many of a part; killed at any moment, it goes on where it was.

A manifest names the objects, a new one is written and read back, the manifest is decided, and
only then its sources are moved out of the way. Whatever changes under its hands before that
makes it begin anew; what changes after it is kept beside.
"""

import logging
from collections.abc import Iterator, Mapping
from typing import Final

from attrs import Factory, define, frozen

from demand_adapters.archive.listing import Listed, counting
from demand_adapters.archive.merge_log import MergeLog, every, log_of
from demand_adapters.archive.retiring import Retirement
from demand_adapters.archive.subject_indexes import united
from demand_adapters.wire.archive_contents import content_of
from demand_adapters.wire.archive_objects import marker
from demand_adapters.wire.avro.flaws import Malformed
from demand_adapters.wire.avro.splicing import splice
from demand_adapters.wire.merge_places import Place
from demand_core.domain.merges import (
    Candidate,
    Manifest,
    MergedFile,
    MergeState,
    opening,
    stepped,
    summed,
    together,
)
from demand_core.errors import Transient
from demand_core.ports.clock import Clock
from demand_core.ports.file_store import FileStore, StoredFile

# A part in which so many merges are given up in a row is left for another time.
ANEW_MAX: Final = 3
ALONE: Final = "no other has its schema and codec"

_LOG: Final = logging.getLogger("demand.archive")


@define
class Merged:
    """What became of one part: the merges that were done, and what is as it was, and why.

    *changed* are sources that somebody wrote again after it was decided: both versions are
    kept, and the merged object has the rows of the first.
    """

    place: Place
    done: list[Manifest] = Factory(list)
    dropped: list[Manifest] = Factory(list)
    left: dict[str, str] = Factory(dict)
    changed: list[str] = Factory(list)
    unreadable: list[str] = Factory(list)


@frozen(kw_only=True)
class Merger:
    """Merges in *files*; any number of them may do so at once."""

    files: FileStore
    clock: Clock

    def merge(self, place: Place) -> Merged:
        """Go on until no two objects of *place* can be merged, and none is in the way.

        Raises Transient where the store fails or objects change too fast: what is done so far
        stays, and another run goes on.
        """
        answer, seen = Merged(place), dict[tuple[str, str], Candidate]()
        while len(answer.dropped) < ANEW_MAX:
            log = log_of(self.files, place)
            last = log.last
            match last and last.state:
                case MergeState.OPEN:
                    self._decide(log, answer)
                case MergeState.MERGED:
                    self._move(log, answer)
                case _:
                    Retirement(self.files, log).clear()
                    if not self._open(log, answer, seen):
                        return answer
        raise Transient(f"{place}: its objects change while they are merged: merge again")

    def foreseen(self, place: Place) -> Merged:
        """What a merge would begin with; nothing is changed."""
        answer = Merged(place)
        log = log_of(self.files, place)
        if manifest := log.last if _goes_on(log) else self._next(log, answer, {}):
            answer.done.append(manifest)
        return answer

    def _open(
        self, log: MergeLog, answer: Merged, seen: dict[tuple[str, str], Candidate]
    ) -> bool:
        """Name what is to be merged; false when there is nothing."""
        manifest = self._next(log, answer, seen)
        if manifest:
            log.append(manifest)
        return manifest is not None

    def _next(
        self, log: MergeLog, answer: Merged, seen: dict[tuple[str, str], Candidate]
    ) -> Manifest | None:
        answer.left, answer.unreadable = {}, []
        objects = [*counting(_there(self.files, log.place).values(), log)]
        if len(objects) == 1:
            return None
        looked = (self._looked_at(one, answer, seen) for one in objects)
        candidates = [found for found in looked if found]
        if groups := together(candidates):
            number, now = len(log.manifests) + 1, self.clock.now()
            key = log.place.merged_key(number, groups[0], now)
            return opening(number, groups[0], key, now)
        if len(candidates) > 1:
            answer.left |= {one.source.key: ALONE for one in candidates}
        return None

    def _looked_at(
        self, one: Listed, answer: Merged, seen: dict[tuple[str, str], Candidate]
    ) -> Candidate | None:
        version = (one.key, one.etag)
        if version in seen:
            return seen[version]
        pieces = self.files.read(one.key)
        if pieces is None:
            return None
        try:
            seen[version] = content_of(pieces).candidate(one.key, one.etag)
        except Malformed as flaw:
            answer.left[one.key] = str(flaw)
            answer.unreadable.append(one.key)
            return None
        return seen[version]

    def _decide(self, log: MergeLog, answer: Merged) -> None:
        """Write the merged object and say so, or that the sources are not what they were."""
        manifest = log.manifests[-1]
        try:
            self._write(log.place, manifest)
            merged = self._read_back(manifest)
            self._check_sources(log.place, manifest)
        except (_Changed, Malformed) as change:
            dropped = stepped(manifest, MergeState.DROPPED, reason=str(change))
            if log.append(dropped):
                _LOG.warning(
                    "merge %d of %s begins anew: %s", manifest.number, log.place, change
                )
                answer.dropped.append(dropped)
            return
        log.append(stepped(manifest, MergeState.MERGED, merged=merged))

    def _write(self, place: Place, manifest: Manifest) -> None:
        """Its index first, as with every object; nothing where another try has written it."""
        key = manifest.merged.key
        if self.files.find(key):
            return
        if place.indexes:
            indexes = (place.index_key(source.key) for source in manifest.sources)
            index = united(self.files, indexes)
            self.files.put(place.index_key(key), index, only_new=True)
        metadata = {**manifest.metadata, "demand.manifest": place.manifest_key(manifest)}
        pieces = splice(self._sources(manifest), sync=marker(key), metadata=metadata)
        self.files.put(key, pieces, only_new=True)

    def _sources(self, manifest: Manifest) -> Iterator[Iterator[bytes]]:
        for source in manifest.sources:
            pieces = self.files.read(source.key)
            if pieces is None:
                raise _Changed(f"{source.key} is gone")
            yield pieces

    def _read_back(self, manifest: Manifest) -> MergedFile:
        key = manifest.merged.key
        pieces = self.files.read(key)
        if pieces is None:
            raise _Changed(f"{key} is gone")
        found = content_of(pieces)
        told = (manifest.merged.records, manifest.row_digest)
        if (found.records, summed([found.row_digest])) != told:
            raise _Changed(f"{key} has not the rows of its sources")
        return MergedFile(key=key, records=found.records, size=found.size, sha256=found.sha256)

    def _check_sources(self, place: Place, manifest: Manifest) -> None:
        there = _there(self.files, place)
        for source in manifest.sources:
            found = there.get(source.key) or self.files.find(source.key)
            if found is None or found.etag != source.etag:
                raise _Changed(f"{source.key} was written again, or is gone")

    def _move(self, log: MergeLog, answer: Merged) -> None:
        manifest = log.manifests[-1]
        answer.changed += Retirement(self.files, log).move(manifest)
        moved = stepped(manifest, MergeState.MOVED)
        if log.append(moved):
            _LOG.info(
                "merged %d objects of %s into %s, %d rows",
                len(manifest.sources),
                log.place,
                manifest.merged.key,
                manifest.merged.records,
            )
            answer.done.append(moved)


class _Changed(Exception):
    """A file is not what the manifest says of it."""


def _goes_on(log: MergeLog) -> bool:
    return log.last is not None and log.last.state in {MergeState.OPEN, MergeState.MERGED}


def _there(files: FileStore, place: Place) -> Mapping[str, StoredFile]:
    found = every(files, place.objects)
    return {one.key: one for one in found if place.is_object(one.key)}
