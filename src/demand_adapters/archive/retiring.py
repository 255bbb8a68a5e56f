"""Moves what was merged out of the way; nothing is removed before a copy of it was read."""

from collections.abc import Collection, Mapping

from attrs import frozen

from demand_adapters.archive.merge_log import MergeLog, every
from demand_adapters.wire.archive_contents import Hashed
from demand_core.domain.merges import DECIDED, Manifest
from demand_core.errors import Transient
from demand_core.ports.file_store import FileStore, StoredFile


@frozen
class Retirement:
    """The files of one part that its *log* says do not count any more."""

    files: FileStore
    log: MergeLog

    def move(self, manifest: Manifest) -> list[str]:
        """Move the sources of a decided merge; answers those that were not as it says.

        All are copied and compared before the first is removed.
        """
        found = self._versions(manifest, self._objects())
        for key, version in found.items():
            self._keep(key, version)
        self._remove(found)
        return [s.key for s in manifest.sources if found.get(s.key, s.sha256) != s.sha256]

    def clear(self) -> None:
        """Remove what came after its merge was over: no row of it counts here any more.

        A source may be delivered again, and a merged file be written by one who was slow. Of a
        source that has other rows by now a copy is kept.
        """
        objects = self._objects()
        for manifest in self.log.manifests:
            if manifest.state in DECIDED:
                found = self._versions(manifest, objects)
                for source in manifest.sources:
                    if found.get(source.key, source.sha256) != source.sha256:
                        self._keep(source.key, found[source.key])
                self._remove(found)
            elif self._found(manifest.merged.key, objects):
                place, key = self.log.place, manifest.merged.key
                self._remove([key, place.index_key(key)] if place.indexes else [key])

    def _objects(self) -> Mapping[str, StoredFile]:
        return {one.key: one for one in every(self.files, self.log.place.objects)}

    def _found(self, key: str, objects: Mapping[str, StoredFile]) -> StoredFile | None:
        """What still stands under *key*, which may be among the *objects* that were listed."""
        is_object = key.startswith(self.log.place.objects)
        return objects.get(key) if is_object else self.files.find(key)

    def _versions(
        self, manifest: Manifest, objects: Mapping[str, StoredFile]
    ) -> Mapping[str, str]:
        """The sha256 of each source that is still there."""
        versions = dict[str, str]()
        for source in manifest.sources:
            if found := self._found(source.key, objects):
                same = found.etag == source.etag
                version = source.sha256 if same else _sha256(self.files, source.key)
                if version:
                    versions[source.key] = version
        return versions

    def _keep(self, key: str, version: str) -> None:
        """See to a copy of this *version*; another one that is there already stays."""
        place = self.log.place
        for target in (place.retired_key(key), place.retired_key(key, version)):
            kept = _sha256(self.files, target)
            if not kept and self.files.copy(key, target):
                kept = _sha256(self.files, target)
            if kept == version:
                return
        if self.files.find(key):
            raise Transient(f"{key} was written again while it was copied: merge again")

    def _remove(self, keys: Collection[str]) -> None:
        if keys and self.files.delete([*keys]):
            raise Transient(f"{self.log.place}: not all that was merged could be removed")


def _sha256(files: FileStore, key: str) -> str:
    """Of the bytes under *key*; empty when nothing stands there."""
    pieces = files.read(key)
    if pieces is None:
        return ""
    passing = Hashed(pieces)
    for _ in passing:
        pass
    return passing.sha256
