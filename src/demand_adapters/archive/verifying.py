"""Looks through all that an archive holds, and says what is not as it should be."""

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import date

from attrs import Factory, define, frozen

from demand_adapters.archive.listing import END, Listed, Part, counting, opened, parts
from demand_adapters.archive.merge_log import MergeLog, every, log_of
from demand_adapters.archive.subject_indexes import HASH_BYTES
from demand_adapters.wire.archive_checks import header_flaws, row_check
from demand_adapters.wire.archive_contents import Content, content_of
from demand_adapters.wire.avro.reading import Row
from demand_adapters.wire.avro.schemas import Schema
from demand_adapters.wire.merge_places import ARCHIVE
from demand_core.domain.merges import DECIDED, Manifest, MergedFile, MergeState
from demand_core.errors import Permanent
from demand_core.ports.file_store import FileStore


@frozen
class Finding:
    """Something about one file. What is not *wrong* is only good to know."""

    key: str
    what: str
    wrong: bool = True


@define(kw_only=True)
class Verified:
    """What was looked at of one type.

    *repeated* are rows of changes that another row of the same object has, *elsewhere* those of
    changes that another object has: nothing is wrong with the latter, a batch came twice.
    """

    record_type: str
    objects: int = 0
    rows: int = 0
    repeated: int = 0
    elsewhere: int = 0
    findings: list[Finding] = Factory(list)


@frozen(kw_only=True)
class Verifier:
    """Holds objects to their names, headers and folders, and manifests to what is there."""

    files: FileStore

    def verify(self, record_type: str, since: str = "", until: str = END) -> Verified:
        """Read everything of a type from the day *since* to the day *until*."""
        answer = Verified(record_type=record_type)
        answer.findings += self._strange(record_type)
        for part in parts(self.files, record_type, since=since, until=until):
            try:
                log = log_of(self.files, part.place, part.manifests)
                objects = [*counting(part.objects, log)]
            except Permanent as flaw:
                answer.findings.append(Finding(part.place.manifests, str(flaw)))
                continue
            contents = self._read(part, objects, answer)
            answer.findings += self._merges(part, log, contents)
        return answer

    def _strange(self, record_type: str) -> Iterator[Finding]:
        """Files that stand among the others and are none of them."""
        for found in every(self.files, ARCHIVE.objects_of(record_type)):
            if not _is_day(ARCHIVE.part_of_object(record_type, found.key)):
                yield Finding(found.key, "it stands among objects, and is none of a day")
        for found in every(self.files, ARCHIVE.manifests_of(record_type)):
            if not _is_day(ARCHIVE.part_of_manifest(record_type, found.key)):
                yield Finding(found.key, "it stands among manifests, and is none of a day")

    def _read(self, part: Part, objects: list[Listed], answer: Verified) -> dict[str, Content]:
        contents, known = dict[str, Content](), set[str]()
        for one in objects:
            rows = _Rows(row_check(part.place.record_type, part.place.part))
            try:
                content = content_of(opened(self.files, one), rows.see)
            except Permanent as flaw:
                answer.findings.append(Finding(one.key, f"it can't be read: {flaw}"))
                continue
            contents[one.key] = content
            answer.objects += 1
            answer.rows += content.records
            answer.repeated += content.records - len(rows.changes)
            answer.elsewhere += len(rows.changes & known)
            known |= rows.changes
            flaws = [*header_flaws(one.key, content), *rows.told]
            index = self.files.find(part.place.index_key(one.key))
            if not index or index.size % HASH_BYTES:
                flaws.append("no index says whom it is about, or one that is cut off")
            answer.findings += [Finding(one.key, flaw) for flaw in flaws]
        return contents

    def _merges(
        self, part: Part, log: MergeLog, contents: dict[str, Content]
    ) -> Iterator[Finding]:
        there = {found.key for found in part.objects}
        away = {found.key for found in every(self.files, part.place.retired)}
        for manifest in log.manifests:
            key, merged = part.place.manifest_key(manifest), manifest.merged
            if manifest.state in {MergeState.OPEN, MergeState.MERGED}:
                yield Finding(key, "a merge goes on or broke off: merge again", wrong=False)
            if manifest.state is MergeState.DROPPED and self._stands(merged.key, there):
                yield Finding(merged.key, "its merge was given up: merge again")
            if manifest.state in DECIDED and merged.key in contents:
                yield from _merged(merged, contents[merged.key])
            if manifest.state is MergeState.MOVED:
                yield from self._moved(part, manifest, there, away)

    def _moved(
        self, part: Part, manifest: Manifest, there: set[str], away: set[str]
    ) -> Iterator[Finding]:
        for source in manifest.sources:
            if self._stands(source.key, there):
                yield Finding(source.key, "it came again after it was merged: merge again")
            if part.place.retired_key(source.key) not in away:
                yield Finding(source.key, "it was merged, and no copy of it was kept")

    def _stands(self, key: str, there: set[str]) -> bool:
        """Whether what was *there* still is: a merge may have gone on since."""
        return key in there and self.files.find(key) is not None


@define
class _Rows:
    """The rows of one object as they pass."""

    flaw_of: Callable[[Row, Schema], str]
    changes: set[str] = Factory(set)
    flaws: Counter[str] = Factory(Counter)

    def see(self, row: Row, schema: Schema) -> None:
        """Remember the change and what is wrong."""
        self.changes.add(str(row.get("changeid")))
        if flaw := self.flaw_of(row, schema):
            self.flaws[flaw] += 1

    @property
    def told(self) -> Iterator[str]:
        """Each flaw, with how many rows have it."""
        return (f"{flaw} ({times} x)" for flaw, times in sorted(self.flaws.items()))


def _merged(told: MergedFile, found: Content) -> Iterator[Finding]:
    if found.records != told.records:
        rows = f"{found.records} rows, where its manifest says {told.records}"
        yield Finding(told.key, rows)
    elif found.sha256 != told.sha256:
        yield Finding(told.key, "it was written again after it was merged", wrong=False)


def _is_day(part: str) -> bool:
    try:
        return date.fromisoformat(part).isoformat() == part
    except ValueError:
        return False
