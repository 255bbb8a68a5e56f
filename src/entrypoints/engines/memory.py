"""Engines of a world that ends with its process."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

from attrs import field, frozen

from demand_adapters.change_stream import ChangeStream
from demand_adapters.memory.announcer import MemoryAnnouncer
from demand_adapters.memory.clock import MemoryClock
from demand_adapters.memory.email_service import MemoryEmailService
from demand_adapters.memory.entropy import MemoryEntropy
from demand_adapters.memory.event_source import MemoryEventSource
from demand_adapters.memory.file_store import MemoryFileStore
from demand_adapters.memory.item_table import MemoryItemTable
from demand_adapters.memory.queue import MemoryQueue
from demand_adapters.memory.sms_sender import MemorySmsSender
from demand_adapters.memory.stream import MemoryStream
from demand_adapters.memory.url_shortener import MemoryUrlShortener
from demand_adapters.shard_reader import Reading
from demand_core.domain.contacts import ContactKey
from demand_core.topology.channels import CHANGES

# Nobody outlives a world whom it could harm.
WORLD_KEY: Final = ContactKey("world", b"only-for-worlds!")


@frozen
class SeenChanges(ChangeStream):
    """The table's changes as a stream, for one who waits for the next."""

    feed: MemoryItemTable

    @property
    def sequence(self) -> int:
        """That of the newest change."""
        return self.feed.sequence

    def next_at(self, shard: str, after: int, /) -> datetime | None:
        """When the first change behind *after* was done, None when there is none yet."""
        return self.feed.next_at(shard, after)


@frozen(kw_only=True)
class MemoryEngines:
    """Everything in this process, to be looked at from outside."""

    clock: MemoryClock
    entropy: MemoryEntropy
    table: MemoryItemTable
    files: MemoryFileStore
    shortener: MemoryUrlShortener
    announcer: MemoryAnnouncer
    event_source: MemoryEventSource
    sms: MemorySmsSender
    emails: MemoryEmailService
    contact_keys: tuple[ContactKey, ...] = (WORLD_KEY,)
    queues: dict[str, MemoryQueue] = field(factory=dict)
    streams: dict[str, MemoryStream] = field(factory=dict)

    @property
    def feed(self) -> MemoryItemTable:
        """The table knows its changes."""
        return self.table

    def queue(self, name: str, *, visibility: timedelta, max_receive: int) -> MemoryQueue:
        """Made at the first call."""
        if name not in self.queues:
            self.queues[name] = MemoryQueue(
                self.clock, visibility=visibility, max_receive=max_receive, name=name
            )
        return self.queues[name]

    def stream(self, name: str) -> MemoryStream:
        """Made at the first call."""
        if name not in self.streams:
            self.streams[name] = MemoryStream(self.clock)
        return self.streams[name]

    def records(self, name: str) -> "MemoryStream | SeenChanges":
        """The same; the table's changes are read from where it keeps them."""
        return SeenChanges(self.table) if name == CHANGES.name else self.stream(name)

    def tidy(
        self,
        feed: Mapping[str, Reading],
        streams: Mapping[str, Mapping[str, Reading]],
    ) -> None:
        """Only what has expired: nobody waits for the memory of a world."""
        del feed, streams
        self.table.expire()

    @classmethod
    def new(cls, seed: int | str, start: datetime) -> "MemoryEngines":
        """Engines of one world: all chance in them comes from *seed*."""
        clock, entropy = MemoryClock(start), MemoryEntropy(seed)
        return cls(
            clock=clock,
            entropy=entropy,
            table=MemoryItemTable(clock, entropy.stream("table")),
            files=MemoryFileStore(),
            shortener=MemoryUrlShortener(clock),
            announcer=MemoryAnnouncer(),
            event_source=MemoryEventSource(clock),
            sms=MemorySmsSender(clock),
            emails=MemoryEmailService(clock),
        )
