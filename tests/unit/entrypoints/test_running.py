"""One run of one worker: what it is given, what is set aside, and what must come again."""

import json
from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta
from typing import Any, Final, get_args

import pytest
from attrs import define, evolve, field, frozen
from hypothesis import given
from hypothesis import strategies as st

from demand_adapters.deliveries import Delivery
from demand_adapters.item_table import Change, Item
from demand_adapters.memory.clock import MemoryClock
from demand_adapters.memory.file_store import MemoryFileStore
from demand_adapters.stores.quarantine import Quarantine
from demand_adapters.testing.strategies import NOON
from demand_adapters.wire.bodies import encode
from demand_adapters.wire.changes import encode_change
from demand_adapters.wire.item_keys import event_key
from demand_core.batch import Outcome, Record, Tally
from demand_core.domain.changes import ChangeKind
from demand_core.domain.events import EventCached
from demand_core.domain.ids import EventId
from demand_core.domain.links import LinkRequest
from demand_core.errors import Permanent, Transient, Unknown, WiringError
from demand_core.ports.file_store import FileStore, StoredFile
from demand_core.topology.channels import SHORT_URLS
from demand_core.topology.routing import Route
from demand_core.topology.shapes import (
    Changes,
    Every,
    Queue,
    Request,
    Stream,
    Trigger,
    Upload,
)
from entrypoints.running import Ran, Runner, images, lowest, reader, route_all, source_name

LINKS: Final = Queue(SHORT_URLS)
CACHED: Final = Changes(kind="event", on=frozenset(ChangeKind), body=EventCached)
MINUTE: Final = Every(period=timedelta(minutes=1))
ASKED: Final = Request(body=LinkRequest, reply=EventCached)
UPLOADED: Final = Upload(prefix="scored/", body=LinkRequest)
AWAY: Final = Transient("the store is throttled")
BAD: Final = (
    b"",
    b"\xff",
    b"{",
    b"[]",
    b"null",
    b"{}",
    b'{"eventId": 7}',
    b'{"eventId": "a b"}',
)


class Full(MemoryFileStore):
    """A bucket that takes nothing."""

    def put(
        self, key: str, pieces: Iterable[bytes], /, *, only_new: bool = False
    ) -> StoredFile | None:
        raise AWAY


@define
class Work:
    """Answers as it is told, and remembers what it was given."""

    answer: Callable[[Sequence[Record[Any]]], Any] = lambda _: Outcome()
    given: list[list[str]] = field(factory=list)

    def __call__(self, batch: Sequence[Record[Any]]) -> Any:
        self.given.append([record.body.event_id for record in batch])
        return self.answer(batch)


@pytest.fixture
def files() -> MemoryFileStore:
    return MemoryFileStore()


def runner(files: FileStore) -> Runner:
    return Runner(clock=MemoryClock(NOON), quarantine=Quarantine(files=files))


def wanting(*event_ids: str) -> list[Delivery]:
    return [
        Delivery(record_id=f"m{n}", payload=encode(LinkRequest(EventId(event_id))))
        for n, event_id in enumerate(event_ids)
    ]


def garbage(record_id: str, payload: bytes = b"\xff") -> Delivery:
    return Delivery(record_id=record_id, payload=payload)


def document(files: FileStore) -> dict[str, Any]:
    """The only file there is."""
    (stored,) = files.list("")
    read = json.loads(b"".join(files.read(stored.key) or ()))
    assert isinstance(read, dict)
    return read


def raising(error: Exception) -> Work:
    def answer(_: object) -> Outcome:
        raise error

    return Work(answer)


@pytest.mark.parametrize("payload", BAD, ids=ascii)
def test_what_nobody_can_read_is_set_aside_with_its_reason_and_position(
    payload: bytes, files: MemoryFileStore
) -> None:
    work = Work()
    batch = [*wanting("E1"), garbage("m7", payload), *wanting("E2")]
    ran = runner(files).batch(work, LINKS, "shortUrlQueue", batch)
    assert work.given == [["E1", "E2"]]
    assert ran == Ran(tally=Tally(done=2, quarantined=1))
    found = document(files)
    assert (found["channel"], found["position"]) == ("shortUrlQueue", "m7")
    assert found["at"] == "2025-02-14T12:00:00.000Z"
    assert found["reason"].split(":")[0] in {
        "bad_json",
        "wrong_type",
        "missing_field",
        "bad_id",
    }


def test_a_worker_is_not_called_when_nothing_can_be_read(files: MemoryFileStore) -> None:
    work = Work()
    ran = runner(files).batch(work, LINKS, "q", [garbage("m0"), garbage("m1")])
    assert (ran, work.given) == (Ran(tally=Tally(quarantined=2)), [])
    assert runner(files).batch(work, LINKS, "q", []) == Ran()
    assert work.given == []


