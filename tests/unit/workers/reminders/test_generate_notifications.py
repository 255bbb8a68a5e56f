"""Making the reminders of a sale: one for each fan and channel, however often it is done."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import pytest
from attrs import evolve

from demand_adapters.item_table import Item, ItemTable, Wrote
from demand_adapters.testing.strategies import NOON
from demand_core.batch import Outcome
from demand_core.domain.generation import GenerationOrder, done_for, ordered
from demand_core.domain.ids import SaleId, shard
from demand_core.domain.notifications import Channel, Notification, NotificationRef
from demand_core.domain.statuses import Status
from demand_core.topology.channels import GENERATION
from demand_core.workers.reminders.generate_notifications import PAGE_MAX, WORKING_TIME
from entrypoints.settings import Settings
from tests.unit.workers.reminders.casting import (
    ANY,
    BOTH,
    E1,
    HOUR,
    MINUTE,
    OPENS,
    PUBLIC,
    Cast,
    a_wish,
    an_order,
)
from tests.unit.workers.reminders.desk import batch

DUE: Final = OPENS - 30 * MINUTE


def ready(fans: int = 3, *, link: bool = True, settings: Settings | None = None) -> Cast:
    """Half an hour before the sale."""
    cast = Cast(settings=settings)
    cast.know(link=link)
    cast.asked(*(a_wish(n) for n in range(fans)))
    cast.clock.move_to(DUE)
    return cast


def generate(cast: Cast, *orders: GenerationOrder) -> Outcome:
    outcome = cast.worker("generate_notifications")(batch(*orders))
    assert isinstance(outcome, Outcome)
    return outcome


def all_of(cast: Cast, order: GenerationOrder | None = None) -> int:
    """Work the order off with all that it leads to; how many orders there were."""
    todo, done = [order or an_order()], 0
    while todo:
        now, *todo = todo
        cast.tray(GENERATION).taken.clear()
        outcome = generate(cast, now)
        assert not outcome.retry
        todo += cast.tray(GENERATION).taken
        done += 1
    return done


@pytest.mark.check("W-N5")
def test_each_fan_sale_and_channel_has_one_worded_message_and_a_second_run_adds_none() -> None:
    cast = ready(0)
    cast.asked(
        a_wish(0),
        a_wish(1, channels=BOTH),
        a_wish(2, channels=(Channel.EMAIL,)),
        a_wish(3, sale_id=ANY),
    )
    all_of(cast)
    made = cast.made()
    assert Counter(row.fan_id for row in made) == {"F0": 1, "F1": 2, "F2": 1, "F3": 1}
    for row in made:
        assert row.status is Status.CREATED
        assert (row.message_body or row.variables) is not None
        assert (row.not_before, row.not_after) == (DUE, OPENS - 2 * MINUTE)
    before = cast.engines.table.sequence
    all_of(cast)
    assert cast.made() == made
    assert done_for(cast.sale(), OPENS)
    assert cast.engines.table.sequence == before


def test_a_fan_who_asked_for_the_sale_and_for_any_is_told_of_it_once() -> None:
    cast = ready(0)
    cast.asked(a_wish(0), a_wish(0, sale_id=ANY))
    all_of(cast)
    assert len(cast.made()) == 1


@pytest.mark.check("N-UC2")
def test_one_look_up_serves_ten_thousand_fans_at_ten_minutes_worth_of_rate() -> None:
    cast = ready(10_000)
    cast.clock.move_to(DUE)
    all_of(cast)
    assert len(cast.source.calls) == 1
    assert len(cast.made()) == 10_000
    assert cast.clock.now() == DUE
    # At the set rate, in segments, the last one is out within ten minutes.
    segments = sum(row.segments for row in cast.made())
    assert segments / cast.ports.settings.sms_per_s <= 600


@pytest.mark.check("CONST-003")
class Gauge:
    """The table, and how many writes it was ever given at once."""

    def __init__(self, table: ItemTable) -> None:
        self._table, self.most = table, 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._table, name)

    def put_new(self, items: Sequence[Item], /) -> Sequence[Wrote]:
        self.most = max(self.most, len(items))
        return self._table.put_new(items)


@pytest.mark.check("N-UC2-batch")
def test_generation_writes_a_page_of_fans_at_once_whatever_their_number() -> None:
    cast = ready(fans=1)
    gauge = Gauge(cast.ports.table)
    vars(cast.ports)["table"] = gauge
    vars(cast.ports).pop("notifications", None)
    # All in one shard, where pages are longest, and each on both channels.
    crowd = [n for n in range(20_000) if shard(f"F{n}") == "0"]
    cast.asked(*(a_wish(n, channels=BOTH) for n in crowd))
    gauge.most = 0
    all_of(cast)
    assert len(cast.made()) >= 2 * len(crowd) > 2 * PAGE_MAX
    assert PAGE_MAX < gauge.most <= 2 * PAGE_MAX <= 5000


@pytest.mark.check("CONST-003")
def test_a_run_that_nears_its_end_stores_how_far_it_came_and_the_next_does_the_rest() -> None:
    cast = ready(0)
    cast.asked(*(a_wish(n) for n in range(20_000) if shard(f"F{n}") == "0"))
    part, mine = an_order(group=PUBLIC, shard="0"), {d.fan_id for d in cast.everybody()}
    assert len(mine) > 2 * PAGE_MAX
    store, create = cast.ports.notifications, cast.ports.notifications.create

    def slowly(rows: Sequence[Notification], /) -> Sequence[NotificationRef]:
        cast.clock.advance(WORKING_TIME)
        return create(rows)

    class Slow:
        create = staticmethod(slowly)

        def __getattr__(self, name: str) -> object:
            return getattr(store, name)

    vars(cast.ports)["notifications"] = Slow()
    runs = 0
    todo = [part]
    while todo:
        cast.tray(GENERATION).taken.clear()
        assert generate(cast, *todo) == Outcome()
        todo = list(cast.tray(GENERATION).taken)
        assert all(order.after for order in todo)
        runs += 1
    vars(cast.ports)["notifications"] = store
    assert {row.fan_id for row in cast.made()} == mine
    assert runs > 1


@pytest.mark.check("N-UC5-block", "N-R6")
def test_without_its_link_a_text_is_made_without_words_and_an_e_mail_with_all() -> None:
    cast = ready(0, link=False)
    cast.asked(a_wish(0, channels=BOTH))
    all_of(cast)
    text, mail = sorted(cast.made(), key=lambda row: row.channel.value, reverse=True)
    assert (text.channel, text.message_body) == (Channel.SMS, None)
    assert mail.variables is not None


def test_who_asks_late_is_named_in_the_order_and_served_at_once() -> None:
    cast = ready(3)
    late = a_wish(7)
    cast.ports.demands.ask([late])
    assert generate(cast, an_order(refs=(late.ref,))) == Outcome()
    assert [row.fan_id for row in cast.ports.notifications.of_fan(late.fan_id)] == ["F7"]
    assert not cast.ports.notifications.of_fan(a_wish(0).fan_id)


@pytest.mark.parametrize(
    ("order", "reason"),
    [
        (an_order(OPENS + HOUR), "sale_moved"),
        (an_order(sale_id=SaleId("E1.p0123456789ab")), "sale_unknown"),
    ],
)
def test_an_order_that_no_longer_fits_is_dropped_with_its_reason(
    order: GenerationOrder, reason: str
) -> None:
    cast = ready()
    assert generate(cast, order) == Outcome(dropped={"r0": reason})
    assert cast.made() == []


def test_an_event_that_its_source_no_longer_has_makes_nothing() -> None:
    cast = Cast()
    cast.source.remove(E1)
    assert generate(cast, an_order()) == Outcome(dropped={"r0": "sale_unknown"})


def test_a_sale_that_moved_meanwhile_is_found_by_the_look_up_before_it_is_made() -> None:
    cast = ready()
    cast.clock.move_to(DUE)
    cast.describe(public=OPENS + HOUR)
    assert generate(cast, an_order()) == Outcome(dropped={"r0": "sale_moved"})
    assert cast.sale().start_at == OPENS + HOUR


def test_a_message_that_was_made_before_its_sale_moved_goes_along() -> None:
    cast = ready(1)
    all_of(cast)
    (before,) = cast.made()
    moved = OPENS + HOUR
    cast.describe(public=moved)
    cast.know(public=moved)
    all_of(cast, an_order(moved))
    (after,) = cast.made()
    assert after.notification_id == before.notification_id
    assert (after.not_before, after.rendered_for) == (moved - 30 * MINUTE, moved)
    assert after.message_body != before.message_body


def test_while_the_source_is_away_a_cached_event_is_good_enough_and_others_wait() -> None:
    cast = ready()
    cast.source.goes_down(NOON + 5 * HOUR)
    all_of(cast)
    assert len(cast.made()) == 3
    assert len(cast.source.calls) == 1
    nobody = Cast()
    nobody.source.goes_down(NOON + 5 * HOUR)
    assert generate(nobody, an_order()).retry == {"r0"}


def test_a_silent_sale_is_done_with_and_told_of_once() -> None:
    cast = ready(settings=Settings(suppressed_artists="A1"))
    cast.ports.sales.amend(cast.sale().sale_id, lambda sale: ordered(sale, OPENS, DUE))
    for _ in range(3):
        assert generate(cast, an_order()) == Outcome(dropped={"r0": "suppressed"})
    assert cast.made() == []
    assert done_for(cast.sale(), OPENS)
    assert len(cast.engines.announcer.told) == 1


def test_parts_that_could_not_be_ordered_bring_the_whole_order_back() -> None:
    cast = ready()
    cast.tray(GENERATION).refuses = [3]
    assert generate(cast, an_order()).retry == {"r0"}


def test_who_withdrew_since_gets_no_message() -> None:
    cast = ready(2)
    cast.ports.demands.withdraw([a_wish(0).ref])
    all_of(cast)
    assert [row.fan_id for row in cast.made()] == ["F1"]


def test_when_time_passes_between_parts_nothing_is_made_twice() -> None:
    cast = ready(40)
    todo = [an_order()]
    seen = list[datetime]()
    while todo:
        order, *todo = todo
        cast.tray(GENERATION).taken.clear()
        generate(cast, order)
        todo += cast.tray(GENERATION).taken
        seen.append(cast.clock.now())
        cast.clock.advance(timedelta(seconds=1))
        if order.group:
            generate(cast, evolve(order))
    assert len(cast.made()) == 40
    assert len(seen) == 33
