"""A story of look-ups: apps ask for events that are known, unknown, silent, or no events."""

from collections import Counter
from collections.abc import Mapping
from datetime import timedelta
from functools import partial
from typing import Final

from attrs import evolve, frozen

from demand_adapters.testing.fault_plans import Plan
from demand_core.domain.event_details import (
    DEFAULT_MARKET,
    EventAnswer,
    EventProblem,
    EventQuery,
)
from demand_core.domain.ids import EventId
from demand_core.topology.reminders import ROWS
from entrypoints.settings import Settings
from entrypoints.simulation import checkers
from entrypoints.simulation.reminders import TIDE, Show
from entrypoints.simulation.world import START, Weather, World

HUSH: Final = Show(
    event_id=EventId("vvG1IZ9YbnSA02"),
    artist="Hush",
    artist_id="K8vZ917Hush",
    public=timedelta(hours=1),
)
SECOND: Final = timedelta(seconds=1)
AGAIN: Final = timedelta(seconds=5)


@frozen(kw_only=True)
class LookUps:
    """Many ask for the same event, one for a silent one, one for none, one for nonsense."""

    apps: int
    lasts: timedelta = timedelta(minutes=10)

    @property
    def calm_after(self) -> timedelta:
        """Faults go on to the end: who asks is told, or asks again."""
        return self.lasts

    def world(self, seed: int, weather: Weather, plan: Plan, settings: Settings) -> World:
        """Each asks a second after the one before."""
        world = World(
            seed,
            weather=weather,
            plan=plan,
            settings=evolve(settings, suppressed_artists=HUSH.artist_id),
            watched=checkers.WITNESSED,
            rows=ROWS,
        )
        for show in (TIDE, HUSH):
            world.engines.event_source.put(show.event_id, show.document)
        asked = [*[str(TIDE.event_id)] * self.apps, str(HUSH.event_id), "none", "no id"]
        for number, event_id in enumerate(asked):
            query = EventQuery(event_id=event_id)
            world.at(START + SECOND * number, partial(_ask, world, query))
        return world

    def expected(self, weather: Weather) -> Mapping[str, int]:
        """One look-up at the source for each event, however many ask."""
        always = {"answered": self.apps + 3, "wrong": 0, "dead_letters": 0}
        if weather.fault_rate:
            return always
        return {
            **always,
            "found": self.apps + 1,
            "suppressed": 1,
            "invalid_id": 1,
            "not_found": 1,
            "unavailable": 0,
            "discovery_fetches": 3,
        }

    def observed(self, world: World) -> Mapping[str, int]:
        """What the apps were told, and what the source was asked."""
        told = [answer for answer in world.replies if isinstance(answer, EventAnswer)]
        unavailable = sum(not _is_answer(answer) for answer in told)
        problems = Counter(answer.problem.value for answer in told if answer.problem)
        events = [answer.event for answer in told if answer.event]
        return {
            "answered": len(told) - unavailable,
            "found": len(events),
            "suppressed": sum(event.is_suppressed for event in events),
            "invalid_id": problems["INVALID_ID"],
            "not_found": problems["NOT_FOUND"],
            "unavailable": unavailable,
            "wrong": sum(event.market_id != DEFAULT_MARKET for event in events),
            "discovery_fetches": len(world.engines.event_source.calls),
            "dead_letters": len(checkers.dead_letters(world)),
        }

    def subjects(self) -> Mapping[str, str]:
        """An event is named by its id and its key."""
        return {
            text: show.event_id
            for show in (TIDE, HUSH)
            for text in (str(show.event_id), f"event:{show.event_id}")
        }


def _is_answer(reply: object) -> bool:
    return isinstance(reply, EventAnswer) and reply.problem is not EventProblem.UNAVAILABLE


def _ask(world: World, query: EventQuery) -> None:
    """An app that gets no answer asks again."""
    if not _is_answer(world.request("look_up_event", query)):
        world.at(world.clock.now() + AGAIN, partial(_ask, world, query))


def look_up(scale: float) -> LookUps:
    """Twenty apps by default."""
    return LookUps(apps=max(1, round(20 * scale)))
