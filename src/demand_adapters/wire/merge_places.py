"""Where a merge finds its files, and how it names those that it makes."""

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from attrs import frozen

from demand_adapters.wire.archive_objects import stamped
from demand_core.domain.ids import digest
from demand_core.domain.merges import STEPS, Candidate, Manifest

_OBJECT: Final = re.compile(r"[^/]+\.avro")
_MANIFEST: Final = re.compile(r"([^/]+)\.(\d{4,})\.([1-3])\.json", re.ASCII)


@frozen(kw_only=True)
class Place:
    """One part of an archive: a record type's day, or whatever else its files are filed by.

    *objects*, *manifests*, *retired* and *indexes* are what the keys of its files begin with.
    *merged* is the pattern of the key of a merged file. Without *indexes* there are none.
    """

    record_type: str
    part: str
    objects: str
    merged: str
    manifests: str
    retired: str
    indexes: str = ""

    def __str__(self) -> str:
        """For people."""
        return f"{self.record_type} {self.part}"

    def is_object(self, key: str) -> bool:
        """Whether it is the key of an object, and of nothing else that stands there."""
        name = key.removeprefix(self.objects)
        return name != key and _OBJECT.fullmatch(name) is not None

    def manifest_key(self, manifest: Manifest) -> str:
        """Where *manifest* stands in its state."""
        return f"{self.manifests}{manifest.number:04}.{STEPS[manifest.state]}.json"

    def merged_key(self, number: int, sources: Sequence[Candidate], now: datetime) -> str:
        """What the merged file of *sources* is called; others, and another try, have another.

        It begins with the earliest of their changes, as the names of all objects do.
        """
        known = [one.earliest for one in sources if one.earliest]
        versions = (part for one in sources for part in (one.source.key, one.source.etag))
        made = digest("demand.merge/1", self.record_type, self.part, str(number), *versions)
        name = f"{stamped(min(known, default=now), made)}.avro"
        return self.merged.format(name=name, number=number)

    def retired_key(self, key: str, version: str = "") -> str:
        """Where the object under *key* goes; a second *version* of it is kept beside."""
        stem = key.rpartition("/")[2].removesuffix(".avro")
        return f"{self.retired}{stem}{'~' if version else ''}{version[:16]}.avro"

    def index_key(self, key: str) -> str:
        """Where it stands whom the object under *key* is about."""
        return f"{self.indexes}{key.rpartition('/')[2].removesuffix('.avro')}.idx"


@frozen(kw_only=True)
class Layout:
    """The patterns of an archive's keys, with `{type}` and, further on, `{part}` in them."""

    objects: str
    merged: str
    manifests: str
    retired: str
    indexes: str = ""

    def place(self, record_type: str, part: str) -> Place:
        """Where the files of one part are."""
        named = {"type": record_type, "part": part}
        return Place(
            record_type=record_type,
            part=part,
            objects=self.objects.format(**named),
            merged=self.merged.format(**named, name="{name}", number="{number}"),
            manifests=self.manifests.format(**named),
            retired=self.retired.format(**named),
            indexes=self.indexes.format(**named),
        )

    def objects_of(self, record_type: str) -> str:
        """What the keys of all objects of a type begin with."""
        return self.objects.partition("{part}")[0].format(type=record_type)

    def manifests_of(self, record_type: str) -> str:
        """What the keys of all manifests of a type begin with."""
        return self.manifests.partition("{part}")[0].format(type=record_type)

    def part_of_object(self, record_type: str, key: str) -> str:
        """The part that an object belongs to; empty where it belongs to none.

        A merged file that stands apart from all objects is none: its manifest tells of it.
        """
        part = key.removeprefix(self.objects_of(record_type)).partition("/")[0]
        apart = self.merged.partition("{part}")[0].format(type=record_type)
        if not self.merged.startswith(self.objects) and key.startswith(apart):
            return ""
        return part if self.place(record_type, part).is_object(key) else ""

    def part_of_manifest(self, record_type: str, key: str) -> str:
        """The part whose merges it tells of; empty for no manifest's key."""
        found = _MANIFEST.fullmatch(key.removeprefix(self.manifests_of(record_type)))
        return found[1] if found else ""


def numbered(key: str) -> tuple[int, int]:
    """Number and step that the key of a manifest says."""
    found = _MANIFEST.fullmatch(key.rpartition("/")[2])
    return (int(found[2]), int(found[3])) if found else (0, 0)


ARCHIVE: Final = Layout(
    objects="data/{type}/partition_date={part}/",
    merged="data/{type}/partition_date={part}/{name}",
    manifests="manifests/{type}/{part}.",
    retired="merged/{type}/partition_date={part}/",
    indexes="index/{type}/partition_date={part}/",
)
