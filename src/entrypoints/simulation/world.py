"""One world: its engines, its rows, and the pump that lets things happen in a seeded order.

What the rows run is the same code as anywhere else; `pump` has the sources that wake them.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import cached_property, partial
from operator import attrgetter
from random import Random
from typing import Any, Final, TypeVar

from attrs import define, field, frozen

from demand_adapters.deliveries import Delivery
from demand_adapters.item_table import Change
from demand_adapters.memory.sms_sender import AcceptedText
from demand_adapters.outlet import EncodingOutlet, stream_outlet
from demand_adapters.shard_reader import Recorded
from demand_adapters.stores.quarantine import Quarantine
from demand_adapters.testing.fault_plans import NoFaults, Plan
from demand_adapters.testing.faults import Crash, Faults, Invocation
from demand_adapters.wire.bodies import encode
from demand_adapters.wire.changes import encode_change
from demand_adapters.wire.converters import camel
from demand_core.batch import Tally
from demand_core.domain.sms_news import StatusReport
from demand_core.errors import Permanent, Transient, WiringError
from demand_core.ports.outlet import Outlet
from demand_core.topology import TOPOLOGY
from demand_core.topology.channels import EMAILS, SMS_NEWS
from demand_core.topology.routing import change_queue, routes
from demand_core.topology.shapes import (
    Changes,
    Channel,
    ChannelKind,
    Every,
    Queue,
    Request,
    Stream,
    Trigger,
    Worker,
)
from entrypoints.engines.memory import MemoryEngines
from entrypoints.profiles import Profile
from entrypoints.running import Ran, Runner, Work, source_name
from entrypoints.settings import Settings
from entrypoints.simulation.pump import (
    LATENCY,
    Agenda,
    Mail,
    Messages,
    Source,
    Ticks,
    routing,
    streaming,
)
from entrypoints.simulation.witness import Seen, SimulatedPorts
from entrypoints.wiring import assemble

D = TypeVar("D")

MAIL_HIDDEN: Final = timedelta(seconds=30)
START: Final = datetime(2027, 3, 1, 9, 0, tzinfo=UTC)


@frozen(kw_only=True)
class Weather:
    """How rough the world is: beside faults at calls, what the sources do of themselves."""

    fault_rate: float = 0.0
    duplicates: float = 0.0
    spread: timedelta = timedelta(0)
    short_batches: bool = False


CALM: Final = Weather()
WEATHERS: Final[Mapping[str, Weather]] = {
    "none": CALM,
    "mild": Weather(
        fault_rate=0.03, duplicates=0.01, spread=timedelta(seconds=2), short_batches=True
    ),
    "harsh": Weather(
        fault_rate=0.15, duplicates=0.05, spread=timedelta(seconds=20), short_batches=True
    ),
}


@frozen
class Invoked:
    """One run as it was: what a row was given, what became of it (None: it crashed), and which
    writes were done meanwhile.
    """

    number: int
    row: str
    trigger: Trigger | None
    given: Sequence[Delivery]
    ran: Ran | None
    wrote: range


def _by_name(rows: Sequence[Worker]) -> Mapping[str, Worker]:
    return {row.name: row for row in rows}


def _answered(work: Work, asked: object) -> object:
    try:
        return work(asked)
    except (Transient, Permanent):
        return None


@define(eq=False, slots=False)
class World:
    """Engines, rows and sources under one clock and one seed; nothing happens by itself.

    `invoked` holds every run, `seen` the calls of `watched` drivers, `given_up` what streams
    delivered too often; `after` hears of each run.
    """

    seed: int | str
    weather: Weather = field(default=CALM, kw_only=True)
    plan: Plan = field(factory=NoFaults, kw_only=True)
    settings: Settings = field(factory=Settings, kw_only=True)
    engines: MemoryEngines = field(kw_only=True)
    watched: frozenset[tuple[str, str]] = field(default=frozenset(), kw_only=True)
    rows: Mapping[str, Worker] = field(default=TOPOLOGY, converter=_by_name, kw_only=True)
    after: Callable[[Invoked], None] | None = field(default=None, kw_only=True)
    invoked: list[Invoked] = field(factory=list, init=False)
    seen: list[Seen] = field(factory=list, init=False)
    tallies: dict[str, Tally] = field(factory=dict, init=False)
    works: dict[str, Work] = field(factory=dict, init=False)
    given_up: list[Recorded] = field(factory=list, init=False)
    replies: list[object] = field(factory=list, init=False)
    _number: int = field(default=0, init=False)

    @engines.default
    def _made_of_the_seed(self) -> MemoryEngines:
        return MemoryEngines.new(self.seed, START)

    def __attrs_post_init__(self) -> None:
        """Put the pieces together."""
        self.clock = self.engines.clock
        self.chance: Random = self.engines.entropy.stream("pump")
        self._reports = self.engines.entropy.stream("reports")
        self.faults = Faults(
            plan=self.plan, now=self.clock.now, run=self.run_until, later=self.at
        )
        self.ports = SimulatedPorts(self)
        self.outside = Profile(self.settings, self.engines)
        self.runner = Runner(clock=self.clock, quarantine=Quarantine(files=self.ports.files))
        self.engines.sms.on_accepted = self._report
        self._agenda = Agenda(self)
        self._sources: list[Source] = [self._agenda]
        self._connect()

    def at(self, when: datetime, action: Callable[[], object]) -> None:
        """Let *action* happen then: somebody outside does something."""
        self._agenda.add(when, action)

    def run_until(self, end: datetime) -> None:
        """Let everything happen that happens by *end*, in a seeded order."""
        while True:
            now, soonest, ready = self.clock.now(), end, list[Source]()
            for source in self._sources:
                at = source.next_at()
                if at is None:
                    continue
                if at <= now:
                    ready.append(source)
                elif at < soonest:
                    soonest = at
            if ready:
                source = ready[0] if len(ready) == 1 else self.chance.choice(ready)
                source.deliver()
            elif now >= end:
                return
            else:
                self.clock.move_to(soonest)

    def outlet(self, channel: Channel[Any]) -> Outlet[Any]:
        """The writing side of *channel*, behind its proxy."""
        made: Outlet[Any]
        if channel.kind is ChannelKind.STREAM:
            stream, by = self.engines.stream(channel.name), attrgetter(channel.partition)
            made = stream_outlet(stream, encode, by)
        else:
            made = EncodingOutlet(encode, self._putting(channel.name))
        return self.faults.around(f"outlet:{channel.name}", made)

    def work(self, row: str) -> Work:
        """The worker of *row*, built at its first use."""
        if row not in self.works:
            self.works[row] = assemble(self.rows[row], self.ports, self.outlet)
        return self.works[row]

    def invoke(self, row: str, trigger: Trigger, given: Sequence[Delivery]) -> Ran | None:
        """Run a row on what a source handed out; None when the process died over it."""
        source, began = source_name(row, trigger), self._begin()
        ran = self.living(
            row, lambda: self.runner.batch(self.work(row), trigger, source, given)
        )
        self._note(row, trigger, given, ran, began)
        return ran

    def tick(self, row: str, due: datetime) -> None:
        """Run a row for the tick that was due then."""
        began = self._begin()
        ran = self.living(row, lambda: self.runner.tick(self.work(row), due))
        self._note(row, None, (), ran, began)

    def request(self, row: str, asked: object) -> object:
        """Ask a row that answers; None when the process died over it, or could not say."""
        began = self._begin()
        reply = self.living(row, lambda: _answered(self.work(row), asked))
        self.replies.append(reply)
        ran = Ran(tally=Tally(done=1)) if reply is not None else None
        self._note(row, None, (), ran, began)
        return reply

    def living(self, row: str, run: Callable[[], D]) -> D | None:
        """Run something as one invocation of *row*."""
        self._number += 1
        timeout = self.rows[row].timeout if row in self.rows else timedelta(minutes=1)
        with self.faults.inside(Invocation(self._number, row, self.clock.now() + timeout)):
            try:
                return run()
            except Crash:
                return None

    def count(self, row: str, tally: Tally) -> None:
        """Add to what became of everything that *row* was ever given."""
        self.tallies[row] = self.tallies.get(row, Tally()) + tally

    def quiet(self) -> bool:
        """Whether no message waits anywhere and every change was routed."""
        waiting = any(queue.waiting() for queue in self.engines.queues.values())
        ahead = (source for source in self._sources if not isinstance(source, Ticks))
        return not waiting and all(source.next_at() is None for source in ahead)

    def _begin(self) -> tuple[int, int]:
        """The number that the next run will have, and what was written before it."""
        return self._number + 1, self.engines.table.sequence

    def _note(
        self,
        row: str,
        trigger: Trigger | None,
        given: Sequence[Delivery],
        ran: Ran | None,
        began: tuple[int, int],
    ) -> None:
        number, sequence = began
        wrote = range(sequence + 1, self.engines.table.sequence + 1)
        invoked = Invoked(number, row, trigger, given, ran, wrote)
        self.invoked.append(invoked)
        if ran:
            self.count(row, ran.tally)
        if self.after:
            self.after(invoked)

    def _connect(self) -> None:
        wanted = routes(self.rows.values(), camel)
        for row in self.rows.values():
            for trigger in row.triggers:
                # Whoever asks waits for the reply, so nothing of it lies around here.
                if not isinstance(trigger, Request):
                    self._sources.append(self._source(row, trigger))
        self._sources.append(routing(self, wanted))
        mail = self.engines.queue(EMAILS.name, visibility=MAIL_HIDDEN, max_receive=10)
        self._sources.append(Mail(mail, self.engines.emails))

    def _report(self, text: AcceptedText) -> None:
        """What the provider tells of a text: in rough weather late, twice, out of order."""
        chance, rough = self._reports, self.weather.duplicates
        for delay, report in self.engines.sms.reports_of(text, chance):
            for _ in range(2 if chance.random() < rough else 1):
                later = delay + self.weather.spread * chance.random()
                self.at(text.at + later, partial(self._tell, report))

    def _tell(self, report: StatusReport) -> None:
        stream = self.engines.stream(SMS_NEWS.name)
        stream.put([(report.message_id, encode(report))])

    def _source(self, row: Worker, trigger: Trigger) -> Source:
        match trigger:
            case Every():
                return Ticks(self, row, trigger)
            case Queue() | Changes():
                name = source_name(row.name, trigger)
                queue = self.engines.queue(
                    name, visibility=row.visibility, max_receive=row.retry.max_receive
                )
                return Messages(self, row, trigger, queue)
            case Stream():
                stream = self.engines.records(trigger.channel.name)
                return streaming(self, row, trigger, stream)
        raise WiringError(f"{row.name}: nothing here wakes it by {type(trigger).__name__}")

    def _putting(self, name: str) -> Callable[[Sequence[bytes]], Sequence[int]]:
        queue, spread, chance = self.engines.queues[name], self.weather.spread, self.chance

        def put(payloads: Sequence[bytes]) -> Sequence[int]:
            return queue.put(payloads, delay=LATENCY + spread * chance.random())

        return put

    @cached_property
    def routed(self) -> Mapping[str, Outlet[Change]]:
        """Where changes go for each row, behind proxies."""
        return {
            row.name: self.faults.around(
                f"outlet:{change_queue(row.name)}",
                EncodingOutlet(encode_change, self._putting(change_queue(row.name))),
            )
            for row in self.rows.values()
            if any(isinstance(trigger, Changes) for trigger in row.triggers)
        }
