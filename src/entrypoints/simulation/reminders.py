"""Stories of reminders: fans who asked, sales that open, a gateway with its own history."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from functools import cached_property, partial
from math import ceil
from typing import Final

from attrs import evolve, frozen

from demand_adapters.memory.sms_sender import MemorySmsSender
from demand_adapters.testing.fault_plans import Plan
from demand_adapters.wire.discovery import listing
from demand_core.domain.contacts import Email, Phone, contact_hash
from demand_core.domain.delivery import Silent
from demand_core.domain.demands import Demand, DemandDates
from demand_core.domain.ids import DemandSaleId, EventId, FanId
from demand_core.domain.listings import Listing
from demand_core.domain.notifications import Channel
from demand_core.errors import WiringError
from demand_core.topology.reminders import ROWS
from demand_core.topology.shapes import Worker
from entrypoints.engines.memory import WORLD_KEY, MemoryEngines
from entrypoints.settings import Settings
from entrypoints.simulation import checkers, texting
from entrypoints.simulation.discovery_documents import Described, document
from entrypoints.simulation.world import START, Weather, World

MINUTE: Final = timedelta(minutes=1)
# So many wishes are stored at once: fans come in crowds.
CROWD: Final = 1000


@frozen(kw_only=True)
class Show:
    """An event as its source has it, and how long after the beginning its sales open."""

    event_id: EventId
    artist: str
    artist_id: str = "K8vZ9170001"
    public: timedelta | None = None
    presales: tuple[tuple[str, timedelta], ...] = ()

    @property
    def document(self) -> bytes:
        """What the source answers."""
        return document(
            Described(
                event_id=self.event_id,
                artist=self.artist,
                artist_id=self.artist_id,
                public=START + self.public if self.public is not None else None,
                presales=[(name, START + opens) for name, opens in self.presales],
            )
        )


@frozen(kw_only=True)
class Crowd:
    """Fans who ask for one sale of a show: *sale* is its name, none for the public one."""

    show: Show
    fans: int
    sale: str | None = None
    any_sale: bool = False
    channels: tuple[Channel, ...] = (Channel.SMS,)
    # How long after the beginning they ask; before it, they had asked when it began.
    asks: timedelta | None = None
    bad: int = 0


@frozen(kw_only=True)
class Reminders:
    """Crowds ask, sales open, and everybody is told once."""

    shows: tuple[Show, ...]
    crowds: tuple[Crowd, ...]
    goal: Mapping[str, int]
    lasts: timedelta = timedelta(minutes=100)
    # Ten minutes before the last of these sales is too near.
    calm_after: timedelta = timedelta(minutes=48)
    suppressed_artists: str = ""
    # The part of all that must be delivered whatever goes wrong, unless nobody can learn of it.
    least: float = 0.0
    # Numbers that the gateway never manages.
    sour: frozenset[str] = frozenset()
    # Rows that are not part of the story.
    idle: frozenset[str] = frozenset()
    # Rows of others that look on.
    beside: tuple[Worker, ...] = ()

    def world(self, seed: int, weather: Weather, plan: Plan, settings: Settings) -> World:
        """Everybody who had asked before has, and the source knows its events."""
        engines = MemoryEngines.new(seed, START)
        sms = MemorySmsSender(
            engines.clock,
            capability=settings.capability,
            bad_numbers=frozenset(self._bad_numbers()),
            sour=self.sour,
        )
        world = World(
            seed,
            weather=weather,
            plan=plan,
            settings=evolve(
                settings,
                suppressed_artists=self.suppressed_artists or settings.suppressed_artists,
            ),
            engines=evolve(engines, sms=sms),
            watched=checkers.WITNESSED,
            rows=[row for row in (*ROWS, *self.beside) if row.name not in self.idle],
        )
        for show in self.shows:
            world.engines.event_source.put(show.event_id, show.document)
        asking = [(crowd, self._demands(crowd)) for crowd in self.crowds]
        known = [crowd.show for crowd, _ in asking if crowd.asks is None]
        for show in dict.fromkeys(known):
            _know(world, self.listings[show.event_id])
        for crowd, demands in asking:
            for start in range(0, len(demands), CROWD):
                some = demands[start : start + CROWD]
                if crowd.asks is None:
                    _ask(world, some)
                else:
                    world.at(START + crowd.asks, partial(_ask, world, some))
        return world

    @cached_property
    def listings(self) -> Mapping[str, Listing]:
        """What the source says of each show, as our own parser reads it."""
        seen = START - timedelta(hours=6)
        return {show.event_id: listing(show.document, seen) for show in self.shows}

    def expected(self, weather: Weather) -> Mapping[str, int]:
        """Nobody is told twice or too late, and no belief is wrong, whatever goes wrong."""
        always = {
            "total": self.goal["total"],
            "duplicates": 0,
            "too_late": 0,
            "unsettled": 0,
            "false_beliefs": 0,
            "unexplained": 0,
            "hurried": 0,
            "too_few": 0,
            "bad_retried": 0,
            "dead_letters": 0,
            "left_over": 0,
        }
        return always if weather.fault_rate else {**always, "underway": 0, **self.goal}

    def observed(self, world: World) -> Mapping[str, int]:
        """Counted from the outside's histories, and from the ledger where it is its own."""
        bad = set(self._bad_numbers())
        asked = Counter(
            text.reference
            for text in world.engines.sms.calls
            if text.answer == "invalid_number"
        )
        counts = dict(texting.counts(world))
        silent = isinstance(world.settings.capability, Silent)
        least = 0 if silent else ceil(self.least * counts["total"])
        return {
            **counts,
            "duplicates": len(texting.duplicates(world)),
            "too_late": len(texting.too_late(world)),
            "unsettled": len(texting.unsettled(world)),
            "false_beliefs": len(texting.false_beliefs(world)),
            "unexplained": len(texting.unexplained(world)),
            "hurried": len(texting.hurried(world)),
            "too_few": max(0, least - counts["delivered"]),
            "bad_numbers": len(bad),
            "bad_retried": 0 if world.weather.fault_rate else sum(asked.values()) - len(asked),
            "discovery_fetches": len(world.engines.event_source.calls),
            "links": len(world.engines.shortener.history),
            **dict(texting.spare(world)),
            "dead_letters": len(checkers.dead_letters(world)),
            "left_over": len(checkers.left_over(world)),
        }

    def subjects(self) -> Mapping[str, str]:
        """A fan is named by his id, his key, his number and its hash."""
        return {
            text: f"F{number:06d}"
            for number in range(sum(crowd.fans for crowd in self.crowds))
            for text in (
                f"F{number:06d}",
                f"fan:F{number:06d}",
                _number(number),
                f"contact:{contact_hash(Phone(_number(number)), WORLD_KEY)}",
            )
        }

    def wishes(self) -> Iterator[Demand]:
        """All that is ever asked for."""
        for crowd in self.crowds:
            yield from self._demands(crowd)

    def _demands(self, crowd: Crowd) -> Sequence[Demand]:
        first = 0
        for before in self.crowds:
            if before is crowd:
                break
            first += before.fans
        found, event_id = self.listings[crowd.show.event_id], crowd.show.event_id
        named = {sale.name: sale.sale_id for sale in found.sales}
        public = f"{event_id}.public"
        sale_id = f"{event_id}.any" if crowd.any_sale else named.get(crowd.sale or "", public)
        asked = START + (crowd.asks or -timedelta(hours=1))
        return [
            Demand(
                fan_id=FanId(f"F{number:06d}"),
                event_id=event_id,
                sale_id=DemandSaleId(sale_id),
                channels=crowd.channels,
                phone_number=Phone(_number(number)),
                email=Email(f"f{number:06d}@example.org"),
                date=DemandDates(requested=asked),
            )
            for number in range(first, first + crowd.fans)
        ]

    def _bad_numbers(self) -> Iterator[str]:
        first = 0
        for crowd in self.crowds:
            yield from (_number(first + n * crowd.fans // crowd.bad) for n in range(crowd.bad))
            first += crowd.fans


def _number(number: int) -> str:
    return f"+1212{2_000_000 + number}"


def _know(world: World, found: Listing) -> None:
    """The event was looked up some hours ago, because somebody had asked."""
    outside, event_id = world.outside, found.event.event_id
    outside.sales.relist(event_id, found.sales, found.event.cached_at)
    event = evolve(found.event, refresh_at=START + timedelta(hours=6))
    if outside.events.refresh([event]) or outside.events.wanted(event_id) is None:
        raise WiringError("somebody outside lost a write, and nothing was set against them")


def _ask(world: World, demands: Sequence[Demand]) -> None:
    if world.outside.demands.ask(demands):
        raise WiringError("somebody outside lost a write, and nothing was set against them")


TIDE: Final = Show(
    event_id=EventId("vvG1IZ9YbnT3qA"),
    artist="Lanterns at Low Tide",
    public=timedelta(hours=1),
)


def bulk(scale: float) -> Reminders:
    """Everybody wants to be told of one sale; of a hundred numbers one does not exist."""
    fans = max(1, round(50_000 * scale))
    bad = fans // 100
    return Reminders(
        shows=(TIDE,),
        crowds=(Crowd(show=TIDE, fans=fans, bad=bad),),
        least=0.98,
        # One look-up for all these fans, and not those that keep an event fresh.
        idle=frozenset({"refresh_events"}),
        goal={
            "total": fans,
            "delivered": fans - bad,
            "failed": bad,
            "expired": 0,
            "unknown": 0,
            "skipped": 0,
            "discovery_fetches": 1,
        },
    )


def verified_fan(scale: float) -> Reminders:
    """One presale for Verified Fans; who asks on the day is told too."""
    name = "Ticketmaster Verified Fan® Presale"
    show = Show(
        event_id=EventId("vvG1IZ9YbnVF01"),
        artist="Gannet",
        public=timedelta(hours=72),
        presales=((name, timedelta(hours=1)),),
    )
    early, late = max(1, round(8 * scale)), max(1, round(2 * scale))
    return Reminders(
        shows=(show,),
        crowds=(
            Crowd(show=show, fans=early, sale=name),
            Crowd(show=show, fans=late, sale=name, asks=timedelta(minutes=40)),
        ),
        goal={"total": early + late, "delivered": early + late, "failed": 0, "skipped": 0},
    )


def two_channels(scale: float) -> Reminders:
    """A public sale, and fans who want both a text and an e-mail."""
    fans = max(1, round(5 * scale))
    return Reminders(
        shows=(TIDE,),
        crowds=(Crowd(show=TIDE, fans=fans, channels=(Channel.SMS, Channel.EMAIL)),),
        goal={"total": 2 * fans, "delivered": 2 * fans, "failed": 0, "skipped": 0},
    )


def bad_number(scale: float) -> Reminders:
    """One number does not exist: it is tried once."""
    fans = max(1, round(5 * scale))
    return Reminders(
        shows=(TIDE,),
        crowds=(Crowd(show=TIDE, fans=fans, bad=1),),
        goal={"total": fans, "delivered": fans - 1, "failed": 1, "bad_retried": 0},
    )


def suppressed_artist(scale: float) -> Reminders:
    """Of one artist nobody is told; fans of the other are."""
    quiet = Show(
        event_id=EventId("vvG1IZ9YbnSA02"),
        artist="Hush",
        artist_id="K8vZ917Hush",
        public=timedelta(hours=1),
    )
    fans = max(1, round(5 * scale))
    return Reminders(
        shows=(quiet, TIDE),
        crowds=(Crowd(show=quiet, fans=fans), Crowd(show=TIDE, fans=fans)),
        suppressed_artists=quiet.artist_id,
        goal={"total": fans, "delivered": fans, "failed": 0, "skipped": 0},
    )
