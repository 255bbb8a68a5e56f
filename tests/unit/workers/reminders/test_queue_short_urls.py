"""Which events ask for a short link, and what happens when the queue does not take it."""

from collections.abc import Sequence
from datetime import timedelta
from random import Random
from typing import Final

import pytest
from attrs import define, field
from hypothesis import given
from hypothesis import strategies as st

from demand_adapters.deliveries import Delivery
from demand_adapters.memory.clock import MemoryClock
from demand_adapters.memory.file_store import MemoryFileStore
from demand_adapters.memory.item_table import MemoryItemTable
from demand_adapters.stores.event_cache import TableEventCache
from demand_adapters.stores.quarantine import Quarantine
from demand_adapters.testing.strategies import NOON, an_event
from demand_adapters.wire.changes import encode_change
from demand_core.batch import Outcome, Record, Tally, tally
from demand_core.domain.events import Event, EventCached
from demand_core.domain.ids import EventId
from demand_core.domain.links import LinkRequest
from demand_core.errors import Transient
from demand_core.topology import TOPOLOGY
from demand_core.workers.reminders.queue_short_urls import QueueShortUrls
from entrypoints.running import Runner
from entrypoints.simulation.world import START, World

SHORT: Final = "https://sho.rt/1"


@define
class Queue:
    """Takes what stands at a position that it does not refuse."""

    refuses: Sequence[int] = ()
    taken: list[str] = field(factory=list)
    calls: int = 0

    def send(self, bodies: Sequence[LinkRequest], /) -> Sequence[int]:
        self.calls += 1
        untaken = [n for n in range(len(bodies)) if n in self.refuses]
        self.taken += [body.event_id for n, body in enumerate(bodies) if n not in untaken]
        return untaken


class Away:
    """Takes nothing at all."""

    def send(self, bodies: Sequence[LinkRequest], /) -> Sequence[int]:
        raise Transient("the queue is throttled")


@pytest.fixture
def table() -> MemoryItemTable:
    return MemoryItemTable(MemoryClock(NOON), Random(1))


@pytest.fixture
def cache(table: MemoryItemTable) -> TableEventCache:
    return a_cache(table)


def a_cache(table: MemoryItemTable | None = None) -> TableEventCache:
    clock = MemoryClock(NOON)
    return TableEventCache(table=table or MemoryItemTable(clock, Random(1)), clock=clock)


def wanting(n: int) -> Event:
    return an_event(n)


def has_link(n: int) -> Event:
    event = an_event(n)
    return an_event(n, short_url=SHORT, short_url_for=event.url)


def given_up(n: int) -> Event:
    return an_event(n, link_attempts=3, link_failed_at=NOON)


def moved(n: int) -> Event:
    return an_event(n, short_url=SHORT, short_url_for="https://www.ticketmaster.com/old")


KINDS: Final = (wanting, has_link, given_up, moved)


def batch(*numbers: int) -> list[Record[EventCached]]:
    return [Record(f"r{n}", EventCached(EventId(f"E{e}"))) for n, e in enumerate(numbers)]


def asked(cache: TableEventCache, queue: Queue, *numbers: int) -> Outcome:
    return QueueShortUrls(events=cache, requests=queue)(batch(*numbers))


def test_an_event_without_a_link_asks_for_one_however_often_it_was_cached(
    cache: TableEventCache,
) -> None:
    cache.refresh([wanting(1), wanting(2)])
    queue = Queue()
    assert asked(cache, queue, 1, 2, 1, 1) == Outcome()
    assert queue.taken == ["E1", "E2"]


@pytest.mark.parametrize("event", [has_link(1), given_up(1)], ids=["linked", "given up"])
def test_an_event_that_needs_no_link_asks_for_none_and_is_done(
    cache: TableEventCache, event: Event
) -> None:
    cache.refresh([event])
    queue = Queue()
    assert asked(cache, queue, 1) == Outcome()
    assert queue.taken == []


def test_an_event_whose_link_is_for_another_url_asks_again(cache: TableEventCache) -> None:
    cache.refresh([moved(1)])
    queue = Queue()
    assert asked(cache, queue, 1) == Outcome()
    assert queue.taken == ["E1"]


