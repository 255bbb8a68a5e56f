"""A worker's fields are filled by name and checked by type, and nothing else is built."""

import json
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from types import ModuleType
from typing import Any, Final, TypeAlias, TypeVar

import attrs
import pytest
from attrs import evolve, field, frozen

from demand_adapters.testing.strategies import NOON
from demand_core.batch import Outcome, Record
from demand_core.domain.events import EventCached
from demand_core.domain.links import LinkPolicy, LinkRequest
from demand_core.errors import WiringError
from demand_core.ports.announcer import Announcer
from demand_core.ports.clock import Clock
from demand_core.ports.entropy import Entropy
from demand_core.ports.event_cache import EventCache
from demand_core.ports.outlet import Outlet
from demand_core.topology import TOPOLOGY
from demand_core.topology.channels import SHORT_URLS
from demand_core.topology.shapes import Channel, Worker
from entrypoints.engines.memory import MemoryEngines
from entrypoints.profiles import Profile
from entrypoints.settings import Settings
from entrypoints.wiring import OFFERED, assemble

D = TypeVar("D")

SRC: Final = Path(__file__).parents[3] / "src"
ROW: Final = evolve(TOPOLOGY[1], name="try_it")
HEAVY: Final = ("click", "rich", "boto3", "httpx", "babel", "phonenumbers")


class Taken:
    """An outlet that says which channel it is for."""

    def __init__(self, channel: Channel[Any]) -> None:
        self.channel = channel

    def send(self, bodies: Sequence[Any], /) -> Sequence[int]:
        return ()


class Watching(Profile):
    """Notes which drivers somebody asked for."""

    def __init__(self) -> None:
        super().__init__(
            Settings(shortener_per_s=7, link_calls_max=2), MemoryEngines.new(1, NOON)
        )
        self.drivers: list[str] = []

    def around(self, name: str, driver: D) -> D:
        self.drivers.append(name)
        return driver

    def built(self) -> set[str]:
        """The ports and engines that exist by now."""
        return {
            name
            for kind in type(self).__mro__
            for name, maker in vars(kind).items()
            if isinstance(maker, cached_property) and name in vars(self)
        }


@pytest.fixture
def ports() -> Watching:
    return Watching()


Try: TypeAlias = Callable[..., Any]


@pytest.fixture
def wired(ports: Watching, monkeypatch: pytest.MonkeyPatch) -> Try:
    """Assemble a class of this file, as the worker of a row with these outputs."""

    def attempt(work: type, **outputs: Channel[Any]) -> Any:
        module = ModuleType(ROW.module)
        vars(module)["TryIt"] = work
        monkeypatch.setitem(sys.modules, ROW.module, module)
        return assemble(evolve(ROW, outputs=outputs), ports, Taken)

    return attempt


class Called:
    """What all workers of this file have."""

    def __call__(self, batch: Sequence[Record[LinkRequest]]) -> Outcome:
        return Outcome()


@frozen(kw_only=True)
class Good(Called):
    """One field of each sort."""

    clock: Clock
    events: "EventCache"
    links: LinkPolicy
    onward: Outlet[LinkRequest]
    announcer: Announcer | None = None
    size: int = 25
    made: list[str] = field(factory=list, init=False)


@frozen(kw_only=True)
class Nameless(Called):
    """Asks for a port by a name that none has."""

    event_cache: EventCache


@frozen(kw_only=True)
class MaybeNameless(Called):
    """Would for ever go without a port that it asks for by the wrong name."""

    event_cache: EventCache | None = None


@frozen(kw_only=True)
class Mistyped(Called):
    """Asks for one port by the name of another."""

    clock: Entropy


@frozen(kw_only=True)
class MaybeMistyped(Called):
    """Could do without, and is wrong all the same."""

    clock: Entropy | None = None


@frozen(kw_only=True)
class Sending(Called):
    """Has an outlet."""

    onward: Outlet[LinkRequest]


@frozen(kw_only=True)
class MaybeSending(Called):
    """Has an outlet that it could do without."""

    onward: Outlet[LinkRequest] | None = None


@frozen(kw_only=True)
class Undecided(Called):
    """Would take one of two ports."""

    clock: Clock | Entropy


@frozen(kw_only=True)
class Lenient(Called):
    """Has a field of its own that may be of two types."""

    size: int | str = 25


