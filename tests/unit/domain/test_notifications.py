"""The table of states and what a row of it shows."""

import pytest
from attrs import fields
from hypothesis import given
from hypothesis import strategies as st

from demand_adapters.testing.strategies import a_notification, event_ids, notifications
from demand_core.domain.ids import ALPHABETS, FanId
from demand_core.domain.notifications import (
    Channel,
    DeliveryError,
    ErrorKind,
    MessageBody,
    Notification,
    NotificationKind,
    Timeline,
    at_first,
    moved,
    send_key,
)
from demand_core.domain.statuses import (
    FINAL,
    MOVES,
    NEVER_SENT,
    OPEN,
    RANK,
    SETTLED,
    Actor,
    Signal,
    Status,
    allowed,
)
from demand_core.errors import Permanent

each_status = pytest.mark.parametrize("status", Status)


def test_the_table_knows_every_signal_and_every_status_has_a_rank() -> None:
    assert MOVES.keys() == set(Signal)
    assert RANK.keys() == set(Status)
    assert {actor for move in MOVES.values() for actor in move.actors} == set(Actor)


def test_every_status_can_be_reached_and_only_settled_ones_are_final() -> None:
    reached = {Status.CREATED}
    for _ in Status:
        reached |= {to for s in reached for signal in Signal for to in allowed(signal, s)}
    assert reached == set(Status)
    assert set(FINAL) == {Status.DELIVERED, *NEVER_SENT}
    assert set(FINAL) < set(SETTLED)


@each_status
def test_nothing_settled_leads_back_to_a_sender(status: Status) -> None:
    if status in SETTLED:
        assert not any(set(allowed(signal, status)) & set(OPEN) for signal in Signal)


@pytest.mark.parametrize("signal", Signal)
def test_only_a_report_or_a_receipt_moves_what_is_settled(signal: Signal) -> None:
    learned = Actor.REPORT in MOVES[signal].actors or signal is Signal.ACCEPTED
    assert learned or not set(MOVES[signal].before) & set(SETTLED)


@given(notifications, st.sampled_from(Signal), st.sampled_from(Status))
def test_a_move_that_is_not_listed_changes_nothing(
    row: Notification, signal: Signal, to: Status
) -> None:
    after = moved(row, signal, to)
    assert after is row or after.status in allowed(signal, row.status)


@given(event_ids, event_ids)
def test_each_kind_fan_sale_and_channel_has_a_key_of_its_own(one: str, other: str) -> None:
    keys = {
        send_key(kind, FanId(fan), sale, channel)
        for kind in NotificationKind
        for channel in Channel
        for fan, sale in [(one, other), (other, one)]
    }
    assert len(keys) == len(NotificationKind) * len(Channel) * len({one, other})
    assert all(ALPHABETS["notificationId"].fullmatch(key) for key in keys)


def test_a_row_shows_neither_contact_nor_text_when_it_is_printed() -> None:
    row = a_notification(variables={"artist": MessageBody("Canary")})
    assert row.phone_number
    assert row.message_body
    for secret in (row.phone_number.reveal(), row.message_body.reveal(), "Canary"):
        assert secret not in repr(row)
    with pytest.raises(Permanent, match="empty_message"):
        MessageBody("")


@pytest.mark.parametrize("contact", ["+1 (212) 555-0100", "2125550100", "a.fan@mail.example"])
def test_an_error_keeps_no_contact_and_not_too_much_text(contact: str) -> None:
    at = a_notification().not_before
    detail = f"no such recipient {contact} " + "x" * 500
    error = DeliveryError(at=at, attempt=1, kind=ErrorKind.KNOWN, code="bad", detail=detail)
    assert contact not in error.detail
    assert error.detail.startswith("no such recipient …")
    assert len(error.detail) == 200


@pytest.mark.parametrize(
    "status",
    [s for s in Status if s.value.lower() in {field.name for field in fields(Timeline)}],
)
def test_the_earliest_time_of_a_status_is_kept(status: Status) -> None:
    row = a_notification()
    late = at_first(row.date, status, row.not_after)
    early = at_first(late, status, row.not_before)
    assert early == at_first(row.date, status, row.not_before)
    assert at_first(early, status, row.not_after) == early
