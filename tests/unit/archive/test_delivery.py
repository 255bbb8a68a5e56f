"""Every change is filed once, set aside, left out or comes again: nothing gets lost between."""

import json
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from itertools import pairwise
from random import Random
from typing import Any, Final

import pytest
from attrs import define, evolve, frozen
from hypothesis import given
from hypothesis import strategies as st

from demand_adapters.archive.delivery import FileArchive
from demand_adapters.memory.clock import MemoryClock
from demand_adapters.memory.file_store import MemoryFileStore
from demand_adapters.memory.item_table import MemoryItemTable
from demand_adapters.stores.erasure_book import TableErasureBook
from demand_adapters.testing.strategies import NOON, a_demand, a_notification, an_event
from demand_adapters.wire.archive import NOT_ARCHIVED
from demand_adapters.wire.archive_errors import parsed
from demand_adapters.wire.archive_objects import index_key
from demand_adapters.wire.avro.reading import read
from demand_adapters.wire.change_records import encode_record
from demand_core.batch import Outcome
from demand_core.domain.archive import Archivable, Fate, Filed, ToldChange
from demand_core.domain.changes import ChangeKind
from demand_core.domain.contacts import ContactKey, Phone
from demand_core.domain.demands import DemandDates
from demand_core.domain.notifications import Timeline
from demand_core.domain.subjects import subject_hash
from demand_core.errors import Permanent, Transient, Unknown
from demand_core.ports.erasure_book import ErasureBook
from demand_core.ports.file_store import FileStore, StoredFile
from demand_core.workers.archive.clear_errors import ClearErrors
from tests.unit.wire.test_archive import changed

KEY: Final = ContactKey("one", b"sixteen bytes at least")
PHONE: Final = Phone("+13105550100")
DAY: Final = timedelta(days=1)
FAULTY: Final = b'{"eventName": "INSERT"}'


def a_book(clock: MemoryClock, *keys: ContactKey) -> TableErasureBook:
    """Nobody is to be forgotten yet."""
    table = MemoryItemTable(clock, Random(7))
    return TableErasureBook(table=table, clock=clock, keys=keys or (KEY,))


def an_archive(files: FileStore, erasures: ErasureBook | None = None) -> FileArchive:
    clock = MemoryClock(NOON)
    return FileArchive(
        files=files,
        clock=clock,
        erasures=erasures or a_book(clock),
        key=KEY,
        stream="changeStream",
        system="demand",
    )


def told(n: int, payload: bytes | None = None, **fields: Any) -> ToldChange:
    """The change at position *n*: somebody asks, unless something else was told."""
    asked = a_demand(n, date=DemandDates(requested=NOON - (n % 3) * DAY))
    change = evolve(changed(asked, **fields), change_id=f"c{n}", at=NOON + timedelta(seconds=n))
    arrived = encode_record(change) if payload is None else payload
    return ToldChange(shard="shard-0", position=n, at=NOON, payload=arrived)


def told_of(n: int, value: Archivable, kind: ChangeKind = ChangeKind.INSERT) -> ToldChange:
    change = evolve(changed(value, kind), change_id=f"c{n}")
    return told(n, encode_record(change))


def rows(files: FileStore) -> list[str]:
    """The ids of all changes that stand in rows, as often as they do."""
    stored = [found.key for found in files.list("data/", limit=10_000)]
    return sorted(row["changeid"] for key in stored for row in read(content(files, key)))


def content(files: FileStore, key: str) -> bytes:
    found = files.read(key)
    assert found is not None
    return b"".join(found)


def set_aside(files: FileStore) -> list[bytes]:
    keys = [found.key for found in files.list("errors/", limit=10_000)]
    return [original for key in keys for original in parsed(content(files, key)).originals]


@frozen
class Failing:
    """Files of which the *n*-th write fails, before or after it was done."""

    files: MemoryFileStore
    n: int
    after: bool
    puts: list[str]

    def put(self, key: str, pieces: Any, /, *, only_new: bool = False) -> StoredFile | None:
        self.puts.append(key)
        if len(self.puts) == self.n and not self.after:
            raise Transient("the store is away")
        stored = self.files.put(key, pieces, only_new=only_new)
        if len(self.puts) == self.n:
            raise Unknown("no answer")
        return stored

    def __getattr__(self, name: str) -> Any:
        return getattr(self.files, name)


MIXED: Final = [*map(told, range(1, 9)), told(9, FAULTY), told_of(10, an_event(1))]


