"""The source of events, served, and the client that looks events up over a real socket."""

import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from typing import Final
from urllib.parse import unquote

from attrs import evolve, frozen

from demand_adapters.http.calls import Calls, Patience
from demand_adapters.http.event_source import PATH, HttpEventSource, discovery
from demand_adapters.memory.clock import MemoryClock
from demand_adapters.testing.event_source import SourceAtHand
from demand_adapters.testing.strategies import NOON
from demand_core.domain.ids import EventId
from demand_core.ports.event_source import EventSource
from entrypoints.twins.discovery import SUFFIX, DiscoveryTwin
from entrypoints.twins.serving import Asked, Said, Served, WireFault

KEY: Final = "c4nary-k3y"


def nothing() -> None:
    """What happens during most calls."""


class StockedTwin(DiscoveryTwin):
    """Keeps what it was asked, and has answers of its own for some ids."""

    def __init__(self, clock: MemoryClock, calls_per_s: int | None = None) -> None:
        super().__init__(clock, calls_per_s)
        self.asked = list[Asked]()
        self.documents = dict[EventId, bytes]()
        self.is_down = False
        self.during: Callable[[], object] = nothing

    def answer(self, asked: Asked, /) -> Said:
        self.asked.append(asked)
        self.during()
        if self.is_down:
            return self.complaint(503)
        said = super().answer(asked)
        path, _, _ = asked.path.partition("?")
        event_id = EventId(unquote(path.removeprefix(PATH).removesuffix(SUFFIX)))
        if said.status in {200, 404} and event_id in self.documents:
            return Said(200, self.documents[event_id])
        return said


@frozen(kw_only=True)
class SourceDesk:
    """Both ends of the wire."""

    clock: MemoryClock
    twin: StockedTwin
    served: Served
    calls: Calls
    source: HttpEventSource
    slept: list[float]

    def hand(self, source: EventSource | None = None) -> SourceAtHand:
        """What contracts are tried on: this source, or another that asks it."""

        def down(*, is_down: bool) -> None:
            self.twin.is_down = is_down

        return SourceAtHand(
            source=source or self.source,
            clock=self.clock,
            pass_time=self.clock.advance,
            put=self.twin.documents.__setitem__,
            goes_down=lambda: down(is_down=True),
            comes_back=lambda: down(is_down=False),
        )


@contextmanager
def source_desk(
    *plan: WireFault | Said | None,
    deadline: timedelta | None = None,
    patience: Patience | None = None,
    key: str = KEY,
    calls_per_s: int | None = None,
    monotonic: Callable[[], float] = time.monotonic,
) -> Iterator[SourceDesk]:
    """A twin that first does what *plan* says."""
    clock, slept = MemoryClock(NOON), list[float]()
    twin = StockedTwin(clock, calls_per_s)
    with Served(twin, plan=plan, drip_s=0.1) as served:
        service = discovery(url=served.url, loopback=True)
        usual = patience or service.patience
        service = evolve(service, patience=evolve(usual, deadline=deadline or usual.deadline))
        calls = Calls(service=service, clock=clock, sleep=slept.append, monotonic=monotonic)
        with closing(calls):
            yield SourceDesk(
                clock=clock,
                twin=twin,
                served=served,
                calls=calls,
                source=HttpEventSource(calls=calls, key=key),
                slept=slept,
            )
