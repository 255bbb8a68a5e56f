"""One run of one worker: decode, call, tally, and say to the source what comes back.

What nobody can read is set aside and acknowledged. What a store or a service could not do is
not acknowledged: the source keeps it and delivers it again. Any other exception is a bug and
flies.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, TypeAlias

from attrs import field, frozen

from demand_adapters.deliveries import AT, SHARD, Delivery
from demand_adapters.item_table import Change
from demand_adapters.shard_reader import ReadPolicy
from demand_adapters.stores.quarantine import Quarantine
from demand_adapters.wire import bodies
from demand_adapters.wire.changes import decode_change, named
from demand_adapters.wire.converters import unstructured
from demand_core.batch import Outcome, Record, Tally, tally
from demand_core.domain.archive import ToldChange
from demand_core.errors import Permanent, Transient, WiringError
from demand_core.ports.clock import Clock
from demand_core.ports.outlet import Outlet
from demand_core.topology.routing import Images, Route, change_queue
from demand_core.topology.shapes import (
    Changes,
    Every,
    Queue,
    Request,
    Stream,
    Trigger,
    Upload,
    Worker,
)

Work: TypeAlias = Callable[[Any], Any]


@frozen(kw_only=True)
class Ran:
    """What became of one run: *back* are the records that their source must deliver again."""

    tally: Tally = field(factory=Tally)
    back: frozenset[str] = frozenset()
    fault: Transient | None = None

    def __add__(self, other: "Ran") -> "Ran":
        """Both as one run."""
        return Ran(
            tally=self.tally + other.tally,
            back=self.back | other.back,
            fault=other.fault or self.fault,
        )


@frozen(kw_only=True)
class Runner:
    """Runs workers on what their triggers deliver."""

    clock: Clock
    quarantine: Quarantine

    def batch(
        self, work: Work, trigger: Trigger, source: str, given: Sequence[Delivery]
    ) -> Ran:
        """Run *work* on the records of *given* that can be read; set the others aside."""
        read, records, aside = reader(trigger), list[Record[Any]](), list[Ran]()
        for delivery in given:
            try:
                records.append(Record(delivery.record_id, read(delivery)))
            except Permanent as reason:
                aside.append(self.set_aside(source, delivery, reason))
        return sum(aside, self._isolated(work, source, records, given))

    def tick(self, work: Work, now: datetime) -> Ran:
        """Run *work* for the tick that was due at *now*, however late it is."""
        return _called(lambda _: work(now), [Record(now.isoformat(), now)])

    def request(self, work: Work, trigger: Request, payload: bytes) -> object:
        """Answer one request; raises Permanent for one that cannot be read."""
        return unstructured(work(bodies.decode(trigger.body, payload)))

    def _isolated(
        self,
        work: Work,
        source: str,
        records: Sequence[Record[Any]],
        given: Sequence[Delivery],
    ) -> "Ran":
        """Call *work*; what is refused as a whole is tried one by one, and set aside alone."""
        try:
            return _called(work, records)
        except Permanent as reason:
            if len(records) == 1:
                (poison,) = (d for d in given if d.record_id == records[0].record_id)
                return self.set_aside(source, poison, reason)
        alone = (self._isolated(work, source, [record], given) for record in records)
        return sum(alone, Ran())

    def set_aside(self, source: str, delivery: Delivery, reason: Permanent) -> "Ran":
        """Keep what nobody can do; it comes again while even that cannot be done."""
        try:
            self.quarantine.put(source, delivery, reason, self.clock.now())
        except Transient as fault:
            back = frozenset({delivery.record_id})
            return Ran(tally=Tally(retried=1), back=back, fault=fault)
        return Ran(tally=Tally(quarantined=1))


def told_change(given: Delivery) -> ToldChange:
    """A change that the archive itself will try to understand."""
    said = given.attributes
    return ToldChange(
        shard=said[SHARD],
        position=int(given.record_id),
        at=datetime.fromisoformat(said[AT]),
        payload=given.payload,
    )


# Bodies that are more than the document in the payload.
READ_OTHERWISE: Final[Mapping[type, Callable[[Delivery], Any]]] = {ToldChange: told_change}


def reader(trigger: Trigger) -> Callable[[Delivery], Any]:
    """What turns a message of *trigger* into the body of a record."""
    match trigger:
        case Changes():
            return lambda given: decode_change(trigger.kind, trigger.body, given.payload)
        case Queue() | Stream() | Upload():
            own = READ_OTHERWISE.get(trigger.body)
            return own or (lambda given: bodies.decode(trigger.body, given.payload))
        case Every() | Request():
            raise WiringError(f"{trigger!r} has no records")


def source_name(row: str, trigger: Trigger) -> str:
    """What people call the place that a row's records come from."""
    match trigger:
        case Queue() | Stream():
            return trigger.channel.name
        case Changes():
            return change_queue(row)
        case Upload():
            return trigger.prefix
        case Every() | Request():
            return row


