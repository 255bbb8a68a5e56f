"""One scenario, three profiles, one outcome."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Final

import pytest
from attrs import evolve

from demand_adapters.memory.clock import MemoryClock
from demand_adapters.memory.entropy import MemoryEntropy
from demand_adapters.memory.url_shortener import MemoryUrlShortener
from demand_core.topology import TOPOLOGY
from entrypoints.engines import RunningEngines
from entrypoints.engines.local import LocalEngines
from entrypoints.engines.memory import MemoryEngines
from entrypoints.serving import Service
from entrypoints.settings import Settings
from entrypoints.simulation.replay import replay
from entrypoints.simulation.scenarios import LINK_ROWS, ShortLinks
from entrypoints.simulation.world import START
from tests.unit.simulation.on_aws import an_account

SCENARIO: Final = ShortLinks(events=24)
SETTINGS: Final = Settings(
    shortener_url="http://127.0.0.1:1",
    bucket="replayed",
    aws_region="us-east-1",
    shortener_per_s=20,
)


def outcome(
    engines: RunningEngines, clock: MemoryClock, pass_time: Callable[[timedelta], None]
) -> Mapping[str, str]:
    """What became of each event, with a shortener that goes by the same clock."""
    shortener = MemoryUrlShortener(clock, sour=SCENARIO.sour_urls())
    rows = [row for row in TOPOLOGY if row.name in LINK_ROWS]
    service = Service(SETTINGS, engines, rows, instead={"shortener": shortener})
    acts = SCENARIO.acts(MemoryEntropy(7).stream("cast"))
    found = replay(acts, START, service, pass_time)
    assert service.tallies["shorten_event_urls"].dropped == {"link_failed": 1}
    assert len({call.url for call in shortener.history}) >= SCENARIO.events
    return found


@pytest.fixture(scope="module")
def in_memory() -> Mapping[str, str]:
    engines = MemoryEngines.new(7, START)
    return outcome(engines, engines.clock, engines.clock.advance)


def test_the_replay_ends_as_the_scenario_must(in_memory: Mapping[str, str]) -> None:
    linked = [link for link in in_memory.values() if link.startswith("https://sho.rt/")]
    assert len(in_memory) == SCENARIO.events
    assert len(linked) == SCENARIO.events - SCENARIO.sour


def test_it_ends_so_in_a_folder_too(in_memory: Mapping[str, str], tmp_path: Path) -> None:
    clock = MemoryClock(START)
    with LocalEngines.opened(evolve(SETTINGS, state=tmp_path), clock) as engines:
        assert outcome(engines, clock, clock.advance) == in_memory


def test_it_ends_so_on_aws_too(
    in_memory: Mapping[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with an_account(SETTINGS, monkeypatch) as (engines, clock, pass_time):
        assert outcome(engines, clock, pass_time) == in_memory