def test_a_record_that_is_delivered_again_is_quarantined_under_the_same_name(
    files: MemoryFileStore,
) -> None:
    for _ in range(2):
        runner(files).batch(Work(), LINKS, "q", [garbage("m0")])
    assert document(files)["position"] == "m0"


def test_a_record_that_could_not_be_set_aside_comes_back_alone() -> None:
    work = Work()
    ran = runner(Full()).batch(work, LINKS, "q", [*wanting("E1"), garbage("m7")])
    assert (ran.back, ran.fault) == (frozenset({"m7"}), AWAY)
    assert (ran.tally.done, ran.tally.quarantined) == (1, 0)
    assert work.given == [["E1"]]


@pytest.mark.parametrize("last", [garbage("m7"), *wanting("E1")], ids=["unreadable", "refused"])
def test_what_could_not_be_set_aside_is_counted_among_what_comes_back(last: Delivery) -> None:
    ran = runner(Full()).batch(raising(Permanent("too_large")), LINKS, "q", [last])
    assert ran.back == {last.record_id}
    assert ran.tally == Tally(retried=1)


@pytest.mark.parametrize("fault", [AWAY, Unknown("no answer")])
def test_a_fault_of_the_infrastructure_sends_everything_readable_back(
    fault: Transient, files: MemoryFileStore
) -> None:
    batch = [*wanting("E1", "E2"), garbage("m7")]
    ran = runner(files).batch(raising(fault), LINKS, "q", batch)
    assert ran == Ran(
        tally=Tally(retried=2, quarantined=1), back=frozenset({"m0", "m1"}), fault=fault
    )


def test_a_bug_in_a_worker_flies(files: MemoryFileStore) -> None:
    with pytest.raises(ZeroDivisionError):
        runner(files).batch(raising(ZeroDivisionError()), LINKS, "q", wanting("E1"))
    assert files.list("") == []


def test_a_refusal_of_the_whole_batch_costs_only_the_record_that_caused_it(
    files: MemoryFileStore,
) -> None:
    def answer(batch: Sequence[Record[LinkRequest]]) -> Outcome:
        if any(record.body.event_id == "E2" for record in batch):
            raise Permanent("too_large", "E2 alone")
        if len(batch) == 1 and batch[0].body.event_id == "E3":
            raise AWAY
        return Outcome()

    work = Work(answer)
    ran = runner(files).batch(work, LINKS, "q", wanting("E1", "E2", "E3"))
    assert work.given == [["E1", "E2", "E3"], ["E1"], ["E2"], ["E3"]]
    assert (ran.back, ran.fault) == (frozenset({"m2"}), AWAY)
    assert ran.tally == Tally(done=1, retried=1, quarantined=1)
    assert (document(files)["position"], document(files)["reason"]) == (
        "m1",
        "too_large: E2 alone",
    )


@pytest.mark.parametrize("answer", [None, True, {}, ("m0",)])
def test_a_worker_that_answers_no_outcome_is_put_together_wrongly(
    answer: object, files: MemoryFileStore
) -> None:
    with pytest.raises(
        WiringError, match=f"answered {type(answer).__name__} and not an Outcome"
    ):
        runner(files).batch(Work(lambda _: answer), LINKS, "q", wanting("E1"))


def test_a_worker_that_names_a_stranger_is_put_together_wrongly(files: MemoryFileStore) -> None:
    work = Work(lambda _: Outcome(retry=frozenset({"m9"})))
    with pytest.raises(WiringError, match="m9"):
        runner(files).batch(work, LINKS, "q", wanting("E1"))


@given(fates=st.lists(st.sampled_from(["done", "retry", "dropped", "garbage"]), max_size=10))
def test_every_delivery_is_accounted_for_once(fates: list[str]) -> None:
    def answer(batch: Sequence[Record[LinkRequest]]) -> Outcome:
        fate = {record.record_id: fates[int(record.record_id[1:])] for record in batch}
        return Outcome(
            retry=frozenset(i for i, f in fate.items() if f == "retry"),
            dropped={i: "why" for i, f in fate.items() if f == "dropped"},
        )

    batch = [
        garbage(f"m{n}") if fate == "garbage" else whole
        for n, (fate, whole) in enumerate(
            zip(fates, wanting(*["E1"] * len(fates)), strict=True)
        )
    ]
    files = MemoryFileStore()
    ran = runner(files).batch(Work(answer), LINKS, "q", batch)
    assert ran.tally.records + ran.tally.quarantined == len(fates)
    assert ran.tally.quarantined == len(files.list("")) == fates.count("garbage")
    assert ran.back == {f"m{n}" for n, fate in enumerate(fates) if fate == "retry"}
    assert ran.tally.done == fates.count("done")


