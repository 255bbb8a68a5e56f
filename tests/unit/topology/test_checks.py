"""The laws of the table: the real rows keep them all, and each law catches what it is for."""

import sys
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from types import ModuleType
from typing import Any, Final, TypeAlias

import pytest
from attrs import evolve, frozen

from demand_core.batch import Outcome, Record
from demand_core.domain.events import EventCached
from demand_core.domain.links import LinkRequest
from demand_core.ports.outlet import Outlet
from demand_core.topology import TOPOLOGY
from demand_core.topology.channels import SHORT_URLS as REAL
from demand_core.topology.checks import LAWS, problems
from demand_core.topology.shapes import (
    Channel,
    ChannelKind,
    Every,
    Queue,
    Retry,
    Stream,
    Worker,
)

Rows: TypeAlias = tuple[Worker, ...]

QUEUES, SHORTENS = TOPOLOGY[:2]
SHORT_URLS: Final[Channel[Any]] = REAL
FLOW: Final[Channel[Any]] = evolve(REAL, kind=ChannelKind.STREAM, partition="event_id")
LINKS: Final[Channel[Any]] = Channel(name="links", kind=ChannelKind.QUEUE, body=LinkRequest)
SCRATCH: Final = evolve(SHORTENS, name="shorten_again", origin="scratch")
NOW: Final = timedelta(0)


@frozen(kw_only=True)
class Takes:
    """Reads link requests and sends nothing."""

    def __call__(self, batch: Sequence[Record[LinkRequest]]) -> Outcome:
        return Outcome()


@frozen(kw_only=True)
class Passes:
    """Reads link requests and sends link requests."""

    requests: Outlet[LinkRequest]

    def __call__(self, batch: Sequence[Record[LinkRequest]]) -> Outcome:
        return Outcome()


@frozen(kw_only=True)
class Misreads:
    """Takes something else than the queue carries."""

    def __call__(self, batch: Sequence[Record[EventCached]]) -> Outcome:
        return Outcome()


@frozen(kw_only=True)
class Ticks:
    """Is called with a time."""

    def __call__(self, now: datetime) -> Outcome:
        return Outcome()


class Plain:
    """No attrs class."""

    def __call__(self, batch: Sequence[Record[LinkRequest]]) -> Outcome:
        return Outcome()


@frozen(kw_only=True)
class Uncallable:
    """A worker that cannot be called at all."""


@frozen(kw_only=True)
class Untyped:
    """A worker that does not say what it is called with."""

    def __call__(self, batch):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN204
        return Outcome()


Plant: TypeAlias = Callable[[Worker, type], Worker]


@pytest.fixture
def plant(monkeypatch: pytest.MonkeyPatch) -> Plant:
    """Let a row find a class of this file where its worker would stand."""

    def planted(row: Worker, work: type) -> Worker:
        module = ModuleType(row.module)
        setattr(module, row.name.title().replace("_", ""), work)
        monkeypatch.setitem(sys.modules, row.module, module)
        return row

    return planted


def reading(channel: Channel[Any], **differing: Any) -> Worker:
    return evolve(SCRATCH, triggers=(Queue(channel),), **differing)


def beside(row: Worker) -> Rows:
    return (QUEUES, SHORTENS, row)


