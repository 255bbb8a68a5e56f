"""A day in one line says what counts of it, and whether it was merged."""

from demand_adapters.archive.summaries import summaries
from demand_adapters.memory.file_store import MemoryFileStore
from demand_core.ports.file_store import FileStore
from tests.unit.archive.days import PLACE, deliver, fill, keys, merge
from tests.unit.archive.test_delivery import content


def told(files: FileStore) -> tuple[int, int, str]:
    (day,) = summaries(files, "demand")
    return day.objects, day.rows, day.standing


def test_what_counts_is_counted_before_and_after_a_merge() -> None:
    files = MemoryFileStore()
    fill(files, 3)
    assert told(files) == (3, 6, "not merged")
    merge(files)
    assert told(files) == (1, 6, "merged")
    deliver(files, 100)
    assert told(files) == (2, 7, "partly merged")


def test_a_day_says_its_bytes_and_its_first_and_last_change() -> None:
    files = MemoryFileStore()
    fill(files, 2)
    (day,) = summaries(files, "demand")
    assert day.size == sum(found.size for found in files.list(PLACE.objects))
    assert day.earliest == day.latest
    assert (day.record_type, day.day) == ("demand", PLACE.part)


def test_what_can_not_be_read_is_counted_and_hides_no_other() -> None:
    files = MemoryFileStore()
    fill(files, 3)
    bad = keys(files, PLACE.objects)[0]
    files.put(bad, [content(files, bad)[:-20]])
    (day,) = summaries(files, "demand")
    assert (day.objects, day.unreadable, day.rows) == (3, 1, 4)


def test_only_days_in_which_something_counts_are_told() -> None:
    files = MemoryFileStore()
    fill(files, 1)
    assert list(summaries(files, "event")) == []
    assert list(summaries(files, "demand", since="2025-02-15")) == []
    assert list(summaries(files, "demand", until="2025-02-13")) == []
