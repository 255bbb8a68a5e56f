"""What can be said of a sale's reminders before anybody gets one."""

from datetime import timedelta
from typing import Any

import pytest
from attrs import evolve

from demand_adapters.testing.strategies import NOON, a_sale, an_event
from demand_core.domain.events import Event
from demand_core.domain.generation import finished, ordered
from demand_core.domain.outlook import Outlook, Prospect, outlook
from demand_core.domain.planning import ReminderPolicy
from demand_core.domain.sales import Sale
from demand_core.domain.segments import MUSIC

HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
OPENS = NOON + 3 * HOUR


def a_show(**differing: Any) -> Event:
    return an_event(segment=MUSIC, **differing)


def opening(**differing: Any) -> Sale:
    return a_sale(**{"start_at": OPENS} | differing)


def ordered_sale() -> Sale:
    return ordered(opening(), OPENS, NOON)


def found(sale: Sale, event: Event | None = None, *, after: timedelta = HOUR) -> Outlook:
    return outlook(event or a_show(), sale, NOON + after, ReminderPolicy())


@pytest.mark.parametrize(
    ("sale", "after", "prospect"),
    [
        (opening(), HOUR, Prospect.LATER),
        (ordered_sale(), 2 * HOUR + 40 * MINUTE, Prospect.ORDERED),
        (finished(ordered_sale(), OPENS), 3 * HOUR, Prospect.MADE),
        (evolve(ordered_sale(), start_at=OPENS + HOUR), HOUR, Prospect.LATER),
        (opening(), 3 * HOUR - 2 * MINUTE, Prospect.OVER),
        (opening(start_at=None), HOUR, Prospect.UNANNOUNCED),
        (opening(withdrawn_at=NOON), HOUR, Prospect.WITHDRAWN),
    ],
    ids=lambda part: part.name if isinstance(part, Prospect) else "",
)
def test_every_sale_has_one_prospect(sale: Sale, after: timedelta, prospect: Prospect) -> None:
    assert found(sale, after=after).prospect is prospect


def test_a_silent_sale_tells_every_reason_with_what_gave_it() -> None:
    event = a_show(country="DE", status="canceled")
    told = found(opening(), event)
    assert told.prospect is Prospect.SILENT
    assert {s.reason.value: s.because for s in told.silences} == {
        "country": "DE",
        "status": "canceled",
    }


def test_it_tells_when_reminders_may_go_out() -> None:
    span = found(opening()).span
    assert span is not None
    assert (span.begin, span.end) == (OPENS - 30 * MINUTE, OPENS - 2 * MINUTE)
    assert found(opening(start_at=None)).span is None
