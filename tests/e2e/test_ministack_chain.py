"""The chain on a second emulator, whose queues go by the wall clock: so nothing is put off."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Final

from demand_adapters.aws.calls import Aws
from demand_adapters.local.entropy import SystemEntropy
from demand_adapters.memory.clock import MemoryClock
from demand_adapters.memory.entropy import MemoryEntropy
from demand_adapters.memory.url_shortener import MemoryUrlShortener
from entrypoints.engines import RunningEngines
from entrypoints.engines.aws import AwsEngines
from entrypoints.engines.memory import MemoryEngines
from entrypoints.serving import Service
from entrypoints.settings import Settings
from entrypoints.simulation.replay import replay
from entrypoints.simulation.scenarios import ShortLinks
from entrypoints.simulation.world import START
from tests.provisioned import provision

SCENARIO: Final = ShortLinks(events=24)
SETTINGS: Final = Settings(
    table="chain", bucket="chain", channel_prefix="chain-", shortener_per_s=1000
)


def outcome(
    engines: RunningEngines, clock: MemoryClock, pass_time: Callable[[timedelta], None]
) -> Mapping[str, str]:
    """What became of each event, with a shortener that takes every url."""
    service = Service(SETTINGS, engines, instead={"shortener": MemoryUrlShortener(clock)})
    acts = SCENARIO.acts(MemoryEntropy(7).stream("cast"))
    return replay(acts, START, service, pass_time)


def test_the_chain_ends_as_it_does_in_memory(aws: Aws) -> None:
    provision(aws, SETTINGS)
    clock, entropy, memory = MemoryClock(START), SystemEntropy(), MemoryEngines.new(7, START)
    engines = AwsEngines(
        settings=SETTINGS,
        clock=clock,
        entropy=entropy,
        aws=aws,
        shortener=MemoryUrlShortener(clock),
        wait=timedelta(0),
    )
    found = outcome(engines, clock, clock.advance)
    assert found == outcome(memory, memory.clock, memory.clock.advance)
    assert len(found) == SCENARIO.events
