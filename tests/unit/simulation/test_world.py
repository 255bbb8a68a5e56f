"""The pump: what each source does of itself, under no weather and under the roughest."""

from collections import Counter
from datetime import datetime, timedelta
from functools import partial
from random import Random
from typing import Final

import pytest
from attrs import define, evolve, field, frozen

from demand_adapters.item_table import Item
from demand_adapters.testing.fault_plans import Call, Fault, Kind, NoFaults, OneFault, Plan
from demand_adapters.testing.strategies import an_event
from demand_adapters.wire.bodies import encode
from demand_core.batch import Outcome
from demand_core.domain.ids import EventId
from demand_core.domain.links import LinkRequest, LinkState, link_state
from demand_core.errors import Transient, WiringError
from demand_core.topology import TOPOLOGY
from demand_core.topology.shapes import (
    Upload,
    Worker,
)
from entrypoints.simulation import checkers
from entrypoints.simulation.scenarios import digest, play
from entrypoints.simulation.world import CALM, START, WEATHERS, Invoked, Weather, World
from tests.scratch import FLOWS, POSTS, READS, TICKS

SECOND: Final = timedelta(seconds=1)
MINUTE: Final = timedelta(minutes=1)
HOUR: Final = timedelta(hours=1)
HARSH: Final = WEATHERS["harsh"]

pytestmark = pytest.mark.usefixtures("scratch_rows")


@define
class Log:
    """Every run, with the time at which it had ended."""

    world: World
    runs: list[tuple[timedelta, Invoked]] = field(factory=list)

    def __call__(self, invoked: Invoked) -> None:
        self.runs.append((self.world.clock.now() - START, invoked))

    @property
    def times(self) -> list[timedelta]:
        return [at for at, _ in self.runs]

    @property
    def received(self) -> list[int]:
        """How often each message that was handed out had been so by then."""
        return [delivery.received for _, run in self.runs for delivery in run.given]


def a_world(
    *rows: Worker, seed: int = 7, weather: Weather = CALM, plan: Plan | None = None
) -> tuple[World, Log]:
    world = World(seed, weather=weather, plan=plan or NoFaults(), rows=rows)
    log = Log(world)
    world.after = log
    return world, log


def post(world: World, *names: str) -> None:
    world.engines.queues["notes"].put([encode(LinkRequest(EventId(name))) for name in names])


def told(world: World) -> list[str]:
    return [alert.key for alert in world.engines.announcer.history]


@frozen
class Always:
    """The same thing at every call until a time."""

    one: Fault
    until: datetime = START + timedelta(days=9)

    def after(self, number: int) -> float:
        return number + 1

    def fault(self, call: Call, now: datetime) -> Fault | None:
        return self.one if now < self.until else None


@pytest.mark.parametrize("kind", [Kind.BEFORE, Kind.AFTER])
def test_after_a_crash_a_message_stays_hidden_for_its_time_and_comes_again(kind: Kind) -> None:
    world, log = a_world(READS, plan=OneFault(1, Fault(kind=kind)))
    post(world, "E1", "E2")
    world.run_until(START + HOUR)
    assert log.times == [timedelta(0), READS.visibility]
    assert [run.ran is None for _, run in log.runs] == [True, False]
    assert log.received == [1, 1, 2, 2]
    assert set(told(world)) == {"E1", "E2"}
    assert world.quiet()


@pytest.mark.parametrize("weather", [CALM, HARSH])
def test_what_is_sent_back_comes_again_within_its_back_off(weather: Weather) -> None:
    waits = list[timedelta]()
    for seed in range(40):
        plan = OneFault(1, Fault(kind=Kind.TRANSIENT))
        world, log = a_world(READS, seed=seed, weather=evolve(weather, duplicates=0), plan=plan)
        post(world, "E1")
        world.run_until(START + HOUR)
        first, second = log.times
        waits.append(second - first)
        assert (told(world), log.received) == (["E1"], [1, 2])
    assert min(waits) < MINUTE < 4 * MINUTE < max(waits) <= READS.retry.backoff


def test_without_weather_every_message_comes_exactly_once_and_in_full_batches() -> None:
    world, log = a_world(READS)
    post(world, *(f"E{n}" for n in range(25)))
    world.run_until(START + HOUR)
    assert [len(run.given) for _, run in log.runs] == [10, 10, 5]
    assert told(world) == [f"E{n}" for n in range(25)]


