"""Each kind of fault does to a call exactly what its name says, and to no other call."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from heapq import heappop, heappush
from math import sqrt
from random import Random
from typing import Any, Final

import pytest
from attrs import define, field, frozen

from demand_adapters.item_table import Did, Item, Wrote
from demand_adapters.testing.fault_plans import (
    Call,
    Fault,
    Kind,
    NoFaults,
    OneFault,
    Plan,
    Refusing,
    Swarm,
)
from demand_adapters.testing.faults import Crash, Faults, Invocation
from demand_adapters.testing.strategies import NOON
from demand_core.domain.alerts import Alert
from demand_core.errors import DemandError, Permanent, Transient, Unknown

SECOND: Final = timedelta(seconds=1)
ALERT: Final = Alert(key="a", summary="look")
ITEMS: Final = [Item((f"p{n}", "s"), {}) for n in range(4)]
BODIES: Final = ["b0", "b1", "b2", "b3"]


class Driver:
    """Does what it is asked for, and remembers what was done."""

    def __init__(self) -> None:
        self.done: list[object] = []
        self.fails: Exception | None = None

    def get_many(
        self, keys: Sequence[str], /, *, consistent: bool = True
    ) -> Mapping[str, bool]:
        self.done += keys
        return dict.fromkeys(keys, consistent)

    def announce(self, alert: Alert, /) -> str:
        if self.fails:
            raise self.fails
        self.done.append(alert)
        return "told"

    def put_new(self, items: Sequence[Item], /) -> Sequence[Wrote]:
        self.done += items
        return [Wrote(Did.DONE, item) for item in items]

    def send(self, bodies: Sequence[str], /) -> Sequence[int]:
        """The body `b2` is never taken."""
        self.done += [body for body in bodies if body != "b2"]
        return [n for n, body in enumerate(bodies) if body == "b2"]


@frozen
class Always:
    """The same thing at every call."""

    one: Fault

    def after(self, number: int) -> float:
        return number + 1

    def fault(self, call: Call, now: datetime) -> Fault:
        return self.one


@define
class Bench:
    """A world of one driver: *others* is what else happens while somebody stalls."""

    plan: Plan = field(factory=NoFaults)
    others: Callable[[], object] = lambda: None
    now: datetime = NOON
    later: list[tuple[datetime, int, Callable[[], None]]] = field(factory=list)
    driver: Driver = field(factory=Driver)
    faults: Faults = field(init=False)
    table: Any = field(init=False)
    outlet: Any = field(init=False)
    number: int = 0

    def __attrs_post_init__(self) -> None:
        self.faults = Faults(plan=self.plan, now=lambda: self.now, run=self.run, later=self.at)
        self.table = self.faults.around("table", self.driver)
        self.outlet = self.faults.around("outlet:x", self.driver)

    def at(self, when: datetime, action: Callable[[], None]) -> None:
        heappush(self.later, (when, len(self.later), action))

    def run(self, until: datetime) -> None:
        """Let everything happen by then."""
        self.others()
        while self.later and self.later[0][0] <= until:
            heappop(self.later)[2]()
        self.now = max(self.now, until)

    def living(self, work: Callable[[], Any]) -> Any:
        """What *work* answers or raises as one invocation with a minute of time."""
        self.number += 1
        invocation = Invocation(self.number, "row", self.now + 60 * SECOND)
        with self.faults.inside(invocation):
            try:
                return work()
            except (Crash, DemandError) as error:
                return type(error)


Ask = Callable[[Bench], Any]


def read(bench: Bench) -> Any:
    return bench.table.get_many(["k1", "k2"], consistent=False)


def write(bench: Bench) -> Any:
    return bench.table.announce(ALERT)


def put(bench: Bench) -> Any:
    return bench.table.put_new(ITEMS)


def send(bench: Bench) -> Any:
    return bench.outlet.send(BODIES)


WHOLE: Final[Mapping[Ask, tuple[Any, list[Any]]]] = {
    read: ({"k1": False, "k2": False}, ["k1", "k2"]),
    write: ("told", [ALERT]),
    put: ([Wrote(Did.DONE, item) for item in ITEMS], ITEMS),
    send: ([2], ["b0", "b1", "b3"]),
}
UNSURE: Final = Wrote(Did.UNSURE, None)
ASKS: Final = pytest.mark.parametrize("ask", [read, write, put, send])


def met(fault: Fault, ask: Ask) -> tuple[Bench, Any]:
    """One call under one fault: the bench afterwards, and what the caller got."""
    bench = Bench(OneFault(1, fault))
    return bench, bench.living(lambda: ask(bench))


@ASKS
def test_without_a_fault_a_call_is_what_it_would_be_without_a_proxy(ask: Ask) -> None:
    bench = Bench()
    assert (bench.living(lambda: ask(bench)), bench.driver.done) == WHOLE[ask]
    assert (bench.faults.calls, bench.faults.done) == (1, [])


@ASKS
def test_before_is_a_crash_that_did_nothing(ask: Ask) -> None:
    bench, got = met(Fault(kind=Kind.BEFORE), ask)
    assert (got, bench.driver.done) == (Crash, [])


@ASKS
def test_after_is_a_crash_that_did_everything(ask: Ask) -> None:
    bench, got = met(Fault(kind=Kind.AFTER), ask)
    assert (got, bench.driver.done) == (Crash, WHOLE[ask][1])


@ASKS
def test_transient_did_nothing_and_says_so(ask: Ask) -> None:
    bench, got = met(Fault(kind=Kind.TRANSIENT), ask)
    assert (got, bench.driver.done) == (Transient, [])


@ASKS
def test_unknown_did_everything_and_does_not_say_so(ask: Ask) -> None:
    bench, got = met(Fault(kind=Kind.UNKNOWN), ask)
    assert (got, bench.driver.done) == (Unknown, WHOLE[ask][1])


def partial(after: Kind, *taken: int) -> Fault:
    return Fault(kind=Kind.PARTIAL, taken=taken, after=after)


@pytest.mark.parametrize(("after", "ends"), [(Kind.BEFORE, Crash), (Kind.UNKNOWN, Unknown)])
@pytest.mark.parametrize("taken", [(), (1,), (0, 3), (0, 1, 3, 4, 77)])
def test_partial_does_some_of_a_batch_and_then_there_is_no_answer(
    taken: tuple[int, ...], after: Kind, ends: type
) -> None:
    wanted = [n for n in taken if n < 4]
    bench, got = met(partial(after, *taken), put)
    assert (got, bench.driver.done) == (ends, [ITEMS[n] for n in wanted])
    bench, got = met(partial(after, *taken), send)
    assert (got, bench.driver.done) == (ends, [BODIES[n] for n in wanted])


@pytest.mark.parametrize(
    ("taken", "untaken"),
    [((), [0, 1, 2, 3]), ((1,), [0, 2, 3]), ((0, 2, 3), [1, 2]), ((0, 1, 2, 3), [2])],
)
def test_a_partial_outlet_answers_the_positions_that_were_not_taken(
    taken: tuple[int, ...], untaken: list[int]
) -> None:
    bench, got = met(partial(Kind.PARTIAL, *taken), send)
    assert got == untaken
    assert bench.driver.done == [BODIES[n] for n in range(4) if n not in untaken]


def test_a_partial_table_is_unsure_of_what_it_left_undone_and_of_some_that_it_did() -> None:
    bench, got = met(partial(Kind.PARTIAL, 0, 1, 3), put)
    done = [Wrote(Did.DONE, item) for item in ITEMS]
    assert bench.driver.done == [ITEMS[0], ITEMS[1], ITEMS[3]]
    assert got == [done[0], UNSURE, UNSURE, done[3]]
    bench, got = met(partial(Kind.PARTIAL), put)
    assert (bench.driver.done, got) == ([], [UNSURE] * 4)


@pytest.mark.parametrize("after", [Kind.BEFORE, Kind.UNKNOWN, Kind.PARTIAL])
@pytest.mark.parametrize("ask", [read, write])
def test_what_is_no_batch_cannot_be_done_in_part(ask: Ask, after: Kind) -> None:
    bench, got = met(partial(after, 0), ask)
    assert (got, bench.driver.done) == (Unknown, [])


@ASKS
def test_a_stall_lets_others_go_on_and_then_does_its_call(ask: Ask) -> None:
    bench = Bench(OneFault(1, Fault(kind=Kind.STALL, delay=30 * SECOND)))
    order = bench.driver.done
    bench.others = lambda: order.append("others")
    got = bench.living(lambda: ask(bench))
    assert (got, order) == (WHOLE[ask][0], ["others", *WHOLE[ask][1]])
    assert bench.now == NOON + 30 * SECOND


@ASKS
def test_a_stall_beyond_the_deadline_is_done_and_nobody_hears_of_it(ask: Ask) -> None:
    bench, got = met(Fault(kind=Kind.STALL, delay=31 * SECOND), ask)
    assert (got, bench.driver.done) == (Unknown, WHOLE[ask][1])


@ASKS
def test_a_stall_beyond_the_time_of_its_run_is_a_crash_that_did_nothing(ask: Ask) -> None:
    bench, got = met(Fault(kind=Kind.STALL, delay=60 * SECOND), ask)
    assert (got, bench.driver.done) == (Crash, [])


@pytest.mark.parametrize("ask", [write, put, send])
def test_a_late_write_is_done_when_its_caller_has_long_given_it_up(ask: Ask) -> None:
    bench, got = met(Fault(kind=Kind.LATE, delay=90 * SECOND), ask)
    assert (got, bench.driver.done) == (Unknown, [])
    bench.run(NOON + 89 * SECOND)
    assert bench.driver.done == []
    bench.run(NOON + 90 * SECOND)
    assert bench.driver.done == WHOLE[ask][1]


def test_a_late_read_is_never_done() -> None:
    bench, got = met(Fault(kind=Kind.LATE, delay=SECOND), read)
    bench.run(NOON + 90 * SECOND)
    assert (got, bench.driver.done) == (Unknown, [])


@pytest.mark.parametrize("error", [Transient("busy"), Permanent("bad")])
def test_nobody_hears_of_a_late_write_that_fails(error: Exception) -> None:
    bench, _ = met(Fault(kind=Kind.LATE, delay=SECOND), write)

    bench.driver.fails = error
    bench.run(NOON + 90 * SECOND)
    assert (bench.later, bench.driver.done) == ([], [])


def test_a_refused_call_does_nothing_and_is_refused_every_time() -> None:
    bench = Bench(Refusing(lambda call: call.method == "announce"))
    assert bench.living(lambda: write(bench)) is Permanent
    assert bench.living(lambda: write(bench)) is Permanent
    assert (bench.living(lambda: send(bench)), bench.driver.done) == WHOLE[send]
    assert [kind for _, kind in bench.faults.done] == ["permanent"] * 2


@pytest.mark.parametrize("number", [1, 2, 3])
def test_one_fault_happens_at_its_call_and_at_no_other(number: int) -> None:
    bench = Bench(OneFault(number, Fault(kind=Kind.TRANSIENT)))
    got = [bench.living(lambda: write(bench)) for _ in range(4)]
    assert [n for n, answer in enumerate(got, 1) if answer is Transient] == [number]
    ((call, kind),) = bench.faults.done
    assert (call, kind) == (Call(number, "row", "table", "announce", (ALERT,)), "transient")


@pytest.mark.parametrize("kind", [Kind.BEFORE, Kind.AFTER])
def test_whatever_a_dead_process_still_calls_is_not_done(kind: Kind) -> None:
    bench = Bench(OneFault(2, Fault(kind=kind)))
    crashes: list[object] = []

    def work() -> None:
        write(bench)
        try:
            send(bench)
        finally:
            for ask in (read, write, put, send):
                with pytest.raises(Crash):
                    ask(bench)
                crashes.append(ask)
            write(bench)

    assert bench.living(work) is Crash
    assert bench.driver.done == [ALERT, *(WHOLE[send][1] if kind is Kind.AFTER else [])]
    assert len(crashes) == 4
    assert (bench.living(lambda: write(bench)), bench.driver.done[-1]) == ("told", ALERT)
    assert len(bench.faults.done) == 1


def test_no_handler_of_a_worker_mistakes_a_crash_for_an_error() -> None:
    bench = Bench(OneFault(1, Fault(kind=Kind.BEFORE)))

    def work() -> str:
        try:
            return str(write(bench))
        except Exception:  # noqa: BLE001  # the broadest that a worker could have
            return "handled"

    assert bench.living(work) is Crash


def test_a_death_during_a_stall_is_not_the_death_of_who_stalls() -> None:
    stall, crash = Fault(kind=Kind.STALL), Fault(kind=Kind.BEFORE)

    class Two:
        """First somebody stalls, then somebody else dies."""

        def after(self, number: int) -> float:
            return number + 1

        def fault(self, call: Call, now: datetime) -> Fault | None:
            return {1: stall, 2: crash}.get(call.number)

    bench = Bench(Two())
    others: list[object] = []
    bench.others = lambda: others.append(bench.living(lambda: write(bench)))
    assert bench.living(lambda: send(bench)) == [2]
    assert others == [Crash]
    assert bench.driver.done == ["b0", "b1", "b3"]


def test_stalls_inside_stalls_come_to_an_end() -> None:
    bench = Bench(Always(Fault(kind=Kind.STALL, delay=SECOND)))
    deepest = 0

    def others() -> None:
        nonlocal deepest
        deepest = max(deepest, bench.faults.depth)
        bench.living(lambda: write(bench))

    bench.others = others
    assert bench.living(lambda: write(bench)) == "told"
    assert (deepest, bench.faults.depth) == (3, 0)
    assert bench.driver.done == [ALERT] * 4


@pytest.mark.parametrize("kind", Kind)
def test_nothing_goes_wrong_outside_an_invocation(kind: Kind) -> None:
    bench = Bench(Always(Fault(kind=kind, delay=90 * SECOND)))
    assert (write(bench), bench.driver.done) == WHOLE[write]
    assert bench.faults.done == []
    assert bench.living(lambda: write(bench)) in {Crash, Transient, Unknown}
    assert write(bench) == "told"


def swarmed(swarm: Swarm, calls: int) -> Bench:
    """Many runs of one call each, at one instant."""
    bench = Bench(swarm)
    bench.faults.run = lambda _: None
    bench.faults.later = lambda _, __: None
    for _ in range(calls):
        bench.living(lambda: write(bench))
    return bench


@pytest.mark.parametrize("rate", [0.03, 0.15, 0.5])
def test_a_swarm_hits_as_many_calls_as_it_was_asked_to(rate: float) -> None:
    calls = 20_000
    bench = swarmed(Swarm(Random(7), rate, NOON + SECOND), calls)
    hits = len(bench.faults.done)
    assert abs(hits - calls * rate) < 4 * sqrt(calls * rate * (1 - rate))
    assert {kind for _, kind in bench.faults.done} == {kind.value for kind in Kind}


@pytest.mark.parametrize("rate", [0.0, 0.15])
def test_a_swarm_without_a_rate_or_past_its_end_hits_nothing(rate: float) -> None:
    swarm = Swarm(Random(7), rate, NOON if rate else NOON + SECOND)
    assert swarmed(swarm, 2000).faults.done == []


def test_a_swarm_stops_at_its_end_and_not_before() -> None:
    bench = swarmed(Swarm(Random(7), 0.15, NOON + SECOND), 1000)
    before = len(bench.faults.done)
    bench.now = NOON + SECOND
    for _ in range(1000):
        assert bench.living(lambda: write(bench)) == "told"
    assert len(bench.faults.done) == before > 0


def drawn(seed: int) -> list[tuple[int, Fault]]:
    plan, found, number = Swarm(Random(seed), 0.15, NOON + SECOND), [], 0.0
    for _ in range(50):
        number = plan.after(int(number))
        fault = plan.fault(Call(int(number), "row", "table", "announce", ()), NOON)
        assert fault is not None
        found.append((int(number), fault))
    return found


def test_the_same_seed_brings_the_same_faults_at_the_same_calls() -> None:
    assert drawn(7) == drawn(7)
    assert drawn(7) != drawn(8)


def test_a_swarm_draws_every_kind_of_fault_in_every_shape() -> None:
    faults = [fault for seed in range(20) for _, fault in drawn(seed)]
    assert Counter(fault.kind for fault in faults).keys() == set(Kind)
    assert {fault.after for fault in faults} == {Kind.BEFORE, Kind.UNKNOWN, Kind.PARTIAL}
    delays = [fault.delay for fault in faults]
    assert min(delays) < 30 * SECOND < 60 * SECOND < max(delays)
    assert len({len(fault.taken) for fault in faults}) > 10
