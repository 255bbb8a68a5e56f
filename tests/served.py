"""The link shortener in memory, served, and the client that calls it over a real socket."""

from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from typing import Any, Final

from attrs import evolve, frozen

from demand_adapters.http.calls import Calls, Patience
from demand_adapters.http.url_shortener import HttpUrlShortener, bitly
from demand_adapters.memory.clock import MemoryClock
from demand_adapters.memory.url_shortener import MemoryUrlShortener
from demand_adapters.testing.strategies import NOON
from entrypoints.twins.serving import Asked, Said, Served, WireFault
from entrypoints.twins.shortener import ShortenerTwin

TOKEN: Final = "c4nary-t0ken"  # noqa: S105  # to be looked for
URL: Final = "https://www.ticketmaster.com/event/E1?brand=tm&locale=en-us"
# Enough for a call on this machine, and short for who waits in vain.
HURRY: Final = Patience(deadline=timedelta(milliseconds=400))
# For who wants to meet every fault of a wire, however many come one after the other.
RESTLESS: Final = evolve(HURRY, failures_max=1_000_000)


class NotingTwin(ShortenerTwin):
    """Keeps what it was asked."""

    def __init__(self, shortener: MemoryUrlShortener, clock: MemoryClock) -> None:
        super().__init__(shortener, clock, token=TOKEN)
        self.asked = list[Asked]()

    def answer(self, asked: Asked, /) -> Said:
        self.asked.append(asked)
        return super().answer(asked)


@frozen(kw_only=True)
class Desk:
    """Both ends of the wire."""

    clock: MemoryClock
    memory: MemoryUrlShortener
    served: Served
    calls: Calls
    shortener: HttpUrlShortener
    asked: list[Asked]
    slept: list[float]


@contextmanager
def desk(
    *plan: WireFault | Said | None,
    patience: Patience = HURRY,
    token: str = TOKEN,
    endless: Iterable[WireFault | None] = (),
    **memory: Any,
) -> Iterator[Desk]:
    """A twin that first does what *plan* says, then what *endless* does."""
    clock, slept = MemoryClock(NOON), list[float]()
    shortener = MemoryUrlShortener(clock, **memory)
    twin = NotingTwin(shortener, clock)
    with Served(twin, plan=[*plan] or endless, drip_s=0.1) as served:
        service = evolve(bitly(token, url=served.url, loopback=True), patience=patience)
        calls = Calls(service=service, clock=clock, sleep=slept.append)
        with closing(calls):
            yield Desk(
                clock=clock,
                memory=shortener,
                served=served,
                calls=calls,
                shortener=HttpUrlShortener(calls=calls, host="sho.rt"),
                asked=twin.asked,
                slept=slept,
            )
