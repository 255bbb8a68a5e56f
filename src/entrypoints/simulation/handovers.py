"""The send path alone: messages that are due, their sender, and what wakes and corrects it."""

from datetime import timedelta
from typing import Final

from attrs import evolve, field, frozen

from demand_adapters.memory.sms_sender import MemorySmsSender
from demand_adapters.testing.fault_plans import Call, NoFaults, Plan
from demand_core.domain.artists import Artist
from demand_core.domain.contacts import Phone
from demand_core.domain.delivery import Capability
from demand_core.domain.demands import Demand, DemandDates
from demand_core.domain.events import Event
from demand_core.domain.ids import DemandSaleId, EventId, FanId
from demand_core.domain.links import linked
from demand_core.domain.notifications import Channel
from demand_core.domain.planning import planned
from demand_core.domain.sales import ListedSale, public_sale
from demand_core.domain.segments import MUSIC
from demand_core.domain.venues import Venue
from demand_core.errors import WiringError
from demand_core.topology import TOPOLOGY
from entrypoints.engines.memory import MemoryEngines
from entrypoints.settings import Settings
from entrypoints.simulation.scenarios import an_event
from entrypoints.simulation.world import CALM, START, Weather, World

ROWS: Final = ("wake_due_notifications", "send_notifications", "track_sms_status")
STARTS: Final = START + timedelta(minutes=31)
LASTS: Final = timedelta(minutes=30)
E1: Final = EventId("E1")


def _show() -> Event:
    url = "https://www.ticketmaster.com/event/E1"
    bare = evolve(
        an_event(E1, url=url, at=START),
        artists=(Artist(artist_id="A1", name="Gannet"),),
        segment=MUSIC,
        venue=Venue(name="The Breakwater", city="Los Angeles"),
    )
    return linked(bare, url, "https://sho.rt/1")


def _wish(fan: int) -> Demand:
    return Demand(
        fan_id=FanId(f"F{fan}"),
        event_id=E1,
        sale_id=DemandSaleId(f"{E1}.public"),
        channels=(Channel.SMS,),
        phone_number=Phone(number(fan)),
        date=DemandDates(requested=START),
    )


@frozen(kw_only=True)
class HandOvers:
    """*fans* who are due a minute after the beginning."""

    capability: Capability
    fans: int = 3
    sour: frozenset[str] = field(factory=frozenset)
    gateway: type[MemorySmsSender] = MemorySmsSender
    # A report ends a doubt, so that without any the sender is on its own.
    reports: bool = False
    settings: Settings = field(factory=Settings)

    def play(self, plan: Plan | None = None, seed: int = 7, weather: Weather = CALM) -> World:
        """From before anything is due until nothing may go out any more."""
        world = self.world(plan, seed, weather)
        world.run_until(START + LASTS)
        return world

    def world(self, plan: Plan | None = None, seed: int = 7, weather: Weather = CALM) -> World:
        """Everybody asked, and every message was made."""
        engines = MemoryEngines.new(seed, START)
        sms = self.gateway(engines.clock, capability=self.capability, sour=self.sour)
        world = World(
            seed,
            weather=weather,
            plan=plan or NoFaults(),
            settings=self.settings,
            engines=evolve(engines, sms=sms),
            rows=[row for row in TOPOLOGY if row.name in ROWS],
        )
        if not self.reports:
            sms.on_accepted = None
        show, sale = _show(), public_sale(E1, ListedSale(start_at=STARTS))
        world.outside.sales.relist(E1, [sale], START)
        demands = [_wish(fan) for fan in range(self.fans)]
        policy = world.settings.reminders
        rows = [row for d in demands for row in planned(d, show, sale, START, policy)]
        lost = (
            world.outside.events.refresh([show]),
            world.outside.demands.ask(demands),
            world.outside.notifications.create(rows),
        )
        if any(lost):
            raise WiringError("somebody outside lost a write, and nothing was set against them")
        return world

    def calls(self) -> list[Call]:
        """Every call that the sender makes when nothing goes wrong."""
        noting = _Noting()
        self.play(noting)
        return [call for call in noting.calls if call.row == "send_notifications"]


@frozen
class _Noting:
    calls: list[Call] = field(factory=list)

    def after(self, number: int) -> float:
        return number + 1

    def fault(self, call: Call, now: object) -> None:
        del now
        self.calls.append(call)


def number(fan: int) -> str:
    return f"+1212{2_000_000 + fan}"
