"""Engines that keep everything in one folder of this machine."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path

from attrs import frozen

from demand_adapters.change_stream import ChangeStream
from demand_adapters.deliveries import StreamSource
from demand_adapters.item_table import ChangeFeed
from demand_adapters.local.clock import WallClock
from demand_adapters.local.contact_key import contact_key
from demand_adapters.local.database import Database, StateLock
from demand_adapters.local.entropy import SystemEntropy
from demand_adapters.local.file_store import FolderFileStore
from demand_adapters.local.item_table import LocalItemTable
from demand_adapters.local.queue import LocalQueue, show_all
from demand_adapters.local.stream import LocalStream
from demand_adapters.shard_reader import Reading
from demand_adapters.stores.announcer import FileAnnouncer
from demand_core.domain.contacts import ContactKey
from demand_core.ports.announcer import Announcer
from demand_core.ports.clock import Clock
from demand_core.ports.event_source import EventSource
from demand_core.ports.sms_sender import SmsSender
from demand_core.ports.url_shortener import UrlShortener
from demand_core.topology.channels import CHANGES
from entrypoints.engines.remote import Services, remote
from entrypoints.settings import Settings


@frozen(kw_only=True)
class LocalEngines:
    """Everything in one folder of this machine, which one process has at a time."""

    folder: Path
    clock: Clock
    entropy: SystemEntropy
    database: Database
    table: LocalItemTable
    files: FolderFileStore
    announcer: Announcer
    services: Services
    contact_keys: Sequence[ContactKey]

    @classmethod
    @contextmanager
    def opened(cls, settings: Settings, clock: Clock | None = None) -> Iterator["LocalEngines"]:
        """Take the folder, and show again what the process before was working on.

        Nobody else can be: the folder is ours.
        """
        clock, folder = clock or WallClock(), settings.state
        with closing(StateLock(folder)), cls.beside(settings, clock) as engines:
            show_all(engines.database, clock)
            yield engines

    @classmethod
    @contextmanager
    def beside(cls, settings: Settings, clock: Clock | None = None) -> Iterator["LocalEngines"]:
        """Look into the folder, and write into its table, whoever else works in it."""
        clock, folder = clock or WallClock(), settings.state
        with closing(Database(folder)) as database, remote(settings, clock) as services:
            files = FolderFileStore(folder / "files")
            yield cls(
                folder=folder,
                clock=clock,
                entropy=SystemEntropy(),
                database=database,
                table=LocalItemTable(database, clock),
                files=files,
                announcer=FileAnnouncer(files=files),
                services=services,
                contact_keys=[contact_key(folder)],
            )

    def __str__(self) -> str:
        """Where it is."""
        return f"local engines in {self.folder}"

    @property
    def shortener(self) -> UrlShortener:
        """Short links."""
        return self.services.shortener

    @property
    def event_source(self) -> EventSource:
        """Where events come from."""
        return self.services.event_source

    @property
    def sms(self) -> SmsSender:
        """Whoever brings texts to phones."""
        return self.services.sms

    @property
    def feed(self) -> ChangeFeed:
        """The table knows its changes."""
        return self.table

    def queue(self, name: str, *, visibility: timedelta, max_receive: int) -> LocalQueue:
        """All who open it share its messages."""
        return LocalQueue(
            self.database, self.clock, visibility=visibility, max_receive=max_receive, name=name
        )

    def stream(self, name: str) -> LocalStream:
        """All who open it share its records."""
        return LocalStream(self.database, self.clock, name=name)

    def records(self, name: str) -> StreamSource:
        """The same; the table's changes are read from where it keeps them."""
        return ChangeStream(self.feed) if name == CHANGES.name else self.stream(name)

    def tidy(
        self,
        feed: Mapping[str, Reading],
        streams: Mapping[str, Mapping[str, Reading]],
    ) -> None:
        """By small pieces, so that nobody waits long for the file."""
        while self.table.expire():
            pass
        while self.table.trim(min(_came_to(feed), _came_to(streams.get(CHANGES.name, feed)))):
            pass
        for name, read in streams.items():
            if name == CHANGES.name:
                continue
            stream = self.stream(name)
            for shard, reading in read.items():
                while stream.trim(shard, reading.checkpoint or 0):
                    pass


def _came_to(read: Mapping[str, Reading]) -> int:
    """How far a reader of the feed is, which has one shard here."""
    return max((reading.checkpoint or 0 for reading in read.values()), default=0)
