"""Queues and files under several processes, some of them killed: nothing is lost or twice."""

from collections import defaultdict
from contextlib import closing
from pathlib import Path
from random import Random
from typing import Final

from demand_adapters.local.database import Database
from demand_adapters.local.file_store import UNFINISHED, FolderFileStore
from demand_adapters.memory.clock import MemoryClock
from demand_adapters.testing.file_store import contents, listed
from demand_adapters.testing.queue import received
from demand_adapters.testing.strategies import NOON
from tests.contract.local.channel_processes import (
    KEYS,
    a_queue,
    create,
    empty,
    replace,
    version,
    work,
)
from tests.contract.local.processes import raced, told_until_killed

RACERS: Final = 3
KILLS: Final = 6


def test_of_several_processes_that_empty_a_queue_no_two_get_the_same_message(
    tmp_path: Path,
) -> None:
    sent = [b"%d" % n for n in range(300)]
    with closing(Database(tmp_path)) as database:
        a_queue(database, MemoryClock(NOON)).put(sent)
    found = raced(empty, tmp_path, RACERS)
    assert sorted(payload for each in found for payload in each) == sorted(sent)


def test_nothing_that_a_queue_took_is_lost_or_done_twice_when_its_users_are_killed(
    tmp_path: Path,
) -> None:
    chance, first = Random(5), 1
    said = defaultdict[str, set[int]](set)
    for _ in range(KILLS):
        for word, numbers in told_until_killed(work, tmp_path, first, chance):
            said[word].update(numbers)
        first = max(said["putting"]) + 1
    with closing(Database(tmp_path)) as database:
        later = MemoryClock(NOON.replace(hour=23))
        left = [int(delivery.payload) for delivery in received(a_queue(database, later))]
    assert len(set(left)) == len(left)
    assert said["put"] - said["deleting"] <= set(left) <= said["putting"] - said["deleted"]
    assert said["put"]
    assert said["deleted"]


def test_of_several_processes_that_create_a_file_one_is_told_that_it_did(
    tmp_path: Path,
) -> None:
    won = raced(create, tmp_path, RACERS)
    store = FolderFileStore(tmp_path)
    owners = {key: who for who, mine in enumerate(won) for key in mine}
    assert sorted(key for mine in won for key in mine) == sorted(owners)
    assert {stored.key: contents(store, stored.key) for stored in listed(store)} == {
        key: b"%d" % who * 1000 for key, who in owners.items()
    }
    assert len(owners) == 20


def test_a_file_is_whole_and_the_newest_whenever_its_writer_is_killed(tmp_path: Path) -> None:
    chance, first = Random(7), 1
    for _ in range(KILLS):
        told = told_until_killed(replace, tmp_path, first, chance)
        store = FolderFileStore(tmp_path)
        assert list((tmp_path / UNFINISHED).iterdir()) == []
        found = {key: contents(store, key) for key in KEYS}
        assert {stored.key for stored in listed(store)} == {key for key in KEYS if found[key]}
        last = told[-1]
        for n in range(max(1, last - 2), last + 1):
            newer = (n, n + len(KEYS)) if n + len(KEYS) == last + 1 else (n,)
            assert found[KEYS[n % len(KEYS)]] in [b"".join(version(each)) for each in newer]
        first = last + 1
