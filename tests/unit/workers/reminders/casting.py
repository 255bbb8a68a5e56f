"""A show with its sales as a source describes it, and fans who ask for them."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from attrs import evolve

from demand_adapters.memory.event_source import MemoryEventSource
from demand_adapters.testing.strategies import NOON, a_demand
from demand_adapters.wire.discovery import listing
from demand_core.domain.contacts import Email, Phone
from demand_core.domain.demands import Demand, DemandDates, DemandRef
from demand_core.domain.generation import GenerationOrder
from demand_core.domain.ids import DemandSaleId, EventId
from demand_core.domain.links import linked
from demand_core.domain.notifications import Channel, Notification
from demand_core.domain.refreshing import EventOrder, LookUpReason
from demand_core.domain.sales import Sale
from entrypoints.settings import Settings
from entrypoints.simulation.discovery_documents import Described, document
from tests.unit.workers.reminders.desk import Desk

MINUTE: Final = timedelta(minutes=1)
HOUR: Final = timedelta(hours=1)
OPENS: Final = NOON + HOUR
E1: Final = EventId("E1")
PUBLIC: Final = DemandSaleId("E1.public")
ANY: Final = DemandSaleId("E1.any")
BOTH: Final = (Channel.SMS, Channel.EMAIL)


def described(**differing: Any) -> Described:
    plain: dict[str, Any] = {
        "event_id": E1,
        "artist": "Gannet",
        "artist_id": "A1",
        "public": OPENS,
    }
    return Described(**plain | differing)


def a_wish(n: int = 0, **differing: Any) -> Demand:
    plain: dict[str, Any] = {
        "sale_id": PUBLIC,
        "phone_number": Phone(f"+1212{2_000_000 + n}"),
        "email": Email(f"f{n}@example.org"),
        "date": DemandDates(requested=NOON - HOUR),
    }
    return a_demand(n, **plain | differing)


class Cast(Desk):
    """A desk at noon; the source has one show whose public sale opens an hour later."""

    def __init__(
        self, *, settings: Settings | None = None, start: datetime = NOON, **differing: Any
    ) -> None:
        super().__init__(settings, start=start)
        self.describe(**differing)

    @property
    def source(self) -> MemoryEventSource:
        return self.engines.event_source

    def describe(self, **differing: Any) -> None:
        self.source.put(E1, document(described(**differing)))

    def know(
        self, *, link: bool = True, ago: timedelta = timedelta(0), **differing: Any
    ) -> None:
        """Somebody looked it up so long ago."""
        seen = self.clock.now() - ago
        found = listing(document(described(**differing)), seen, E1)
        event = (
            linked(found.event, found.event.url, "https://sho.rt/1") if link else found.event
        )
        self.ports.sales.relist(E1, found.sales, seen)
        self.ports.events.refresh([evolve(event, refresh_at=seen + 6 * HOUR)])
        if link:
            self.ports.events.link(E1, event.url, "https://sho.rt/1")

    def asked(self, *wishes: Demand) -> None:
        assert not self.ports.demands.ask(wishes)
        self.settle()

    def settle(self) -> None:
        """Let the indexes catch up; nobody looks at the clock meanwhile."""
        now = self.clock.now()
        self.engines.table.lag = timedelta(0)
        assert self.clock.now() == now

    def sale(self, sale_id: str = PUBLIC) -> Sale:
        return next(s for s in self.ports.sales.of_event(E1) if s.sale_id == sale_id)

    def made(self) -> Sequence[Notification]:
        fans = {demand.fan_id for demand in self.everybody()}
        return [row for fan in sorted(fans) for row in self.ports.notifications.of_fan(fan)]

    def everybody(self) -> Sequence[Demand]:
        shards = self.ports.demands.shards()
        refs = [
            ref
            for sale in (PUBLIC, ANY)
            for shard in shards
            for ref in self.asking(sale, shard)
        ]
        return [*self.ports.demands.get_many(refs).values()]

    def asking(self, sale_id: DemandSaleId, shard: str) -> Iterator[DemandRef]:
        page = self.ports.demands.asking(sale_id, shard, None, 500)
        yield from page.refs
        while page.after is not None:
            page = self.ports.demands.asking(sale_id, shard, page.after, 500)
            yield from page.refs


def an_order(start: datetime = OPENS, **differing: Any) -> GenerationOrder:
    sale = {"event_id": E1, "sale_id": PUBLIC, "start_at": start}
    return GenerationOrder(**{**sale, **differing})


def look_up(reason: LookUpReason = LookUpReason.DEMAND, event_id: str = E1) -> EventOrder:
    return EventOrder(event_id=EventId(event_id), reason=reason)
