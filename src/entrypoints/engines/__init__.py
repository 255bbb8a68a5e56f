"""What a profile is made of: three sets of engines, one file each."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Protocol

from demand_adapters.deliveries import QueueSource, StreamSource
from demand_adapters.item_table import ChangeFeed, ItemTable
from demand_adapters.outlet import Puts
from demand_adapters.shard_reader import Reading
from demand_core.domain.contacts import ContactKey
from demand_core.ports.announcer import Announcer
from demand_core.ports.clock import Clock
from demand_core.ports.entropy import Entropy
from demand_core.ports.event_source import EventSource
from demand_core.ports.file_store import FileStore
from demand_core.ports.sms_sender import SmsSender
from demand_core.ports.url_shortener import UrlShortener


class MessageQueue(QueueSource, Puts[bytes], Protocol):
    """A queue from both its ends."""


class RecordStream(StreamSource, Puts[tuple[str, bytes]], Protocol):
    """A stream from both its ends: payloads, each behind its partition."""


class Engines(Protocol):
    """What a profile is made of."""

    @property
    def clock(self) -> Clock:
        """The present."""
        ...

    @property
    def entropy(self) -> Entropy:
        """Chance."""
        ...

    @property
    def table(self) -> ItemTable:
        """Where items are kept."""
        ...

    @property
    def files(self) -> FileStore:
        """Where files are kept."""
        ...

    @property
    def announcer(self) -> Announcer:
        """People."""
        ...

    @property
    def shortener(self) -> UrlShortener:
        """Short links."""
        ...

    @property
    def event_source(self) -> EventSource:
        """Where events come from."""
        ...

    @property
    def sms(self) -> SmsSender:
        """Whoever brings texts to phones."""
        ...

    @property
    def contact_keys(self) -> Sequence[ContactKey]:
        """The secrets under which contacts are hashed, the one in force first."""
        ...


class RunningEngines(Engines, Protocol):
    """Engines that rows can be run on: with what wakes them."""

    @property
    def feed(self) -> ChangeFeed:
        """The table's changes."""
        ...

    def queue(self, name: str, *, visibility: timedelta, max_receive: int) -> MessageQueue:
        """The queue of that name, the same one at every call."""
        ...

    def stream(self, name: str) -> RecordStream:
        """The stream of that name, the same one at every call."""
        ...

    def records(self, name: str) -> StreamSource:
        """The stream of that name from where it is read; the table's changes are one."""
        ...

    def tidy(
        self,
        feed: Mapping[str, Reading],
        streams: Mapping[str, Mapping[str, Reading]],
    ) -> None:
        """Remove what has expired, and old records up to where their only readers came.

        Does nothing where the engines see to that themselves.
        """
        ...
