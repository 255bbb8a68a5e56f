"""What other processes do to a table in a file, until they are done or killed."""

from collections import Counter
from contextlib import closing
from itertools import count
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Final, NamedTuple

from demand_adapters.item_table import Did, Item, Key
from demand_adapters.local.database import Database
from demand_adapters.local.item_table import LocalItemTable
from demand_adapters.memory.clock import MemoryClock
from demand_adapters.testing.item_table import altered, an_item
from demand_adapters.testing.races import number
from demand_adapters.testing.strategies import NOON

NEW: Final = [f"new{n:02}" for n in range(40)]
WAITING: Final = [f"waiting{n:02}" for n in range(40)]
COUNTED: Final[Key] = ("p", "counted")
INCREMENTS: Final = 25
PARTITIONS: Final = 7
SIZE: Final = 5
BULK: Final = "x" * 2000


class Won(NamedTuple):
    """What one process was told is its own."""

    stored: list[str]
    claimed: list[str]


def race(folder: Path, who: int, gate: Barrier, answers: Connection) -> None:
    """Store, claim and count at the same moments as all the others; answer what was won."""
    with closing(Database(folder)) as database, closing(answers):
        table = LocalItemTable(database, MemoryClock(NOON))
        waiting = table.get_many([("p", sk) for sk in WAITING]).values()
        won = Won([], [])
        for sk in NEW:
            gate.wait()
            if table.put_new([an_item(sk, by=who)])[0].did is Did.DONE:
                won.stored.append(sk)
        for item in waiting:
            gate.wait()
            if table.replace([altered(item, body={"by": who})])[0].did is Did.DONE:
                won.claimed.append(item.key[1])
        for _ in range(INCREMENTS):
            gate.wait()
            did = Did.LOST
            while did is not Did.DONE:
                item = table.get_many([COUNTED])[COUNTED]
                more = altered(item, body={"n": number(item.body["n"]) + 1})
                ((did, _),) = table.replace([more])
        answers.send(won)


def write_on(folder: Path, first: int, answers: Connection) -> None:
    """Write one batch after another, from number *first* on, and tell of each that is done."""
    with closing(Database(folder)) as database:
        table = LocalItemTable(database, MemoryClock(NOON))
        for n in count(first):
            write(table, n)
            answers.send(n)


def write(table: LocalItemTable, n: int) -> None:
    """Batch number *n*: all of one partition is stored, replaced or deleted."""
    pk = partition(n)
    there = table.query(pk, limit=SIZE + 1, after=None).rows
    if there and n % 3 == 0:
        answers = table.delete(there)
    elif there:
        answers = table.replace([numbered(item, n) for item in there])
    else:
        answers = table.put_new([numbered(an_item(f"{sk}", pk=pk), n) for sk in range(SIZE)])
    assert {wrote.did for wrote in answers} == {Did.DONE}


def numbered(item: Item, n: int) -> Item:
    """*item* as batch *n* leaves it: on some pages of the file, and in an index."""
    return altered(item, body={"n": n, "bulk": BULK}, index={"byTime": ("g", f"{n:06}")})


def standing(last: int) -> Counter[tuple[str, int]]:
    """After the *last* batch: how many items stand in each partition, and who wrote them."""
    written = dict[str, int]()
    for n in range(1, last + 1):
        pk = partition(n)
        if pk in written and n % 3 == 0:
            del written[pk]
        else:
            written[pk] = n
    return Counter(dict.fromkeys(written.items(), SIZE))


def partition(n: int) -> str:
    """Where batch *n* writes."""
    return f"p{n % PARTITIONS}"
