"""What an archive holds of each day, in one line."""

from collections.abc import Iterator
from datetime import datetime

from attrs import evolve, frozen

from demand_adapters.archive.listing import END, Listed, counting, opened, parts
from demand_adapters.archive.merge_log import log_of
from demand_adapters.wire.archive_contents import content_of
from demand_core.errors import Permanent
from demand_core.ports.file_store import FileStore


@frozen(kw_only=True)
class DaySummary:
    """The objects of one type and day that count; *unreadable* ones are only counted."""

    record_type: str
    day: str
    objects: int = 0
    merged: int = 0
    unreadable: int = 0
    rows: int = 0
    size: int = 0
    earliest: datetime | None = None
    latest: datetime | None = None

    @property
    def standing(self) -> str:
        """Whether it was merged."""
        if not self.merged:
            return "not merged"
        return "merged" if self.merged == self.objects else "partly merged"


def summaries(
    files: FileStore, record_type: str, since: str = "", until: str = END
) -> Iterator[DaySummary]:
    """One for each day in which anything counts, in order; every object is read."""
    for part in parts(files, record_type, since=since, until=until):
        day = DaySummary(record_type=record_type, day=part.place.part)
        for one in counting(part.objects, log_of(files, part.place, part.manifests)):
            day = _with(day, files, one)
        if day.objects:
            yield day


def _with(day: DaySummary, files: FileStore, one: Listed) -> DaySummary:
    day = evolve(
        day,
        objects=day.objects + 1,
        merged=day.merged + one.is_merged,
        size=day.size + one.size,
    )
    try:
        content = content_of(opened(files, one))
    except Permanent:
        return evolve(day, unreadable=day.unreadable + 1)
    begun = [at for at in (day.earliest, content.earliest) if at]
    ended = [at for at in (day.latest, content.latest) if at]
    return evolve(
        day,
        rows=day.rows + content.records,
        earliest=min(begun, default=None),
        latest=max(ended, default=None),
    )
