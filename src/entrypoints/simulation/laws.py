"""The laws that hold of every row, proven on situations that scenarios run into.

Nothing here knows a worker. A story is played once without faults and must reach its goal; the
laws then play it again, each with one thing done differently, and compare how the worlds end.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from datetime import timedelta
from functools import partial as partial_of
from itertools import combinations
from random import Random
from typing import Any, Final

from attrs import define, evolve, field

from demand_adapters.item_table import Item
from demand_adapters.testing.fault_plans import (
    Call,
    Fault,
    Kind,
    OneFault,
    Refusing,
    Swarm,
)
from demand_adapters.testing.faults import is_batch
from demand_adapters.wire.converters import camel
from demand_core.topology import TOPOLOGY
from demand_core.topology.routing import routes
from entrypoints.running import concerns
from entrypoints.simulation import checkers
from entrypoints.simulation.stories import SEED, Essence, Story, essence
from entrypoints.simulation.world import START, WEATHERS, Invoked, World

SUBSETS_MAX: Final = 64
DELAYS: Final = (timedelta(minutes=1), timedelta(minutes=17), timedelta(minutes=45))
SINGLES: Final = (
    Fault(kind=Kind.BEFORE),
    Fault(kind=Kind.AFTER),
    Fault(kind=Kind.TRANSIENT),
    Fault(kind=Kind.UNKNOWN),
    Fault(kind=Kind.STALL, delay=timedelta(seconds=2)),
    Fault(kind=Kind.STALL, delay=timedelta(seconds=20)),
    Fault(kind=Kind.STALL, delay=timedelta(seconds=150)),
    Fault(kind=Kind.LATE, delay=timedelta(seconds=5)),
    Fault(kind=Kind.LATE, delay=timedelta(minutes=20)),
)
GARBAGE: Final = b"not what anybody sends"


@define
class Proof:
    """How often a law was tried on each row, and every way in which it did not hold."""

    law: str
    tried: Counter[str] = field(factory=Counter)
    broken: list[str] = field(factory=list)

    def compare(self, row: str, what: str, wanted: Essence, found: Essence) -> None:
        """One try: the two worlds must have the same essence."""
        self.tried[row] += 1
        differ = [k for k in wanted.keys() | found.keys() if wanted.get(k) != found.get(k)]
        if differ:
            self.broken.append(f"{self.law}, {row}, {what}: {sorted(differ)[:3]} differ")


def at_once(story: Story) -> Proof:
    """1: what was done, delivered again at the same instant, changes nothing."""
    proof = Proof("at once")

    def again(world: World, invoked: Invoked) -> None:
        if invoked.ran is None or invoked.trigger is None:
            return
        given = [d for d in invoked.given if d.record_id not in invoked.ran.back]
        before, written = essence(world), world.engines.table.sequence
        trigger, work = invoked.trigger, world.work(invoked.row)
        world.living(invoked.row, lambda: world.runner.batch(work, trigger, invoked.row, given))
        proof.compare(invoked.row, f"run {invoked.number}", before, essence(world))
        if world.engines.table.sequence != written:
            proof.broken.append(f"at once, {invoked.row}, run {invoked.number}: it wrote")

    world = evolve(story, before=_without_lag).play(after=again)
    proof.compare("every row", "in the end", essence(story.clean), essence(world))
    return proof


def _without_lag(world: World) -> None:
    """An index that catches up between two deliveries is not the second one's doing."""
    world.engines.table.lag = timedelta(0)


def later(story: Story) -> Proof:
    """2: a batch delivered again at any later time leads to the same end."""
    proof, wanted = Proof("later"), essence(story.clean)
    for number, one in enumerate(story.clean.invoked):
        if one.trigger is None or number % story.stride:
            continue
        for delay in DELAYS:
            world = story.play(after=_again(number, delay))
            proof.compare(
                one.row, f"run {one.number} again {delay} later", wanted, essence(world)
            )
    return proof


def _again(number: int, delay: timedelta) -> Callable[[World, Invoked], None]:
    def after(world: World, invoked: Invoked) -> None:
        trigger = invoked.trigger
        if len(world.invoked) == number + 1 and trigger is not None:
            world.at(
                world.clock.now() + delay,
                lambda: _ignored(world.invoke(invoked.row, trigger, invoked.given)),
            )

    return after


def _ignored(_: object) -> None:
    """The queue knows nothing of this delivery, so nobody waits for the answer."""