def test_a_tick_gives_the_worker_the_time_that_was_due(files: MemoryFileStore) -> None:
    due = NOON - timedelta(minutes=3)
    told: list[object] = []

    def work(now: object) -> Outcome:
        told.append(now)
        return Outcome()

    assert runner(files).tick(work, due) == Ran(tally=Tally(done=1))
    assert told == [due]


def test_a_tick_that_fails_says_so_and_is_not_done(files: MemoryFileStore) -> None:
    ran = runner(files).tick(raising_at_a_time(AWAY), NOON)
    assert (ran.tally, ran.fault) == (Tally(retried=1), AWAY)
    assert ran.back
    with pytest.raises(WiringError):
        runner(files).tick(lambda _: None, NOON)
    with pytest.raises(ZeroDivisionError):
        runner(files).tick(raising_at_a_time(ZeroDivisionError()), NOON)


def raising_at_a_time(error: Exception) -> Callable[[object], Outcome]:
    def work(_: object) -> Outcome:
        raise error

    return work


@frozen
class Reply:
    """What a request is answered with."""

    event_id: EventId


def test_a_request_is_answered_in_plain_data(files: MemoryFileStore) -> None:
    payload = encode(LinkRequest(EventId("E1")))
    answer = runner(files).request(lambda asked: Reply(asked.event_id), ASKED, payload)
    assert answer == {"eventId": "E1"}


@pytest.mark.parametrize("payload", BAD, ids=ascii)
def test_a_request_that_cannot_be_read_is_refused_and_not_worked_on(
    payload: bytes, files: MemoryFileStore
) -> None:
    with pytest.raises(Permanent):
        runner(files).request(raising(AssertionError()), ASKED, payload)
    assert files.list("") == []


def test_every_kind_of_trigger_is_read_or_refused() -> None:
    payload, body = encode(LinkRequest(EventId("E1"))), LinkRequest(EventId("E1"))
    read = (LINKS, Stream(SHORT_URLS), UPLOADED)
    for trigger in read:
        assert reader(trigger)(Delivery(record_id="1", payload=payload)) == body
    change = Delivery(record_id="1", payload=encode_change(a_change(1)))
    assert reader(CACHED)(change) == EventCached(EventId("E1"))
    for refused in (MINUTE, ASKED):
        with pytest.raises(WiringError):
            reader(refused)
    assert set(get_args(Trigger)) == set(map(type, [*read, CACHED, MINUTE, ASKED]))


@pytest.mark.parametrize(
    ("trigger", "name"),
    [
        (LINKS, "shortUrlQueue"),
        (Stream(SHORT_URLS), "shortUrlQueue"),
        (UPLOADED, "scored/"),
        (CACHED, "some_row-changes"),
        (MINUTE, "some_row"),
        (ASKED, "some_row"),
    ],
)
def test_every_trigger_has_a_name_that_people_know(trigger: Trigger, name: str) -> None:
    assert source_name("some_row", trigger) == name


@given(ids=st.lists(st.text("ab", max_size=3), unique=True), back=st.data())
def test_a_stream_goes_on_at_the_first_record_that_must_come_again(
    ids: list[str], back: st.DataObject
) -> None:
    given = [Delivery(record_id=i, payload=b"") for i in ids]
    again = back.draw(st.frozensets(st.sampled_from(ids))) if ids else frozenset[str]()
    first = lowest(given, again)
    assert (first is None) is (not again)
    if first is not None:
        assert not again & set(ids[: ids.index(first)])
        assert first in again


@given(
    runs=st.lists(st.tuples(st.integers(0, 9), st.sampled_from(["m1", "m2", ""])), max_size=5)
)
def test_runs_add_up_to_one_run(runs: list[tuple[int, str]]) -> None:
    parts = [Ran(tally=Tally(done=n), back=frozenset({i} if i else ())) for n, i in runs]
    total = sum(parts, Ran())
    assert total.tally.done == sum(n for n, _ in runs)
    assert total.back == {i for _, i in runs if i}
    assert total.fault is None


def a_change(sequence: int, kind: ChangeKind = ChangeKind.INSERT) -> Change:
    item = Item(event_key(f"E{sequence}"), {"type": "event"})
    return Change(
        change_id=f"c{sequence}",
        sequence=sequence,
        at=NOON,
        kind=kind,
        key=item.key,
        old=None if kind is ChangeKind.INSERT else item,
        new=None if kind is ChangeKind.REMOVE else item,
    )


@define
class Lane:
    """The queue of one row: refuses some changes, or is away."""

    refuses: frozenset[int] = frozenset()
    away: bool = False
    taken: list[int] = field(factory=list)

    def send(self, bodies: Sequence[Change], /) -> Sequence[int]:
        if self.away:
            raise AWAY
        untaken = [n for n, change in enumerate(bodies) if change.sequence in self.refuses]
        self.taken += [c.sequence for n, c in enumerate(bodies) if n not in untaken]
        return untaken


