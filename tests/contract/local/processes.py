"""Processes of their own, which race one another or are killed at some moment."""

from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from itertools import islice
from multiprocessing import get_context
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Barrier
from pathlib import Path
from random import Random
from typing import Any, Final

# A forked process would share the files, and with them the locks, that it should fight for.
SPAWN: Final = get_context("spawn")


def raced(
    target: Callable[[Path, int, Barrier, Connection], None], folder: Path, racers: int
) -> list[Any]:
    """What each of several processes answers; they meet at a barrier as often as they like."""
    gate = SPAWN.Barrier(racers, timeout=60)
    pipes = [SPAWN.Pipe(duplex=False) for _ in range(racers)]
    processes = [
        SPAWN.Process(target=target, args=(folder, who, gate, sending), daemon=True)
        for who, (_, sending) in enumerate(pipes)
    ]
    for process, (_, sending) in zip(processes, pipes, strict=True):
        process.start()
        sending.close()
    answers = []
    for receiving, _ in pipes:
        with closing(receiving):
            answers.append(receiving.recv())
    for process in processes:
        process.join()
        assert process.exitcode == 0
        process.close()
    return answers


def told_until_killed(
    target: Callable[[Path, int, Connection], None], folder: Path, first: int, chance: Random
) -> list[Any]:
    """All that a process tells, from number *first* on, before it is killed."""
    receiving, sending = SPAWN.Pipe(duplex=False)
    process = SPAWN.Process(target=target, args=(folder, first, sending), daemon=True)
    process.start()
    sending.close()
    with closing(receiving):
        answers = _answers(receiving)
        told = list(islice(answers, chance.randint(1, 60)))
        receiving.poll(chance.uniform(0, 0.003))
        process.kill()
        told += answers
    process.join()
    process.close()
    return told


def _answers(receiving: Connection) -> Iterator[Any]:
    with suppress(EOFError):
        while True:
            yield receiving.recv()
