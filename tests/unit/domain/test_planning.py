"""What a wish leads to: one message for each channel, for the start that the sale has."""

from datetime import datetime, timedelta
from typing import Final

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from demand_adapters.testing.strategies import NOON, an_event, notifications
from demand_core.domain.artists import Artist
from demand_core.domain.contacts import Email, Phone
from demand_core.domain.demands import Demand, DemandDates, any_sale
from demand_core.domain.events import Event
from demand_core.domain.ids import EventId, FanId
from demand_core.domain.links import after_failed_call, linked
from demand_core.domain.notifications import Channel, Notification, due_at
from demand_core.domain.planning import (
    NotYet,
    ReminderPolicy,
    brought_up,
    planned,
    replanned,
    worded,
)
from demand_core.domain.sales import ListedSale, Sale, public_sale
from demand_core.domain.segments import MUSIC
from demand_core.domain.statuses import OPEN, SETTLED, Status
from demand_core.domain.venues import Venue
from demand_core.domain.wording import Unsaid

E1: Final = EventId("E1")
POLICY: Final = ReminderPolicy()
STARTS: Final = NOON + timedelta(hours=1)
SALE: Final = public_sale(E1, ListedSale(start_at=STARTS))
BARE: Final = an_event(
    artists=(Artist(artist_id="A1", name="Gannet"),),
    segment=MUSIC,
    venue=Venue(name="The Breakwater", city="Los Angeles"),
    time_zone="America/Los_Angeles",
)
SHOW: Final = linked(BARE, BARE.url, "https://sho.rt/1")
DEMAND: Final = Demand(
    fan_id=FanId("F1"),
    event_id=E1,
    sale_id=any_sale(E1),
    channels=(Channel.SMS, Channel.EMAIL),
    phone_number=Phone("+12125550001"),
    email=Email("fan@example.org"),
    date=DemandDates(requested=NOON),
)
moves: Final = st.integers(-40, 600).map(lambda n: NOON + n * timedelta(minutes=1))


def plan(
    demand: Demand = DEMAND, event: Event = SHOW, sale: Sale = SALE, now: datetime = NOON
) -> dict[Channel, Notification]:
    return {row.channel: row for row in planned(demand, event, sale, now, POLICY)}


@pytest.mark.check("N-CAP2")
@pytest.mark.parametrize(
    "channels", [(Channel.SMS,), (Channel.EMAIL,), (Channel.SMS, Channel.EMAIL)]
)
def test_there_is_one_message_for_each_channel_with_its_own_contact(
    channels: tuple[Channel, ...],
) -> None:
    rows = plan(evolve(DEMAND, channels=channels))
    assert tuple(rows) == channels
    for channel, row in rows.items():
        assert (row.phone_number, row.email) == (
            (DEMAND.phone_number, None) if channel is Channel.SMS else (None, DEMAND.email)
        )
        assert (row.status, row.demand_sale_id) == (Status.CREATED, "E1.any")


@pytest.mark.check("N-R18")
@pytest.mark.parametrize(
    ("own_locale", "wanted", "told_in"),
    [
        (False, "fr-ca", "en-us"),
        (True, "fr-ca", "fr-ca"),
        (True, None, "en-us"),
    ],
)
def test_a_fans_own_language_counts_only_where_that_is_switched_on(
    own_locale: bool, wanted: str | None, told_in: str
) -> None:
    policy = ReminderPolicy(own_locale=own_locale)
    rows = list(planned(evolve(DEMAND, locale=wanted), SHOW, SALE, NOON, policy))
    assert [row.locale for row in rows] == [told_in] * 2
    assert ReminderPolicy().own_locale is False
    (text, _) = (row.message_body for row in rows)
    assert text is not None
    assert ("Prévente" in text.reveal() or "vente" in text.reveal()) is (told_in == "fr-ca")


