"""What the table in a file does beyond its contract: it survives restarts, and forgets."""

from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Final

import pytest

from demand_adapters.item_table import Change, Did, Entry, Item
from demand_adapters.local.database import Database
from demand_adapters.local.item_table import PIECE, LocalItemTable
from demand_adapters.memory.clock import MemoryClock
from demand_adapters.testing.item_table import altered, an_item, at, stood
from demand_adapters.testing.strategies import NOON
from demand_core.errors import WiringError
from tests.contract.local.folders import passing_database

DAY: Final = timedelta(days=1)
EVERYTHING: Final = 2**63 - 1


@pytest.fixture
def database() -> Iterator[Database]:
    with passing_database() as database:
        yield database


@pytest.fixture
def clock() -> MemoryClock:
    return MemoryClock(NOON)


@pytest.fixture
def table(database: Database, clock: MemoryClock) -> LocalItemTable:
    return LocalItemTable(database, clock)


def told(table: LocalItemTable, after: int | None = None) -> list[Change]:
    return [*table.read("0", after, 10_000)]


def images(database: Database) -> int:
    with database.read() as cursor:
        return int(cursor.execute("SELECT count(*) FROM images").fetchone()[0])


def test_items_index_and_feed_are_there_after_a_restart(tmp_path: Path) -> None:
    with closing(Database(tmp_path)) as database:
        before = LocalItemTable(database, MemoryClock(NOON))
        kept, gone = [stood(wrote) for wrote in before.put_new([at("1", "a"), at("2", "b")])]
        before.delete([gone])
        changes = told(before)
    with closing(Database(tmp_path)) as database:
        after = LocalItemTable(database, MemoryClock(NOON))
        assert after.query("p", limit=9, after=None).rows == [kept]
        assert after.query_index("byTime", "g", limit=9, after=None).rows == [
            Entry("1", kept.key)
        ]
        assert told(after) == changes
        assert after.replace([altered(kept, body={"n": 1})])[0].did is Did.DONE


def test_no_revision_comes_again_though_all_of_its_past_is_forgotten(tmp_path: Path) -> None:
    seen = set[str]()
    for days in range(3):
        with closing(Database(tmp_path)) as database:
            table = LocalItemTable(database, MemoryClock(NOON + 2 * days * DAY))
            table.trim(EVERYTHING)
            assert images(database) == 0
            item = stood(table.put_new([an_item()])[0])
            seen.add(item.revision)
            table.delete([item])
    assert len(seen) == 3


def test_a_clock_that_was_put_back_puts_no_change_back(database: Database) -> None:
    for days in (1, 0, 2):
        LocalItemTable(database, MemoryClock(NOON + days * DAY)).put_new([an_item(f"{days}")])
    times = [change.at for change in told(LocalItemTable(database, MemoryClock(NOON)))]
    assert times == [NOON + DAY, NOON + DAY, NOON + 2 * DAY]


def test_of_what_the_feed_forgets_only_what_stands_is_kept(
    database: Database, table: LocalItemTable, clock: MemoryClock
) -> None:
    standing, gone = [stood(wrote) for wrote in table.put_new([an_item("a"), an_item("b")])]
    for _ in range(3):
        standing = stood(table.replace([standing])[0])
    table.delete([gone])
    clock.advance(2 * DAY)
    assert table.trim(EVERYTHING) == 6
    assert table.trim(EVERYTHING) == 0
    assert images(database) == 1
    assert table.get_many([standing.key]) == {standing.key: standing}
    assert told(table) == []


def test_what_the_slowest_reader_has_not_read_is_not_forgotten(
    table: LocalItemTable, clock: MemoryClock
) -> None:
    table.put_new([an_item(f"{n}") for n in range(5)])
    changes = told(table)
    clock.advance(7 * DAY)
    checkpoint = changes[1].sequence
    assert table.trim(checkpoint) == 2
    assert told(table, checkpoint) == changes[2:]


def test_sweeps_let_others_write_between_their_pieces(
    table: LocalItemTable, clock: MemoryClock
) -> None:
    soon = int(NOON.timestamp()) + 1
    new = [Item(("p", f"{n}"), {}, expires_at=soon) for n in range(PIECE + 3)]
    table.put_new(new)
    assert table.expire() == 0
    clock.advance(timedelta(seconds=1))
    assert [table.expire() for _ in range(3)] == [PIECE, 3, 0]
    clock.advance(2 * DAY)
    assert [table.trim(EVERYTHING) for _ in range(4)] == [PIECE, PIECE, 6, 0]


def test_a_feed_has_no_shard_of_another_engine_s(table: LocalItemTable) -> None:
    (shard,) = table.shards()
    table.put_new([an_item()])
    assert len(table.read(shard.name, None, 9)) == 1
    with pytest.raises(WiringError, match="no shard"):
        table.read("1", None, 9)
