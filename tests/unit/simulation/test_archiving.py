"""The archive in worlds: every change is found, and mistakes that lose one are noticed."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from random import Random

import pytest
from attrs import frozen

from demand_adapters.archive.delivery import FileArchive
from demand_adapters.archive.queries import ArchiveQueries
from demand_adapters.testing.fault_plans import NoFaults, Swarm
from demand_core.domain.archive import Fate, Filed, ToldChange
from demand_core.workers.archive.deliver_changes import DeliverChanges
from entrypoints.simulation import stories
from entrypoints.simulation.archiving import Keeping, bad_records, stored_rows, surge
from entrypoints.simulation.scenarios import DEFAULTS, missed, play
from entrypoints.simulation.world import CALM, START, WEATHERS, Invoked, World

SMALL = Keeping(fans=10, leaving=4, spoilt=2)


@pytest.mark.check("P-S1")
def test_a_query_counts_exactly_fifty_thousand_wishes_of_five_minutes_in_a_few_files() -> None:
    scenario, weather = surge(1), WEATHERS["mild"]
    plan = Swarm(Random(1), weather.fault_rate, START + scenario.calm_after)
    world = scenario.world(1, weather, plan, DEFAULTS)
    world.run_until(START + scenario.lasts)
    observed = scenario.observed(world)
    assert not missed(scenario.expected(weather), observed)
    assert observed["rows"] > 50_000
    assert 50 <= observed["files"] <= 250
    counted = f"FROM demand WHERE eventid = 'E1' AND partition_date = '{START.date()}'"
    with ArchiveQueries(files=world.engines.files).ask(f"SELECT COUNT(*) {counted}") as answer:
        assert [*answer.rows] == [(50_000,)]


@pytest.mark.parametrize("seed", range(100))
def test_in_rough_worlds_every_change_is_found_and_nothing_else(seed: int) -> None:
    for name, scale in (("bad-records", 0.02), ("deletion-audit", 0.001)):
        report = play(name, seed=seed, scale=scale, faults="harsh")
        assert report.differences == []


@pytest.mark.check("P-S4")
def test_two_hundred_without_their_sale_are_set_aside_for_that_and_replayed_once() -> None:
    scenario = bad_records(1)
    world = scenario.world(5, CALM, NoFaults(), DEFAULTS)
    world.run_until(START + timedelta(minutes=20))
    assert world.tallies["deliver_changes"].dropped.keys() == {"missing_field"}
    before = scenario.observed(world)
    assert (before["missing"], before["replayed"]) == (200, 0)
    world.run_until(START + scenario.lasts)
    assert not missed(scenario.expected(CALM), scenario.observed(world))
    ids = [row["changeid"] for row in stored_rows(world.engines.files)]
    fans = {row["fanid"] for row in stored_rows(world.engines.files)}
    assert len(set(ids)) == len(fans) == 1000


@pytest.mark.check("P-WF1")
def test_a_change_is_in_the_archive_within_a_minute() -> None:
    """Measured at the end of the run that kept it, in virtual time."""
    late, scenario = list[timedelta](), Keeping(fans=2000)
    world = scenario.world(5, CALM, NoFaults(), DEFAULTS)

    def note(invoked: Invoked) -> None:
        for delivery in invoked.given:
            written = START.fromisoformat(delivery.attributes["at"])
            late.append(world.clock.now() - written)

    world.after = note
    world.run_until(START + scenario.lasts)
    assert len(late) >= 2000
    assert sorted(late)[len(late) * 95 // 100] <= timedelta(seconds=60)
    noted = world.tallies["deliver_changes"].noted
    assert sum(noted.values()) == world.tallies["deliver_changes"].done == len(late)
    quick = sum(noted.get(f"kept within {most} s", 0) for most in (10, 30, 60))
    assert quick >= len(late) * 95 // 100
    assert quick == sum(age <= timedelta(seconds=60) for age in late)


def test_what_is_set_aside_is_announced_once_a_day_for_each_reason() -> None:
    world = bad_records(0.1).world(5, CALM, NoFaults(), DEFAULTS)
    world.run_until(START + timedelta(minutes=20))
    assert [*world.engines.announcer.told] == [f"set-aside:missing_field:{START.date()}"]


@frozen
class Careless:
    """Calls changes kept that its store did not take."""

    archive: FileArchive

    def deliver(self, changes: Sequence[ToldChange], /) -> Sequence[Filed]:
        return [
            Filed(Fate.KEPT) if became.fate is Fate.WAITS else became
            for became in self.archive.deliver(changes)
        ]

    def clear(self, before: datetime, /) -> None:
        self.archive.clear(before)


@frozen
class Picky:
    """Keeps no row of what went, as if a removal were nothing to tell."""

    archive: FileArchive

    def deliver(self, changes: Sequence[ToldChange], /) -> Sequence[Filed]:
        kept = [change for change in changes if b'"REMOVE"' not in change.payload]
        self.archive.deliver(kept)
        return [Filed(Fate.KEPT)] * len(changes)

    def clear(self, before: datetime, /) -> None:
        self.archive.clear(before)


@pytest.mark.parametrize("planted", [Careless, Picky])
def test_a_planted_mistake_that_loses_changes_is_noticed(
    planted: type[Careless] | type[Picky],
) -> None:
    def plant(world: World) -> None:
        archive = world.ports.archive
        assert isinstance(archive, FileArchive)
        world.works["deliver_changes"] = DeliverChanges(
            archive=planted(archive), announcer=world.ports.announcer, clock=world.clock
        )

    missing = 0
    for seed in range(20):
        story, weather = stories.Story("planted", SMALL, seed, before=plant), WEATHERS["harsh"]
        plan = Swarm(Random(seed), weather.fault_rate, START + SMALL.calm_after)
        missing += SMALL.observed(story.play(plan, weather=weather))["missing"]
    assert missing > 0
