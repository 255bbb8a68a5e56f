"""No source of events is asked twice at once for the same, nor again and again for nothing."""

import json
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime, timedelta
from queue import SimpleQueue
from typing import Final

import pytest
from attrs import define, field
from hypothesis import given
from hypothesis import strategies as st

from demand_adapters.event_source import NO_EVENT_FOR, NOBODY_MAX, SparingEventSource
from demand_adapters.memory.clock import MemoryClock
from demand_adapters.memory.event_source import MemoryEventSource
from demand_adapters.testing.event_source import E1, E2, NONE, described
from demand_adapters.testing.strategies import NOON
from demand_core.domain.ids import EventId
from demand_core.domain.listings import Listing
from demand_core.errors import Permanent, Transient
from demand_core.ports.event_source import EventSource
from entrypoints.engines.remote import remote
from entrypoints.settings import Settings
from entrypoints.twins.serving import Served
from tests.served_discovery import StockedTwin

SECOND: Final = timedelta(seconds=1)
LONG_S: Final = 10
MANY: Final = 8


class Desk:
    """A source in memory, and what asks it."""

    def __init__(self, nobody_max: int = NOBODY_MAX) -> None:
        self.clock = MemoryClock(NOON)
        self.memory = MemoryEventSource(self.clock)
        self.source = SparingEventSource(
            source=self.memory, clock=self.clock, nobody_max=nobody_max
        )

    def show(self, event_id: EventId) -> None:
        self.memory.put(event_id, json.dumps(described(event_id)).encode())

    def finds(self, event_id: EventId) -> bool:
        return self.source.look_up(event_id) is not None

    def calls(self, event_id: EventId) -> list[datetime]:
        return [call.at for call in self.memory.calls if call.event_id == event_id]


# What is nobody's


def test_what_nobody_has_is_asked_for_once_a_minute() -> None:
    desk = Desk()
    for _ in range(180):
        assert not desk.finds(NONE)
        desk.clock.advance(SECOND)
    assert desk.calls(NONE) == [NOON, NOON + 60 * SECOND, NOON + 120 * SECOND]
    assert timedelta(seconds=60) == NO_EVENT_FOR


def test_what_is_there_is_asked_for_each_time() -> None:
    desk = Desk()
    desk.show(E1)
    assert desk.finds(E1)
    assert desk.finds(E1)
    assert len(desk.calls(E1)) == 2


def test_no_error_is_remembered() -> None:
    desk = Desk()
    desk.memory.goes_down(NOON + SECOND)
    with pytest.raises(Transient):
        desk.finds(NONE)
    desk.clock.advance(SECOND)
    assert not desk.finds(NONE)
    desk.memory.put(E1, b"{}")
    with pytest.raises(Permanent):
        desk.finds(E1)
    desk.show(E1)
    assert desk.finds(E1)


def test_one_id_that_nobody_has_says_nothing_of_another() -> None:
    desk = Desk()
    desk.show(E1)
    assert not desk.finds(NONE)
    assert desk.finds(E1)
    assert not desk.finds(E2)


@pytest.mark.parametrize("most", [0, 1, 3, 10])
def test_of_all_that_nobody_has_the_last_are_remembered(most: int) -> None:
    desk = Desk(nobody_max=most)
    ids = [EventId(f"none{n}") for n in range(10)]
    assert not any(map(desk.finds, ids))
    asked = len(desk.memory.calls)
    kept = ids[10 - most :]
    assert not any(map(desk.finds, kept))
    assert len(desk.memory.calls) == asked
    assert not any(map(desk.finds, reversed(ids[: 10 - most])))
    assert len(desk.memory.calls) == asked + 10 - most
    assert 0 < NOBODY_MAX <= 10_000


class Wound:
    """A clock that somebody sets."""

    def __init__(self) -> None:
        self.at = NOON

    def now(self) -> datetime:
        return self.at


def test_a_clock_that_is_set_back_makes_nobody_of_none_for_longer() -> None:
    clock, memory = Wound(), MemoryEventSource(MemoryClock(NOON))
    source = SparingEventSource(source=memory, clock=clock)
    assert source.look_up(NONE) is None
    clock.at = NOON - timedelta(hours=1)
    memory.put(NONE, json.dumps(described(NONE)).encode())
    assert source.look_up(NONE) is not None
    clock.at = NOON
    memory.remove(NONE)
    assert source.look_up(NONE) is None
    assert len(memory.calls) == 3


@given(
    st.lists(
        st.tuples(
            st.sampled_from([E1, E2, NONE]),
            st.sampled_from(["look up", "look up", "come", "go"]),
            st.integers(0, 40),
        ),
        max_size=60,
    )
)
def test_every_answer_is_true_now_or_was_within_the_last_minute(
    steps: list[tuple[EventId, str, int]],
) -> None:
    desk, there, gone_at = Desk(), set[EventId](), dict[EventId, datetime]()
    for event_id, step, seconds in steps:
        desk.clock.advance(seconds * SECOND)
        if step == "come":
            desk.show(event_id)
            there.add(event_id)
        elif step == "go":
            desk.memory.remove(event_id)
            there.discard(event_id)
        else:
            before = len(desk.memory.calls)
            found = desk.finds(event_id)
            if len(desk.memory.calls) > before:
                assert found is (event_id in there)
                gone_at.pop(event_id, None)
                if not found:
                    gone_at[event_id] = desk.clock.now()
            else:
                assert not found
                assert desk.clock.now() - gone_at[event_id] < NO_EVENT_FOR