def a_route(row: str, *on: ChangeKind) -> Route:
    return Route(row, Changes(kind="event", on=frozenset(on), body=EventCached), ())


INSERTED: Final = a_route("inserted", ChangeKind.INSERT)
ANY: Final = a_route("any", *ChangeKind)


def test_a_change_goes_to_every_row_that_it_concerns_and_to_no_other() -> None:
    changes = [a_change(1), a_change(2, ChangeKind.MODIFY), a_change(4, ChangeKind.REMOVE)]
    lanes = {"inserted": Lane(), "any": Lane()}
    assert route_all(changes, [INSERTED, ANY], lanes).behind == 4
    assert (lanes["inserted"].taken, lanes["any"].taken) == ([1], [1, 2, 4])


def test_a_watched_change_reaches_its_row_only_if_something_moved() -> None:
    moved, still = a_change(2, ChangeKind.MODIFY), a_change(3, ChangeKind.MODIFY)
    moved = evolve(moved, new=Item(moved.key, {"type": "event", "status": "canceled"}))
    watches = Route("any", evolve(ANY.wants, watching=("status",)), ("status",))
    lane = Lane()
    assert route_all([a_change(1), moved, still], [watches], {"any": lane}).behind == 3
    assert lane.taken == [1, 2]
    assert images(a_change(1)) == ({}, {"type": "event"})
    assert images(a_change(1, ChangeKind.REMOVE)) == ({"type": "event"}, {})


def test_a_change_that_concerns_nobody_is_passed_over() -> None:
    other = Change(
        change_id="c", sequence=9, at=NOON, kind=ChangeKind.INSERT,
        key=("rate:shortener", "rate"), old=None, new=Item(("rate:shortener", "rate"), {}),
    )  # fmt: skip
    strange = Change(
        change_id="c", sequence=10, at=NOON, kind=ChangeKind.INSERT,
        key=("who knows", "what"), old=None, new=Item(("who knows", "what"), {"type": "event"}),
    )  # fmt: skip
    lane = Lane()
    assert route_all([other, strange], [ANY], {"any": lane}).behind == 10
    assert lane.taken == []


@pytest.mark.check("N-IN3")
def test_the_router_stays_before_the_first_change_that_was_not_taken() -> None:
    changes = [a_change(n) for n in (3, 5, 8, 9)]
    lanes = {"inserted": Lane(refuses=frozenset({8, 9})), "any": Lane(refuses=frozenset({9}))}
    assert route_all(changes, [INSERTED, ANY], lanes).behind == 7
    assert (lanes["inserted"].taken, lanes["any"].taken) == ([3, 5], [3, 5, 8])


@pytest.mark.parametrize("rows", [("inserted", "any"), ("any", "inserted")])
def test_the_trouble_of_one_row_harms_no_other(rows: tuple[str, str]) -> None:
    by_name = {"inserted": INSERTED, "any": ANY}
    lanes = {"inserted": Lane(away=True), "any": Lane()}
    changes = [a_change(2, ChangeKind.MODIFY), a_change(3), a_change(4)]
    assert route_all(changes, [by_name[row] for row in rows], lanes).behind == 2
    assert lanes["any"].taken == [2, 3, 4]


@given(data=st.data(), size=st.integers(1, 8))
def test_what_was_not_taken_always_lies_ahead_of_the_router(
    data: st.DataObject, size: int
) -> None:
    kinds = [data.draw(st.sampled_from(ChangeKind)) for _ in range(size)]
    changes = [a_change(n, kind) for n, kind in enumerate(kinds, start=1)]
    refused = st.frozensets(st.integers(1, size))
    lanes = {
        row: Lane(data.draw(refused), data.draw(st.booleans())) for row in ("inserted", "any")
    }
    behind = route_all(changes, [INSERTED, ANY], lanes).behind
    for route in (INSERTED, ANY):
        lane = lanes[route.row]
        wanted = {c.sequence for c in changes if c.kind in route.wants.on}
        assert {n for n in wanted if n <= behind} <= set(lane.taken) <= wanted
        assert len(lane.taken) == len(set(lane.taken))
    missed = [
        c.sequence
        for route in (INSERTED, ANY)
        for c in changes
        if c.kind in route.wants.on and c.sequence not in lanes[route.row].taken
    ]
    assert behind == min(missed, default=size + 1) - 1


def test_every_change_is_passed_on_held_back_or_ignored_and_counted() -> None:
    changes = [a_change(1), a_change(2, ChangeKind.MODIFY), a_change(3), a_change(4)]
    lanes = {"inserted": Lane(refuses=frozenset({3}))}
    routed = route_all(changes, [INSERTED], lanes)
    assert routed.tally == Tally(done=1, retried=2, dropped={"nobody_asked": 1})
    assert routed.tally.records == len(changes)
