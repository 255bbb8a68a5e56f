"""Scenarios small enough to be played some thousand times, and what is left of a world."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from functools import cached_property
from typing import Final, TypeAlias

from attrs import define, field, frozen

from demand_adapters.testing.fault_plans import Call, NoFaults, Plan
from demand_adapters.wire.items import essence as item_essence
from demand_core.topology import TOPOLOGY
from entrypoints.simulation import archiving
from entrypoints.simulation.scenarios import DEFAULTS, SCENARIOS, Scenario, missed
from entrypoints.simulation.world import CALM, START, Invoked, Weather, World

Essence: TypeAlias = Mapping[str, object]


SEED: Final = 11
# What stands in which file there depends on how batches were cut.
BY_BATCH: Final = ("quarantine/", "data/", "index/", "errors/")


@define
class _Noting:
    """A plan that lets everything pass and writes it down."""

    calls: list[Call] = field(factory=list)

    def after(self, number: int) -> float:
        """Each call is looked at."""
        return number + 1

    def fault(self, call: Call, now: datetime) -> None:
        """Nothing happens to it."""
        del now
        self.calls.append(call)


@frozen
class Story:
    """A scenario, small enough to be played some thousand times.

    Of what could be played again, every *stride*-th is, where all of it would take hours.
    *before* is given the world before anything happens in it: there things are planted.
    """

    name: str
    scenario: Scenario
    seed: int = SEED
    stride: int = 1
    before: Callable[[World], None] | None = None

    def play(
        self,
        plan: Plan | None = None,
        *,
        after: Callable[[World, Invoked], None] | None = None,
        weather: Weather = CALM,
    ) -> World:
        """Play it to its end, with a *plan* of faults or somebody who looks on."""
        world = self.scenario.world(self.seed, weather, plan or NoFaults(), DEFAULTS)
        if after:
            world.after = lambda invoked: after(world, invoked)
        if self.before:
            self.before(world)
        world.run_until(START + self.scenario.lasts)
        return world

    @cached_property
    def clean(self) -> World:
        """How it goes when nothing goes wrong; it must reach its goal, or it proves nothing."""
        world = self.play()
        if short := missed(self.scenario.expected(CALM), self.scenario.observed(world)):
            raise AssertionError(f"{self.name} misses its goal: {short}")
        return world

    @cached_property
    def calls(self) -> Sequence[Call]:
        """Every call of a driver in the clean run."""
        noting = _Noting()
        self.play(noting)
        return noting.calls


def stories() -> list[Story]:
    """Scenarios in which every row has something to do, as small as they still show it."""
    return [
        Story(name, SCENARIOS[name](scale), stride=stride)
        for name, scale, stride in (
            ("short-links", 0.005, 1),
            ("verified-fan", 0.2, 67),
            ("look-up", 0.1, 5),
            ("deletion-audit", 0.0005, 1),
            ("bad-records", 0.01, 1),
        )
    ]


def essence(
    world: World, *, without: str = "", words: Mapping[str, str] | None = None
) -> Essence:
    """What must be equal however we came here: items, files and what people were told.

    With *without*, leave out what is about that subject.
    """
    found = dict[str, object]()
    for item in world.engines.table.items():
        kept = item_essence(item)
        if kept is not None:
            found[f"item {item.key}"] = kept
    for stored in world.engines.files.list("", limit=1_000_000):
        if not stored.key.startswith(BY_BATCH):
            found[f"file {stored.key}"] = stored.etag
    for row in archiving.stored_rows(world.engines.files):
        found[f"row {row['referenceid']} {row['changekind']} {row['version']}"] = row
    for key in world.engines.announcer.told:
        found[f"told {key}"] = True
    if not without:
        return found
    named = [word for word, subject in (words or {}).items() if subject == without]
    return {key: value for key, value in found.items() if not any(w in key for w in named)}


def uncovered(told: Iterable[Story]) -> list[str]:
    """Rows that no story gives anything to do: for them the laws would prove nothing."""
    busy = {i.row for story in told for i in story.clean.invoked if i.given or not i.trigger}
    return [row.name for row in TOPOLOGY if row.name not in busy]
