"""Twins of remote services, behind a real socket: the table of those that can be served."""

from collections.abc import Callable, Mapping
from typing import Final

from demand_core.ports.clock import Clock
from entrypoints.twins.serving import Twin


def _shortener(clock: Clock, calls_per_s: int | None) -> Twin:
    from demand_adapters.memory.url_shortener import MemoryUrlShortener
    from entrypoints.twins.shortener import ShortenerTwin

    return ShortenerTwin(MemoryUrlShortener(clock, calls_per_s=calls_per_s), clock)


TWINS: Final[Mapping[str, Callable[[Clock, int | None], Twin]]] = {"shortener": _shortener}
