"""A day of the archive in many files, what it counts, and calls of a store that are watched."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Any, Final

from attrs import define, frozen

from demand_adapters.archive.listing import Listed, listed, opened
from demand_adapters.archive.merge_log import every, log_of
from demand_adapters.archive.merging import Merged, Merger
from demand_adapters.memory.clock import MemoryClock
from demand_adapters.testing.fault_plans import Fault, Kind, OneFault, Plan
from demand_adapters.testing.faults import Crash, Faults, Invocation
from demand_adapters.testing.strategies import NOON, a_demand
from demand_adapters.wire.avro.reading import read
from demand_adapters.wire.avro.writing import write
from demand_adapters.wire.merge_places import ARCHIVE, Place
from demand_core.domain.demands import DemandDates
from demand_core.domain.merges import MergeState
from demand_core.errors import Transient
from demand_core.ports.file_store import FileStore
from tests.unit.archive.test_delivery import an_archive, content, told_of

DAY: Final = NOON.date().isoformat()
PLACE: Final = ARCHIVE.place("demand", DAY)


def deliver(files: FileStore, *positions: int) -> None:
    """One batch: the wishes of these, all of one day."""
    asked = DemandDates(requested=NOON)
    an_archive(files).deliver([told_of(n, a_demand(n, date=asked)) for n in positions])


def fill(files: FileStore, batches: int, rows: int = 2) -> list[str]:
    """Some batches of some rows each; the ids of all changes in them."""
    for n in range(batches):
        deliver(files, *range(n * rows, (n + 1) * rows))
    return sorted(f"c{n}" for n in range(batches * rows))


def counted(files: FileStore) -> list[str]:
    """The ids of all changes that a reader finds, as often as they count."""
    return counted_in(files, listed(files, "demand"))


def counted_in(files: FileStore, objects: Iterator[Listed]) -> list[str]:
    found = Counter[str]()
    for one in objects:
        found.update(row["changeid"] for row in read(opened(files, one)))
    return sorted(found.elements())


def merge(files: FileStore, place: Place = PLACE) -> Merged:
    """One run of a merger."""
    return Merger(files=files, clock=MemoryClock(NOON)).merge(place)


def keys(files: FileStore, prefix: str) -> list[str]:
    return [found.key for found in every(files, prefix)]


def rewrite(files: FileStore, key: str, change: Callable[[dict[str, Any]], object]) -> None:
    """Replace an object by one in which every row was changed."""
    container = read(content(files, key))
    rows = [*container]
    for row in rows:
        change(row)
    schema, sync = container.header.schema, container.header.sync
    metadata = container.header.metadata
    files.put(key, [write(schema, rows, metadata=metadata, sync=sync)])


def assert_merged(files: FileStore, sources: Sequence[str]) -> None:
    """All is done: one object, its sources away, and nothing that waits."""
    (one,) = listed(files, "demand")
    assert keys(files, PLACE.objects) == [one.key]
    assert one.is_merged
    retired = keys(files, PLACE.retired)
    assert {PLACE.retired_key(source) for source in sources} <= set(retired)
    states = {manifest.state for manifest in log_of(files, PLACE).manifests}
    assert states <= {MergeState.MOVED, MergeState.DROPPED}


@define
class Watched:
    """A store whose calls are counted; *before* is told the number of each that is due."""

    files: FileStore
    before: Callable[[int], None]
    calls: int = 0

    def __getattr__(self, method: str) -> Any:
        real = getattr(self.files, method)

        def call(*args: Any, **more: Any) -> Any:
            self.calls += 1
            self.before(self.calls)
            return real(*args, **more)

        return call


@frozen
class Killed:
    """Runs of a merger each of which meets what its plan says, and may not outlive it."""

    files: FileStore

    def run(self, plan: Plan) -> bool:
        """Whether the run came to its end."""
        faults = Faults(
            plan=plan,
            now=lambda: NOON,
            run=lambda _: None,
            later=lambda _, do: do(),
        )
        invocation = Invocation(number=1, row="merge", until=NOON + timedelta(hours=1))
        around = faults.around("files", self.files)
        with suppress(Crash, Transient), faults.inside(invocation):
            merge(around)
            return True
        return False


def go_on(files: FileStore, calls: int) -> None:
    """Somebody merges for so many calls, and is killed."""
    if calls:
        Killed(files).run(OneFault(calls + 1, Fault(kind=Kind.BEFORE)))