@pytest.mark.check("P-UC1", "P-UC1-path", "W-P1")
def test_changes_stand_in_rows_of_their_day_with_who_they_are_about() -> None:
    files = MemoryFileStore()
    text = a_notification(phone_number=PHONE, date=Timeline(created=NOON))
    filed = an_archive(files).deliver([told(1), told(2), told_of(3, text)])
    assert {became.fate for became in filed} == {Fate.KEPT}
    for n, became in enumerate(filed, 1):
        assert f"c{n}" in [row["changeid"] for row in read(content(files, became.file))]
    assert rows(files) == ["c1", "c2", "c3"]
    keys = [found.key for found in files.list("data/")]
    assert [key.split("/")[1:3] for key in keys] == [
        ["demand", f"partition_date={(NOON - 2 * DAY).date()}"],
        ["demand", f"partition_date={(NOON - DAY).date()}"],
        ["notification", f"partition_date={NOON.date()}"],
    ]
    index = content(files, index_key(keys[2]))
    hashes = {index[n : n + 16] for n in range(0, len(index), 16)}
    assert hashes == {
        subject_hash("fan", text.fan_id, KEY),
        subject_hash("phone", PHONE.reveal(), KEY),
    }
    assert all(one < other for one, other in pairwise(sorted(hashes)))


@pytest.mark.check("P-UC4", "P-WF3")
def test_one_bad_record_of_a_thousand_harms_no_other() -> None:
    files = MemoryFileStore()
    batch = [told(n, FAULTY if n == 500 else None) for n in range(1, 1001)]
    filed = an_archive(files).deliver(batch)
    assert [became.fate for became in filed].count(Fate.KEPT) == len(rows(files)) == 999
    assert filed[499][:2] == (Fate.SET_ASIDE, "missing_field")
    assert FAULTY in content(files, filed[499].file)
    assert set_aside(files) == [FAULTY]


@pytest.mark.check("P-UC4-sch")
@pytest.mark.parametrize(
    ("spoil", "reason", "path"),
    [
        (lambda image: image.pop("fanId"), "missing_field", "$.fanId"),
        (lambda image: image.update(channels={"S": "SMS"}), "wrong_type", "$.channels"),
        (lambda image: image.update(type={"S": "invoice"}), "invalid_type", ""),
    ],
)
def test_each_flaw_has_its_own_reason(
    spoil: Callable[[dict[str, Any]], object], reason: str, path: str
) -> None:
    files, record = MemoryFileStore(), json.loads(told(1).payload)
    spoil(record["dynamodb"]["NewImage"])
    filed = an_archive(files).deliver([told(1, json.dumps(record).encode())])
    (key,) = [found.key for found in files.list("errors/")]
    assert filed == [Filed(Fate.SET_ASIDE, reason, key)]
    (fault,) = parsed(content(files, key)).faults
    assert (fault.reason, fault.path, fault.change_id) == (reason, path, "c1")


@pytest.mark.check("P-UC3-old")
def test_what_went_without_a_trace_of_what_it_was_is_set_aside() -> None:
    files, record = MemoryFileStore(), json.loads(told(1).payload)
    record["eventName"] = "REMOVE"
    filed = an_archive(files).deliver([told(1, json.dumps(record).encode())])
    assert [became[:2] for became in filed] == [(Fate.SET_ASIDE, "no_old_image")]
    assert rows(files) == []


@pytest.mark.parametrize("name", sorted(NOT_ARCHIVED))
def test_a_type_that_is_none_of_the_archive_is_left_out_and_counted(name: str) -> None:
    files, record = MemoryFileStore(), json.loads(told(1).payload)
    record["dynamodb"]["NewImage"]["type"] = {"S": name}
    filed = an_archive(files).deliver([told(1, json.dumps(record).encode())])
    assert filed == [Filed(Fate.LEFT_OUT, "not_archived")]
    assert list(files.list("")) == []


def test_nothing_is_made_of_nothing() -> None:
    files = MemoryFileStore()
    assert an_archive(files).deliver([]) == ()
    assert list(files.list("")) == []


@pytest.mark.check("P-UC3", "P-UC3-part", "P-UC3-scrub")
def test_what_went_is_filed_beside_what_it_was_and_shows_no_contact() -> None:
    files = MemoryFileStore()
    wish = a_demand(1, phone_number=PHONE, date=DemandDates(requested=NOON - 9 * DAY))
    an_archive(files).deliver([told_of(1, wish, ChangeKind.REMOVE)])
    (stored,) = files.list("data/")
    assert f"partition_date={(NOON - 9 * DAY).date()}" in stored.key
    (row,) = read(content(files, stored.key))
    assert (row["isdeleted"], row["phonenumber"]) == (True, "[redacted]")
    assert row["date"]["deleted"] is not None
    for found in files.list(""):
        assert PHONE.reveal().encode() not in content(files, found.key)


def test_another_key_makes_another_index() -> None:
    indexes = set[bytes]()
    for secret in (b"sixteen bytes at least", b"another sixteen bytes"):
        files = MemoryFileStore()
        evolve(an_archive(files), key=ContactKey("k", secret)).deliver([told(1)])
        (found,) = files.list("index/")
        indexes.add(content(files, found.key))
    assert len(indexes) == 2


