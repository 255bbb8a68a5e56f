"""Several processes on one file, and processes that are killed: nothing is done by halves."""

from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from random import Random
from typing import Final

import pytest

from demand_adapters.item_table import Entry, Item, Key
from demand_adapters.local.database import Database
from demand_adapters.local.item_table import LocalItemTable
from demand_adapters.memory.clock import MemoryClock
from demand_adapters.testing.item_table import an_item
from demand_adapters.testing.races import number
from demand_adapters.testing.strategies import NOON
from tests.contract.local.processes import raced, told_until_killed
from tests.contract.local.table_processes import (
    COUNTED,
    INCREMENTS,
    NEW,
    PARTITIONS,
    WAITING,
    Won,
    partition,
    race,
    standing,
    write_on,
)

RACERS: Final = 4
KILLS: Final = 8


@contextmanager
def table_in(folder: Path) -> Iterator[LocalItemTable]:
    with closing(Database(folder)) as database:
        yield LocalItemTable(database, MemoryClock(NOON))


def replayed(table: LocalItemTable) -> dict[Key, Item]:
    """The table as its feed tells it, each change from the image before it."""
    replica: dict[Key, Item] = {}
    for change in table.read("0", None, 1_000_000):
        assert replica.pop(change.key, None) == change.old
        if change.new:
            replica[change.key] = change.new
    return replica


@pytest.fixture
def each_won(tmp_path: Path) -> list[Won]:
    """What each of several processes was told that it had won."""
    with table_in(tmp_path) as table:
        waiting = [an_item(sk) for sk in WAITING]
        table.put_new([*waiting, Item(COUNTED, {"n": 0})])
    return raced(race, tmp_path, RACERS)


def test_processes_share_a_file_without_a_second_winner_or_a_lost_update(
    each_won: list[Won], tmp_path: Path
) -> None:
    with table_in(tmp_path) as table:
        items = {item.key: item for item in table.query("p", limit=99, after=None).rows}
        assert items == replayed(table)
        found = {sk: item.body for (_, sk), item in items.items()}
        stored = NEW, [mine for mine, _ in each_won]
        claimed = WAITING, [mine for _, mine in each_won]
        for keys, won in (stored, claimed):
            owners = {sk: who for who, mine in enumerate(won) for sk in mine}
            assert sorted(sk for mine in won for sk in mine) == keys
            assert {sk: found[sk] for sk in keys} == {sk: {"by": owners[sk]} for sk in keys}
        assert found["counted"] == {"n": RACERS * INCREMENTS}
        told = Counter(change.key[1] for change in table.read("0", None, 1_000_000))
        assert told == {
            **dict.fromkeys(NEW, 1),
            **dict.fromkeys(WAITING, 2),
            "counted": 1 + RACERS * INCREMENTS,
        }


def test_a_file_outlives_a_writer_that_is_killed_at_any_moment(tmp_path: Path) -> None:
    chance, done = Random(3), 0
    for _ in range(KILLS):
        answered = told_until_killed(write_on, tmp_path, done + 1, chance)[-1]
        with closing(Database(tmp_path)) as database:
            with database.read() as cursor:
                assert cursor.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
            there = all_that_stands(LocalItemTable(database, MemoryClock(NOON)))
        assert there in (standing(answered), standing(answered + 1))
        done = answered + (there != standing(answered))


def all_that_stands(table: LocalItemTable) -> Counter[tuple[str, int]]:
    """As `standing`, once items, feed and index say the same."""
    pages = [table.query(partition(n), limit=99, after=None) for n in range(PARTITIONS)]
    items = {item.key: item for page in pages for item in page.rows}
    assert items == replayed(table)
    entries = table.query_index("byTime", "g", limit=99, after=None).rows
    assert sorted(entries) == sorted(
        Entry(item.index["byTime"][1], item.key) for item in items.values()
    )
    return Counter((pk, number(item.body["n"])) for (pk, _), item in items.items())
