"""The chain on a second emulator, whose queues go by the wall clock: so nothing is put off."""

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from datetime import timedelta
from typing import Final

from demand_adapters.aws.calls import Aws
from demand_adapters.local.entropy import SystemEntropy
from demand_adapters.memory.clock import MemoryClock
from demand_adapters.memory.entropy import MemoryEntropy
from demand_adapters.memory.url_shortener import MemoryUrlShortener
from demand_core.topology import TOPOLOGY
from entrypoints.engines import RunningEngines
from entrypoints.engines.aws import AwsEngines
from entrypoints.engines.memory import MemoryEngines
from entrypoints.engines.remote import Services
from entrypoints.serving import Service
from entrypoints.settings import Settings
from entrypoints.simulation.replay import replay
from entrypoints.simulation.scenarios import LINK_ROWS, ShortLinks
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
    rows = [row for row in TOPOLOGY if row.name in LINK_ROWS]
    instead = {"shortener": MemoryUrlShortener(clock)}
    service = Service(SETTINGS, engines, rows, instead=instead)
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
        services=Services(SETTINGS, clock, ExitStack()),
        wait=timedelta(0),
    )
    found = outcome(engines, clock, clock.advance)
    assert found == outcome(memory, memory.clock, memory.clock.advance)
    assert len(found) == SCENARIO.events
