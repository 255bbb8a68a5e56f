"""The steps of sending, each from any row at all, and in any sequence."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Final, TypeAlias

import pytest
from attrs import evolve, frozen
from hypothesis import given
from hypothesis import strategies as st

from demand_adapters.testing.strategies import (
    NOON,
    a_notification,
    answers,
    capabilities,
    notifications,
    reports,
)
from demand_core.domain.answers import (
    Accepted,
    Answer,
    Doubted,
    Faulted,
    Refused,
    Returned,
    Told,
    recorded,
)
from demand_core.domain.delivery import (
    Capability,
    Errand,
    Keyed,
    Next,
    Queryable,
    Silent,
    Terms,
    absent,
    barred,
    before_call,
    claimed,
    given_up,
    held,
    lapsed,
    looked_at,
    sale_moved,
    silenced,
)
from demand_core.domain.notifications import Claim, ErrorKind, Notification, due_at
from demand_core.domain.reports import SIGNALS, Report, reported
from demand_core.domain.statuses import (
    NOT_SENT,
    OPEN,
    RANK,
    SETTLED,
    Signal,
    Status,
    allowed,
)
from demand_core.errors import Permanent

SECOND: Final = timedelta(seconds=1)
KEYED: Final = Terms(capability=Keyed())
QUERYABLE: Final = Terms(capability=Queryable())
SILENT: Final = Terms(capability=Silent())
DUE: Final = (Errand.CLAIM, Errand.LAPSE, Errand.LAST_LOOK_UP, Errand.GIVE_UP)
RECEIPT: Final = Accepted(provider="twin", message_id="m1")

ON_ANSWER: Final[dict[type[Answer], Signal]] = {
    Accepted: Signal.ACCEPTED,
    Refused: Signal.REFUSED,
    Faulted: Signal.FAULTED,
    Doubted: Signal.DOUBTED,
    Returned: Signal.RETURNED,
}

Did: TypeAlias = Signal | Report | Told


@frozen
class Happened:
    """One step: what it was, before and after."""

    did: Did
    before: Notification
    after: Notification

    @property
    def signal(self) -> Signal:
        if isinstance(self.did, Report):
            return SIGNALS[self.did.status]
        return self.did if isinstance(self.did, Signal) else ON_ANSWER[type(self.did.answer)]


# What a sender may do with a row after each look.
ANY_TIME: Final = (Signal.BARRED, Signal.SILENCED, Signal.HELD, Signal.MOVED)
OPEN_TO: Final[dict[Errand, tuple[Signal, ...]]] = {
    Errand.NOTHING: (),
    Errand.CLAIM: (Signal.CLAIM, *ANY_TIME),
    Errand.LAPSE: (Signal.LAPSED, *ANY_TIME),
    Errand.LAST_LOOK_UP: (Signal.LAPSED, Signal.ABSENT, *ANY_TIME),
    Errand.GIVE_UP: (Signal.GIVEN_UP,),
}


def of_sender(row: Notification, signal: Signal, now: datetime, terms: Terms) -> Notification:
    """What a sender makes of *row* on *signal*, if a look at it lets him."""
    errand, seen = looked_at(row, now, terms)
    if signal not in OPEN_TO[errand]:
        return row
    digest, soon = seen.request_digest or "d", now + 5 * SECOND
    does: dict[Signal, Callable[[], Notification]] = {
        Signal.CLAIM: lambda: claimed(seen, "me", now, terms, request_digest=digest),
        Signal.BARRED: lambda: barred(seen, "opted_out"),
        Signal.SILENCED: lambda: silenced(seen, "artist"),
        Signal.LAPSED: lambda: lapsed(seen),
        Signal.GIVEN_UP: lambda: given_up(seen),
        Signal.HELD: lambda: held(seen, soon, terms),
        Signal.MOVED: lambda: sale_moved(seen, soon),
        Signal.ABSENT: lambda: absent(seen),
    }
    return does[signal]()


def step(row: Notification, did: Did, now: datetime, terms: Terms) -> Happened:
    if isinstance(did, Signal):
        return Happened(did, row, of_sender(row, did, now, terms))
    if isinstance(did, Report):
        return Happened(did, row, reported(row, did))
    return Happened(did, row, recorded(row, did, terms))


moments = st.integers(-600, 2400).map(lambda n: NOON + n * SECOND)
tellings = st.builds(
    Told,
    claim_number=st.integers(1, 4),
    at=moments,
    answer=answers,
    not_found=st.booleans(),
)
# A claim comes more often than the rest, for most of the rest needs one first.
sender_signals = st.sampled_from(
    [
        *[Signal.CLAIM] * 8,
        Signal.BARRED,
        Signal.SILENCED,
        Signal.LAPSED,
        Signal.GIVEN_UP,
        Signal.HELD,
        Signal.MOVED,
        Signal.ABSENT,
    ]
)
all_terms = capabilities.map(lambda capability: Terms(capability=capability))
one_step = st.builds(
    step, notifications, st.one_of(sender_signals, tellings, reports), moments, all_terms
)


def sequence(plan: Sequence[tuple[Did, int]], terms: Terms) -> list[Happened]:
    """All that happens to a new row, with some seconds between; answers are to its claim."""
    row, now = a_notification(), NOON
    happened = list[Happened]()
    for did, seconds in plan:
        now += seconds * SECOND
        if isinstance(did, Told) and row.claim:
            did = evolve(did, at=now, claim_number=row.claim.number)  # noqa: PLW2901
        happened.append(step(row, did, now, terms))
        row = happened[-1].after
    return happened


plans = st.lists(
    st.tuples(
        st.one_of(sender_signals, tellings, tellings, reports),
        st.sampled_from([0, 1, 5, 40, 100, 400]),
    ),
    max_size=20,
)
sequences = st.builds(sequence, plans, all_terms)


def is_answer(happened: Happened, terms: Terms) -> bool:
    """Whether it says what became of the hand-over that is in doubt."""
    did = happened.did
    if isinstance(did, Told):
        refused = isinstance(did.answer, Refused) and isinstance(terms.capability, Keyed)
        return did.not_found or refused or isinstance(did.answer, Accepted)
    return isinstance(did, Report) or did is Signal.ABSENT


@pytest.mark.check("N-R8")
@given(one_step)
def test_a_row_moves_by_the_table_alone(happened: Happened) -> None:
    before, after = happened.before.status, happened.after.status
    assert after is before or after in allowed(happened.signal, before)


@given(notifications, st.one_of(sender_signals, tellings, reports), moments, all_terms)
def test_a_doubt_ends_by_an_answer_alone(
    row: Notification, did: Did, now: datetime, terms: Terms
) -> None:
    happened = step(row, did, now, terms)
    if row.in_doubt and not is_answer(happened, terms):
        assert happened.after.outcome_unknown_since == row.outcome_unknown_since
        assert happened.after.status not in NOT_SENT


@given(one_step)
def test_nothing_in_doubt_says_that_it_was_not_sent(happened: Happened) -> None:
    assert not (happened.after.in_doubt and happened.after.status in NOT_SENT)


@given(one_step)
def test_what_is_settled_is_never_open_again(happened: Happened) -> None:
    if happened.before.settled:
        assert happened.after.settled
        assert RANK[happened.after.status] >= RANK[happened.before.status]


@given(one_step)
def test_a_row_is_looked_at_again_if_and_only_if_it_is_open(happened: Happened) -> None:
    for row in (happened.before, happened.after):
        assert (due_at(row) is None) == (row.status in SETTLED)
        assert (row.status in OPEN) == (row.status not in SETTLED)


@given(one_step)
def test_history_only_grows(happened: Happened) -> None:
    before, after = happened.before, happened.after
    assert set(before.errors) <= set(after.errors)
    assert before.replays <= after.replays
    assert (before.claim.number if before.claim else 0) <= (
        after.claim.number if after.claim else 0
    )


@pytest.mark.check("N-R9", "N-WF3")
@given(sequences)
def test_at_most_three_hand_overs_are_known_to_fail(happened: list[Happened]) -> None:
    assert all(one.after.failures <= 3 for one in happened)


@given(sequences)
def test_a_row_that_was_accepted_is_never_handed_over_again(happened: list[Happened]) -> None:
    told = [one.after.date.triggered is not None for one in happened]
    claims = [one.signal is Signal.CLAIM and one.after != one.before for one in happened]
    assert not any(known and claim for known, claim in zip(told, claims[1:], strict=False))


@pytest.mark.check("REQ-001")
@given(notifications, moments, all_terms)
def test_nothing_is_claimed_at_or_after_its_horizon_or_before_it_is_due(
    row: Notification, now: datetime, terms: Terms
) -> None:
    errand, seen = looked_at(row, now, terms)
    due = due_at(row)
    assert (errand in DUE) == (due is not None and due <= now)
    if errand is Errand.CLAIM:
        assert now < terms.horizon(seen) <= row.not_after - terms.policy.deadline
        assert not (seen.in_doubt and isinstance(terms.capability, Silent))
    if errand in DUE and row.status is Status.CLAIMED:
        assert seen.in_doubt


@given(notifications, moments, all_terms)
def test_every_open_row_ends_once_its_horizon_is_over(
    row: Notification, now: datetime, terms: Terms
) -> None:
    due = due_at(row)
    if due is None:
        return
    now = max(now, due, row.not_after)
    errand, seen = looked_at(row, now, terms)
    assert errand is not Errand.CLAIM
    assert lapsed(seen).settled
    assert given_up(seen).settled


@given(notifications, tellings, all_terms)
def test_only_a_receipt_counts_once_another_holds_the_row(
    row: Notification, told: Told, terms: Terms
) -> None:
    if row.claim and row.claim.number != told.claim_number:
        receipt = isinstance(told.answer, Accepted)
        assert receipt or recorded(row, told, terms) == row


@given(notifications, tellings, all_terms)
def test_a_receipt_raises_every_row_it_can_be_about_and_two_are_one(
    row: Notification, told: Told, terms: Terms
) -> None:
    told = evolve(told, answer=RECEIPT, not_found=False)
    once = recorded(row, told, terms)
    assert recorded(once, told, terms) == once
    assert not once.in_doubt
    assert RANK[once.status] >= max(RANK[row.status], RANK[Status.TRIGGERED])


@pytest.mark.parametrize("status", Status)
def test_a_receipt_raises_what_ranks_below_it_and_leaves_the_rest(status: Status) -> None:
    below = RANK[status] < RANK[Status.TRIGGERED]
    since = NOON if status is Status.UNKNOWN else None
    row = a_notification(status=status, outcome_unknown_since=since)
    known = recorded(row, told(RECEIPT), KEYED)
    assert known.status is (Status.TRIGGERED if below else status)
    assert (known.provider, known.provider_message_id) == ("twin", "m1")
    assert known.date.triggered == NOON + 10 * SECOND
    assert known.send_attempts == 1


def a_claimed_row(terms: Terms, **differing: object) -> Notification:
    return claimed(a_notification(**differing), "me", NOON, terms, request_digest="d")


def told(answer: Answer, seconds: int = 10, **more: bool) -> Told:
    return Told(claim_number=1, at=NOON + seconds * SECOND, answer=answer, **more)


BUSY: Final = Faulted(code="busy", detail="call +1 212 555 0100", jitter=1.0)
TIMED_OUT: Final = Doubted(code="timed_out")
NO_NUMBER: Final = Refused(code="invalid_number")
LATE: Final = Refused(code="expired")
DOUBT: Final = {"outcome_unknown_since": NOON}
TWICE: Final = {"send_attempts": 2}


@pytest.mark.parametrize(
    ("capability", "lease_s"), [(Keyed(), 90), (Queryable(), 390), (Silent(), 330)]
)
def test_a_lease_is_as_long_as_its_provider_needs(capability: Capability, lease_s: int) -> None:
    row = a_claimed_row(Terms(capability=capability))
    assert row.claim == Claim(by="me", until=NOON + lease_s * SECOND, number=1)
    assert due_at(row) == NOON + lease_s * SECOND
    assert row.first_handover_at == NOON


@pytest.mark.check("N-R10", "N-R11", "N-WF3")
@pytest.mark.parametrize(
    ("terms", "differing", "answer", "status"),
    [
        (KEYED, {}, RECEIPT, Status.TRIGGERED),
        (KEYED, DOUBT, RECEIPT, Status.TRIGGERED),
        (KEYED, {}, NO_NUMBER, Status.FAILED),
        (KEYED, DOUBT, NO_NUMBER, Status.FAILED),
        (QUERYABLE, DOUBT, NO_NUMBER, Status.UNKNOWN),
        (SILENT, DOUBT, NO_NUMBER, Status.UNKNOWN),
        (KEYED, {}, LATE, Status.EXPIRED),
        (QUERYABLE, DOUBT, LATE, Status.UNKNOWN),
        (KEYED, {}, BUSY, Status.RETRY_WAIT),
        (KEYED, TWICE, BUSY, Status.FAILED),
        (KEYED, TWICE | DOUBT, BUSY, Status.UNKNOWN),
        (KEYED, {}, TIMED_OUT, Status.CLAIMED),
        (QUERYABLE, {}, TIMED_OUT, Status.CLAIMED),
        (SILENT, {}, TIMED_OUT, Status.UNKNOWN),
        (SILENT, {}, Returned(look_again=NOON), Status.RETRY_WAIT),
    ],
)
def test_each_answer_leads_where_the_protocol_says(
    terms: Terms, differing: dict[str, object], answer: Answer, status: Status
) -> None:
    assert recorded(a_claimed_row(terms, **differing), told(answer), terms).status is status


@pytest.mark.check("N-UC2-fail")
@pytest.mark.parametrize("terms", [KEYED, QUERYABLE, SILENT])
@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (BUSY, ErrorKind.KNOWN),
        (NO_NUMBER, ErrorKind.PERMANENT),
        (TIMED_OUT, ErrorKind.UNKNOWN),
    ],
)
def test_each_error_keeps_which_attempt_it_was_and_hides_contacts(
    terms: Terms, answer: Faulted | Refused | Doubted, kind: ErrorKind
) -> None:
    [error] = recorded(a_claimed_row(terms), told(answer), terms).errors
    assert (error.attempt, error.kind, error.code) == (1, kind, answer.code)
    assert error.at == NOON + 10 * SECOND
    assert "212" not in error.detail


@given(st.floats(0, 1), st.integers(0, 1))
def test_the_next_try_is_soon_but_never_past_the_horizon(jitter: float, failed: int) -> None:
    row = a_claimed_row(KEYED, send_attempts=failed)
    again = due_at(recorded(row, told(Faulted(code="busy", jitter=jitter)), KEYED))
    most = KEYED.policy.back_offs[failed]
    at = NOON + 10 * SECOND
    assert again is not None
    assert at <= again <= at + most
    assert again == at + jitter * most
    near = a_claimed_row(KEYED, not_after=NOON + 45 * SECOND)
    assert due_at(recorded(near, told(BUSY), KEYED)) == NOON + 15 * SECOND


def test_under_a_key_in_doubt_the_horizon_ends_before_the_key_is_forgotten() -> None:
    terms = Terms(capability=Keyed(timedelta(minutes=15)))
    row = a_notification(first_handover_at=NOON)
    assert terms.horizon(row) == NOON + timedelta(minutes=27, seconds=30)
    doubtful = evolve(row, outcome_unknown_since=NOON)
    assert terms.horizon(doubtful) == NOON + timedelta(minutes=10)


def test_no_look_up_is_made_before_it_can_tell() -> None:
    row = recorded(a_claimed_row(QUERYABLE), told(TIMED_OUT, 350), QUERYABLE)
    assert due_at(row) == NOON + (350 + 90) * SECOND


@pytest.mark.parametrize(
    ("differing", "seconds", "checked_s", "then"),
    [
        ({}, 0, 0, Next.HAND_OVER),
        ({}, 5, 0, Next.HAND_OVER),
        ({}, 6, 0, Next.CHECK),
        ({}, 360, 360, Next.HAND_OVER),
        ({}, 361, 361, Next.RETURN),
        (DOUBT, 0, 0, Next.LOOK_UP),
        ({"not_after": NOON + 40 * SECOND}, 10, 10, Next.RETURN),
    ],
)
def test_no_call_is_begun_on_an_old_check_or_with_too_little_time(
    differing: dict[str, object], seconds: int, checked_s: int, then: Next
) -> None:
    row = a_claimed_row(QUERYABLE, **differing)
    checked_at, now = NOON + checked_s * SECOND, NOON + seconds * SECOND
    assert before_call(row, checked_at, now, QUERYABLE) is then


@given(all_terms, st.none() | moments)
def test_giving_a_row_back_changes_nothing_about_its_doubt(
    terms: Terms, since: datetime | None
) -> None:
    row = a_claimed_row(terms, outcome_unknown_since=since)
    back = recorded(row, told(Returned(look_again=NOON)), terms)
    assert back.outcome_unknown_since == since
    assert due_at(back) == NOON
    assert back.failures == row.failures


def test_a_look_up_that_finds_nothing_lets_the_answer_after_it_count() -> None:
    row = a_claimed_row(QUERYABLE, **DOUBT)
    refused = recorded(row, told(NO_NUMBER, not_found=True), QUERYABLE)
    assert refused.status is Status.FAILED
    assert not refused.in_doubt
    assert lapsed(absent(row)).status is Status.EXPIRED


@pytest.mark.parametrize("status", SETTLED)
def test_nobody_takes_what_is_settled(status: Status) -> None:
    row = a_notification(status=status)
    assert claimed(row, "me", NOON, KEYED, request_digest="d") is row


def test_a_repeat_with_another_request_is_refused() -> None:
    row = recorded(a_claimed_row(KEYED), told(BUSY), KEYED)
    with pytest.raises(Permanent, match="request_changed"):
        claimed(row, "me", NOON, KEYED, request_digest="other")


def test_a_moved_sale_takes_the_text_back_unless_it_may_be_out() -> None:
    later = NOON + timedelta(days=1)
    waiting = recorded(a_claimed_row(KEYED), told(BUSY), KEYED)
    row = sale_moved(waiting, later)
    assert (row.status, row.message_body, row.request_digest) == (Status.CREATED, None, None)
    assert due_at(row) == later
    doubtful = evolve(waiting, outcome_unknown_since=NOON)
    assert sale_moved(doubtful, later).status is Status.UNKNOWN


def test_what_lapses_names_its_last_error_as_the_reason() -> None:
    assert lapsed(a_notification()).reason == "too_late"
    waiting = recorded(a_claimed_row(KEYED), told(BUSY), KEYED)
    assert lapsed(waiting).reason == "busy"


@pytest.mark.parametrize(
    ("terms", "minutes", "errand"),
    [
        (KEYED, 1, Errand.NOTHING),
        (KEYED, 10, Errand.CLAIM),
        (KEYED, 28, Errand.LAPSE),
        (QUERYABLE, 10, Errand.CLAIM),
        (QUERYABLE, 28, Errand.LAST_LOOK_UP),
        (SILENT, 10, Errand.GIVE_UP),
        (SILENT, 28, Errand.GIVE_UP),
    ],
)
def test_what_becomes_of_a_claim_whose_holder_is_gone_is_for_the_provider_to_say(
    terms: Terms, minutes: int, errand: Errand
) -> None:
    row = a_claimed_row(terms)
    asked, seen = looked_at(row, NOON + timedelta(minutes=minutes), terms)
    assert asked is errand
    assert seen.in_doubt == (errand is not Errand.NOTHING)
    assert lapsed(seen).status is (Status.UNKNOWN if seen.in_doubt else Status.EXPIRED)


def test_a_second_claim_counts_on_and_leaves_the_key_its_age() -> None:
    _, seen = looked_at(a_claimed_row(KEYED), NOON + 90 * SECOND, KEYED)
    row = claimed(seen, "other", NOON + 90 * SECOND, KEYED, request_digest="d")
    assert row.claim == Claim(by="other", until=NOON + 180 * SECOND, number=2)
    assert row.first_handover_at == NOON
    assert row.replays == 1
    assert row.outcome_unknown_since == NOON + 90 * SECOND


def test_no_row_waits_longer_than_it_could_still_be_sent() -> None:
    far, horizon = NOON + timedelta(days=1), KEYED.horizon(a_notification())
    assert due_at(held(a_notification(), far, KEYED)) == horizon
    back = recorded(a_claimed_row(KEYED), told(Returned(look_again=far)), KEYED)
    assert due_at(back) == horizon