def test_a_message_has_one_name_however_often_it_is_planned() -> None:
    again = plan(evolve(DEMAND, phone_number=Phone("+12125559999")), now=STARTS)
    assert {row.notification_id for row in plan().values()} == {
        row.notification_id for row in again.values()
    }
    assert len({row.notification_id for row in plan().values()}) == 2


def test_a_message_goes_out_from_the_lead_until_it_is_of_no_use() -> None:
    for row in plan().values():
        assert row.not_before == due_at(row) == STARTS - timedelta(minutes=30)
        assert row.not_after == STARTS - timedelta(minutes=2)
        assert row.rendered_for == STARTS


def test_without_a_start_there_is_nothing_to_plan() -> None:
    assert plan(sale=evolve(SALE, start_at=None)) == {}


def test_a_text_says_its_short_link_and_an_e_mail_its_variables() -> None:
    rows = plan()
    text, variables = rows[Channel.SMS].message_body, rows[Channel.EMAIL].variables
    assert text
    assert text.reveal().endswith("sho.rt/1")
    assert (rows[Channel.SMS].segments, rows[Channel.SMS].link_kind) == (1, "short")
    assert variables
    assert variables["artist"].reveal() == "Gannet"


@pytest.mark.check("N-UC5-block", "N-R6")
def test_a_text_waits_for_its_link_and_an_e_mail_does_not() -> None:
    rows = plan(event=BARE)
    assert rows[Channel.SMS].message_body is None
    assert rows[Channel.EMAIL].variables
    row = rows[Channel.SMS]
    deadline = STARTS - timedelta(minutes=20)
    for minutes in range(-30, -20):
        now = STARTS + timedelta(minutes=minutes)
        waits = worded(row, BARE, SALE, now, POLICY)
        assert isinstance(waits, NotYet)
        assert now < waits.look_again <= deadline
    late = worded(row, BARE, SALE, deadline, POLICY)
    assert isinstance(late, Notification)
    assert late.link_kind == "long"


def test_a_link_that_was_given_up_is_waited_for_no_more() -> None:
    given_up = after_failed_call(BARE, BARE.url, NOON, 1)
    row = plan(event=given_up)[Channel.SMS]
    assert (row.link_kind, row.message_body is None) == ("long", False)


@pytest.mark.check("CONST-001")
def test_a_text_that_does_not_fit_even_shortened_has_no_words() -> None:
    long = evolve(BARE, url=f"https://www.ticketmaster.com/event/{'1A' * 90}")
    row = plan(event=long)[Channel.SMS]
    assert isinstance(worded(row, long, SALE, STARTS, POLICY), Unsaid)


@given(row=notifications, starts=moves, now=moves)
def test_a_row_follows_its_sale_while_nothing_was_handed_over(
    row: Notification, starts: datetime, now: datetime
) -> None:
    row = evolve(row, rendered_for=STARTS)
    after = replanned(row, SHOW, evolve(SALE, start_at=starts), now, POLICY)
    if starts == STARTS or row.status not in OPEN:
        assert after == row
    elif row.in_doubt:
        assert after.status is Status.UNKNOWN
        assert after.message_body == row.message_body
    else:
        assert after.rendered_for == starts
        assert after.not_after == starts - timedelta(minutes=2)
        assert due_at(after) == after.not_before == starts - timedelta(minutes=30)
        assert (after.request_digest, after.first_handover_at) == (None, None)
        assert replanned(after, SHOW, evolve(SALE, start_at=starts), now, POLICY) == after


@given(row=notifications, starts=moves, now=moves)
def test_what_somebody_holds_or_what_is_settled_is_left_alone_by_generation(
    row: Notification, starts: datetime, now: datetime
) -> None:
    row = evolve(row, rendered_for=STARTS)
    after = brought_up(row, SHOW, evolve(SALE, start_at=starts), now, POLICY)
    if row.status in {Status.CLAIMED, *SETTLED}:
        assert after is row
