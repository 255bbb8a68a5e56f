"""What a query of the archive answers, on whichever engine it runs."""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

from attrs import frozen


@frozen
class Answer:
    """What a query found; its rows come as they are taken."""

    columns: Sequence[str]
    rows: Iterator[tuple[Any, ...]]


class QueryEngine(Protocol):
    """Asks the tables of `docs/archive.md`."""

    def ask(self, sql: str) -> AbstractContextManager[Answer]:
        """Run one query that reads, whose rows can be taken inside.

        Raises Permanent for what is no query or can't be answered, Transient for one that takes
        longer than the deadline or that the engine may answer another time.
        """
        ...