def _runs(after: bool) -> Iterator[tuple[MemoryFileStore, Sequence[Filed]]]:
    """A delivery for each write that can fail, until none does."""
    for n in range(1, 100):
        files = MemoryFileStore()
        failing = Failing(files, n, after=after, puts=[])
        yield files, an_archive(failing).deliver(MIXED)
        if len(failing.puts) < n:
            return


@pytest.mark.check("P-UC4-s3")
@pytest.mark.parametrize("after", [False, True])
def test_whatever_write_fails_nothing_is_called_safe_that_is_not_and_a_repeat_adds_nothing(
    after: bool,
) -> None:
    for files, filed in _runs(after):
        safe = [f"c{n}" for n, became in enumerate(filed, 1) if became.fate is Fate.KEPT]
        assert set(safe) <= set(rows(files))
        if any(became.fate is Fate.SET_ASIDE for became in filed):
            assert set_aside(files) == [FAULTY]
        again = an_archive(files).deliver(MIXED)
        assert Fate.WAITS not in {became.fate for became in again}
        assert rows(files) == sorted(f"c{n}" for n in (*range(1, 9), 10))
        assert set_aside(files) == [FAULTY]


@define
class _Shard:
    """One reader of one shard: what is not safe comes again, and all behind it."""

    archive: FileArchive
    at: int = 0

    def step(self, changes: Sequence[ToldChange], size: int) -> None:
        batch = changes[self.at : self.at + size]
        fates = [became.fate for became in self.archive.deliver(batch)]
        self.at += fates.index(Fate.WAITS) if Fate.WAITS in fates else len(batch)


@pytest.mark.check("P-UC1-group")
@given(sizes=st.lists(st.integers(1, 10), min_size=1), failing=st.sets(st.integers(1, 40)))
def test_however_batches_are_cut_and_writes_fail_every_change_is_there(
    sizes: list[int], failing: set[int]
) -> None:
    files, puts = MemoryFileStore(), list[str]()

    @frozen
    class Swarming(Failing):
        def put(self, key: str, pieces: Any, /, *, only_new: bool = False) -> StoredFile | None:
            puts.append(key)
            if len(puts) in failing:
                raise Transient("the store is away")
            return self.files.put(key, pieces, only_new=only_new)

    shard, turn = _Shard(an_archive(Swarming(files, 0, after=False, puts=[]))), 0
    while shard.at < len(MIXED):
        shard.step(MIXED, sizes[turn % len(sizes)])
        turn += 1
    assert set(rows(files)) == {f"c{n}" for n in (*range(1, 9), 10)}
    assert set(set_aside(files)) == {FAULTY}


@pytest.mark.check("P-UC1-log")
def test_the_log_says_how_many_and_where_and_nothing_personal(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("INFO", "demand.archive")
    files = MemoryFileStore()
    an_archive(files).deliver([told_of(1, a_demand(1, phone_number=PHONE))])
    (stored,) = files.list("data/")
    assert f"kept 1 rows as {stored.key}" in caplog.text
    assert PHONE.reveal() not in caplog.text


def test_a_refusal_of_the_store_itself_is_no_fault_of_a_record() -> None:
    class Closed(MemoryFileStore):
        def put(self, key: str, pieces: Any, /, *, only_new: bool = False) -> StoredFile | None:
            raise Permanent("no_such_bucket")

    with pytest.raises(Permanent):
        an_archive(Closed()).deliver([told(1)])


@pytest.mark.check("W-P2")
def test_what_was_set_aside_is_kept_for_thirty_days_mended_or_not() -> None:
    files = MemoryFileStore()
    archive = an_archive(files)
    for n, days in enumerate((31, 30, 1)):
        late = evolve(told(n, FAULTY), at=NOON - days * DAY)
        archive.deliver([late])
        key = max(found.key for found in files.list("errors/2"))
        files.copy(key, key.replace("errors/", "errors/replayed/"))
    work = ClearErrors(archive=archive)
    work(NOON)
    left = [found.key for found in files.list("errors/")]
    assert len(left) == 4
    work(NOON + timedelta(minutes=1))
    assert len(files.list("errors/")) == 2
    work(NOON + 40 * DAY)
    assert files.list("errors/") == []


def test_what_can_not_be_removed_is_left_for_another_time() -> None:
    files = MemoryFileStore()
    an_archive(files).deliver([told(1, FAULTY)])
    work = ClearErrors(archive=an_archive(Stuck(files)))
    assert work(NOON + 40 * DAY) == Outcome()
    assert len(files.list("errors/")) == 1


@frozen
class Stuck:
    """Files of which none can be removed."""

    files: MemoryFileStore

    def delete(self, keys: Sequence[str], /) -> Sequence[int]:
        return range(len(keys))

    def __getattr__(self, name: str) -> Any:
        return getattr(self.files, name)