def test_under_harsh_weather_some_messages_come_twice_and_none_is_lost() -> None:
    world, log = a_world(READS, weather=HARSH)
    post(world, *(f"E{n}" for n in range(400)))
    world.run_until(START + 3 * HOUR)
    times = Counter(told(world))
    assert times.keys() == {f"E{n}" for n in range(400)}
    assert 0.02 < sum(n > 1 for n in times.values()) / 400 < 0.1
    assert {len(run.given) for _, run in log.runs} == set(range(1, 11))
    assert world.quiet()


def test_a_message_that_never_works_ends_among_the_dead_letters() -> None:
    world, log = a_world(READS, plan=Always(Fault(kind=Kind.TRANSIENT)))
    post(world, "E1")
    world.run_until(START + 3 * HOUR)
    assert log.received == list(range(1, READS.retry.max_receive + 1))
    assert [dead.record_id for dead in world.engines.queues["notes"].dead_letters()] == [
        "notes-1"
    ]
    assert world.engines.queues["notes"].waiting() == 0


def test_without_weather_a_clock_strikes_once_at_every_multiple_of_its_period() -> None:
    world, log = a_world(TICKS)
    world.run_until(START + 2 * HOUR + SECOND)
    due = [n * MINUTE for n in range(1, 121)]
    assert log.times == due
    assert told(world) == [(START + at).isoformat() for at in due]


def test_under_harsh_weather_ticks_come_late_twice_or_never_but_never_early() -> None:
    world, log = a_world(TICKS, weather=HARSH)
    world.run_until(START + 24 * HOUR)
    struck = [datetime.fromisoformat(key) for key in told(world)]
    late = [START + at - due for at, due in zip(log.times, struck, strict=True)]
    assert timedelta(0) <= min(late) < SECOND < 50 * SECOND < max(late) <= MINUTE
    times = Counter(struck)
    due = [START + n * MINUTE for n in range(1, 24 * 60)]
    assert times.keys() <= {*due, START + 24 * HOUR}
    assert {times[at] for at in due} == {0, 1, 2}
    assert struck == sorted(struck)


def test_a_tick_whose_run_dies_is_not_struck_again() -> None:
    world, log = a_world(TICKS, plan=OneFault(2, Fault(kind=Kind.BEFORE)))
    world.run_until(START + 4 * MINUTE + SECOND)
    assert [run.ran is None for _, run in log.runs] == [False, True, False, False]
    assert len(told(world)) == 3


def test_time_stops_exactly_at_the_end_and_goes_on_from_there() -> None:
    world, log = a_world(TICKS)
    happened = list[timedelta]()
    for at in (0 * SECOND, 90 * SECOND, 100 * SECOND):
        world.at(START + at, partial(happened.append, at))
    world.run_until(START + 95 * SECOND)
    assert world.clock.now() == START + 95 * SECOND
    assert (happened, log.times) == ([0 * SECOND, 90 * SECOND], [MINUTE])
    world.run_until(START + 2 * MINUTE + SECOND)
    assert (happened[2:], log.times[1:]) == ([100 * SECOND], [2 * MINUTE])


def test_what_is_due_at_the_very_end_has_happened_by_then() -> None:
    world, log = a_world(TICKS)
    happened = list[timedelta]()
    world.at(START + MINUTE, partial(happened.append, MINUTE))
    world.run_until(START + MINUTE)
    assert (happened, log.times) == ([MINUTE], [MINUTE])


def test_a_change_reaches_its_row_once_without_weather_and_again_under_it() -> None:
    runs = list[int]()
    for weather in (CALM, evolve(HARSH, fault_rate=0)):
        world = World(7, weather=weather)
        events = [an_event(n, cached_at=START) for n in range(100)]
        world.at(START, partial(world.outside.events.refresh, events))
        world.run_until(START + 3 * HOUR)
        handed = (len(i.given) for i in world.invoked if i.row == "queue_short_urls")
        runs.append(sum(handed))
        known = world.outside.events.get_many([event.event_id for event in events])
        assert {link_state(event) for event in known.values()} == {LinkState.LINKED}
    assert runs[0] == 100 < runs[1]