def read_policy(row: Worker, trigger: Stream) -> ReadPolicy:
    """How a stream is read for *row*: one record in nobody's power holds no other up."""
    attempts = None if trigger.held else row.retry.max_receive
    return ReadPolicy(
        batch_max=row.batch_max,
        attempts_max=attempts,
        bisect=not trigger.held,
        gather=trigger.gather,
    )


def lowest(given: Sequence[Delivery], back: frozenset[str]) -> str | None:
    """The first record of a stream's batch that must come again, and all behind it with it."""
    return next((d.record_id for d in given if d.record_id in back), None)


@frozen(kw_only=True)
class Routed:
    """How far a router came, and what became of the changes it was given."""

    behind: int
    tally: Tally


def route_all(
    changes: Sequence[Change], wanted: Sequence[Route], outlets: Mapping[str, Outlet[Change]]
) -> Routed:
    """Pass changes of one shard on to the rows they concern; most concern nobody.

    A row whose queue does not take them holds the checkpoint back and harms no other row: what
    the others got they get again.
    """
    behind, by_row = changes[-1].sequence, _by_row(changes, wanted)
    for row, concerned in by_row.items():
        try:
            untaken = [concerned[position] for position in outlets[row].send(concerned)]
        except Transient:
            untaken = concerned
        if untaken:
            behind = min(behind, untaken[0].sequence - 1)
    asked = {change.sequence for concerned in by_row.values() for change in concerned}
    past = [change.sequence in asked for change in changes if change.sequence <= behind]
    ignored = {"nobody_asked": past.count(False)} if False in past else {}
    retried = len(changes) - len(past)
    tally = Tally(done=past.count(True), retried=retried, dropped=ignored)
    return Routed(behind=behind, tally=tally)


def _by_row(changes: Sequence[Change], wanted: Sequence[Route]) -> dict[str, list[Change]]:
    concerned = dict[str, list[Change]]()
    for change in changes:
        for route in wanted:
            if concerns(route, change):
                concerned.setdefault(route.row, []).append(change)
    return concerned


def concerns(route: Route, change: Change) -> bool:
    """Whether *change* is one that the row of *route* is woken by."""
    return route.takes(named(change.key)[0], change.kind, lambda: images(change))


def images(change: Change) -> Images:
    """What stood there before and after; nothing is like an item without fields."""
    old, new = change.old, change.new
    return old.body if old else {}, new.body if new else {}


def _called(work: Work, records: Sequence[Record[Any]]) -> Ran:
    ids = [record.record_id for record in records]
    if not ids:
        return Ran()
    try:
        outcome = work(records)
    except Transient as fault:
        return Ran(tally=Tally(retried=len(ids)), back=frozenset(ids), fault=fault)
    if not isinstance(outcome, Outcome):
        raise WiringError(f"{work!r} answered {type(outcome).__name__} and not an Outcome")
    return Ran(tally=tally(ids, outcome), back=outcome.retry)
