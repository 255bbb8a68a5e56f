"""Scenarios as data: who does what when, and what must have come of it."""

import gc
import hashlib
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import partial
from random import Random
from typing import Any, Final, Protocol

import attrs
from attrs import evolve, frozen

from demand_adapters.memory.entropy import MemoryEntropy
from demand_adapters.memory.url_shortener import MemoryUrlShortener
from demand_adapters.testing.fault_plans import NoFaults, Plan, Swarm
from demand_core.domain.events import Event
from demand_core.domain.ids import EventId
from demand_core.errors import WiringError
from demand_core.topology import TOPOLOGY
from entrypoints.engines.memory import MemoryEngines
from entrypoints.settings import Settings
from entrypoints.simulation import (
    archiving,
    checkers,
    days,
    forgetting,
    lags,
    lookups,
    reminders,
)
from entrypoints.simulation.world import START, WEATHERS, Weather, World

# Events come in bursts, as tours are announced: so rows are given batches, not single ones.
BURSTS: Final = (0.1, 0.35, 0.4, 0.6, 0.9)


@frozen
class Fate:
    """An event is cached once more: how much later, and with which of its urls."""

    after: float
    turn: int


DEFAULTS: Final = Settings()
# All other rows would only look on.
LINK_ROWS: Final = ("queue_short_urls", "shorten_event_urls")
SOUR_EVERY: Final = 60
# Looked up again, moved for good, or corrected before its first link is there.
FATES: Final = (None, Fate(0.1, 0), Fate(0.2, 1), Fate(0.0003, 1), Fate(0.2, 0), None)


@frozen
class Act:
    """Somebody outside looks an event up, so long after the beginning, and caches it."""

    after: timedelta
    number: int
    url: str

    def event(self, start: datetime) -> Event:
        """What is cached."""
        return an_event(_event_id(self.number), url=self.url, at=start + self.after)


class Scenario(Protocol):
    """A story: its people act while the world runs, and its goal is a set of counts."""

    @property
    def lasts(self) -> timedelta:
        """The virtual time it takes."""
        ...

    @property
    def calm_after(self) -> timedelta:
        """When faults end, so that all that they left behind can be settled in time."""
        ...

    def world(self, seed: int, weather: Weather, plan: Plan, settings: Settings) -> World:
        """The world in which it happens, with everything arranged that people will do."""
        ...

    def expected(self, weather: Weather) -> Mapping[str, int]:
        """What must have come of it."""
        ...

    def observed(self, world: World) -> Mapping[str, int]:
        """What came of it, and what is worth knowing beside."""
        ...

    def subjects(self) -> Mapping[str, str]:
        """Texts that stand in calls, each with whom it is about: so laws tell records apart."""
        ...


