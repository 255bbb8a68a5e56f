"""The simulation is tested too: planted mistakes must be noticed, the real code must not."""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from itertools import count
from random import Random

import pytest

from demand_adapters.stores.event_cache import TableEventCache
from demand_adapters.testing.fault_plans import Swarm
from demand_adapters.wire.item_keys import event_key
from demand_core.batch import Outcome, Record
from demand_core.domain.alerts import Alert
from demand_core.domain.events import Event
from demand_core.domain.ids import EventId
from demand_core.domain.links import LinkPolicy, LinkRequest, LinkState, link_state
from demand_core.errors import Transient
from demand_core.workers.reminders.shorten_event_urls import ShortenEventUrls
from entrypoints.simulation import laws, stories
from entrypoints.simulation.scenarios import ShortLinks
from entrypoints.simulation.world import START, WEATHERS, World
from entrypoints.wiring import assemble

Plant = Callable[[World], None]
SMALL = ShortLinks(events=6)


class SwallowsFaults(ShortenEventUrls):
    """Calls a batch done that its store could not serve."""

    def __call__(self, batch: Sequence[Record[LinkRequest]]) -> Outcome:
        try:
            return super().__call__(batch)
        except Transient:
            return Outcome()


class TellsOnce(ShortenEventUrls):
    """Believes that whoever gave an event up has also told people."""

    def _settle(self, known: object, request: LinkRequest) -> str | None:
        event = self.events.get_many([request.event_id]).get(request.event_id)
        if event and link_state(event) is LinkState.FAILED:
            return "link_failed"
        return super()._settle(known, request)  # type: ignore[arg-type]


class CallsAgain(ShortenEventUrls):
    """Does not look whether there is a link already."""

    def _settle(self, known: object, request: LinkRequest) -> str | None:
        event = self.events.get_many([request.event_id]).get(request.event_id)
        return self._call(event) if event else "event_unknown"


class ForgetsLinks(TableEventCache):
    """Writes what was looked up over what is there."""

    def refresh(self, events: Sequence[Event], /) -> Sequence[EventId]:
        for event in events:
            self._rows.amend(event_key(event.event_id), _always(event))
        return []


class MixesUrls(TableEventCache):
    """Takes the link for whatever url the event has by now."""

    def link(self, event_id: EventId, url: str, short_url: str, /) -> Event | None:
        now = self.get_many([event_id]).get(event_id)
        return super().link(event_id, now.url if now else url, short_url)


class CountsTwice(TableEventCache):
    """Adds two calls for each that failed."""

    def link_failed(
        self, event_id: EventId, url: str, at: datetime, calls_max: int, /
    ) -> Event | None:
        super().link_failed(event_id, url, at, calls_max)
        return super().link_failed(event_id, url, at, calls_max)


class Mute:
    """Tells nobody."""

    def announce(self, alert: Alert, /) -> None:
        """Keep it."""


class Fickle:
    """Answers another link at every call."""

    def __init__(self, world: World) -> None:
        self._real = world.ports.shortener
        self._count = count()

    def shorten(self, url: str, /) -> str:
        """Not what the contract says."""
        return f"{self._real.shorten(url)}{next(self._count)}"


def _always(event: Event) -> Callable[[Event | None], Event]:
    return lambda _: event


def _worker(kind: type[ShortenEventUrls]) -> Plant:
    def plant(world: World) -> None:
        ports, policy = world.ports, world.ports.links
        world.works["shorten_event_urls"] = kind(
            clock=ports.clock,
            events=ports.events,
            shortener=ports.shortener,
            pace=ports.pace,
            announcer=ports.announcer,
            links=policy,
        )

    return plant


def _events(kind: type[TableEventCache]) -> Plant:
    def plant(world: World) -> None:
        for ports in (world.ports, world.outside):
            vars(ports)["events"] = kind(table=ports.table, clock=ports.clock)

    return plant


def _impatient(world: World) -> None:
    vars(world.ports)["links"] = LinkPolicy(calls_max=1)


def _mute(world: World) -> None:
    vars(world.ports)["announcer"] = Mute()


def _fickle(world: World) -> None:
    vars(world.ports)["shortener"] = Fickle(world)


PLANTED: dict[str, Plant] = {
    "swallows faults": _worker(SwallowsFaults),
    "tells once": _worker(TellsOnce),
    "calls again": _worker(CallsAgain),
    "forgets links": _events(ForgetsLinks),
    "mixes urls": _events(MixesUrls),
    "counts twice": _events(CountsTwice),
    "gives up at once": _impatient,
    "tells nobody": _mute,
    "believes a fickle shortener": _fickle,
}


def _complaints(plant: Plant) -> Iterator[str]:
    """What the goal, the laws and rough worlds have to say, the cheap ones first."""
    story = stories.Story("planted", SMALL, before=plant)
    try:
        yield from _differences(story, story.play())
        for law in (laws.at_once, laws.own_echo, laws.one_fault):
            yield from law(story).broken
    except AssertionError as missed:
        yield str(missed)
    for seed in range(30):
        weather = WEATHERS["harsh"]
        plan = Swarm(Random(seed), weather.fault_rate, START + SMALL.lasts * 2 / 3)
        yield from _differences(story, story.play(plan, weather=weather))


def _differences(story: stories.Story, world: World) -> Iterator[str]:
    observed = story.scenario.observed(world)
    for name, expected in story.scenario.expected(world.weather).items():
        if observed[name] != expected:
            yield f"{name}: {observed[name]} and not {expected}"


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_mistake_is_noticed(name: str) -> None:
    assert next(_complaints(PLANTED[name]), None) is not None


def test_nothing_is_said_against_the_real_workers() -> None:
    def plant(world: World) -> None:
        for row in world.rows.values():
            world.works[row.name] = assemble(row, world.ports, world.outlet)

    assert list(_complaints(plant)) == []
