"""Queries as analysts write them, over files as delivery writes them."""

import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import pytest
from attrs import define, evolve

from demand_adapters.archive.queries import ArchiveQueries
from demand_adapters.item_table import Item
from demand_adapters.memory.file_store import MemoryFileStore
from demand_adapters.testing.strategies import NOON, a_demand, an_event
from demand_adapters.wire.archive import RECORD_TYPES
from demand_adapters.wire.archive_tables import athena, columns
from demand_adapters.wire.change_records import encode_record
from demand_core.domain.archive import Archivable, ToldChange
from demand_core.domain.changes import ChangeKind, RemovedBy
from demand_core.domain.demands import DemandDates
from demand_core.domain.events import EventDates
from demand_core.domain.ids import EventId
from demand_core.errors import Permanent, Transient
from tests.unit.archive.test_delivery import an_archive
from tests.unit.wire.test_archive import changed, item_of

DAY: Final = timedelta(days=1)
SECOND: Final = timedelta(seconds=1)
GUIDE: Final = Path(__file__).parents[3] / "docs" / "archive.md"


@define
class Kept:
    """An archive into which changes are told one after the other."""

    files: Any
    told: int = 0

    def tell(
        self,
        value: Archivable,
        kind: ChangeKind = ChangeKind.INSERT,
        by: RemovedBy | None = None,
        at: datetime | None = None,
    ) -> None:
        self.told += 1
        made = item_of(value)
        body = {**made.body, "version": 1_700_000_000_000 + self.told}
        image, gone = Item(made.key, body), kind is ChangeKind.REMOVE
        change = evolve(
            changed(value, kind),
            change_id=f"c{self.told}",
            at=at or NOON + self.told * SECOND,
            old=image if kind is not ChangeKind.INSERT else None,
            new=None if gone else image,
            removed_by=by,
        )
        told = ToldChange(shard="0", position=self.told, at=NOON, payload=encode_record(change))
        for _ in range(2):
            an_archive(self.files).deliver([told])

    def ask(self, sql: str) -> list[tuple[Any, ...]]:
        with ArchiveQueries(files=self.files).ask(sql) as answer:
            return [*answer.rows]


@pytest.fixture
def kept() -> Kept:
    return Kept(MemoryFileStore())


def a_wish(n: int, asked: datetime = NOON, event: str = "E1", **dates: Any) -> Archivable:
    return a_demand(
        n,
        event_id=EventId(event),
        sale_id=f"{event}.public",
        date=DemandDates(requested=asked, **dates),
    )


@pytest.mark.check("P-UC2")
def test_the_ten_most_wanted_events_are_those_of_fans_who_still_want_them(kept: Kept) -> None:
    for n in range(1, 7):
        kept.tell(a_wish(n, event="E1" if n < 5 else "E2"))
    for n in (1, 2, 3):
        kept.tell(a_wish(n, updated=NOON), ChangeKind.MODIFY)
    for n in (1, 2, 3):
        kept.tell(a_wish(n), ChangeKind.REMOVE)
    answer = kept.ask(
        "SELECT eventid, COUNT(*) as demand_count FROM demand WHERE partition_date >= "
        "'2025-01-01' AND isdeleted = false "
        "GROUP BY eventid ORDER BY demand_count DESC LIMIT 10"
    )
    assert answer == [("E2", 2), ("E1", 1)]


@pytest.mark.check("P-S2")
def test_an_audit_finds_who_left_by_the_day_of_leaving_or_of_asking(kept: Kept) -> None:
    asked = datetime(2024, 9, 30, 12, tzinfo=UTC)
    for n, day in ((1, asked), (2, asked + DAY), (3, asked + 200 * DAY)):
        kept.tell(a_wish(n, day), at=day)
        kept.tell(a_wish(n, day), ChangeKind.REMOVE, at=datetime(2024, 11, 2 + n, tzinfo=UTC))
    by_asking = kept.ask(
        "SELECT fanid, eventid, date.requested, date.deleted FROM demand WHERE "
        "isdeleted = true AND partition_date >= '2024-10-01' AND partition_date < '2025-01-01'"
    )
    assert [(row[0], str(row[3])) for row in by_asking] == [("F2", "2024-11-04 00:00:00")]
    by_leaving = kept.ask(
        "SELECT fanid FROM demand_deletions WHERE date.deleted >= '2024-10-01' "
        "AND date.deleted < '2025-01-01' ORDER BY 1"
    )
    assert by_leaving == [("F1",), ("F2",), ("F3",)]


