"""The check before a hand-over: each thing against it, and that nothing slips by."""

from datetime import timedelta
from typing import Any, Final

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from demand_adapters.testing.strategies import NOON, capabilities, notifications
from demand_core.domain.checks import Clear, Standing, Stopped, checked, decided
from demand_core.domain.delivery import Capability, Errand, Keyed, Terms, looked_at
from demand_core.domain.ids import NotificationId
from demand_core.domain.links import linked
from demand_core.domain.notifications import Channel, Notification, due_at
from demand_core.domain.planning import ReminderPolicy, planned
from demand_core.domain.statuses import NOT_SENT, Status
from demand_core.domain.suppression import SuppressionPolicy
from tests.unit.domain.test_planning import BARE, DEMAND, SALE, SHOW, STARTS

POLICY: Final = ReminderPolicy()
TERMS: Final = Terms(capability=Keyed())
DUE: Final = STARTS - timedelta(minutes=30)
ROW: Final = next(planned(DEMAND, SHOW, SALE, NOON, POLICY))
FINE: Final = Standing(at=DUE, event=SHOW, sale=SALE, asked=True, opted_out=False)
OTHER: Final = NotificationId("f" * 32)
# What stands against a hand-over, what the row becomes by it, and why.
AGAINST: Final[dict[str, tuple[dict[str, Any], Status, str]]] = {
    "opted out": ({"opted_out": True}, Status.DROPPED, "opted_out"),
    "to be forgotten": ({"erased": True, "asked": False}, Status.DROPPED, "erased"),
    "withdrawn": ({"asked": False}, Status.DROPPED, "withdrawn"),
    "told already": ({"owner": OTHER}, Status.DROPPED, "duplicate_contact"),
    "unknown event": ({"event": None}, Status.SUPPRESSED, "sale_unknown"),
    "unknown sale": ({"sale": None}, Status.SUPPRESSED, "sale_unknown"),
    "no longer listed": (
        {"sale": evolve(SALE, withdrawn_at=NOON)},
        Status.SUPPRESSED,
        "sale_withdrawn",
    ),
    "cancelled": ({"event": evolve(SHOW, status="canceled")}, Status.SUPPRESSED, "status"),
    "abroad, a test": (
        {"event": evolve(SHOW, country="MX", is_test=True)},
        Status.SUPPRESSED,
        "country,test",
    ),
}
standings: Final = st.builds(
    Standing,
    at=st.integers(-10, 70).map(lambda n: NOON + n * timedelta(minutes=1)),
    event=st.sampled_from([None, SHOW, BARE, evolve(SHOW, status="postponed")]),
    sale=st.sampled_from(
        [
            None,
            SALE,
            evolve(SALE, start_at=None),
            evolve(SALE, start_at=STARTS + timedelta(hours=3)),
            evolve(SALE, start_at=STARTS - timedelta(minutes=20)),
            evolve(SALE, withdrawn_at=NOON),
        ]
    ),
    asked=st.booleans(),
    opted_out=st.booleans(),
    owner=st.none() | st.sampled_from([OTHER, ROW.notification_id]),
)


def decide(row: Notification, standing: Standing = FINE, **differing: Any) -> Notification:
    standing = evolve(standing, **differing)
    return decided(row, standing, "me", standing.at, TERMS, POLICY)


def test_what_nothing_stands_against_is_claimed_as_it_was_planned() -> None:
    mine = decide(ROW)
    assert mine.status is Status.CLAIMED
    assert mine.claim
    assert mine.claim.by == "me"
    assert mine.message_body == ROW.message_body


def test_before_its_time_nothing_is_done() -> None:
    assert decide(ROW, at=DUE - timedelta(seconds=1)) is ROW


@pytest.mark.check("N-UC1-pre")
@pytest.mark.parametrize("what", AGAINST)
def test_each_thing_against_it_settles_the_row_with_its_reason(what: str) -> None:
    differing, status, reason = AGAINST[what]
    after = decide(ROW, **differing)
    assert (after.status, after.reason) == (status, reason)


