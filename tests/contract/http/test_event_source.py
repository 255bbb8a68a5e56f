"""The source of events over a real socket, on good days and on every kind of bad one."""

import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from typing import Final, NamedTuple

import pytest

from demand_adapters.event_source import SparingEventSource
from demand_adapters.http.event_source import SPIKE_PAUSE
from demand_adapters.testing.event_source import (
    E1,
    NONE,
    EventSourceContract,
    HurriedEventSourceContract,
    SourceAtHand,
)
from demand_adapters.testing.strategies import NOON
from demand_core.domain.ids import EventId
from demand_core.errors import DemandError, Permanent, Transient, WiringError
from entrypoints.twins.serving import WireFault
from tests.served_discovery import KEY, SourceDesk, source_desk


class Told(NamedTuple):
    """What the caller is told when all tries of a call meet the same fault."""

    error: type[DemandError]
    tries: int = 3


TOLD: Final[dict[WireFault, Told]] = {
    WireFault.RESET_BEFORE: Told(Transient),
    WireFault.THROTTLED: Told(Transient, tries=1),
    WireFault.BUSY: Told(Transient),
    WireFault.RESET_AFTER: Told(Transient),
    WireFault.HANG: Told(Transient, tries=1),
    WireFault.BARE_500: Told(Transient),
    # Who says 200 says that this is the event.
    WireFault.ERROR_IN_200: Told(Permanent, tries=1),
    WireFault.WRONG_TYPE: Told(Transient),
    WireFault.OVERSIZED: Told(Transient),
    WireFault.TRUNCATED: Told(Transient),
    WireFault.SLOW_HEAD: Told(Transient, tries=1),
    WireFault.SLOW_BODY: Told(Transient, tries=1),
}

# A page that says 404 is somebody else's: there is no such service.
TOLD_OF_NONE: Final = TOLD | {WireFault.WRONG_TYPE: Told(WiringError, tries=1)}

# Those whose answer nobody can wait for: the time of the whole call is over with it.
NEVER: Final = frozenset({WireFault.HANG, WireFault.SLOW_HEAD, WireFault.SLOW_BODY})
SHORT: Final = timedelta(milliseconds=400)


@contextmanager
def at_fault(fault: WireFault, times: int) -> Iterator[SourceDesk]:
    deadline = SHORT if fault in NEVER else None
    with source_desk(*times * [fault], deadline=deadline) as both:
        yield both


class TestServedEventSource(EventSourceContract):
    engine = "twin"

    @contextmanager
    def fresh(self) -> Iterator[SourceAtHand]:
        with source_desk() as both:
            yield both.hand()


class TestServedHurriedEventSource(HurriedEventSourceContract):
    engine = "twin"

    @contextmanager
    def fresh(self) -> Iterator[SourceAtHand]:
        with source_desk(calls_per_s=1) as both:
            yield both.hand()


def sparing(both: SourceDesk) -> SparingEventSource:
    return SparingEventSource(source=both.source, clock=both.clock)


class TestServedSparingEventSource(EventSourceContract):
    engine = "twin, sparing"

    @contextmanager
    def fresh(self) -> Iterator[SourceAtHand]:
        with source_desk() as both:
            yield both.hand(sparing(both))


class TestServedHurriedSparingEventSource(HurriedEventSourceContract):
    engine = "twin, sparing"

    @contextmanager
    def fresh(self) -> Iterator[SourceAtHand]:
        with source_desk(calls_per_s=1) as both:
            yield both.hand(sparing(both))


def test_every_fault_of_the_wire_is_tried() -> None:
    assert TOLD.keys() == {*WireFault}


@pytest.mark.parametrize(
    ("event_id", "all_told"), [(E1, TOLD), (NONE, TOLD_OF_NONE)], ids=["an event", "none"]
)
@pytest.mark.parametrize("fault", WireFault, ids=lambda fault: fault.name.lower())
def test_a_fault_says_nothing_of_an_event_and_shows_no_key(
    fault: WireFault, event_id: EventId, all_told: Mapping[WireFault, Told]
) -> None:
    told, tries = all_told[fault]
    with at_fault(fault, tries) as both:
        with pytest.raises(DemandError) as failed:
            both.source.look_up(event_id)
        assert type(failed.value) is told
        assert KEY not in "".join(traceback.format_exception(failed.value))
        retry_at = getattr(failed.value, "retry_at", None)
        assert retry_at == (NOON + SPIKE_PAUSE if fault is WireFault.THROTTLED else None)
        assert (both.served.calls, len(both.slept)) == (tries, tries - 1)


@pytest.mark.parametrize(
    "fault",
    [fault for fault in TOLD if TOLD[fault].tries > 1],
    ids=lambda fault: fault.name.lower(),
)
def test_a_look_up_is_made_again_until_it_is_answered(fault: WireFault) -> None:
    with at_fault(fault, 2) as both:
        found = both.source.look_up(E1)
        assert found is not None
        assert found.event.event_id == E1
        assert (both.served.calls, len(both.slept)) == (3, 2)


@pytest.mark.parametrize(
    "fault",
    [fault for fault in TOLD if fault not in NEVER],
    ids=lambda fault: fault.name.lower(),
)
def test_after_a_fault_the_event_is_found_all_the_same(fault: WireFault) -> None:
    with at_fault(fault, TOLD[fault].tries) as both:
        with pytest.raises(DemandError):
            both.source.look_up(E1)
        both.clock.advance(SPIKE_PAUSE)
        assert both.source.look_up(E1) is not None
