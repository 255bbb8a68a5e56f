"""What a conditional put costs in a file and through AWS, against the table in memory.

All check, copy, index and keep the change; the file also lasts. Figures are CPU microseconds
of this process for each item, in batches of 100, the system's part included. The target for
the file is five times the memory's. A commit of its own costs mostly the disk, and a put to AWS
is a signed call of its own, answered by an emulator in another process: those have no target.
"""

import gc
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from random import Random
from threading import Thread
from typing import NamedTuple

from demand_adapters.aws.calls import Access, Aws
from demand_adapters.aws.item_table import AwsItemTable, table_definition
from demand_adapters.item_table import Did, Item, ItemTable, Wrote
from demand_adapters.local.clock import WallClock
from demand_adapters.local.database import Database
from demand_adapters.local.entropy import SystemEntropy
from demand_adapters.local.item_table import LocalItemTable
from demand_adapters.memory.item_table import MemoryItemTable

PUTS = 10_000
BATCH = 100
COMMITS = 300
ROUNDS = 5
TARGET = 5.0


class Cost(NamedTuple):
    """Microseconds of CPU for each item."""

    put_new: float
    replace: float


def an_item(number: int) -> Item:
    """As large as a cached event, and in one index."""
    body = {f"field{n:02}": f"text of some length {number}" for n in range(12)}
    index = {"byTime": (f"fresh#{number % 16:x}", f"2027-03-01T12:00:00.000Z#{number:06}")}
    return Item((f"event:E{number:06}", "event"), {**body, "version": number}, index)


def written(
    write: Callable[[Sequence[Item]], Sequence[Wrote]], items: Sequence[Item]
) -> tuple[float, list[Item]]:
    """CPU microseconds for each of *items*, and how they stand there."""
    gc.collect()
    began = time.process_time()
    answers = [write(items[at : at + BATCH]) for at in range(0, len(items), BATCH)]
    took = time.process_time() - began
    stored = [w.item for answer in answers for w in answer if w.did is Did.DONE and w.item]
    assert len(stored) == len(items), "every put was done"
    return took / len(items) * 1e6, stored


def cost(table: ItemTable) -> Cost:
    """Store all, then replace all."""
    put_new, stored = written(table.put_new, [an_item(number) for number in range(PUTS)])
    return Cost(put_new, written(table.replace, stored)[0])


def in_memory() -> Cost:
    """A fresh table."""
    return cost(MemoryItemTable(WallClock(), Random(1)))


def on_disk() -> Cost:
    """A fresh file."""
    with tempfile.TemporaryDirectory() as folder, closing(Database(Path(folder))) as database:
        return cost(LocalItemTable(database, WallClock()))


def commit_us() -> tuple[float, float]:
    """Microseconds, of CPU and by the clock on the wall, for one item put alone."""
    with tempfile.TemporaryDirectory() as folder, closing(Database(Path(folder))) as database:
        table, items = LocalItemTable(database, WallClock()), [*map(an_item, range(COMMITS))]
        cpu, wall = time.process_time(), time.perf_counter()
        answers = [table.put_new([item]) for item in items]
        cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    assert all(wrote.did is Did.DONE for (wrote,) in answers), "every put was done"
    return cpu / COMMITS * 1e6, wall / COMMITS * 1e6


@contextmanager
def emulator() -> Iterator[str]:
    """The address of moto's server, in a process of its own."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = str(free.getsockname()[1])
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", port]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as server:
        assert server.stderr
        next(line for line in server.stderr if "Running on" in line)
        Thread(target=server.stderr.read, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            server.terminate()


def through_aws() -> tuple[float, float]:
    """Microseconds, of CPU here and by the clock on the wall, for one put of many."""
    os.environ |= {"AWS_ACCESS_KEY_ID": "nobody", "AWS_SECRET_ACCESS_KEY": "nothing"}
    with emulator() as url:
        access = Access(region="us-east-1", endpoint_url=url)
        with closing(
            Aws(clock=WallClock(), sleep=time.sleep, chance=Random(1), access=access)
        ) as aws:
            aws.call("dynamodb", "create_table", **table_definition("bench"))
            table = AwsItemTable(aws=aws, name="bench", fresh_id=SystemEntropy().fresh_id)
            wall = time.perf_counter()
            cpu, _ = written(table.put_new, [an_item(number) for number in range(PUTS)])
            return cpu, (time.perf_counter() - wall) / PUTS * 1e6


def main() -> None:
    """Both in turn, medians of the rounds."""
    pairs = [(on_disk(), in_memory()) for _ in range(ROUNDS)]
    missed, memory_us = [], statistics.median(memory.put_new for _, memory in pairs)
    for name in Cost._fields:
        rounds = [(getattr(disk, name), getattr(memory, name)) for disk, memory in pairs]
        ours, theirs = (statistics.median(column) for column in zip(*rounds, strict=True))
        ratio = statistics.median(disk / memory for disk, memory in rounds)
        print(f"{name:8} in a file {ours:5.1f} us an item, in memory {theirs:5.1f} us")
        print(f"{name:8} ratio {ratio:.2f} (target: at most {TARGET})")
        if ratio > TARGET:
            missed.append(name)
    cpu, wall = commit_us()
    print(f"one durable commit of one item: {cpu:.0f} us of CPU, {wall:.0f} us on the wall")
    cpu, wall = through_aws()
    print(f"one put through AWS's client: {cpu:.0f} us of CPU here, {wall:.0f} us on the wall")
    print(f"put_new ratio {cpu / memory_us:.0f} of memory's")
    if missed:
        raise SystemExit(f"more than {TARGET} times the memory's: {', '.join(missed)}")


if __name__ == "__main__":
    main()
