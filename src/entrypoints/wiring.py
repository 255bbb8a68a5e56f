"""The composition root: ports from settings, a worker from its row."""

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import cached_property
from types import UnionType
from typing import (
    TYPE_CHECKING,
    Any,
    Final,
    TypeVar,
    Union,
    cast,
    get_args,
    get_origin,
    get_type_hints,
)

import attrs
from attrs import frozen

from demand_adapters.item_table import ItemTable
from demand_core.domain.links import SHORTENER, LinkPolicy
from demand_core.errors import WiringError
from demand_core.ports import Ports
from demand_core.ports.announcer import Announcer
from demand_core.ports.clock import Clock
from demand_core.ports.entropy import Entropy
from demand_core.ports.event_cache import EventCache
from demand_core.ports.file_store import FileStore
from demand_core.ports.outlet import Outlet
from demand_core.ports.pace import Pace
from demand_core.ports.url_shortener import UrlShortener
from demand_core.topology.shapes import Channel, Worker
from entrypoints.settings import Settings

if TYPE_CHECKING:
    from demand_adapters.memory.announcer import MemoryAnnouncer
    from demand_adapters.memory.clock import MemoryClock
    from demand_adapters.memory.entropy import MemoryEntropy
    from demand_adapters.memory.file_store import MemoryFileStore
    from demand_adapters.memory.item_table import MemoryItemTable
    from demand_adapters.memory.url_shortener import MemoryUrlShortener


def _offered() -> Mapping[str, object]:
    ports = ((name, port) for name, port in vars(Ports).items() if isinstance(port, property))
    return {name: get_type_hints(port.fget)["return"] for name, port in ports}


OFFERED: Final = _offered()


def assemble(
    row: Worker, ports: Ports, outlet: Callable[[Channel[Any]], Outlet[Any]]
) -> Callable[..., Any]:
    """The worker of *row*: ports and policies by the fields' names, outlets by its routes."""
    work = row.load()
    hints = get_type_hints(work)
    filled = dict[str, object]()
    for field in attrs.fields(cast("type[attrs.AttrsInstance]", work)):
        wanted = _bare(hints[field.name])
        if get_origin(wanted) is Outlet:
            filled[field.name] = _routed(row, field.name, get_args(wanted)[0], outlet)
        elif field.name in OFFERED:
            if OFFERED[field.name] is not wanted:
                raise WiringError(f"{row.name}.{field.name} is not what the ports call so")
            filled[field.name] = getattr(ports, field.name)
        elif field.default is attrs.NOTHING or wanted in OFFERED.values():
            raise WiringError(f"{row.name}.{field.name}: no port has that name")
    return work(**filled)  # type: ignore[no-any-return]  # every worker is callable, a law says


def _routed(
    row: Worker, name: str, body: object, outlet: Callable[[Channel[Any]], Outlet[Any]]
) -> Outlet[Any]:
    channel = row.outputs.get(name)
    if channel is None or channel.body is not body:
        raise WiringError(f"{row.name}.{name} has no route for what it sends")
    return outlet(channel)


def _bare(hint: Any) -> Any:  # what a type hint is, nobody can say
    """*hint* without `| None`."""
    parts = [part for part in get_args(hint) if part is not type(None)]
    return parts[0] if get_origin(hint) in {Union, UnionType} and len(parts) == 1 else hint


D = TypeVar("D")


@frozen(kw_only=True)
class MemoryEngines:
    """What the memory profile stands on, to be looked at from outside."""

    clock: "MemoryClock"
    entropy: "MemoryEntropy"
    table: "MemoryItemTable"
    files: "MemoryFileStore"
    shortener: "MemoryUrlShortener"
    announcer: "MemoryAnnouncer"

    @classmethod
    def new(cls, seed: int | str, start: datetime) -> "MemoryEngines":
        """Engines of one world: all chance in them comes from *seed*."""
        from demand_adapters.memory.announcer import MemoryAnnouncer
        from demand_adapters.memory.clock import MemoryClock
        from demand_adapters.memory.entropy import MemoryEntropy
        from demand_adapters.memory.file_store import MemoryFileStore
        from demand_adapters.memory.item_table import MemoryItemTable
        from demand_adapters.memory.url_shortener import MemoryUrlShortener

        clock, entropy = MemoryClock(start), MemoryEntropy(seed)
        return cls(
            clock=clock,
            entropy=entropy,
            table=MemoryItemTable(clock, entropy.stream("table")),
            files=MemoryFileStore(),
            shortener=MemoryUrlShortener(clock),
            announcer=MemoryAnnouncer(),
        )


class MemoryPorts:
    """The profile that keeps everything in this process.

    The engines are made by whoever wants to look at them from outside; `around` is where a
    simulation puts itself between the stores and their drivers.
    """

    def __init__(self, settings: Settings, engines: MemoryEngines) -> None:
        """Take the engines as they are."""
        self.settings = settings
        self.engines = engines

    def around(self, name: str, driver: D) -> D:
        """The driver as the stores and workers see it: *name* is what reports call it."""
        del name
        return driver

    @cached_property
    def clock(self) -> Clock:
        return self.engines.clock

    @cached_property
    def entropy(self) -> Entropy:
        return self.engines.entropy

    @cached_property
    def links(self) -> LinkPolicy:
        return self.settings.links

    @cached_property
    def announcer(self) -> Announcer:
        return self.around("announcer", self.engines.announcer)

    @cached_property
    def files(self) -> FileStore:
        return self.around("files", self.engines.files)

    @cached_property
    def shortener(self) -> UrlShortener:
        return self.around("shortener", self.engines.shortener)

    @cached_property
    def table(self) -> ItemTable:
        return self.around("table", self.engines.table)

    @cached_property
    def events(self) -> EventCache:
        from demand_adapters.stores.event_cache import TableEventCache

        return TableEventCache(table=self.table, clock=self.clock)

    @cached_property
    def pace(self) -> Pace:
        from demand_adapters.stores.pace import TablePace

        rates = {SHORTENER: self.settings.shortener_per_s}
        return TablePace(table=self.table, clock=self.clock, per_second=rates)
