"""The source of events is asked as seldom as it may be, and what it says is kept."""

from datetime import timedelta
from typing import Any, Final

import pytest

from demand_adapters.item_table import Item
from demand_adapters.testing.strategies import NOON
from demand_core.batch import Outcome
from demand_core.domain.events import EventCached
from demand_core.domain.links import LinkRequest
from demand_core.domain.refreshing import EVENT_SOURCE, EventOrder, LookUpReason
from demand_core.domain.sale_kinds import SaleKind
from demand_core.domain.suppression import Suppression, event_silences
from demand_core.errors import Transient
from demand_core.topology.channels import EVENTS, SHORT_URLS
from entrypoints.simulation.discovery_documents import document
from tests.unit.workers.reminders.casting import (
    E1,
    HOUR,
    MINUTE,
    OPENS,
    Cast,
    described,
    look_up,
)
from tests.unit.workers.reminders.desk import batch

STALE: Final = LookUpReason.STALE


def cache(cast: Cast, *orders: EventOrder) -> Outcome:
    outcome = cast.worker("cache_event")(batch(*(orders or (look_up(),))))
    assert isinstance(outcome, Outcome)
    return outcome


@pytest.mark.check("W-N2")
def test_a_new_event_is_fetched_kept_with_its_sales_and_put_down_for_a_link() -> None:
    cast = Cast(country="DE")
    assert cache(cast) == Outcome()
    assert [call.event_id for call in cast.source.calls] == [E1]
    (event,) = cast.ports.events.get_many([E1]).values()
    assert (event.cached_at, event.has_demand, event.short_url) == (NOON, True, None)
    # It is judged by what is stored, whenever that matters: lists change.
    (silence,) = event_silences(event, cast.ports.reminders.suppression)
    assert (silence.reason, silence.because) == (Suppression.COUNTRY, "DE")
    assert cast.sale().start_at == OPENS
    assert cast.worker("queue_short_urls")(batch(EventCached(E1))) == Outcome()
    assert cast.tray(SHORT_URLS).taken == [LinkRequest(E1)]


@pytest.mark.check("W-N2")
def test_what_is_known_and_fresh_costs_no_call() -> None:
    cast = Cast()
    cast.know(ago=15 * MINUTE)
    assert cache(cast) == Outcome()
    assert cast.source.calls == []
    cast.clock.advance(timedelta(milliseconds=1))
    assert cache(cast, look_up(STALE)) == Outcome()
    assert len(cast.source.calls) == 1


def written(cast: Cast) -> list[Item]:
    """Everything that was ever stored, in that order."""
    changes = [
        change
        for shard in cast.engines.table.shards()
        for change in cast.engines.table.read(shard.name, None, 100)
    ]
    return [c.new for c in sorted(changes, key=lambda c: c.sequence) if c.new]


def test_who_finds_an_event_finds_all_its_sales() -> None:
    cast = Cast()
    cache(cast)
    assert [item.body["type"] for item in written(cast)[:3]] == ["rate", "sale", "event"]


class Witness:
    """A port that writes down what it is asked, with others on one page."""

    def __init__(self, port: object, page: list[str]) -> None:
        self._port, self._page = port, page

    def __getattr__(self, name: str) -> Any:
        self._page.append(name)
        return getattr(self._port, name)


@pytest.mark.check("N-WF2")
def test_the_cache_is_asked_first_and_what_is_stored_is_judged_before() -> None:
    cast, page = Cast(country="DE", presales=[("Fan Registration", OPENS)]), list[str]()
    for port in ("events", "sales", "event_source"):
        vars(cast.ports)[port] = Witness(getattr(cast.ports, port), page)
    cache(cast)
    assert page == ["get_many", "look_up", "relist", "refresh", "get_many", "wanted"]
    reasons = [
        item.body.get("suppression") for item in written(cast) if item.key[0] == "event:E1"
    ]
    assert reasons == [
        ["country"],
        ["country", "registration_sale"],
        ["country"],
        ["country"],
    ]


def test_however_many_ask_at_once_the_source_is_asked_once() -> None:
    cast = Cast()
    assert cache(cast, *[look_up()] * 10) == Outcome()
    assert len(cast.source.calls) == 1


@pytest.mark.check("N-CAP4")
def test_a_presale_whose_name_tells_nothing_is_kept_as_a_plain_one_and_counted() -> None:
    cast = Cast(presales=[("Fnord", OPENS), ("Fan Club Presale", OPENS)])
    assert cache(cast, *[look_up()] * 3) == Outcome(noted={"unfamiliar_presale": 1})
    kinds = {sale.name: (sale.kind, sale.told_by) for sale in cast.ports.sales.of_event(E1)}
    assert kinds["Fnord"] == (SaleKind.PRESALE, None)
    assert kinds["Fan Club Presale"] == (SaleKind.PRESALE, "fan club")


def test_an_event_that_there_is_not_is_dropped_and_nothing_is_stored() -> None:
    cast = Cast()
    cast.source.remove(E1)
    assert cache(cast) == Outcome(dropped={"r0": "no_event"})
    assert cast.ports.events.get_many([E1]) == {}


def test_while_the_source_is_away_the_order_waits_and_what_is_known_stays() -> None:
    cast = Cast()
    cast.know(ago=HOUR)
    cast.source.goes_down(NOON + HOUR)
    assert cache(cast).retry == {"r0"}
    (event,) = cast.ports.events.get_many([E1]).values()
    assert event.cached_at == NOON - HOUR


def test_a_source_that_asks_for_rest_gets_it_from_everybody() -> None:
    cast = Cast()
    calls = list[object]()

    def throttled(event_id: object, /) -> object:
        calls.append(event_id)
        raise Transient("slow down", retry_at=NOON + MINUTE)

    cast.source.look_up = throttled  # type: ignore[method-assign,assignment]
    assert cache(cast).retry == {"r0"}
    assert cache(cast).retry == {"r0"}
    assert len(calls) == 1
    assert (
        cast.ports.pace.take(EVENT_SOURCE, 1, NOON + 59 * timedelta(seconds=1)) == NOON + MINUTE
    )


def test_an_answer_about_another_event_is_refused_and_stored_nowhere() -> None:
    cast = Cast()
    cast.source.put(E1, document(described(event_id="E2")))
    (reason,) = cache(cast).dropped.values()
    assert reason == "wrong_event"
    assert cast.ports.events.get_many([E1]) == {}


@pytest.mark.check("N-CAP7")
def test_a_wanted_event_is_asked_for_no_oftener_than_its_sale_is_near() -> None:
    """A day, with a tick each quarter of an hour: every call is counted by its source."""
    cast = Cast(public=NOON + 72 * HOUR)
    cast.know(public=NOON + 72 * HOUR)
    cast.ports.events.wanted(E1)
    cast.settle()
    for quarter in range(4 * 24 * 3):
        cast.clock.move_to(NOON + quarter * 15 * MINUTE)
        cast.tray(EVENTS).taken.clear()
        cast.worker("refresh_events")(cast.clock.now())
        for order in cast.tray(EVENTS).taken:
            cast.worker("cache_event")(batch(order))
    times = [call.at - NOON for call in cast.source.calls]
    first_day = sum(at < 24 * HOUR for at in times)
    last_hours = [at for at in times if at >= 70 * HOUR]
    assert 1 <= first_day <= 3
    assert len(last_hours) <= 8
    assert len(times) <= 3 + 47 + 8 + 1
