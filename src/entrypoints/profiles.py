"""The ports of a profile: the same stores and services over whichever engines it has."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from functools import cached_property
from importlib import import_module
from typing import TypeVar

from demand_adapters.item_table import ItemTable
from demand_core.domain.links import SHORTENER, LinkPolicy
from demand_core.errors import WiringError
from demand_core.ports.announcer import Announcer
from demand_core.ports.clock import Clock
from demand_core.ports.entropy import Entropy
from demand_core.ports.event_cache import EventCache
from demand_core.ports.file_store import FileStore
from demand_core.ports.pace import Pace
from demand_core.ports.url_shortener import UrlShortener
from entrypoints.engines import Engines, RunningEngines
from entrypoints.settings import Settings

D = TypeVar("D")


class Profile:
    """The ports, each built when a worker asks for it.

    What is given by the name of a port takes its place. `around` is where a simulation puts
    itself between the stores and their drivers.
    """

    def __init__(self, settings: Settings, engines: Engines, /, **instead: object) -> None:
        """Take the engines as they are, and *instead* for ports of the same names."""
        self.settings = settings
        self.engines = engines
        for name, port in instead.items():
            _check_port(type(self), name)
            vars(self)[name] = port

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


def own_ports(settings: Settings, engines: Engines) -> Mapping[str, object]:
    """The ports that the settings name, each made by its factory; raises WiringError."""
    made = dict[str, object]()
    for pair in filter(None, settings.ports.split(",")):
        name, _, where = pair.partition("=")
        _check_port(Profile, name)
        factory = _factory(where)
        try:
            made[name] = factory(settings, engines)
        except Exception as error:
            raise WiringError(f"{where} made no {name}: {error}") from error
    return made


def _check_port(profile: type[Profile], name: str) -> None:
    if not isinstance(getattr(profile, name, None), cached_property):
        raise WiringError(f"no port has the name {name}")


def _factory(where: str) -> Callable[[Settings, Engines], object]:
    module, _, name = where.partition(":")
    try:
        found = getattr(import_module(module), name, None)
    except ImportError as error:
        raise WiringError(f"{where}: {error}; is it on PYTHONPATH?") from error
    if not callable(found):
        raise WiringError(f"{where}: {module} has no {name} to be called")
    return found  # type: ignore[no-any-return]  # what it makes is held against its port


def opened(settings: Settings) -> AbstractContextManager[RunningEngines]:
    """The engines of a profile that outlives this process."""
    if settings.profile == "local":
        from entrypoints.engines.local import LocalEngines

        return LocalEngines.opened(settings)
    if settings.profile == "aws":
        from entrypoints.engines.aws import AwsEngines

        return AwsEngines.opened(settings)
    raise WiringError("the memory profile forgets all at its end: run local or aws")
