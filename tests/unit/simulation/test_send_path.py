"""Whatever goes wrong at whichever call of a sender: told once, in time, and known to be."""

from collections import Counter
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from itertools import islice
from random import Random
from typing import Final

import pytest
from attrs import frozen

from demand_adapters.memory.sms_sender import MemorySmsSender
from demand_adapters.testing.fault_plans import Call, Fault, Kind, OneFault, Swarm
from demand_core.domain.delivery import Capability, Keyed, Queryable, Silent
from demand_core.domain.orders import SmsOrder
from entrypoints.simulation.handovers import HandOvers, number
from entrypoints.simulation.laws import SINGLES
from entrypoints.simulation.world import START, WEATHERS
from tests.unit.simulation.kept import broken, ends

CAPABILITIES: Final[Mapping[str, Capability]] = {
    "keyed": Keyed(),
    "queryable": Queryable(),
    "none": Silent(),
}
# The second comes within so many calls of the first.
NEAR: Final = 14
PAIRED: Final = (
    Fault(kind=Kind.BEFORE),
    Fault(kind=Kind.AFTER),
    Fault(kind=Kind.UNKNOWN),
    Fault(kind=Kind.LATE, delay=timedelta(seconds=5)),
)
PAIRS: Final = 400
CALM_AFTER: Final = timedelta(minutes=19)

each_capability = pytest.mark.parametrize("capability", CAPABILITIES)
Tried = Callable[[str, Mapping[str, int]], None]


@frozen
class Two:
    """Two calls go wrong."""

    first: OneFault
    second: OneFault

    def after(self, number: int) -> float:
        return min(self.first.after(number), self.second.after(number))

    def fault(self, call: Call, now: object) -> Fault | None:
        first, second = self.first, self.second
        one = first if call.number == first.number else second
        return one.one if call.number == one.number else None


@each_capability
@pytest.mark.parametrize("reports", [True, False])
def test_without_faults_every_fan_is_told(capability: str, *, reports: bool) -> None:
    world = HandOvers(capability=CAPABILITIES[capability], reports=reports).play()
    assert broken(world) == []
    assert ends(world) == {"total": 3, "told": 3}


@each_capability
def test_any_one_call_may_go_wrong_in_any_way(capability: str, tried: Tried) -> None:
    story = HandOvers(capability=CAPABILITIES[capability])
    seen = Counter[str]()
    for call in story.calls():
        for fault in SINGLES:
            world = story.play(OneFault(call.number, fault))
            what = f"call {call.number} {call.driver}.{call.method} {fault.kind.value}"
            assert broken(world) == [], what
            found = ends(world)
            seen[capability] += 1
            if capability == "keyed":
                assert found == {"total": 3, "told": 3}, what
            else:
                # What nobody can learn is listed, and nothing else is missing.
                assert found.get("told", 0) + found.get("unknown", 0) == 3, what
    tried(f"send path, one fault, {capability}", seen)


@pytest.mark.check("REQ-007")
@each_capability
def test_any_two_near_calls_may_go_wrong(capability: str, tried: Tried) -> None:
    story, chance = HandOvers(capability=CAPABILITIES[capability], fans=2), Random(7)
    calls = [call.number for call in story.calls()]
    pairs = [
        (one, other, first, second)
        for one in calls
        for other in range(one + 1, one + NEAR)
        for first in PAIRED
        for second in PAIRED
    ]
    chance.shuffle(pairs)
    for one, other, first, second in islice(pairs, PAIRS):
        world = story.play(Two(OneFault(one, first), OneFault(other, second)))
        what = f"{one} {first.kind.value}, {other} {second.kind.value}"
        assert broken(world) == [], what
        if capability == "keyed":
            assert ends(world) == {"total": 2, "told": 2}, what
    tried(f"send path, two faults, {capability}", {capability: min(PAIRS, len(pairs))})


@pytest.mark.check("M-06")
@each_capability
@pytest.mark.parametrize("seed", range(8))
def test_harsh_worlds_keep_every_promise(seed: int, capability: str) -> None:
    reports = seed % 2 == 0
    story = HandOvers(capability=CAPABILITIES[capability], fans=20, reports=reports)
    weather = WEATHERS["harsh"]
    plan = Swarm(Random(seed), weather.fault_rate, START + CALM_AFTER)
    world = story.play(plan, seed=seed, weather=weather)
    assert broken(world) == []
    assert ends(world)["total"] == 20


class Forgetful(MemorySmsSender):
    """Says that it knows keys, and knows none."""

    def _known(self, order: SmsOrder, now: datetime) -> None:
        del order, now


def test_a_gateway_that_forgets_its_keys_is_noticed() -> None:
    story = HandOvers(capability=Keyed(), gateway=Forgetful)
    assert broken(story.play()) == []
    (call, *_) = (call for call in story.calls() if call.driver == "sms")
    world = story.play(OneFault(call.number, Fault(kind=Kind.UNKNOWN)))
    assert [found.partition(":")[0] for found in broken(world)] == ["duplicates"]


@pytest.mark.check("REQ-004")
def test_what_the_provider_never_takes_is_handed_over_three_times() -> None:
    story = HandOvers(capability=Keyed(), sour=frozenset({number(1)}))
    world = story.play()
    assert broken(world) == []
    assert ends(world) == {"total": 3, "failed": 1, "told": 2}
    sour = [call for call in world.engines.sms.calls if call.answer == "unavailable"]
    assert len(sour) == 3
