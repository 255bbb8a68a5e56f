"""The manifests of one part, in files that are written once each and never changed.

A store can write a file only if it is new, but not only if it is unchanged. So each step of a
merge has a file of its own, and of two who would take different steps one is the first.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from attrs import frozen

from demand_adapters.wire.manifests import decode_manifest, encode_manifest
from demand_adapters.wire.merge_places import Place, numbered
from demand_core.domain.merges import Manifest
from demand_core.errors import Permanent
from demand_core.ports.file_store import FileStore, StoredFile

# So often what a list left out between two of its pages is looked for.
TRIES: Final = 3


def every(files: FileStore, prefix: str, after: str = "") -> Iterator[StoredFile]:
    """Every file whose key begins with *prefix* and comes after *after*, in order."""
    while page := files.list(prefix, after=after):
        after = page[-1].key
        yield from page


@frozen(kw_only=True)
class MergeLog:
    """What was done so far in a part: the last word on each of its merges, in their order."""

    files: FileStore
    place: Place
    manifests: Sequence[Manifest]

    @property
    def last(self) -> Manifest | None:
        """The merge that goes on, or was the last one."""
        return self.manifests[-1] if self.manifests else None

    def append(self, manifest: Manifest) -> bool:
        """Say the next word, unless somebody has said one meanwhile."""
        content = encode_manifest(manifest)
        key = self.place.manifest_key(manifest)
        return self.files.put(key, [content], only_new=True) is not None


def log_of(files: FileStore, place: Place, keys: Iterable[str] | None = None) -> MergeLog:
    """The log of *place*; *keys* are those of its manifests if somebody has listed them.

    Raises Permanent("bad_manifest") where one is damaged or missing.
    """
    for _ in range(TRIES):
        found = keys if keys is not None else _listed(files, place)
        last = _last_words(found)
        if _is_whole(last):
            break
        keys = None
    else:
        raise Permanent("bad_manifest", f"{place.manifests}*: one of them is missing")
    manifests = [_read(files, last[number][-1]) for number in sorted(last)]
    return MergeLog(files=files, place=place, manifests=manifests)


def _listed(files: FileStore, place: Place) -> Sequence[str]:
    return [found.key for found in every(files, place.manifests)]


def _last_words(keys: Iterable[str]) -> Mapping[int, Sequence[str]]:
    """The keys of each merge, in the order of its steps."""
    found = dict[int, list[str]]()
    for key in sorted(keys, key=numbered):
        number, _ = numbered(key)
        if number:
            found.setdefault(number, []).append(key)
    return found


def _is_whole(words: Mapping[int, Sequence[str]]) -> bool:
    """Whether nothing is missing between the first word and the last."""
    numbers = sorted(words)
    return numbers == [*range(1, len(numbers) + 1)] and all(
        [step for _, step in map(numbered, keys)] == [*range(1, len(keys) + 1)]
        and (len(keys) > 1 or number == numbers[-1])
        for number, keys in words.items()
    )


def _read(files: FileStore, key: str) -> Manifest:
    pieces = files.read(key)
    if pieces is None:
        raise Permanent("bad_manifest", f"{key}: it is gone")
    return decode_manifest(b"".join(pieces), key)