# Every law with the tables that break it and no other. A cell is rows, or rows and the class
# that its last row finds.
BROKEN: Final[dict[str, dict[str, Rows | tuple[Rows, type]]]] = {
    "names_are_unique": {
        "a name stands twice": (QUEUES, SHORTENS, QUEUES),
        "two rows come from one": (QUEUES, evolve(SHORTENS, origin=QUEUES.origin)),
        "a row says nothing of itself": (QUEUES, evolve(SHORTENS, about="")),
        "a name is one word": ((QUEUES, evolve(SHORTENS, name="shorten")), Takes),
        "a name is in capitals": ((QUEUES, evolve(SHORTENS, name="Shorten_Urls")), Takes),
    },
    "workers_are_there": {
        "no such folder": (QUEUES, evolve(SHORTENS, subsystem="nowhere")),
        "no such module": (QUEUES, evolve(SHORTENS, name="shorten_nothing")),
        "no attrs class": ((QUEUES, evolve(SHORTENS, name="shorten_it")), Plain),
    },
    "outlets_are_routed": {
        "an outlet leads nowhere": (
            evolve(QUEUES, outputs={}),
            evolve(SHORTENS, triggers=(Queue(evolve(SHORT_URLS, written_outside=True)),)),
        ),
        "a route is spare": (
            QUEUES,
            evolve(SHORTENS, outputs={"spare": evolve(LINKS, read_outside=True)}),
        ),
    },
    "bodies_agree": {
        "a channel carries something else": (
            evolve(QUEUES, outputs={"requests": evolve(SHORT_URLS, body=EventCached)}),
            evolve(SHORTENS, triggers=(Queue(evolve(SHORT_URLS, body=EventCached)),)),
        ),
        "a worker takes something else": (
            (QUEUES, evolve(SHORTENS, name="shorten_it")),
            Misreads,
        ),
        "a worker takes a time and is given records": (
            (QUEUES, evolve(SHORTENS, name="shorten_it")),
            Ticks,
        ),
        "two triggers give different things": (
            evolve(QUEUES, triggers=(*QUEUES.triggers, Every(period=timedelta(minutes=1)))),
            SHORTENS,
        ),
        "nothing wakes a row": (evolve(QUEUES, triggers=()), SHORTENS),
    },
    "channels_have_two_ends": {
        "nobody writes a queue": (SHORTENS,),
        "nobody reads a queue": (QUEUES,),
        "two rows share a queue": (beside(reading(SHORT_URLS)), Takes),
        "a queue is read as a stream": (
            QUEUES,
            evolve(SHORTENS, triggers=(Stream(SHORT_URLS),)),
        ),
        "a stream is read as a queue": (
            evolve(QUEUES, outputs={"requests": FLOW}),
            evolve(SHORTENS, triggers=(Queue(FLOW),)),
        ),
        "a stream keeps no order": (
            evolve(QUEUES, outputs={"requests": evolve(FLOW, partition="")}),
            evolve(SHORTENS, triggers=(Stream(evolve(FLOW, partition="")),)),
        ),
        "a queue claims to keep order": (
            evolve(QUEUES, outputs={"requests": evolve(SHORT_URLS, partition="event_id")}),
            evolve(SHORTENS, triggers=(Queue(evolve(SHORT_URLS, partition="event_id")),)),
        ),
    },
    "limits_hold": {
        "a row runs too long": (QUEUES, evolve(SHORTENS, timeout=timedelta(seconds=301))),
        "a row has no time at all": (QUEUES, evolve(SHORTENS, timeout=NOW)),
        "a message is given up early": (QUEUES, evolve(SHORTENS, retry=Retry(max_receive=9))),
        "a message comes back at once": (QUEUES, evolve(SHORTENS, retry=Retry(backoff=NOW))),
        "more at once than a queue gives": (QUEUES, evolve(SHORTENS, batch_max=11)),
        "more at once than changes come": (evolve(QUEUES, batch_max=11), SHORTENS),
        "more at once than a stream gives": (
            evolve(QUEUES, outputs={"requests": FLOW}),
            evolve(SHORTENS, triggers=(Stream(FLOW),), batch_max=10_001),
        ),
        "nothing at once": (QUEUES, evolve(SHORTENS, batch_max=0)),
    },
    "cycles_are_declared": {
        "a row feeds itself in secret": (
            beside(reading(LINKS, outputs={"requests": LINKS})),
            Passes,
        ),
        "a row only says that it loops": (QUEUES, evolve(SHORTENS, loops=True)),
    },
}

CASES: Final = [
    pytest.param(law, broken, id=f"{law}: {what}")
    for law, tables in BROKEN.items()
    for what, broken in tables.items()
]


def tripped(rows: Sequence[Worker]) -> set[str]:
    return {problem.partition(":")[0] for problem in problems(rows)}


def test_the_table_of_this_project_keeps_every_law() -> None:
    assert problems(TOPOLOGY) == []


@pytest.mark.parametrize(("law", "broken"), CASES)
def test_a_broken_table_trips_exactly_the_law_that_it_breaks(
    law: str, broken: Rows | tuple[Rows, type], plant: Plant
) -> None:
    match broken:
        case ((*rows,), type() as work):
            plant(rows[-1], work)
        case _:
            rows = list(broken)
    assert tripped(rows) == {law}


def test_no_law_is_without_a_table_that_breaks_it() -> None:
    assert BROKEN.keys() == {law.__name__ for law in LAWS}
    assert all(BROKEN.values())


def test_a_cycle_through_two_rows_is_found_at_both(plant: Plant) -> None:
    back = evolve(LINKS, name="back")
    there = plant(reading(back, name="pass_there", outputs={"requests": LINKS}), Passes)
    again = plant(reading(LINKS, outputs={"requests": back}, origin="other"), Passes)
    assert tripped([there, again]) == {"cycles_are_declared"}
    assert len(problems([there, again])) == 2
    assert problems([evolve(there, loops=True), evolve(again, loops=True)]) == []


def test_a_row_that_is_only_fed_by_a_cycle_does_not_loop(plant: Plant) -> None:
    loop = plant(reading(LINKS, outputs={"requests": LINKS}, loops=True), Passes)
    assert problems([QUEUES, SHORTENS, loop]) == []


def test_a_stream_may_give_a_thousand_times_what_a_queue_may() -> None:
    reads = evolve(SHORTENS, triggers=(Stream(FLOW),), batch_max=10_000)
    assert problems([evolve(QUEUES, outputs={"requests": FLOW}), reads]) == []


def test_a_channel_may_have_one_end_that_is_not_ours() -> None:
    filled, emptied = evolve(LINKS, written_outside=True), evolve(LINKS, read_outside=True)
    assert problems([evolve(SHORTENS, triggers=(Queue(filled),))]) == []
    assert problems([evolve(QUEUES, outputs={"requests": emptied})]) == []


@pytest.mark.parametrize("work", [Uncallable, Untyped])
def test_a_worker_must_say_what_it_is_called_with(work: type, plant: Plant) -> None:
    row = plant(evolve(SHORTENS, name="shorten_it"), work)
    assert problems([QUEUES, row])


def test_two_channels_of_one_name_must_carry_the_same(plant: Plant) -> None:
    misread = reading(evolve(SHORT_URLS, body=EventCached))
    assert problems([QUEUES, plant(misread, Misreads)])