def test_an_event_that_is_not_there_is_dropped_with_its_reason(cache: TableEventCache) -> None:
    cache.refresh([wanting(1)])
    queue = Queue()
    assert asked(cache, queue, 9, 1, 9).dropped == {
        "r0": "event_unknown",
        "r2": "event_unknown",
    }
    assert queue.taken == ["E1"]


def test_what_the_queue_did_not_take_is_tried_again(cache: TableEventCache) -> None:
    cache.refresh([wanting(1), has_link(2), wanting(3), wanting(4)])
    queue = Queue(refuses=[1])
    assert asked(cache, queue, 1, 2, 3, 4, 3).retry == {"r2", "r4"}
    assert queue.taken == ["E1", "E4"]


def test_a_queue_that_is_away_sends_everything_back(cache: TableEventCache) -> None:
    cache.refresh([wanting(1)])
    with pytest.raises(Transient):
        QueueShortUrls(events=cache, requests=Away())(batch(1))


@given(kinds=st.lists(st.sampled_from([*KINDS, None]), max_size=8), rest=st.data())
def test_exactly_the_events_that_want_a_link_ask_or_come_back(
    kinds: list[object], rest: st.DataObject
) -> None:
    numbers = list(range(len(kinds)))
    cache = a_cache()
    cache.refresh([make(n) for n, make in enumerate(kinds) if callable(make)])
    queue = Queue(refuses=rest.draw(st.lists(st.sampled_from([0, 1, 2, 5]))))
    cached = rest.draw(st.permutations(numbers * 2))
    outcome = asked(cache, queue, *cached)
    wants = {f"E{n}" for n, make in enumerate(kinds) if make in {wanting, moved}}
    back = {f"E{e}" for n, e in enumerate(cached) if f"r{n}" in outcome.retry}
    assert len(queue.taken) == len(set(queue.taken))
    assert (set(queue.taken) | back, set(queue.taken) & back) == (wants, set())
    gone = {n for n, e in enumerate(cached) if kinds[e] is None}
    assert set(outcome.dropped) == {f"r{n}" for n in gone}
    assert tally([f"r{n}" for n in range(len(cached))], outcome).records == len(cached)


@pytest.mark.check("N-IN2")
def test_changes_that_call_for_a_link_reach_the_queue_or_are_handed_back(
    table: MemoryItemTable,
) -> None:
    cache = a_cache(table)
    cache.refresh([wanting(1), has_link(2), wanting(3)])
    changes = [c for shard in table.shards() for c in table.read(shard.name, None, 10)]
    given = [Delivery(record_id=f"{c.key[0]}", payload=encode_change(c)) for c in changes]
    runner = Runner(clock=MemoryClock(NOON), quarantine=Quarantine(files=MemoryFileStore()))
    queue = Queue(refuses=[0])
    worker = QueueShortUrls(events=cache, requests=queue)
    ran = runner.batch(worker, TOPOLOGY[0].triggers[0], "changes", given)
    (untaken,) = ran.back
    assert {untaken, *(f"event:{taken}" for taken in queue.taken)} == {"event:E1", "event:E3"}
    assert ran.tally == Tally(done=2, retried=1)
    again = [delivery for delivery in given if delivery.record_id in ran.back]
    queue.refuses = ()
    assert not runner.batch(worker, TOPOLOGY[0].triggers[0], "changes", again).back
    assert sorted(queue.taken) == ["E1", "E3"]


@pytest.mark.check("W-N3")
def test_an_event_asks_exactly_once_and_the_link_it_gets_asks_for_nothing_more() -> None:
    world = World(7, rows=TOPOLOGY[:2])
    world.at(START, lambda: world.outside.events.refresh([wanting(1)]))
    later = START + timedelta(hours=1)
    world.at(later, lambda: world.outside.events.refresh([an_event(1, cached_at=later)]))
    world.run_until(later + timedelta(hours=1))
    runs = [(run.row, run.ran and run.ran.tally) for run in world.invoked]
    assert runs == [
        ("queue_short_urls", Tally(done=1)),
        ("shorten_event_urls", Tally(done=1)),
        ("queue_short_urls", Tally(done=1)),
    ]
    # The link's own write and the gate's concern nobody.
    assert world.tallies["route_changes"] == Tally(done=2, dropped={"nobody_asked": 2})
