"""Everything we ask of the world, one Protocol a file, and the bundle of them all."""

from typing import Protocol

from demand_core.ports.announcer import Announcer
from demand_core.ports.clock import Clock
from demand_core.ports.entropy import Entropy
from demand_core.ports.event_source import EventSource
from demand_core.ports.policies import Policies
from demand_core.ports.records import Records
from demand_core.ports.sms_sender import SmsSender
from demand_core.ports.stores import Stores
from demand_core.ports.url_shortener import UrlShortener

__all__ = ["Ports"]


class Ports(Stores, Records, Policies, Protocol):
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
    def event_source(self) -> EventSource:
        """Where events come from."""
        ...

    @property
    def shortener(self) -> UrlShortener:
        """Short links."""
        ...

    @property
    def sms(self) -> SmsSender:
        """Whoever brings texts to phones."""
        ...
