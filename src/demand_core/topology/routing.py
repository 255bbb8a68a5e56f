"""Which rows a change of the table concerns: a pure function of their triggers."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeAlias

from attrs import frozen

from demand_core.domain.changes import ChangeKind
from demand_core.topology.shapes import Changes, Worker

Images: TypeAlias = tuple[Mapping[str, Any], Mapping[str, Any]]


@frozen
class Route:
    """One row that changes wake, with its filter in the words of the stored items."""

    row: str
    wants: Changes
    fields: tuple[str, ...]

    def takes(
        self, kind_of_item: str | None, kind: ChangeKind, images: Callable[[], Images]
    ) -> bool:
        """Whether the row asked for such a change; in what is new or gone every field moved."""
        wants = self.wants
        if wants.kind != kind_of_item or kind not in wants.on:
            return False
        if not self.fields or (kind is not ChangeKind.MODIFY and not wants.becoming):
            return True
        old, new = images()
        if wants.becoming and new.get(self.fields[0]) not in wants.becoming:
            return False
        return kind is not ChangeKind.MODIFY or any(
            old.get(name) != new.get(name) for name in self.fields
        )


def routes(rows: Iterable[Worker], spelled: Callable[[str], str]) -> Sequence[Route]:
    """The routes of *rows*; *spelled* gives the stored name of a field."""
    return [
        Route(row.name, trigger, tuple(map(spelled, trigger.watching)))
        for row in rows
        for trigger in row.triggers
        if isinstance(trigger, Changes)
    ]


def change_queue(row: str) -> str:
    """The name of the queue through which changes reach *row*."""
    return f"{row}-changes"
