"""The ports of a profile: the same stores and services over whichever engines it has."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from functools import cached_property
from importlib import import_module
from typing import TypeVar

from demand_adapters.item_table import ItemTable
from demand_core.domain.delivery import DeliveryPolicy
from demand_core.domain.event_details import LookUpPolicy
from demand_core.domain.links import SHORTENER, LinkPolicy
from demand_core.domain.planning import ReminderPolicy
from demand_core.domain.refreshing import EVENT_SOURCE, RefreshPolicy
from demand_core.errors import WiringError
from demand_core.ports.announcer import Announcer
from demand_core.ports.archive import Archive
from demand_core.ports.clock import Clock
from demand_core.ports.contact_guard import ContactGuard
from demand_core.ports.demand_ledger import DemandLedger
from demand_core.ports.entropy import Entropy
from demand_core.ports.erasure_book import ErasureBook
from demand_core.ports.event_cache import EventCache
from demand_core.ports.event_source import EventSource
from demand_core.ports.file_store import FileStore
from demand_core.ports.notification_store import NotificationStore
from demand_core.ports.opt_out_book import OptOutBook
from demand_core.ports.pace import Pace
from demand_core.ports.sales_calendar import SalesCalendar
from demand_core.ports.sms_sender import SmsSender
from demand_core.ports.url_shortener import UrlShortener
from demand_core.topology.channels import CHANGES
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
    def delivery(self) -> DeliveryPolicy:
        return self.settings.delivery

    @cached_property
    def reminders(self) -> ReminderPolicy:
        return self.settings.reminders

    @cached_property
    def look_ups(self) -> LookUpPolicy:
        return LookUpPolicy()

    @cached_property
    def refreshing(self) -> RefreshPolicy:
        return self.settings.refreshing

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
    def erasures(self) -> ErasureBook:
        from demand_adapters.stores.erasure_book import TableErasureBook

        keys = self.engines.contact_keys
        return TableErasureBook(table=self.table, clock=self.clock, keys=keys)

    @cached_property
    def archive(self) -> Archive:
        from demand_adapters.archive.delivery import FileArchive

        return FileArchive(
            files=self.files,
            clock=self.clock,
            key=self.engines.contact_keys[0],
            erasures=self.erasures,
            stream=CHANGES.name,
            system=self.settings.system,
        )

    @cached_property
    def sales(self) -> SalesCalendar:
        from demand_adapters.stores.sales_calendar import TableSalesCalendar

        return TableSalesCalendar(table=self.table, clock=self.clock)

    @cached_property
    def demands(self) -> DemandLedger:
        from demand_adapters.stores.demand_ledger import TableDemandLedger

        return TableDemandLedger(table=self.table, clock=self.clock)

    @cached_property
    def notifications(self) -> NotificationStore:
        from demand_adapters.stores.notifications import TableNotificationStore

        return TableNotificationStore(table=self.table, clock=self.clock)

    @cached_property
    def opt_outs(self) -> OptOutBook:
        from demand_adapters.stores.opt_outs import TableOptOutBook

        keys = self.engines.contact_keys
        return TableOptOutBook(table=self.table, clock=self.clock, keys=keys)

    @cached_property
    def guard(self) -> ContactGuard:
        from demand_adapters.stores.contact_guard import TableContactGuard

        keys = self.engines.contact_keys
        return TableContactGuard(table=self.table, clock=self.clock, keys=keys)

    @cached_property
    def event_source(self) -> EventSource:
        return self.around("event_source", self.engines.event_source)

    @cached_property
    def sms(self) -> SmsSender:
        return self.around("sms", self.engines.sms)

    @cached_property
    def pace(self) -> Pace:
        from demand_adapters.stores.pace import TablePace

        rates = {
            SHORTENER: self.settings.shortener_per_s,
            EVENT_SOURCE: self.settings.event_source_per_s,
            self.settings.sms_sender: self.settings.sms_per_s,
        }
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


@contextmanager
def beside(settings: Settings) -> Iterator[Profile]:
    """The ports of a profile for one command, while its workers may be running elsewhere."""
    if settings.profile == "local":
        from entrypoints.engines.local import LocalEngines

        with LocalEngines.beside(settings) as folder:
            yield Profile(settings, folder)
        return
    with opened(settings) as engines:
        yield Profile(settings, engines)


def opened(settings: Settings) -> AbstractContextManager[RunningEngines]:
    """The engines of a profile that outlives this process."""
    if settings.profile == "local":
        from entrypoints.engines.local import LocalEngines

        return LocalEngines.opened(settings)
    if settings.profile == "aws":
        from entrypoints.engines.aws import AwsEngines

        return AwsEngines.opened(settings)
    raise WiringError("the memory profile forgets all at its end: run local or aws")