@frozen(kw_only=True)
class ShortLinks:
    """Events are cached, cached again, and some get another url: each ends with its link.

    For one url in sixty the shortener never works; such an event is given up after three calls.
    """

    events: int = 1200
    lasts: timedelta = timedelta(hours=2)

    @property
    def calm_after(self) -> timedelta:
        """After two thirds of the time."""
        return self.lasts * 2 / 3

    @property
    def sour(self) -> int:
        """How many events have a url that the shortener chokes on."""
        return -(-self.events // SOUR_EVERY)

    def sour_urls(self) -> frozenset[str]:
        """What the shortener chokes on."""
        return frozenset(_url(number, 0) for number in range(0, self.events, SOUR_EVERY))

    def world(self, seed: int, weather: Weather, plan: Plan, settings: Settings) -> World:
        """Arrange what people do, and a service that is in reach of our own gate."""
        engines = MemoryEngines.new(seed, START)
        shortener = MemoryUrlShortener(
            engines.clock,
            # What our own gate may let through in any second: its rate, and one batch.
            calls_per_s=settings.shortener_per_s + 10,
            sour=self.sour_urls(),
        )
        world = World(
            seed,
            weather=weather,
            plan=plan,
            settings=settings,
            engines=evolve(engines, shortener=shortener),
            watched=checkers.WITNESSED,
            rows=[row for row in TOPOLOGY if row.name in LINK_ROWS],
        )
        for act in self.acts(engines.entropy.stream("cast")):
            world.at(START + act.after, partial(_cached, world, act.event(START)))
        return world

    def acts(self, chance: Random) -> Iterator["Act"]:
        """Events are cached over a quarter of the time, and some again until the half."""
        for number in range(self.events):
            first = self.lasts / 4 * chance.choice(BURSTS)
            yield Act(first, number, _url(number, 0))
            then = FATES[number % len(FATES)]
            if then:
                yield Act(first + self.lasts * then.after, number, _url(number, then.turn))

    def expected(self, weather: Weather) -> Mapping[str, int]:
        """Whatever goes wrong, every event is settled, and people know of the failures."""
        always = {
            "events": self.events,
            "settled": self.events,
            "unsettled": 0,
            "changed_links": 0,
            "wrong_links": 0,
            "late_calls": 0,
            "unexplained_failures": 0,
            "unannounced_failures": 0,
            "dead_letters": 0,
            "left_over": 0,
        }
        if weather.fault_rate:
            return always
        return {
            **always,
            "linked": self.events - self.sour,
            "failed": self.sour,
            "throttled": 0,
        }

    def observed(self, world: World) -> Mapping[str, int]:
        """Counted from the table's feed and the services' own histories."""
        events = checkers.events(world).values()
        answers = [call.answer for call in world.engines.shortener.history]
        linked = sum(map(checkers.is_linked, events))
        failed = sum("linkFailedAt" in event for event in events)
        return {
            "events": len(events),
            "settled": linked + failed,
            "unsettled": len(checkers.unsettled_events(world)),
            "changed_links": len(checkers.changed_links(world)),
            "wrong_links": len(checkers.wrong_links(world)),
            "late_calls": len(checkers.late_calls(world)),
            "unexplained_failures": len(checkers.unexplained_failures(world)),
            "unannounced_failures": len(checkers.unannounced_failures(world)),
            "dead_letters": len(checkers.dead_letters(world)),
            "left_over": len(checkers.left_over(world)),
            "linked": linked,
            "failed": failed,
            "throttled": answers.count("throttled"),
            "shortener_calls": len(answers),
            "alerts": len(world.engines.announcer.told),
        }

    def subjects(self) -> Mapping[str, str]:
        """An event is named by its id, its key or either of its urls."""
        return {
            text: _event_id(n)
            for n in range(self.events)
            for text in (_event_id(n), f"event:{_event_id(n)}", _url(n, 0), _url(n, 1))
        }


def _event_id(number: int) -> str:
    return f"E{number:06d}"


def _url(number: int, turn: int) -> str:
    return f"https://tickets.example/event/{number:06d}" + ("" if turn == 0 else f"-{turn}")


def an_event(event_id: str, *, url: str, at: datetime) -> Event:
    """A show as somebody outside might look it up."""
    return Event(
        event_id=EventId(event_id),
        name=f"The Example Band, show {event_id}",
        url=url,
        brand="ticketmaster",
        country="US",
        storefront="TM_US",
        locale="en-us",
        status="offsale",
        time_zone="America/New_York",
        cached_at=at,
        refresh_at=at + timedelta(hours=12),
    )


def _cached(world: World, event: Event) -> None:
    unstored = world.outside.events.refresh([event])
    if unstored:
        raise WiringError("somebody outside lost a write, and nothing was set against them")


SCENARIOS: Final[Mapping[str, Callable[[float], Scenario]]] = {
    "verified-fan": reminders.verified_fan,
    "two-channels": reminders.two_channels,
    "bad-number": reminders.bad_number,
    "suppressed-artist": reminders.suppressed_artist,
    "bulk": reminders.bulk,
    "day": days.day,
    "look-up": lookups.look_up,
    "surge": archiving.surge,
    "deletion-audit": archiving.deletion_audit,
    "bad-records": archiving.bad_records,
    "notification-lag": lags.notification_lag,
    "forgotten": forgetting.forgotten,
    "short-links": lambda scale: ShortLinks(events=max(1, round(1200 * scale))),
}


@frozen(kw_only=True)
class Report:
    """What a run printed: all but `wall_s` follows from the scenario and the seed."""

    scenario: str
    seed: int
    scale: float
    expected: Mapping[str, int]
    observed: Mapping[str, int]
    ok: bool
    virtual_s: int
    wall_s: float
    port_calls: int
    faults: Mapping[str, int]
    workers: Mapping[str, Mapping[str, Any]]
    digest: str

    @property
    def differences(self) -> list[str]:
        """The counts that are not what they must be."""
        return list(missed(self.expected, self.observed))


def missed(
    expected: Mapping[str, int], observed: Mapping[str, int]
) -> Mapping[str, tuple[int, int | None]]:
    """The counts that are not what they must be: wanted and found."""
    found = {name: (wanted, observed.get(name)) for name, wanted in expected.items()}
    return {name: pair for name, pair in found.items() if pair[0] != pair[1]}


def play(
    name: str,
    *,
    seed: int = 7,
    scale: float = 1.0,
    faults: str = "none",
    settings: Settings = DEFAULTS,
) -> Report:
    """Run one scenario from its beginning to its end."""
    if name not in SCENARIOS or faults not in WEATHERS:
        raise WiringError(f"no scenario {name!r} with faults {faults!r}")
    scenario, weather = SCENARIOS[name](scale), WEATHERS[faults]
    began = time.perf_counter()
    with seldom_collected():
        world = scenario.world(seed, weather, _plan(seed, scenario, weather), settings)
        world.run_until(START + scenario.lasts)
        return _reported(name, seed, scale, scenario, world, time.perf_counter() - began)


@contextmanager
def seldom_collected() -> Iterator[None]:
    """Collect garbage rarely while a world runs, as every scenario does.

    A world keeps nearly all it makes: a third of the time would go into looking through.
    """
    before = gc.get_threshold()
    gc.set_threshold(50_000, 20, 100)
    try:
        yield
    finally:
        gc.set_threshold(*before)


def _plan(seed: int, scenario: Scenario, weather: Weather) -> Plan:
    if not weather.fault_rate:
        return NoFaults()
    return Swarm(
        MemoryEntropy(seed).stream("faults"), weather.fault_rate, START + scenario.calm_after
    )


def _reported(
    name: str, seed: int, scale: float, scenario: Scenario, world: World, wall_s: float
) -> Report:
    expected, observed = scenario.expected(world.weather), scenario.observed(world)
    return Report(
        scenario=name,
        seed=seed,
        scale=scale,
        expected=expected,
        observed=observed,
        ok=not missed(expected, observed),
        virtual_s=round((world.clock.now() - START).total_seconds()),
        wall_s=round(wall_s, 3),
        port_calls=world.faults.calls,
        faults=dict(sorted(Counter(kind for _, kind in world.faults.done).items())),
        workers={
            row: {"records": counted.records, **attrs.asdict(counted)}
            for row, counted in sorted(world.tallies.items())
        },
        digest=digest(world),
    )


def digest(world: World) -> str:
    """One text for everything that happened: equal texts, equal worlds."""
    found = hashlib.sha256()
    for line in _lines(world):
        found.update(line)
    return found.hexdigest()


def _lines(world: World) -> Iterator[bytes]:
    for change in checkers.changes(world):
        yield repr(change).encode()
    for invoked in world.invoked:
        yield repr((invoked.number, invoked.row, [d.record_id for d in invoked.given])).encode()
    for call in world.engines.shortener.history:
        yield repr(call).encode()
    for asked in world.engines.sms.calls:
        yield repr(asked).encode()
    for mail in world.engines.emails.history:
        yield repr(mail).encode()
    for key in world.engines.announcer.told:
        yield key.encode()