def one_fault(story: Story) -> Proof:
    """3: any call may go wrong once, in each way, and the end is the same."""
    proof, wanted = Proof("one fault"), essence(story.clean)
    for call in story.calls[:: story.stride]:
        for fault in SINGLES:
            world = story.play(OneFault(call.number, fault))
            what = f"call {call.number} {call.driver}.{call.method} {fault.kind.value}"
            proof.compare(call.row, what, wanted, essence(world))
    return proof


def partial(story: Story) -> Proof:
    """6: of any batch any part may be done, whatever is answered, and the end is the same."""
    proof, wanted = Proof("partial"), essence(story.clean)
    for call in [call for call in story.calls if is_batch(call)][:: story.stride]:
        for taken in _subsets(len(call.args[0])):
            for after in (Kind.BEFORE, Kind.UNKNOWN, Kind.PARTIAL):
                fault = Fault(kind=Kind.PARTIAL, taken=taken, after=after)
                world = story.play(OneFault(call.number, fault))
                what = f"call {call.number} {call.driver}.{call.method} {taken} {after.value}"
                proof.compare(call.row, what, wanted, essence(world))
    return proof


def _subsets(size: int) -> list[tuple[int, ...]]:
    every = [s for n in range(size + 1) for s in combinations(range(size), n)]
    return every if len(every) <= SUBSETS_MAX else Random(SEED).sample(every, SUBSETS_MAX)


def conservation(story: Story) -> Proof:
    """4: whatever goes wrong, every record that was handed out is accounted for."""
    proof = Proof("conservation")
    weather = WEATHERS["harsh"]
    for seed in range(20):
        world = story.play(
            Swarm(Random(seed), weather.fault_rate, START + story.scenario.calm_after),
            weather=weather,
        )
        for invoked in world.invoked:
            if invoked.ran is None or invoked.trigger is None:
                continue
            tally = invoked.ran.tally
            proof.compare(
                invoked.row,
                f"seed {seed}, run {invoked.number}",
                {"handed out": len(invoked.given)},
                {"handed out": tally.records + tally.quarantined},
            )
    return proof


def poison(story: Story) -> Proof:
    """5: a record that cannot be read, or whose own calls are all refused, harms no other."""
    proof = Proof("poison")
    proof.compare(
        "every row", "garbage in every queue", essence(story.clean), essence(_littered(story))
    )
    words = story.scenario.subjects()
    for subject in sorted(set(words.values())):
        world = story.play(Refusing(partial_of(_only_about, words, subject)))
        for row in sorted({call.row for call, _ in world.faults.done}):
            proof.compare(
                row,
                f"{subject} refused",
                essence(story.clean, without=subject, words=words),
                essence(world, without=subject, words=words),
            )
    return proof


def _littered(story: Story) -> World:
    def litter(world: World) -> None:
        for queue in world.engines.queues.values():
            for minutes in range(0, int(story.scenario.lasts.total_seconds()) // 60, 5):
                world.at(START + timedelta(minutes=minutes), partial_of(queue.put, [GARBAGE]))

    world = evolve(story, before=litter).play()
    for name, queue in world.engines.queues.items():
        if queue.dead_letters() or queue.waiting():
            raise AssertionError(f"garbage stays in {name}")
    return world


def _only_about(words: Mapping[str, str], subject: str, call: Call) -> bool:
    return about(call.args, words) == {subject}


def about(args: Any, words: Mapping[str, str]) -> set[str]:  # any call's arguments
    """Whom the arguments of a call name."""
    match args:
        case str():
            return {words[args]} if args in words else set()
        case Item():
            return about(args.key, words)
        case tuple() | list():
            return set[str]().union(*(about(part, words) for part in args))
    named = getattr(args, "event_id", None)
    return {words[named]} if isinstance(named, str) and named in words else set()


def own_echo(story: Story) -> Proof:
    """7: no write of a row wakes that row again, unless it says that it loops."""
    proof = Proof("own echo")
    changes = {change.sequence: change for change in checkers.changes(story.clean)}
    wanted = {route.row: route for route in routes(TOPOLOGY, camel)}
    loops = {row.name for row in TOPOLOGY if row.loops}
    for invoked in story.clean.invoked:
        proof.tried[invoked.row] += 1
        route = wanted.get(invoked.row)
        if route is None or invoked.row in loops:
            continue
        for change in (changes[n] for n in invoked.wrote):
            if concerns(route, change):
                proof.broken.append(
                    f"own echo, {invoked.row}, run {invoked.number}: {change.key}"
                )
    return proof


LAWS: Final = (at_once, later, one_fault, conservation, poison, partial, own_echo)
