"""One worker at its desk: stores and services in memory, and outlets to be looked at."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from attrs import define, field

from demand_adapters.testing.strategies import NOON
from demand_core.batch import Record
from demand_core.errors import Transient
from demand_core.topology import TOPOLOGY
from demand_core.topology.shapes import Channel
from entrypoints.engines.memory import MemoryEngines
from entrypoints.profiles import Profile
from entrypoints.settings import Settings
from entrypoints.wiring import assemble


@define
class Tray:
    """Where a worker's outlet ends: it takes all but the positions that it *refuses*."""

    refuses: Sequence[int] = ()
    away: bool = False
    taken: list[Any] = field(factory=list)

    def send(self, bodies: Sequence[Any], /) -> Sequence[int]:
        if self.away:
            raise Transient("the channel is throttled")
        self.taken += [body for n, body in enumerate(bodies) if n not in self.refuses]
        return [n for n in self.refuses if n < len(bodies)]


class Desk:
    """What a profile has, at *start*; `trays` are the channels by name."""

    def __init__(
        self, settings: Settings | None = None, *, start: datetime = NOON, **instead: object
    ) -> None:
        self.engines = MemoryEngines.new(1, start)
        self.clock = self.engines.clock
        self.ports = Profile(settings or Settings(), self.engines, **instead)
        self.trays = dict[str, Tray]()

    def tray(self, channel: Channel[Any]) -> Tray:
        return self.trays.setdefault(channel.name, Tray())

    def worker(self, name: str) -> Callable[..., Any]:
        (row,) = (row for row in TOPOLOGY if row.name == name)
        return assemble(row, self.ports, self.tray)


def batch(*bodies: Any) -> list[Record[Any]]:
    return [Record(f"r{n}", body) for n, body in enumerate(bodies)]
