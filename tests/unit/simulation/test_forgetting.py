"""Who is forgotten is found nowhere in worlds, and mistakes that leave him are noticed."""

import gc
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import timedelta
from random import Random
from types import FunctionType, MethodType, ModuleType

import pytest

from demand_adapters.archive.merge_log import every
from demand_adapters.archive.sweeping import PARTS, Sweep, Swept
from demand_adapters.stores.erasure_book import TableErasureBook
from demand_adapters.testing.fault_plans import NoFaults, Swarm
from demand_core.domain import erasures
from entrypoints.simulation.forgetting import forgotten
from entrypoints.simulation.scenarios import DEFAULTS, missed, play
from entrypoints.simulation.world import CALM, START, WEATHERS, World

SEEDS = 60


def played(seed: int, *, rough: bool = True, before: Callable[[World], object] = id) -> World:
    """A small world to its end."""
    scenario, weather = forgotten(0.25), WEATHERS["harsh"] if rough else CALM
    ends = START + scenario.calm_after
    plan = Swarm(Random(seed), weather.fault_rate, ends) if rough else NoFaults()
    world = scenario.world(seed, weather, plan, DEFAULTS)
    before(world)
    world.run_until(START + scenario.lasts)
    return world


@pytest.mark.parametrize("faults", ["none", "mild"])
@pytest.mark.parametrize("seed", range(5))
def test_nobody_is_found_and_every_count_stays(seed: int, faults: str) -> None:
    assert play("forgotten", seed=seed, faults=faults).differences == []


@pytest.mark.parametrize("seed", range(SEEDS))
def test_in_rough_worlds_nobody_is_found_and_every_count_stays(seed: int) -> None:
    assert play("forgotten", seed=seed, scale=0.25, faults="harsh").differences == []


def held(roots: Iterable[object]) -> Iterator[bytes]:
    """All text and bytes that can be reached from *roots*, in small letters."""
    seen, ahead = set[int](), [*roots]
    while ahead:
        one = ahead.pop()
        if id(one) in seen or isinstance(one, type | ModuleType | FunctionType | MethodType):
            continue
        seen.add(id(one))
        if isinstance(one, str):
            yield one.lower().encode(errors="replace")
        elif isinstance(one, bytes):
            yield one.lower()
        else:
            ahead += gc.get_referents(one)


@pytest.mark.parametrize("seed", range(3))
def test_once_feeds_and_streams_have_forgotten_too_no_store_has_a_byte_of_them(
    seed: int,
) -> None:
    """Services of others apart, that is all a world has. Ids may stand in an engine's books."""
    world, scenario = played(seed), forgotten(0.25)
    engines = world.engines
    tales = [tale for tales in scenario.telltales().values() for tale in tales[1:]]

    def hits() -> int:
        stores = (engines.table, engines.queues, engines.streams, engines.announcer)
        return sum(any(tale in text for tale in tales) for text in held(stores))

    assert hits() > 0
    engines.clock.advance(timedelta(hours=25))
    engines.table.expire()
    engines.table.trim()
    for stream in engines.streams.values():
        stream.trim()
    assert hits() == 0
    assert [*scenario.found(world)] == []
    sinks = {found.key.partition("/")[0] for found in every(engines.files, "")}
    assert sinks <= {part.removesuffix("/") for part in PARTS}, "an eraser looks nowhere else"


def differences(seeds: Sequence[int], before: Callable[[World], object]) -> set[str]:
    """The counts that are not as they must be in any of some worlds."""
    scenario, found = forgotten(0.25), set[str]()
    for seed in seeds:
        world = played(seed, before=before)
        found |= missed(scenario.expected(world.weather), scenario.observed(world)).keys()
    return found


def _whole_without(part: str) -> Callable[[Sweep], Swept]:
    def whole(self: Sweep) -> Swept:
        files = self.forgetting.files
        return self._through(
            found.key for one in PARTS if one != part for found in every(files, one)
        )

    return whole


@pytest.mark.parametrize("part", ["errors/", "data/"])
def test_an_eraser_that_does_not_look_everywhere_is_noticed(
    part: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Sweep, "whole", _whole_without(part))
    monkeypatch.setattr(Sweep, "indexed", lambda _: None)
    assert "hits" in differences(range(6), lambda _: None)


def test_an_eraser_that_does_not_wait_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(erasures, "SETTLES_AFTER", timedelta(0))
    assert {"split", "hits"} & differences(range(12), lambda _: None)


def test_an_eraser_that_leaves_the_items_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(TableErasureBook, "forget", lambda *_: None)
    assert "hits" in differences(range(2), lambda _: None)
