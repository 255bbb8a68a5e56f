"""Twins of remote services, behind a real socket: the table of those that can be served."""

from collections.abc import Callable, Mapping
from typing import Final

from demand_core.ports.clock import Clock
from entrypoints.twins.serving import Twin


def _shortener(clock: Clock, calls_per_s: int | None) -> Twin:
    from demand_adapters.memory.url_shortener import MemoryUrlShortener
    from entrypoints.twins.shortener import ShortenerTwin

    return ShortenerTwin(MemoryUrlShortener(clock, calls_per_s=calls_per_s), clock)


def _sms(clock: Clock, calls_per_s: int | None) -> Twin:
    from demand_adapters.memory.sms_sender import MemorySmsSender
    from entrypoints.twins.sms import SmsTwin

    return SmsTwin(MemorySmsSender(clock, calls_per_s=calls_per_s), clock)


def _discovery(clock: Clock, calls_per_s: int | None) -> Twin:
    from entrypoints.twins.discovery import DiscoveryTwin

    return DiscoveryTwin(clock, calls_per_s)


def _all(clock: Clock, calls_per_s: int | None) -> Twin:
    from entrypoints.twins.together import TogetherTwin

    return TogetherTwin(
        {
            "/v4/": _shortener(clock, calls_per_s),
            "/discovery/": _discovery(clock, calls_per_s),
            "/": _sms(clock, calls_per_s),
        }
    )


TWINS: Final[Mapping[str, Callable[[Clock, int | None], Twin]]] = {
    "shortener": _shortener,
    "sms": _sms,
    "discovery": _discovery,
    "all": _all,
}
