"""Which objects of an archive count, while some of them are being merged.

Whoever reads rows asks here and nowhere else: what stands in the folders is more than what
counts, before a merge is decided and after it.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import takewhile
from typing import Final

from attrs import frozen

from demand_adapters.archive.merge_log import MergeLog, every, log_of
from demand_adapters.wire.merge_places import ARCHIVE, Layout, Place, numbered
from demand_core.domain.merges import STEPS, MergeState, standing
from demand_core.errors import Permanent
from demand_core.ports.file_store import FileStore, StoredFile

# Comes after every part.
END: Final = "\U0010ffff"


@frozen(kw_only=True)
class Listed:
    """An object that counts. *retired* is where it goes if it is merged while one reads.

    *day* is the part of the archive, in which days are filed by themselves.
    """

    key: str
    day: str
    size: int
    etag: str
    retired: str
    is_merged: bool


def listed(
    files: FileStore,
    record_type: str,
    *,
    since: str = "",
    until: str = END,
    layout: Layout = ARCHIVE,
) -> Iterator[Listed]:
    """The objects of a type from the day *since* to the day *until*: every row once.

    That holds however a merge goes on meanwhile. Objects are listed first and manifests after
    them; the state that a manifest has by then decides, and a merged file that the list came
    too early for is known by its manifest. Raises Permanent where manifests are damaged.
    """
    for found in parts(files, record_type, since=since, until=until, layout=layout):
        yield from counting(found.objects, log_of(files, found.place, found.manifests))


@frozen(kw_only=True)
class Part:
    """What stands in one part: its objects, and the keys of its manifests."""

    place: Place
    objects: Sequence[StoredFile]
    manifests: Sequence[str]

    def may_be_merged(self, at_least: int = 2) -> bool:
        """Whether there are so many objects, or a merge that has not come to its end."""
        moved = STEPS[MergeState.MOVED]
        going_on = any(numbered(key)[1] != moved for key in self.manifests[-1:])
        return going_on or len(self.objects) >= at_least


def parts(
    files: FileStore,
    record_type: str,
    *,
    since: str = "",
    until: str = END,
    layout: Layout = ARCHIVE,
) -> Iterator[Part]:
    """Every part in which anything stands, in order; objects are listed before manifests."""
    days, objects = (since, until), layout.objects_of(record_type)
    there = _by_part(_among(files, objects, *days), partial(layout.part_of_object, record_type))
    told = layout.manifests_of(record_type)
    words = _by_part(_among(files, told, *days), partial(layout.part_of_manifest, record_type))
    for part in sorted(there.keys() | words.keys()):
        if since <= part <= until:
            yield Part(
                place=layout.place(record_type, part),
                objects=there.get(part, ()),
                manifests=[found.key for found in words.get(part, ())],
            )


def counting(objects: Iterable[StoredFile], log: MergeLog) -> Iterator[Listed]:
    """Those that count of the *objects* of a part, which were listed before its *log* was."""
    place, there = log.place, {found.key: found for found in objects}
    stand = standing(log.manifests)
    merged = {manifest.merged.key for manifest in log.manifests}
    for key in sorted((there.keys() | stand.shown) - stand.hidden):
        found = there.get(key) or _found(log.files, place, key)
        yield Listed(
            key=found.key,
            day=place.part,
            size=found.size,
            etag=found.etag,
            retired=place.retired_key(key),
            is_merged=key in merged,
        )


def opened(files: FileStore, one: Listed) -> Iterator[bytes]:
    """The bytes of an object that was listed, wherever it is by now."""
    pieces = files.read(one.key)
    if pieces is None:
        # It was copied there before it was removed here.
        pieces = files.read(one.retired)
    if pieces is None:
        raise _lost(one.key)
    return pieces


def _found(files: FileStore, place: Place, key: str) -> StoredFile:
    found = files.find(key) or files.find(place.retired_key(key))
    if found is None:
        raise _lost(key)
    return found


def _lost(key: str) -> Permanent:
    return Permanent("lost_object", f"{key} is gone, and nobody moved it away")


def _among(files: FileStore, prefix: str, since: str, until: str) -> Iterator[StoredFile]:
    """The files of the parts from *since* to *until*, and hardly any other."""
    found = every(files, prefix, after=prefix + since)
    return takewhile(lambda one: one.key <= prefix + until + END, found)


def _by_part(
    found: Iterable[StoredFile], part_of: Callable[[str], str]
) -> Mapping[str, list[StoredFile]]:
    parts = dict[str, list[StoredFile]]()
    for one in found:
        if part := part_of(one.key):
            parts.setdefault(part, []).append(one)
    return parts