# Who asks at the same time


class Sought(str):
    """An id that tells which thread looks for it: from then on that one waits, or asks."""

    __slots__ = ("seekers",)
    seekers: "SimpleQueue[int]"

    def __hash__(self) -> int:
        self.seekers.put(threading.get_ident())
        return super().__hash__()

    def __eq__(self, other: object) -> bool:
        return str.__eq__(self, other)


@define
class Slow:
    """A source whose calls end when they are let go, each as *ends* says."""

    ends: Callable[[EventId], Listing | None]
    came: threading.Event = field(factory=threading.Event)
    goes: threading.Event = field(factory=threading.Event)
    calls: int = 0

    def look_up(self, event_id: EventId, /) -> Listing | None:
        self.calls += 1
        self.came.set()
        assert self.goes.wait(LONG_S)
        return self.ends(event_id)


def listed(event_id: EventId) -> Listing | None:
    memory = MemoryEventSource(MemoryClock(NOON))
    memory.put(event_id, json.dumps(described(event_id)).encode())
    return memory.look_up(event_id)


@contextmanager
def all_at_once(
    ends: Callable[[EventId], Listing | None],
) -> Iterator[tuple[Slow, EventSource, list[Future[Listing | None]]]]:
    """Many who ask for one event; the first is with the source, and all others wait for it."""
    slow = Slow(ends)
    source = SparingEventSource(source=slow, clock=MemoryClock(NOON))
    sought = Sought(E1)
    sought.seekers = SimpleQueue()
    with ThreadPoolExecutor(MANY) as pool:
        told = [pool.submit(source.look_up, EventId(sought))]
        assert slow.came.wait(LONG_S)
        told += [pool.submit(source.look_up, EventId(sought)) for _ in range(MANY - 1)]
        waiting = set[int]()
        while len(waiting) < MANY:
            waiting.add(sought.seekers.get(timeout=LONG_S))
        slow.goes.set()
        yield slow, source, told


def test_all_who_want_the_same_at_once_share_one_answer() -> None:
    with all_at_once(lambda _: listed(E1)) as (slow, source, told):
        answers = [each.result(LONG_S) for each in told]
        assert slow.calls == 1
        assert answers[0] is not None
        assert all(answer is answers[0] for answer in answers)
        assert source.look_up(E1) is not None
        assert slow.calls == 2


def test_all_who_want_the_same_at_once_share_one_error() -> None:
    error = Transient("busy", retry_at=NOON)

    def fails(event_id: EventId) -> Listing | None:
        raise error

    with all_at_once(fails) as (slow, source, told):
        assert [each.exception(LONG_S) for each in told] == [error] * MANY
        assert slow.calls == 1
        slow.ends = lambda _: listed(E1)
        assert source.look_up(E1) is not None


def test_all_who_want_at_once_what_nobody_has_are_told_so() -> None:
    with all_at_once(lambda _: None) as (slow, source, told):
        assert [each.result(LONG_S) for each in told] == [None] * MANY
        assert source.look_up(E1) is None
        assert slow.calls == 1


def test_nobody_waits_for_one_who_was_stopped_while_asking() -> None:
    def stopped(event_id: EventId) -> Listing | None:
        raise SystemExit

    with all_at_once(stopped) as (slow, source, told):
        first, *others = (each.exception(LONG_S) for each in told)
        assert isinstance(first, SystemExit)
        assert {type(error) for error in others} == {Transient}
        slow.ends = lambda _: listed(E1)
        assert source.look_up(E1) is not None
        assert slow.calls == 2


class Meeting:
    """A source that answers when two are with it."""

    def __init__(self) -> None:
        self.both = threading.Barrier(2)

    def look_up(self, event_id: EventId, /) -> Listing | None:
        self.both.wait(LONG_S)
        return listed(event_id)


def test_who_wants_another_event_waits_for_nobody() -> None:
    source = SparingEventSource(source=Meeting(), clock=MemoryClock(NOON))
    with ThreadPoolExecutor(2) as pool:
        found = [*pool.map(source.look_up, (E1, E2))]
    assert [each and each.event.event_id for each in found] == [E1, E2]


# Where it stands


@pytest.mark.check("N-UC6-err")
def test_a_run_asks_its_source_sparingly() -> None:
    clock = MemoryClock(NOON)
    twin = StockedTwin(clock)
    with Served(twin) as served:
        settings = Settings(event_source_url=served.url)
        with remote(settings, clock) as services:
            assert services.event_source is services.event_source
            for _ in range(3):
                assert services.event_source.look_up(NONE) is None
            assert len(twin.asked) == 1
            clock.advance(NO_EVENT_FOR)
            assert services.event_source.look_up(NONE) is None
            assert len(twin.asked) == 2
