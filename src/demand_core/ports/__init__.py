"""Everything we ask of the world, one Protocol a file, and the bundle of them all."""

from typing import Protocol

from demand_core.domain.links import LinkPolicy
from demand_core.ports.announcer import Announcer
from demand_core.ports.clock import Clock
from demand_core.ports.entropy import Entropy
from demand_core.ports.event_cache import EventCache
from demand_core.ports.file_store import FileStore
from demand_core.ports.pace import Pace
from demand_core.ports.url_shortener import UrlShortener

__all__ = ["Ports"]


class Ports(Protocol):
    """What a worker's fields are filled from, by name.

    A profile gives each of them as a cached property that imports inside, so that nothing is
    built before a worker asks for it.
    """

    @property
    def announcer(self) -> Announcer:
        """People."""
        ...

    @property
    def clock(self) -> Clock:
        """The present."""
        ...

    @property
    def entropy(self) -> Entropy:
        """Chance."""
        ...

    @property
    def events(self) -> EventCache:
        """Events as last understood."""
        ...

    @property
    def files(self) -> FileStore:
        """The bucket that quarantine and exports live in."""
        ...

    @property
    def pace(self) -> Pace:
        """The gates before remote services."""
        ...

    @property
    def shortener(self) -> UrlShortener:
        """Short links."""
        ...

    @property
    def links(self) -> LinkPolicy:
        """A policy, from the settings."""
        ...