@pytest.mark.check("P-UC2-ts")
def test_the_lag_of_notices_is_told_in_seconds(kept: Kept) -> None:
    for n, lag in ((1, 40), (2, 50), (3, None)):
        notified = None if lag is None else NOON + lag * SECOND
        kept.tell(a_wish(n, NOON, triggered=NOON, notified=notified))
    asked = kept.ask(
        "SELECT AVG(UNIX_TIMESTAMP(date.notified) - UNIX_TIMESTAMP(date.requested)) as "
        "avg_lag_seconds FROM demand WHERE date.notified IS NOT NULL AND partition_date >= "
        "'2025-01-01'"
    )
    assert asked == [(45.0,)]
    ((kind,),) = kept.ask("SELECT typeof(date.triggered) FROM demand LIMIT 1")
    assert kind == "TIMESTAMP"


def test_one_event_of_one_day_is_counted_exactly_whatever_came_twice(kept: Kept) -> None:
    for n in range(1, 6):
        kept.tell(a_wish(n))
    counted = "WHERE eventid='E1' AND partition_date='2025-02-14'"
    assert kept.ask(f"SELECT COUNT(*) FROM demand {counted}") == [(5,)]


@pytest.mark.check("P-UC5")
def test_the_history_of_an_event_shows_its_old_name_and_the_new(kept: Kept) -> None:
    seen = EventDates(first_seen=NOON)
    kept.tell(an_event(1, name="The Old Name", dates=seen))
    kept.tell(an_event(1, name="The New Name", dates=seen), ChangeKind.MODIFY)
    assert kept.ask("SELECT name FROM events WHERE id = 'E1' ORDER BY version") == [
        ("The Old Name",),
        ("The New Name",),
    ]
    assert kept.ask("SELECT name FROM event") == [("The New Name",)]
    (before,) = kept.ask("SELECT name FROM event_as_of(TIMESTAMP '2025-02-14 12:00:01.5')")
    assert before == ("The Old Name",)


def test_what_expired_is_as_it_was_and_no_deletion(kept: Kept) -> None:
    kept.tell(a_wish(1))
    kept.tell(a_wish(1), ChangeKind.REMOVE, RemovedBy.EXPIRY)
    kept.tell(a_wish(2))
    kept.tell(a_wish(2), ChangeKind.REMOVE, RemovedBy.USER)
    assert kept.ask("SELECT fanid, isdeleted FROM demand ORDER BY 1") == [
        ("F1", False),
        ("F2", True),
    ]
    assert kept.ask("SELECT fanid FROM demand_current") == [("F1",)]
    assert kept.ask("SELECT fanid FROM demand_deletions") == [("F2",)]
    assert kept.ask("SELECT COUNT(*) FROM demand_history WHERE isdeleted") == [(2,)]


def test_a_log_shows_what_is_stored_and_a_history_each_change_once(kept: Kept) -> None:
    value = a_wish(1)
    change = ToldChange(
        shard="0",
        position=1,
        at=NOON,
        payload=encode_record(evolve(changed(value), change_id="c1")),
    )
    for position in (1, 2):
        an_archive(kept.files).deliver([evolve(change, position=position)])
    assert kept.ask("SELECT COUNT(*) FROM demand_log") == [(2,)]
    assert kept.ask("SELECT COUNT(*) FROM demand_history") == [(1,)]
    assert kept.ask("SELECT COUNT(*) FROM demand") == [(1,)]


@pytest.mark.parametrize("name", sorted(RECORD_TYPES))
def test_an_archive_without_files_has_all_tables_and_no_rows(kept: Kept, name: str) -> None:
    for table in (name, *(f"{name}_{part}" for part in ("log", "history", "current"))):
        with ArchiveQueries(files=kept.files).ask(f"SELECT * FROM {table}") as answer:
            assert answer.columns == columns(RECORD_TYPES[name])
            assert [*answer.rows] == []


@define
class Counting:
    """Files that note what is read of them."""

    files: MemoryFileStore
    read_of: list[str]

    def read(self, key: str, /, **more: Any) -> Iterator[bytes] | None:
        self.read_of.append(key)
        return self.files.read(key, **more)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.files, name)


@pytest.mark.check("P-UC2-cost")
@pytest.mark.parametrize("table", ["demand", "demand_log", "demand_history", "demand_current"])
@pytest.mark.parametrize(
    ("filtered", "days"),
    [
        ("partition_date >= '2025-02-12'", [12, 13, 14]),
        ("partition_date = '2025-02-09'", [9]),
        ("partition_date > '2025-02-06' AND partition_date < '2025-02-09'", [7, 8]),
        ("partition_date IN ('2025-02-05', '2025-02-14')", [5, 14]),
        ("partition_date > '2025-03-01'", []),
    ],
)
def test_only_files_of_days_that_were_asked_for_are_read(
    table: str, filtered: str, days: Sequence[int]
) -> None:
    files = MemoryFileStore()
    counting = Counting(files, [])
    kept = Kept(files)
    for n in range(1, 11):
        kept.tell(a_wish(n, NOON - (10 - n) * DAY))
    kept.files = counting
    counting.read_of.clear()
    sql = f"SELECT COUNT(*), COUNT(DISTINCT fanid) FROM {table} WHERE isdeleted = false"
    assert kept.ask(f"{sql} AND {filtered}") == [(len(days), len(days))]
    read_of = sorted(
        int(key.split("partition_date=2025-02-")[1][:2]) for key in counting.read_of
    )
    assert read_of == list(days)