def test_without_weather_a_change_wakes_its_row_within_a_second_of_itself() -> None:
    world = World(7)
    log = Log(world)
    world.after = log
    wrote = [n * timedelta(milliseconds=300) for n in range(8)]
    for at in wrote:
        event = an_event(1, cached_at=START + at)
        world.at(START + at, partial(world.outside.events.refresh, [event]))
    world.run_until(START + HOUR)
    woken = [at for at, run in log.runs if run.row == "queue_short_urls"]
    assert len(woken) == len(wrote)
    assert all(w < at < w + SECOND for w, at in zip(wrote, woken, strict=True))


def test_every_run_has_a_number_of_its_own_even_if_others_ran_while_it_stalled() -> None:
    world, log = a_world(
        READS, TICKS, plan=OneFault(1, Fault(kind=Kind.STALL, delay=90 * SECOND))
    )
    post(world, "E1")
    world.run_until(START + 10 * SECOND)
    numbers = {run.row: run.number for _, run in log.runs}
    assert numbers == {"pass_note": 1, "strike_clock": 2}


def test_every_run_knows_which_writes_were_done_meanwhile() -> None:
    world = World(7, rows=TOPOLOGY[:2])
    world.at(START, partial(world.outside.events.refresh, [an_event(1, cached_at=START)]))
    world.run_until(START + HOUR)
    wrote = {run.row: list(run.wrote) for run in world.invoked}
    assert wrote == {"queue_short_urls": [], "shorten_event_urls": [2, 3]}
    assert world.engines.table.sequence == 3


def test_what_a_world_is_asked_to_watch_is_seen_with_the_run_that_did_it() -> None:
    watched = frozenset({("announcer", "announce")})
    world = World(7, rows=[READS], watched=watched)
    post(world, "E1", "E2")
    world.run_until(START + HOUR)
    seen = [(call.invocation, call.args[0].key) for call in world.seen]
    assert seen == [(1, "E1"), (1, "E2")]
    assert world.invoked[0].number == 1


def test_a_world_is_quiet_only_when_nothing_waits_anywhere() -> None:
    world, _ = a_world(READS, TICKS)
    assert world.quiet()
    post(world, "E1")
    assert not world.quiet()
    world.run_until(START + SECOND)
    assert world.quiet()
    world.at(START + MINUTE, lambda: None)
    assert not world.quiet()
    world.run_until(START + 2 * MINUTE)
    world.engines.table.put_new([Item(("p", "s"), {})])
    assert not world.quiet()


@frozen
class Throttled:
    """The table refuses each call with some chance for a while; nobody else refuses any."""

    chance: Random
    until: datetime

    def after(self, number: int) -> float:
        return number + 1

    def fault(self, call: Call, now: datetime) -> Fault | None:
        refused = call.driver == "table" and now < self.until and self.chance.random() < 0.5
        return Fault(kind=Kind.TRANSIENT) if refused else None


@pytest.mark.check("N-DEP2")
def test_a_throttled_table_slows_the_work_and_loses_none_of_it() -> None:
    events = [an_event(n, cached_at=START) for n in range(30)]
    ended = list[datetime]()
    for until in (START, START + 10 * MINUTE):
        world = World(7, plan=Throttled(Random(1), until))
        world.at(START, partial(world.outside.events.refresh, events))
        world.run_until(START + 3 * HOUR)
        known = world.outside.events.get_many([event.event_id for event in events])
        assert {link_state(event) for event in known.values()} == {LinkState.LINKED}
        assert len(known) == 30
        assert not any(queue.dead_letters() for queue in world.engines.queues.values())
        ended.append(world.engines.shortener.history[-1].at)
    assert ended[0] + MINUTE < ended[1]


@define
class QueueAway:
    """No queue takes anything for a minute; whoever asks on and on meanwhile is stopped."""

    calls: int = 0

    def after(self, number: int) -> float:
        return number + 1

    def fault(self, call: Call, now: datetime) -> Fault | None:
        self.calls += 1
        assert self.calls < 10_000, "time stands still"
        away = call.driver.startswith("outlet:") and now < START + MINUTE
        return Fault(kind=Kind.TRANSIENT) if away else None


def test_a_router_whose_queue_is_away_tries_again_later_and_not_at_once() -> None:
    world = World(7, plan=QueueAway())
    world.at(START, partial(world.outside.events.refresh, [an_event(1, cached_at=START)]))
    world.run_until(START + HOUR)
    (event,) = world.outside.events.get_many([EventId("E1")]).values()
    assert link_state(event) is LinkState.LINKED


