"""Messages that are due, with everything behind them: a sale, a show, wishes and a gateway."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from attrs import evolve

from demand_adapters.memory.sms_sender import MemorySmsSender
from demand_adapters.testing.strategies import NOON, a_demand, an_event
from demand_core.batch import Outcome
from demand_core.domain.contacts import Email, Phone
from demand_core.domain.delivery import Capability, Keyed
from demand_core.domain.ids import DemandSaleId, EventId
from demand_core.domain.links import linked
from demand_core.domain.notifications import Channel, DuePage, Notification
from demand_core.domain.planning import planned
from demand_core.domain.sales import ListedSale, public_sale
from demand_core.domain.segments import MUSIC
from demand_core.domain.statuses import Status
from demand_core.domain.venues import Venue
from entrypoints.settings import Settings
from tests.unit.workers.reminders.desk import Desk, batch

MINUTE: Final = timedelta(minutes=1)
SECOND: Final = timedelta(seconds=1)
OPENS: Final = NOON + 30 * MINUTE
E1: Final = EventId("E1")
URL: Final = "https://www.ticketmaster.com/event/E1"


def number(fan: int) -> str:
    return f"+1212{2_000_000 + fan}"


class Dispatch(Desk):
    """*fans* whose messages are due at noon, half an hour before the sale."""

    def __init__(
        self,
        fans: int = 1,
        *,
        capability: Capability | None = None,
        channels: tuple[Channel, ...] = (Channel.SMS,),
        settings: Settings | None = None,
        gateway: type[MemorySmsSender] = MemorySmsSender,
        **service: Any,
    ) -> None:
        super().__init__(settings)
        self.sms = gateway(self.clock, capability=capability or Keyed(), **service)
        vars(self.ports)["sms"] = self.sms
        show = linked(
            an_event(url=URL, segment=MUSIC, venue=Venue(name="The Breakwater", city="Troy")),
            URL,
            "https://sho.rt/1",
        )
        sale = public_sale(E1, ListedSale(start_at=OPENS))
        self.ports.events.refresh([show])
        self.ports.sales.relist(E1, [sale], NOON)
        demands = [
            a_demand(
                n,
                sale_id=DemandSaleId("E1.public"),
                channels=channels,
                phone_number=Phone(number(n)),
                email=Email(f"f{n}@example.org"),
            )
            for n in range(fans)
        ]
        self.ports.demands.ask(demands)
        policy = self.ports.reminders
        self.planned = [
            evolve(row, date=evolve(row.date, created=NOON))
            for demand in demands
            for row in planned(demand, show, sale, NOON, policy)
        ]
        self.ports.notifications.create(self.planned)

    def rows(self) -> Mapping[str, Notification]:
        found = self.ports.notifications.get_many([row.ref for row in self.planned])
        return {row.notification_id: row for row in found.values()}

    @property
    def row(self) -> Notification:
        (row,) = self.rows().values()
        return row

    def page(self) -> DuePage:
        return DuePage(tuple(row.ref for row in self.planned))

    def send(self, *pages: DuePage) -> Outcome:
        outcome = self.worker("send_notifications")(batch(*(pages or (self.page(),))))
        assert isinstance(outcome, Outcome)
        return outcome

    def amend(self, step: Callable[[Notification], Notification]) -> None:
        for row in self.planned:
            self.ports.notifications.amend(row.ref, step)

    def stand(self, **differing: Any) -> None:
        self.amend(lambda row: evolve(row, **differing))

    def later(self, by: timedelta) -> datetime:
        self.clock.advance(by)
        return self.clock.now()

    @property
    def told(self) -> int:
        return len(self.sms.history)

    @property
    def ends(self) -> list[Status]:
        return [row.status for row in self.rows().values()]
