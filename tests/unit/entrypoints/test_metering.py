"""How available each store and service was, as seen from where we call it."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from itertools import count
from typing import Any, Final

import pytest
from attrs import define, evolve

from demand_adapters.memory.sms_sender import MemorySmsSender
from demand_adapters.memory.url_shortener import MemoryUrlShortener
from demand_adapters.testing.fault_plans import Fault, Kind, OneFault
from demand_adapters.testing.faults import Faults, Invocation
from demand_adapters.testing.strategies import NOON, a_notification, an_event
from demand_core.domain.orders import sms_order
from demand_core.errors import DemandError, Permanent, Transient, Unknown, Unsent
from entrypoints.engines.memory import MemoryEngines
from entrypoints.metering import Meter, MeteredProfile
from entrypoints.settings import Settings

MINUTE: Final = timedelta(minutes=1)
SHOP: Final = "https://www.ticketmaster.com/event/"


@define
class Asked:
    """A service that fails as it is told to."""

    fails: DemandError | None = None
    name: str = "a service"

    def ask(self, what: str) -> str:
        if self.fails:
            raise self.fails
        return what


@pytest.mark.check("M-11")
@pytest.mark.parametrize(
    ("error", "outcome", "availability"),
    [
        (None, "done", 1.0),
        (Permanent("invalid_number"), "refused", 1.0),
        (Transient("busy", retry_at=NOON), "throttled", 1.0),
        (Transient("away"), "failed", 0.5),
        (Unsent("it did not answer lately", retry_at=NOON), "resting", 0.5),
        (Unknown("no answer"), "unknown", 0.5),
    ],
)
def test_only_who_gives_no_answer_is_away(
    error: DemandError | None, outcome: str, availability: float
) -> None:
    meter = Meter()
    meter.around("sms", Asked()).ask("x")
    gauge = meter.around("sms", Asked(error))
    if error:
        with pytest.raises(type(error)):
            gauge.ask("x")
    else:
        assert gauge.ask("x") == "x"
    found = meter.measured["sms"]
    assert found.outcomes[outcome] == (2 if outcome == "done" else 1)
    assert found.document()["availability"] == availability


def test_what_is_no_call_is_handed_through() -> None:
    meter = Meter()
    assert meter.around("x", Asked()).name == "a service"
    assert meter.measured == {}


def ticking(*seconds: float) -> Callable[[], float]:
    """A clock that stands at the beginning of a call and has moved by its end."""

    def moments() -> Iterator[float]:
        for at, taken in zip(count(0, 100), seconds, strict=False):
            yield from (at, at + taken)

    return moments().__next__


@pytest.mark.parametrize(
    ("took", "p95"), [([0.0002] * 20, 1), ([0.003] * 20, 4), ([0.003] * 19 + [9.0], 4)]
)
def test_times_are_told_to_the_next_power_of_two(took: list[float], p95: int) -> None:
    meter = Meter(ticking(*took))
    gauge = meter.around("sms", Asked())
    for _ in took:
        gauge.ask("x")
    assert meter.measured["sms"].document()["p95Ms"] == p95


@pytest.mark.check("M-10")
def test_of_the_tables_writes_only_those_without_an_answer_failed() -> None:
    engines, meter = MemoryEngines.new(1, NOON), Meter()
    ports = MeteredProfile(Settings(), engines, meter)
    other = MeteredProfile(Settings(), engines, Meter())
    for n in range(5):
        ports.events.refresh([an_event(n)])
    other.events.refresh([an_event(1, name="Moved")])
    ports.events.refresh([an_event(1, name="Moved again")])  # loses once, and then is done
    writes = meter.measured["table"].outcomes
    assert writes["unknown"] == writes["failed"] == 0
    faults = Faults(
        plan=OneFault(1, Fault(kind=Kind.UNKNOWN)),
        now=engines.clock.now,
        run=engines.clock.move_to,
        later=lambda at, do: do(),
    )
    breaking: Any = faults.around("table", engines.table)
    with faults.inside(Invocation(1, "x", NOON + MINUTE)), pytest.raises(Unknown):
        meter.around("table", breaking).put_new([])
    assert meter.measured["table"].outcomes["unknown"] == 1


@pytest.mark.check("M-04")
def test_attempts_to_shorten_and_their_successes_are_counted() -> None:
    engines, meter, sour = MemoryEngines.new(1, NOON), Meter(), f"{SHOP}E9"
    shortener = MemoryUrlShortener(engines.clock, sour=frozenset({sour}))
    ports = MeteredProfile(Settings(), evolve(engines, shortener=shortener), meter)
    for n in range(4):
        ports.shortener.shorten(f"{SHOP}E{n}")
    with pytest.raises(Transient):
        ports.shortener.shorten(sour)
    found = meter.document()["shortener"]
    assert isinstance(found, dict)
    assert found["outcomes"]["done"] == 4
    assert sum(found["outcomes"].values()) == 5


def test_texts_are_measured_by_their_answers() -> None:
    engines, meter = MemoryEngines.new(1, NOON), Meter()
    row = a_notification()
    order = sms_order(row, "demand")
    bad = MemorySmsSender(engines.clock, bad_numbers={order.to.reveal()})
    ports = MeteredProfile(Settings(), evolve(engines, sms=bad), meter)
    with pytest.raises(Permanent):
        ports.sms.send(order)
    assert meter.measured["sms"].outcomes == {"refused": 1}