@pytest.mark.check("P-UC2-repair", "P-WF2")
def test_a_new_day_is_found_without_a_repair_which_does_no_harm(kept: Kept) -> None:
    kept.tell(a_wish(1))
    assert kept.ask("MSCK REPAIR TABLE demand") == []
    kept.tell(a_wish(2, NOON - DAY))
    assert kept.ask("select count(*) from demand;") == [(2,)]


@pytest.mark.parametrize(
    "sql",
    [
        "",
        "nonsense",
        "SELECT 1; SELECT 2",
        "DROP VIEW demand",
        "CREATE TABLE mine AS SELECT 1",
        "INSERT INTO demand VALUES (1)",
        "COPY (SELECT 1) TO 'stolen.csv'",
        "COPY (SELECT 1) TO 'archive://demand/x.ndjson'",
        "ATTACH 'other.db'",
        "INSTALL httpfs",
        "SET enable_external_access = true",
        "SELECT * FROM read_csv('/etc/hostname')",
        "SELECT * FROM read_text('/etc/hostname')",
        "SELECT * FROM glob('/etc/*')",
        "SELECT * FROM 'https://example.com/x.parquet'",
        "SELECT nothing FROM demand",
        "SELECT * FROM invoice",
        "PRAGMA database_list; SELECT 1",
    ],
)
def test_what_is_no_query_of_the_archive_is_refused(kept: Kept, sql: str) -> None:
    kept.tell(a_wish(1))
    with pytest.raises(Permanent):
        kept.ask(sql)


def test_a_broken_object_is_named(kept: Kept) -> None:
    kept.tell(a_wish(1))
    (stored,) = kept.files.list("data/")
    kept.files.put(stored.key, [b"Obj\x01 and no more"])
    with pytest.raises(Permanent, match=re.escape(stored.key)):
        kept.ask("SELECT COUNT(*) FROM demand")


def test_a_store_that_is_away_is_said_so(kept: Kept) -> None:
    class Away(Counting):
        def read(self, key: str, /, **more: Any) -> Iterator[bytes] | None:
            raise Transient("the store is away")

    kept.tell(a_wish(1))
    kept.files = Away(kept.files, [])
    with pytest.raises(Transient, match="away"):
        kept.ask("SELECT COUNT(*) FROM demand")


def test_a_query_that_takes_too_long_is_ended(kept: Kept) -> None:
    endless = "SELECT count(*) FROM range(100000000000) a, range(100000000000) b"
    hurried = ArchiveQueries(files=kept.files, deadline_s=0.05)
    with pytest.raises(Transient, match="fewer days"), hurried.ask(endless) as answer:
        list(answer.rows)


def test_athena_is_told_of_every_column_and_of_days_ahead() -> None:
    statements = [*athena("our-bucket")]
    logs = [made for made in statements if made.startswith("CREATE EXTERNAL TABLE")]
    assert len(logs) == len(RECORD_TYPES)
    for (name, kept_), made in zip(RECORD_TYPES.items(), logs, strict=True):
        assert f"LOCATION 's3://our-bucket/data/{name}/'" in made
        assert f"'avro.schema.literal' = '{kept_.schema.json}'" in made
        for column in columns(kept_)[:-1]:
            assert f"`{column}` " in made
    assert "NOW+5YEARS" in logs[list(RECORD_TYPES).index("event")]
    assert sum("NOW+1DAYS" in made for made in logs) == 3


@pytest.mark.parametrize(
    "sql", re.findall(r"```sql\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)
)
def test_every_query_of_the_guide_runs(kept: Kept, sql: str) -> None:
    kept.tell(a_wish(1, triggered=NOON, notified=NOON + SECOND))
    kept.tell(an_event(1, dates=EventDates(first_seen=NOON)))
    with ArchiveQueries(files=kept.files).ask(sql) as answer:
        assert answer.columns
        assert all(len(row) == len(answer.columns) for row in answer.rows)


@pytest.mark.check("P-T4")
@pytest.mark.parametrize("name", sorted(RECORD_TYPES))
def test_each_type_has_its_tables_its_rules_and_a_query_to_start_from(
    kept: Kept, name: str
) -> None:
    queries = re.findall(r"```sql\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)
    assert any(re.search(rf"\b{name}(s|_\w+)?\b", sql) for sql in queries)
    assert set(RECORD_TYPES[name].kept) < set(columns(RECORD_TYPES[name]))
    assert any(f" {name}_log (" in made for made in athena("our-bucket"))
    assert kept.ask(f"SELECT COUNT(*) FROM {name}") == [(0,)]