@pytest.mark.parametrize("faults", ["none", "harsh"])
def test_one_seed_makes_one_world_and_another_seed_another(faults: str) -> None:
    one, same, other = (
        play("short-links", seed=seed, scale=0.05, faults=faults).digest for seed in (7, 7, 8)
    )
    assert one == same != other


def test_a_world_is_told_from_another_by_anything_that_happened() -> None:
    digests = set[str]()
    for names in ((), ("E1",), ("E2",), ("E1", "E2")):
        world, _ = a_world(READS)
        post(world, *names)
        world.run_until(START + MINUTE)
        digests.add(digest(world))
    assert len(digests) == 4


def test_a_bug_in_a_worker_stops_the_world() -> None:
    world, _ = a_world(READS)
    world.works["pass_note"] = _broken
    post(world, "E1")
    with pytest.raises(ZeroDivisionError):
        world.run_until(START + HOUR)


def _broken(_: object) -> Outcome:
    raise ZeroDivisionError


def test_a_row_that_asks_for_its_whole_batch_again_gets_it() -> None:
    world, log = a_world(READS)
    answers = iter([Transient("busy")])

    def work(_: object) -> Outcome:
        for fault in answers:
            raise fault
        return Outcome()

    world.works["pass_note"] = work
    post(world, "E1", "E2")
    world.run_until(START + HOUR)
    assert sorted(log.received) == [1, 1, 2, 2]
    assert world.tallies["pass_note"].records == 4
    assert (world.tallies["pass_note"].done, world.tallies["pass_note"].retried) == (2, 2)


def test_the_world_runs_the_rows_that_the_table_lists() -> None:
    assert World(7).rows == {row.name: row for row in TOPOLOGY}


def flowing(world: World, *names: str) -> None:
    world.outlet(POSTS).send([LinkRequest(EventId(name)) for name in names])


@pytest.mark.parametrize("weather", WEATHERS)
def test_a_stream_is_read_to_its_end_in_order_within_each_shard(weather: str) -> None:
    world, _ = a_world(FLOWS, weather=WEATHERS[weather])
    flowing(world, *(f"E{n % 5}-{n:02d}" for n in range(50)))
    world.run_until(START + HOUR)
    assert set(told(world)) == {f"E{n % 5}-{n:02d}" for n in range(50)}
    if weather == "none":
        assert len(told(world)) == 50


def test_bodies_of_one_partition_stay_in_order() -> None:
    world, _ = a_world(FLOWS)
    for name in ("E1", "E2", "E3"):
        flowing(world, name, "E0")
        world.run_until(world.clock.now() + MINUTE)
    assert [name for name in told(world) if name == "E0"] == ["E0"] * 3
    assert [name for name in told(world) if name != "E0"] == ["E1", "E2", "E3"]


def test_a_poison_record_holds_its_shard_up_and_is_given_up_alone() -> None:
    world, log = a_world(FLOWS)
    flowing(world, *(f"E{n}" for n in range(20)), "poison", *(f"F{n}" for n in range(20)))
    world.run_until(START + HOUR)
    assert set(told(world)) == {f"{letter}{n}" for letter in "EF" for n in range(20)}
    alone = [
        run
        for _, run in log.runs
        if [d.payload for d in run.given] == [b'{"eventId":"poison"}']
    ]
    assert len(alone) == FLOWS.retry.max_receive
    assert checkers.dead_letters(world) == [str(record.sequence) for record in world.given_up]
    assert len(world.given_up) == 1
    assert world.quiet()


def test_a_crash_over_a_stream_loses_none_of_its_records() -> None:
    for kind in (Kind.BEFORE, Kind.AFTER):
        world, _ = a_world(FLOWS, plan=OneFault(1, Fault(kind=kind)))
        flowing(world, "E1", "E2")
        world.run_until(START + HOUR)
        assert set(told(world)) == {"E1", "E2"}


def test_a_trigger_that_the_world_does_not_know_is_refused_and_not_forgotten() -> None:
    row = evolve(READS, triggers=(Upload(prefix="scored/", body=LinkRequest),))
    with pytest.raises(WiringError, match="nothing here wakes it by Upload"):
        a_world(row)
