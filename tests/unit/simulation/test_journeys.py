"""A fan's way from a wish to the shop, played through and read from what everybody recorded."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any, Final
from zoneinfo import ZoneInfo

import pytest
from attrs import evolve

from demand_adapters.memory.url_shortener import MemoryUrlShortener
from demand_adapters.testing.fault_plans import Fault, Kind, NoFaults, OneFault, Plan
from demand_core.domain.delivery import Keyed
from demand_core.domain.ids import EventId, FanId
from demand_core.domain.notifications import Channel, ErrorKind, Notification
from demand_core.domain.statuses import Status
from entrypoints.ledger import totals
from entrypoints.settings import Settings
from entrypoints.simulation.handovers import HandOvers
from entrypoints.simulation.reminders import Crowd, Reminders, Show
from entrypoints.simulation.texting import rows
from entrypoints.simulation.world import CALM, START, World

HOUR: Final = timedelta(hours=1)
MINUTE: Final = timedelta(minutes=1)
PACIFIC: Final = ZoneInfo("America/Los_Angeles")
TEN: Final = datetime(2027, 3, 1, 10, tzinfo=PACIFIC)
VERIFIED: Final = "Ticketmaster Verified Fan® Presale"
BOTH: Final = (Channel.SMS, Channel.EMAIL)
E1: Final = EventId("vvG1IZ9YbnJrn1")
SHOP: Final = f"https://www.ticketmaster.com/harbour-tour/event/{E1}"

GANNET: Final = Show(
    event_id=E1,
    artist="Gannet",
    presales=((VERIFIED, TEN - START), ("Fan Registration", TEN - START)),
    public=TEN - START + 2 * HOUR,
)


def played(
    *crowds: Crowd,
    until: datetime,
    settings: Settings | None = None,
    shows: Sequence[Show] = (GANNET,),
    plan: Plan | None = None,
) -> World:
    story = Reminders(shows=tuple(shows), crowds=crowds, goal={})
    world = story.world(7, CALM, plan or NoFaults(), settings or Settings())
    world.run_until(until)
    return world


def by_channel(world: World) -> Mapping[Channel, Notification]:
    return {row.channel: row for row in rows(world).values()}


def text_of(row: Notification) -> str:
    assert row.message_body is not None
    return row.message_body.reveal()


@pytest.mark.check("N-S1")
def test_a_verified_fan_is_texted_half_an_hour_before_ten_pacific() -> None:
    crowd = Crowd(show=GANNET, fans=1, sale=VERIFIED)
    assert played(crowd, until=TEN - 30 * MINUTE - timedelta(seconds=1)).engines.sms.calls == []
    world = played(crowd, until=TEN)
    (told,) = world.engines.sms.history
    assert TEN - 30 * MINUTE <= told.at <= TEN - 29 * MINUTE
    (row,) = rows(world).values()
    assert (row.segments, row.status) == (1, Status.DELIVERED)
    assert "Gannet Ticketmaster Verified Fan(r) Presale at The Breakwater" in text_of(row)
    assert "Mon, Mar 1 at 10:00 AM PST" in text_of(row)
    sale = world.outside.sales.get_many([row.sale_id])[row.sale_id] if row.sale_id else None
    assert sale
    assert sale.generation
    assert timedelta(0) <= sale.generation.ordered_at - (TEN - 30 * MINUTE) < MINUTE


@pytest.mark.check("N-S2")
def test_a_public_sale_is_told_by_text_and_by_e_mail_within_two_minutes() -> None:
    opens = TEN + 2 * HOUR
    world = played(Crowd(show=GANNET, fans=1, channels=BOTH), until=opens)
    found = by_channel(world)
    assert found.keys() == set(BOTH)
    text, mail = found[Channel.SMS], found[Channel.EMAIL]
    assert "Presale" not in text_of(text)
    assert mail.variables is not None
    poster = mail.variables["poster"].reveal()
    assert poster == f"https://s1.ticketm.net/dam/a/{E1}.jpg"
    assert {"artist", "venue", "day", "time", "zone", "link"} <= mail.variables.keys()
    for row in found.values():
        assert row.date.triggered is not None
        assert row.not_before <= row.date.triggered <= row.not_before + 2 * MINUTE


FAN: Final = FanId("F000000")
ASKS: Final = Crowd(show=GANNET, fans=1, sale=VERIFIED, asks=HOUR)


@pytest.mark.check("N-J1")
def test_a_wish_has_its_event_known_and_linked_before_anybody_is_told() -> None:
    asked = played(ASKS, until=START + HOUR + MINUTE)
    (wish,) = asked.outside.demands.of_fan(FAN)
    assert (wish.date.requested, wish.date.triggered) == (START + HOUR, None)
    (event,) = asked.outside.events.get_many([E1]).values()
    assert (event.has_demand, event.url) == (True, SHOP)
    assert not rows(asked)
    linked = played(ASKS, until=START + 2 * HOUR)
    (event,) = linked.outside.events.get_many([E1]).values()
    assert (event.short_url_for, event.link_attempts) == (SHOP, 0)


@pytest.mark.check("N-UC1", "N-J1")
def test_every_stage_from_the_wish_to_the_phone_can_be_read_with_its_time() -> None:
    world = played(ASKS, until=TEN)
    (row,) = rows(world).values()
    (wish,) = world.outside.demands.of_fan(FAN)
    (event,) = world.outside.events.get_many([E1]).values()
    (sale,) = [s for s in world.outside.sales.of_event(E1) if s.sale_id == row.sale_id]
    assert sale.generation
    stages = [
        wish.date.requested,
        event.dates.first_seen,
        sale.generation.ordered_at,
        row.date.created,
        row.date.triggered,
        row.date.queued,
        row.date.sent,
        row.date.delivered,
    ]
    known = [stage for stage in stages if stage]
    assert len(known) == len(stages)
    assert all(one <= other for one, other in pairwise(known))
    assert row.status is Status.DELIVERED
    assert wish.date.notified == row.date.delivered


@pytest.mark.check("N-WF1")
def test_the_workers_come_in_their_order_and_each_has_something_to_do() -> None:
    world = played(ASKS, until=TEN)
    order = [
        *("cache_event", "shorten_event_urls", "schedule_notifications"),
        *("generate_notifications", "send_notifications", "track_sms_status"),
    ]
    first = {run.row: run.number for run in reversed(world.invoked) if run.wrote}
    assert sorted(order, key=first.__getitem__) == order


@pytest.mark.check("N-UC1-post", "N-J1")
def test_the_link_in_a_text_leads_to_the_shop() -> None:
    world = played(ASKS, until=TEN)
    (row,) = rows(world).values()
    link = text_of(row).rpartition(" ")[2]
    (call,) = world.engines.shortener.history
    assert (call.answer, call.url) == (f"https://{link}", SHOP)


@pytest.mark.check("REQ-001")
@pytest.mark.parametrize("lead", [10, 30, 60])
def test_a_reminder_leaves_once_its_lead_is_reached_and_before_the_sale(lead: int) -> None:
    crowd = Crowd(show=GANNET, fans=20, sale=VERIFIED)
    world = played(crowd, until=TEN + HOUR, settings=Settings(reminder_lead_min=lead))
    assert len(world.engines.sms.history) == 20
    for told in world.engines.sms.history:
        assert TEN - lead * MINUTE <= told.at <= TEN - lead * MINUTE + 2 * MINUTE < TEN


@pytest.mark.check("REQ-005", "N-S4", "N-UC4", "N-UC4-log")
@pytest.mark.parametrize(
    ("sale", "settings", "because"),
    [
        (VERIFIED, {"suppressed_artists": GANNET.artist_id}, f"artist ('{GANNET.artist_id}')"),
        (VERIFIED, {"suppressed_sales": "VERIFIED_FAN"}, "sale_kind ('verified fan')"),
        (VERIFIED, {"countries": "CA"}, "country ('US')"),
        ("Fan Registration", {}, "registration_sale ('registration')"),
    ],
)
def test_of_a_silent_sale_nobody_is_told_and_one_can_read_why(
    sale: str, settings: Mapping[str, Any], because: str
) -> None:
    world = played(
        Crowd(show=GANNET, fans=3, sale=sale), until=TEN, settings=Settings(**settings)
    )
    assert rows(world) == {}
    assert world.engines.sms.calls == []
    (wish, *_) = world.outside.demands.of_fan(FanId("F000000"))
    said = [told.summary for told in world.engines.announcer.told.values()]
    assert said.count(f"nobody is told of sale {wish.sale_id}: {because}") == 1
    assert world.tallies["generate_notifications"].dropped["suppressed"] >= 1


@pytest.mark.check("N-UC4")
def test_a_registration_leaves_the_other_sales_of_its_event_alone() -> None:
    world = played(Crowd(show=GANNET, fans=1, any_sale=True), until=TEN + 3 * HOUR)
    told = {row.sale_id: row.status for row in rows(world).values()}
    assert len(told) == 2
    assert set(told.values()) == {Status.DELIVERED}
    assert f"{E1}.public" in told


@pytest.mark.check("N-DEP1")
def test_an_hour_without_the_source_costs_no_reminder_and_is_told() -> None:
    story = Reminders(
        shows=(GANNET,), crowds=(Crowd(show=GANNET, fans=5, sale=VERIFIED),), goal={}
    )
    world = story.world(7, CALM, NoFaults(), Settings())
    world.run_until(TEN - HOUR - 30 * MINUTE)
    world.engines.event_source.goes_down(TEN)
    world.run_until(TEN)
    assert [row.status for row in rows(world).values()] == [Status.DELIVERED] * 5
    (sale_id,) = {row.sale_id for row in rows(world).values()}
    assert sale_id
    assert totals(world.outside.notifications, sale_id).document()["stale"] == 5


@pytest.mark.check("REQ-006", "N-DEP4")
def test_a_text_carries_the_short_link_and_who_falls_back_is_counted() -> None:
    crowd = Crowd(show=GANNET, fans=5)
    calm = played(crowd, until=TEN + 2 * HOUR)
    assert totals(calm.outside.notifications, f"{E1}.public").by_link == {"short": 5}
    assert all("sho.rt/" in text_of(row) for row in rows(calm).values())
    story = Reminders(shows=(GANNET,), crowds=(crowd,), goal={})
    world = story.world(7, CALM, NoFaults(), Settings())
    world.ports.shortener = MemoryUrlShortener(world.clock, sour=frozenset({SHOP}))
    world.run_until(TEN + 2 * HOUR)
    assert totals(world.outside.notifications, f"{E1}.public").by_link == {"long": 5}
    assert all(SHOP.removeprefix("https://") in text_of(row) for row in rows(world).values())
    assert sum(key.startswith("link-failed") for key in world.engines.announcer.told) == 1


@pytest.mark.check("N-DEP4")
def test_where_not_even_the_long_link_fits_the_e_mail_still_goes() -> None:
    # Of a text that holds such a name only seventy signs go into one segment.
    long = evolve(GANNET, event_id=EventId("v" * 64), artist="椎名林檎")
    story = Reminders(shows=(long,), crowds=(Crowd(show=long, fans=2, channels=BOTH),), goal={})
    url = SHOP.replace(E1, long.event_id)
    world = story.world(7, CALM, NoFaults(), Settings())
    world.ports.shortener = MemoryUrlShortener(world.clock, sour=frozenset({url}))
    world.run_until(TEN + 2 * HOUR)
    ends = sorted((row.channel.value, row.status, row.reason) for row in rows(world).values())
    assert ends == [
        *[("email", Status.SENT, None)] * 2,
        *[("sms", Status.DROPPED, "too_long")] * 2,
    ]
    (mail, _) = world.engines.emails.history
    assert mail.order.variables["link"].reveal() == url


@pytest.mark.check("N-UC3", "N-UC2-fail")
def test_a_text_that_fails_once_for_certain_goes_out_at_the_second_attempt() -> None:
    story = HandOvers(capability=Keyed(), fans=1, reports=True)
    (call,) = (call for call in story.calls() if call.driver == "sms")
    world = story.play(OneFault(call.number, Fault(kind=Kind.TRANSIENT)))
    (row,) = rows(world).values()
    assert (row.status, row.send_attempts) == (Status.DELIVERED, 2)
    (error,) = row.errors
    assert (error.kind, error.attempt, error.code) == (ErrorKind.KNOWN, 1, "not_taken")
    assert row.date.triggered
    assert error.at < row.date.triggered
    assert len(world.engines.sms.history) == 1


def test_two_accounts_with_one_handset_are_told_once() -> None:
    story = Reminders(shows=(GANNET,), crowds=(Crowd(show=GANNET, fans=2),), goal={})
    world = story.world(7, CALM, NoFaults(), Settings())
    one, other = (world.outside.demands.of_fan(FanId(f"F00000{n}"))[0] for n in (0, 1))
    shared = evolve(other, phone_number=one.phone_number)
    assert not world.outside.demands.ask([shared])
    world.run_until(TEN + 2 * HOUR)
    ends = sorted((row.status.value, row.reason) for row in rows(world).values())
    assert ends == [("DELIVERED", None), ("DROPPED", "duplicate_contact")]
    assert len(world.engines.sms.history) == 1


def test_the_day_is_the_one_that_stories_are_told_of() -> None:
    assert datetime(2027, 3, 1, 9, tzinfo=UTC) == START < TEN