@pytest.mark.parametrize("what", AGAINST)
def test_in_doubt_nothing_says_that_it_was_not_sent(what: str) -> None:
    differing, _, reason = AGAINST[what]
    after = decide(evolve(ROW, outcome_unknown_since=DUE), **differing)
    assert (after.status, after.reason) == (Status.UNKNOWN, reason)


@pytest.mark.check("N-R13")
def test_an_artist_who_is_listed_today_is_kept_quiet_about_at_once() -> None:
    assert decide(ROW).status is Status.CLAIMED
    listed = ReminderPolicy(suppression=SuppressionPolicy(artist_ids=frozenset({"A1"})))
    after = decided(ROW, FINE, "me", DUE, TERMS, listed)
    assert (after.status, after.reason) == (Status.SUPPRESSED, "artist")


def test_a_sale_that_moved_takes_its_message_along() -> None:
    later = evolve(SALE, start_at=STARTS + timedelta(hours=2))
    after = decide(ROW, sale=later)
    assert (after.status, due_at(after)) == (Status.CREATED, DUE + timedelta(hours=2))
    sooner = evolve(SALE, start_at=STARTS - timedelta(minutes=10))
    assert decide(ROW, sale=sooner).status is Status.CLAIMED
    lost = evolve(SALE, start_at=None)
    assert due_at(decide(ROW, sale=lost)) == DUE + timedelta(minutes=15)


def test_a_sale_that_has_opened_meanwhile_is_told_of_no_more() -> None:
    after = decide(ROW, sale=evolve(SALE, start_at=DUE + timedelta(minutes=1)))
    assert after.status is Status.EXPIRED


def test_a_text_gets_its_words_before_it_is_claimed_and_keeps_them() -> None:
    row = next(planned(DEMAND, BARE, SALE, NOON, POLICY))
    held = decide(row, event=BARE)
    assert (held.status, held.message_body) == (Status.CREATED, None)
    assert due_at(held) == DUE + timedelta(minutes=1)
    short = linked(BARE, BARE.url, "https://sho.rt/1")
    mine = decide(held, event=short, at=DUE + timedelta(minutes=1))
    assert mine.status is Status.CLAIMED
    assert mine.link_kind == "short"


@given(row=notifications, standing=standings, capability=capabilities)
def test_whatever_is_decided_is_a_move_that_sending_allows(
    row: Notification, standing: Standing, capability: Capability
) -> None:
    terms = Terms(capability=capability)
    row = evolve(row, rendered_for=STARTS)
    after = decided(row, standing, "me", standing.at, terms, POLICY)
    errand, _ = looked_at(row, standing.at, terms)
    if errand in {Errand.NOTHING, Errand.LAST_LOOK_UP}:
        assert after == row
        return
    if row.in_doubt:
        assert after.status not in NOT_SENT
    if after.status is Status.CLAIMED:
        assert after.claim
        assert after.claim.by == "me"
        assert isinstance(checked(after, standing, terms, POLICY), Clear)
    assert after != row


@given(row=notifications, standing=standings, capability=capabilities)
def test_who_looks_again_at_once_finds_nothing_more_to_do(
    row: Notification, standing: Standing, capability: Capability
) -> None:
    terms = Terms(capability=capability)
    row = evolve(row, rendered_for=STARTS)
    after = decided(row, standing, "me", standing.at, terms, POLICY)
    again = decided(after, standing, "another", standing.at, terms, POLICY)
    assert again == after


@given(standing=standings, channel=st.sampled_from(Channel))
def test_nothing_goes_out_that_the_standing_forbids(
    standing: Standing, channel: Channel
) -> None:
    rows = {r.channel: r for r in planned(DEMAND, SHOW, SALE, NOON, POLICY)}
    match checked(rows[channel], standing, TERMS, POLICY):
        case Clear(row=row):
            assert standing.asked
            assert not standing.opted_out
            assert standing.owner in {None, row.notification_id}
            assert standing.event
            assert standing.event.status != "postponed"
            assert standing.sale
            assert standing.sale.start_at == row.rendered_for
            assert not standing.sale.withdrawn_at
        case Stopped(row=row):
            assert row != rows[channel]