@pytest.mark.parametrize("row", TOPOLOGY, ids=lambda row: row.name)
def test_every_row_can_be_assembled_in_memory(row: Worker, ports: Watching) -> None:
    work = assemble(row, ports, Taken)
    assert callable(work)
    for part in attrs.fields(row.load()):
        found = getattr(work, part.name)
        if part.name in row.outputs:
            assert found.channel is row.outputs[part.name]
        else:
            assert found is getattr(ports, part.name)


def test_a_field_is_filled_with_what_the_ports_call_by_its_name(
    wired: Try, ports: Watching
) -> None:
    work = wired(Good, onward=SHORT_URLS)
    assert (work.clock, work.events) == (ports.clock, ports.events)
    assert work.announcer is ports.announcer
    assert work.onward.channel is SHORT_URLS
    assert work.links == LinkPolicy(calls_max=2)
    assert (work.size, work.made) == (25, [])


@pytest.mark.parametrize(
    ("work", "outputs", "words"),
    [
        (Nameless, {}, "try_it.event_cache: no port has that name"),
        (MaybeNameless, {}, "try_it.event_cache: no port has that name"),
        (Mistyped, {}, "try_it.clock is not what the ports call so"),
        (MaybeMistyped, {}, "try_it.clock is not what the ports call so"),
        (Sending, {}, "try_it.onward has no route for what it sends"),
        (MaybeSending, {}, "try_it.onward has no route for what it sends"),
        (Sending, {"other": SHORT_URLS}, "try_it.onward has no route for what it sends"),
    ],
)
def test_a_field_that_nothing_can_fill_is_named(
    work: type, outputs: Mapping[str, Channel[Any]], words: str, wired: Try
) -> None:
    with pytest.raises(WiringError) as refusal:
        wired(work, **outputs)
    assert str(refusal.value) == words


def test_a_route_for_something_else_than_is_sent_is_no_route(wired: Try) -> None:
    other: Channel[Any] = SHORT_URLS
    with pytest.raises(WiringError):
        wired(Sending, onward=evolve(other, body=EventCached))


def test_a_worker_that_would_take_either_of_two_ports_is_refused(wired: Try) -> None:
    with pytest.raises(WiringError):
        wired(Undecided)


def test_a_field_that_is_no_port_may_be_of_any_type_with_a_default(wired: Try) -> None:
    assert wired(Lenient).size == 25


def test_nothing_is_built_before_a_worker_asks_for_it(ports: Watching) -> None:
    assert ports.built() == set()
    assemble(TOPOLOGY[0], ports, Taken)
    assert ports.built() == {"clock", "events", "table"}
    assert ports.drivers == ["table"]


def test_all_that_is_asked_for_stands_on_the_same_drivers(ports: Watching) -> None:
    for row in TOPOLOGY:
        assemble(row, ports, Taken)
    assert sorted(ports.drivers) == [
        *("announcer", "event_source", "files", "shortener", "sms", "table"),
    ]


def test_a_profile_offers_every_port_as_something_built_on_use() -> None:
    made = {name for name, found in vars(Profile).items() if isinstance(found, cached_property)}
    assert OFFERED.keys() <= made


def test_the_gate_before_the_shortener_has_the_rate_that_was_set(ports: Watching) -> None:
    now = ports.clock.now()
    assert ports.pace.take("shortener", 7, now) == now
    assert (ports.pace.take("shortener", 1, now) - now).total_seconds() == 1
    with pytest.raises(WiringError):
        ports.pace.take("somebody else", 1, now)


@pytest.mark.parametrize("number", range(len(TOPOLOGY)), ids=lambda n: TOPOLOGY[n].name)
def test_assembling_one_row_loads_no_other_row_and_no_heavy_library(number: int) -> None:
    command = f"""
import json, sys
from datetime import UTC, datetime
from demand_core.topology import TOPOLOGY
from entrypoints.settings import Settings
from entrypoints.engines.memory import MemoryEngines
from entrypoints.profiles import Profile
from entrypoints.wiring import assemble
ports = Profile(Settings(), MemoryEngines.new(1, datetime(2025, 2, 14, tzinfo=UTC)))
assemble(TOPOLOGY[{number}], ports, lambda channel: channel)
print(json.dumps(sorted(sys.modules)))
"""
    done = subprocess.run(
        [sys.executable, "-c", command],
        env={"PYTHONPATH": str(SRC)},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    loaded = set(json.loads(done.stdout))
    rows = {row.module for row in TOPOLOGY}
    assert loaded & rows == {TOPOLOGY[number].module}
    assert not loaded & set(HEAVY)
    assert not [name for name in loaded if name.startswith("entrypoints.cli")]
