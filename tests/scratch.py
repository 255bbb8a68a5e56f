"""Rows of nobody, for tests of what wakes rows: one for each way of being woken."""

import sys
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from types import ModuleType
from typing import Any, Final

import pytest
from attrs import evolve, frozen

from demand_core.batch import Outcome, Record
from demand_core.domain.alerts import Alert
from demand_core.domain.links import LinkRequest
from demand_core.ports.announcer import Announcer
from demand_core.topology.shapes import (
    Channel,
    ChannelKind,
    Every,
    Queue,
    Retry,
    Stream,
    Worker,
)

MINUTE: Final = timedelta(minutes=1)
NOTES: Final[Channel[Any]] = Channel(
    name="notes", kind=ChannelKind.QUEUE, body=LinkRequest, written_outside=True
)


@frozen(kw_only=True)
class PassNote:
    """Tells people of each note."""

    announcer: Announcer

    def __call__(self, batch: Sequence[Record[LinkRequest]]) -> Outcome:
        for record in batch:
            self.announcer.announce(Alert(key=record.body.event_id, summary="a note"))
        return Outcome()


@frozen(kw_only=True)
class ReadFlow(PassNote):
    """Cannot do one record, and hands it back for ever."""

    def __call__(self, batch: Sequence[Record[LinkRequest]]) -> Outcome:
        able = [record for record in batch if record.body.event_id != "poison"]
        super().__call__(able)
        return Outcome(
            retry=frozenset(r.record_id for r in batch) - {r.record_id for r in able}
        )


@frozen(kw_only=True)
class StrikeClock:
    """Tells people the time that it was woken for."""

    announcer: Announcer

    def __call__(self, now: datetime) -> Outcome:
        self.announcer.announce(Alert(key=now.isoformat(), summary="the clock"))
        return Outcome()


POSTS: Final[Channel[Any]] = Channel(
    name="posts",
    kind=ChannelKind.STREAM,
    body=LinkRequest,
    partition="event_id",
    written_outside=True,
)

READS: Final = Worker(
    name="pass_note",
    subsystem="scratch",
    origin="-",
    triggers=(Queue(NOTES),),
    timeout=MINUTE,
    retry=Retry(max_receive=12, backoff=timedelta(minutes=5)),
    about="-",
)
FLOWS: Final = evolve(READS, name="read_flow", triggers=(Stream(POSTS),))
TICKS: Final = evolve(READS, name="strike_clock", triggers=(Every(period=MINUTE),))


@pytest.fixture
def scratch_rows() -> Iterator[None]:
    """Let these rows find their classes."""
    with pytest.MonkeyPatch.context() as patch:
        for row, work in ((READS, PassNote), (TICKS, StrikeClock), (FLOWS, ReadFlow)):
            module = ModuleType(row.module)
            vars(module)[work.__name__] = work
            patch.setitem(sys.modules, row.module, module)
        yield
