"""What other processes do to a queue and to a folder of files, until they are killed."""

from collections.abc import Iterator
from contextlib import closing
from itertools import count
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Final

from demand_adapters.local.database import Database
from demand_adapters.local.file_store import FolderFileStore
from demand_adapters.local.queue import LocalQueue
from demand_adapters.memory.clock import MemoryClock
from demand_adapters.testing.queue import SECOND, receipts
from demand_adapters.testing.strategies import NOON

KEYS: Final = ("a/1", "a/2", "b")
PIECES: Final = 5
PIECE_NUMBERS: Final = 20_000


def a_queue(database: Database, clock: MemoryClock) -> LocalQueue:
    return LocalQueue(database, clock, visibility=30 * SECOND, max_receive=3, name="links")


def empty(folder: Path, _: int, gate: Barrier, answers: Connection) -> None:
    """Receive, together with others, until nothing is visible; answer what came."""
    with closing(Database(folder)) as database, closing(answers):
        queue, found = a_queue(database, MemoryClock(NOON)), list[bytes]()
        gate.wait()
        while batch := queue.receive(3):
            found += [delivery.payload for delivery in batch]
        answers.send(found)


def work(folder: Path, first: int, answers: Connection) -> None:
    """Put messages from number *first* on and be done with some; say what, before and after."""
    with closing(Database(folder)) as database:
        queue = a_queue(database, MemoryClock(NOON))
        for n in count(first):
            answers.send(("putting", [n]))
            queue.put([b"%d" % n])
            answers.send(("put", [n]))
            if n % 3 == 0:
                batch = queue.receive(2)
                numbers = [int(delivery.payload) for delivery in batch]
                answers.send(("deleting", numbers))
                queue.delete(receipts(batch))
                answers.send(("deleted", numbers))


def create(folder: Path, who: int, gate: Barrier, answers: Connection) -> None:
    """Write new files at the same moments as others do; answer which were not there yet."""
    with closing(answers):
        store, won = FolderFileStore(folder), list[str]()
        for key in (f"new/{n}" for n in range(20)):
            gate.wait()
            if store.put(key, [b"%d" % who] * 1000, only_new=True):
                won.append(key)
        answers.send(won)


def replace(folder: Path, first: int, answers: Connection) -> None:
    """Write one version after another, from number *first* on, and tell of each."""
    store = FolderFileStore(folder)
    for n in count(first):
        store.put(KEYS[n % len(KEYS)], version(n))
        answers.send(n)


def version(n: int) -> Iterator[bytes]:
    """A file that says in each of its pieces which version it is."""
    return (b"%08d" % n * PIECE_NUMBERS for _ in range(PIECES))
