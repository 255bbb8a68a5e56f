"""Whatever wakes the sender, and however often: it acts on what the row says, once."""

from collections import Counter
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Final

import pytest
from attrs import evolve

from demand_adapters.memory.sms_sender import MemorySmsSender
from demand_adapters.testing.strategies import NOON
from demand_adapters.wire.converters import camel
from demand_core.domain.answers import FINAL_REFUSALS, Accepted
from demand_core.domain.contacts import Phone
from demand_core.domain.delivery import Capability, Keyed, Queryable, Silent
from demand_core.domain.demands import DemandRef
from demand_core.domain.ids import DemandSaleId
from demand_core.domain.notifications import Channel, Claim, ErrorKind
from demand_core.domain.opt_outs import Consent, ConsentSource, OptOut
from demand_core.domain.orders import SmsOrder
from demand_core.domain.statuses import OPEN, Status
from demand_core.errors import Permanent, Transient, Unknown, WiringError
from demand_core.topology import TOPOLOGY
from demand_core.topology.channels import EMAILS
from demand_core.topology.routing import routes
from entrypoints.running import concerns
from entrypoints.settings import Settings
from tests.unit.workers.reminders.dispatch import E1, MINUTE, OPENS, SECOND, Dispatch, number

HELD: Final = Claim(by="somebody", until=NOON + 5 * MINUTE, number=1)
CAPABILITIES: Final[dict[str, Capability]] = {
    "keyed": Keyed(),
    "queryable": Queryable(),
    "none": Silent(),
}


class Failing(MemorySmsSender):
    """Answers the next calls as it is told, having done what it then keeps to itself."""

    def fail(self, *faults: Exception | None, took: bool = False) -> None:
        self.faults, self.took = [*faults], took

    def send(self, order: SmsOrder, /) -> Accepted:
        fault = self.faults.pop(0) if getattr(self, "faults", None) else None
        if fault is None:
            return super().send(order)
        if self.took:
            super().send(order)
        raise fault


@pytest.mark.check("W-N6")
@pytest.mark.parametrize("status", Status)
def test_only_a_message_that_waits_is_handed_over(status: Status) -> None:
    desk = Dispatch()
    claim = HELD if status is Status.CLAIMED else None
    desk.stand(status=status, claim=claim, reason="x" if status not in OPEN else None)
    assert not desk.send().retry
    assert desk.told == (status in {Status.CREATED, Status.RETRY_WAIT})
    if not desk.told:
        assert desk.ends == [status]


@pytest.mark.check("W-N6", "N-DEP6", "N-IN3")
def test_a_page_that_comes_again_hands_nothing_over_again() -> None:
    desk = Dispatch(fans=5)
    for _ in range(3):
        assert not desk.send(desk.page(), desk.page()).retry
    assert desk.told == 5
    assert desk.ends == [Status.TRIGGERED] * 5
    assert {row.send_attempts for row in desk.rows().values()} == {1}


@pytest.mark.check("W-N6")
def test_what_a_sender_writes_wakes_no_sender() -> None:
    desk = Dispatch()
    (route,) = (r for r in routes(TOPOLOGY, camel) if r.row == "send_notifications")

    def waking() -> int:
        return sum(
            concerns(route, change)
            for shard in desk.engines.table.shards()
            for change in desk.engines.table.read(shard.name, None, 1000)
        )

    assert waking() == 1
    desk.send()
    assert desk.ends == [Status.TRIGGERED]
    assert waking() == 1


def test_before_its_time_and_after_its_use_nothing_is_handed_over() -> None:
    early = Dispatch()
    early.stand(not_before=NOON + SECOND)
    assert not early.send().retry
    assert (early.told, early.ends) == (0, [Status.CREATED])
    late = Dispatch()
    late.clock.move_to(late.row.not_after - timedelta(seconds=29))
    late.send()
    assert (late.told, late.ends, late.row.reason) == (0, [Status.EXPIRED], "too_late")


@pytest.mark.parametrize("what", ["stop", "withdrawn", "cancelled", "moved", "gone"])
def test_what_was_learned_since_the_message_was_made_counts(what: str) -> None:
    desk = Dispatch()
    (event,) = desk.ports.events.get_many([E1]).values()
    (sale,) = desk.ports.sales.of_event(event.event_id)
    match what:
        case "stop":
            said = OptOut(state=Consent.OUT, at=NOON, source=ConsentSource.KEYWORD)
            desk.ports.opt_outs.record(Phone(number(0)), said)
        case "withdrawn":
            sale_id = DemandSaleId("E1.public")
            ref = DemandRef(fan_id=desk.row.fan_id, event_id=event.event_id, sale_id=sale_id)
            desk.ports.demands.withdraw([ref])
        case "cancelled":
            desk.ports.events.refresh([evolve(event, status="canceled")])
        case "moved":
            later = evolve(sale, start_at=OPENS + 60 * MINUTE)
            desk.ports.sales.relist(event.event_id, [later], NOON)
        case _:
            desk.ports.sales.relist(event.event_id, [], NOON)
    desk.send()
    assert desk.told == 0
    ends = {
        "stop": (Status.DROPPED, "opted_out"),
        "withdrawn": (Status.DROPPED, "withdrawn"),
        "cancelled": (Status.SUPPRESSED, "status"),
        "moved": (Status.CREATED, None),
        "gone": (Status.SUPPRESSED, "sale_withdrawn"),
    }
    assert (desk.row.status, desk.row.reason) == ends[what]
    if what == "moved":
        assert desk.row.not_before == OPENS + 30 * MINUTE


@pytest.mark.check("REQ-004")
def test_three_hand_overs_that_are_known_to_fail_end_it_and_all_errors_stay() -> None:
    desk = Dispatch(sour=frozenset({number(0)}))
    for _ in range(8):
        desk.send()
        desk.later(2 * MINUTE)
    assert (desk.row.status, desk.row.reason) == (Status.FAILED, "exhausted")
    errors = [(error.kind, error.attempt, error.code) for error in desk.row.errors]
    assert errors == [(ErrorKind.KNOWN, n, "not_taken") for n in (1, 2, 3)]
    assert len(desk.sms.calls) == 3


@pytest.mark.check("N-R11")
def test_a_number_that_does_not_exist_is_tried_once() -> None:
    desk = Dispatch(bad_numbers=frozenset({number(0)}))
    for _ in range(5):
        desk.send()
        desk.later(2 * MINUTE)
    assert (desk.row.status, desk.row.reason) == (Status.FAILED, "invalid_number")
    assert desk.row.send_attempts == len(desk.sms.calls) == 1


@pytest.mark.check("PERF-003")
@pytest.mark.parametrize("capability", CAPABILITIES)
@pytest.mark.parametrize("took", [True, False])
def test_a_call_without_an_answer_is_cleared_up_before_anything_is_sent_again(
    capability: str, *, took: bool
) -> None:
    desk = Dispatch(capability=CAPABILITIES[capability], gateway=Failing)
    assert isinstance(desk.sms, Failing)
    desk.sms.fail(Unknown("no answer"), took=took)
    desk.send()
    assert desk.row.in_doubt
    for _ in range(15):
        desk.later(MINUTE)
        desk.send()
    asked = [call.asked for call in desk.sms.calls]
    assert desk.told == (took or capability != "none")
    if capability == "none":
        assert (desk.row.status, desk.row.reason) == (Status.UNKNOWN, "no_answer")
        assert asked == ["send"] * took
    else:
        assert desk.row.status is Status.TRIGGERED
        assert not desk.row.in_doubt
    if capability == "queryable":
        first_after = asked[1:] if took else asked
        assert first_after[0] == "look_up"
        assert first_after.count("send") == (not took)


@pytest.mark.check("N-UC3-class")
@pytest.mark.parametrize(
    ("fault", "status", "kind"),
    [
        (Transient("busy"), Status.RETRY_WAIT, ErrorKind.KNOWN),
        (Permanent("invalid_number"), Status.FAILED, ErrorKind.PERMANENT),
        (Permanent("never_heard_of"), Status.RETRY_WAIT, ErrorKind.KNOWN),
        (Unknown("silence"), Status.CLAIMED, ErrorKind.UNKNOWN),
    ],
)
def test_each_answer_means_again_never_or_perhaps(
    fault: Exception, status: Status, kind: ErrorKind
) -> None:
    desk = Dispatch(gateway=Failing)
    assert isinstance(desk.sms, Failing)
    desk.sms.fail(fault)
    desk.send()
    assert desk.row.status is status
    (error,) = desk.row.errors
    assert (error.kind, error.attempt) == (kind, 1)


@pytest.mark.check("N-UC3-class")
def test_a_word_without_a_rule_is_tried_three_times_and_people_are_told_once() -> None:
    desk = Dispatch(gateway=Failing)
    assert isinstance(desk.sms, Failing)
    desk.sms.fail(*[Permanent("never_heard_of")] * 3)
    for _ in range(8):
        desk.send()
        desk.later(2 * MINUTE)
    assert (desk.row.status, desk.row.reason) == (Status.FAILED, "exhausted")
    assert [error.code for error in desk.row.errors] == ["never_heard_of"] * 3
    (alert,) = desk.engines.announcer.told.values()
    assert "'never_heard_of', which no rule is for" in alert.summary


@pytest.mark.check("N-UC3-class", "N-R10")
@pytest.mark.parametrize("code", sorted(FINAL_REFUSALS - {"expired"}))
def test_a_refusal_that_is_listed_as_final_is_final(code: str) -> None:
    desk = Dispatch(gateway=Failing)
    assert isinstance(desk.sms, Failing)
    desk.sms.fail(Permanent(code))
    desk.send()
    assert (desk.row.status, desk.row.reason) == (Status.FAILED, code)
    assert desk.engines.announcer.told == {}


def test_who_is_refused_as_opted_out_is_noted_as_such() -> None:
    desk = Dispatch(gateway=Failing)
    assert isinstance(desk.sms, Failing)
    desk.sms.fail(Permanent("opted_out"))
    desk.send()
    assert desk.row.reason == "opted_out"
    assert desk.ports.opt_outs.out([Phone(number(0))]) == {Phone(number(0))}


def test_a_throttled_sender_leaves_the_provider_alone_and_no_attempt_counts() -> None:
    desk = Dispatch(fans=3, gateway=Failing)
    assert isinstance(desk.sms, Failing)
    desk.sms.fail(Transient("slow down", retry_at=NOON + MINUTE))
    assert desk.send().retry
    assert desk.told == 0
    assert {row.send_attempts for row in desk.rows().values()} == {0}
    desk.later(30 * SECOND)
    desk.send()
    assert desk.told == 0
    for _ in range(4):
        desk.later(MINUTE)
        desk.send()
    assert desk.told == 3


@pytest.mark.check("N-DEP3")
@pytest.mark.parametrize("down_for", [10 * MINUTE, 60 * MINUTE])
def test_while_the_provider_is_away_senders_pause_and_nothing_goes_out_too_late(
    down_for: timedelta,
) -> None:
    """A breaker tells all senders to come again: nothing left, so no attempt counts."""
    desk = Dispatch(fans=3, gateway=Failing)
    assert isinstance(desk.sms, Failing)
    calls = 0
    while desk.clock.now() < OPENS + 5 * MINUTE:
        away = desk.clock.now() < NOON + down_for
        pause = Transient("away", retry_at=desk.clock.now() + 30 * SECOND)
        desk.sms.fail(*[pause] * away)
        desk.send()
        calls += away and not desk.sms.faults
        desk.later(10 * SECOND)
    assert calls <= down_for / (30 * SECOND)
    assert all(text.at < OPENS - 2 * MINUTE for text in desk.sms.history)
    if down_for < 30 * MINUTE:
        assert desk.ends == [Status.TRIGGERED] * 3
        assert {row.send_attempts for row in desk.rows().values()} == {1}
    else:
        assert desk.told == 0
        assert desk.ends == [Status.EXPIRED] * 3


@pytest.mark.check("N-UC2-serial")
def test_senders_together_stay_under_the_rate_in_segments_one_message_at_a_time() -> None:
    desk = Dispatch(fans=6, settings=Settings(sms_per_s=2))
    desk.stand(segments=2)
    pages = [evolve(desk.page(), refs=(row.ref,)) for row in desk.planned]
    for _ in range(40):
        desk.send(*pages)
        desk.later(SECOND / 4)
    times = [text.at for text in desk.sms.history]
    assert len(times) == 6
    # What passes the gate together is paid for before the next may pass.
    paid = Counter[datetime](times)
    slabs = sorted(paid)
    for one, other in pairwise(slabs):
        assert (other - one).total_seconds() >= 2 * paid[one] / 2


class Exhausted(MemorySmsSender):
    """Has a limit of its own, and says when it ends."""

    until = NOON

    def send(self, order: SmsOrder, /) -> Accepted:
        raise Transient("the month's spending limit is reached", retry_at=self.until)


@pytest.mark.parametrize(("minutes", "told"), [(1, 0), (5, 0), (6, 1), (90, 1)])
def test_of_a_provider_that_stays_away_for_long_people_are_told_once(
    minutes: int, told: int
) -> None:
    desk = Dispatch(fans=3, gateway=Exhausted)
    assert isinstance(desk.sms, Exhausted)
    desk.sms.until = NOON + minutes * MINUTE
    for _ in range(3):
        desk.send()
    said = [key for key in desk.engines.announcer.told if key.startswith("held-back:demand:")]
    assert len(said) == told


class Locked(MemorySmsSender):
    """Knows nobody by our key."""

    key_fits = False

    def send(self, order: SmsOrder, /) -> Accepted:
        if not self.key_fits:
            raise WiringError("the gateway does not know this key: set another")
        return super().send(order)


def test_who_was_turned_away_at_the_door_has_left_no_doubt() -> None:
    desk = Dispatch(fans=2, capability=Silent(), gateway=Locked)
    with pytest.raises(WiringError):
        desk.send()
    assert not any(row.in_doubt for row in desk.rows().values())
    assert Status.CLAIMED not in desk.ends
    assert isinstance(desk.sms, Locked)
    desk.sms.key_fits = True
    desk.later(SECOND)
    desk.send()
    assert (desk.told, desk.ends) == (2, [Status.TRIGGERED] * 2)


def test_an_e_mail_goes_into_its_queue_once_and_counts_as_sent() -> None:
    desk = Dispatch(channels=(Channel.EMAIL,))
    for _ in range(2):
        desk.send()
    (order,) = desk.tray(EMAILS).taken
    assert order.message_id == desk.row.notification_id
    assert desk.row.status is Status.SENT
    assert desk.row.date.sent == NOON


def test_an_e_mail_queue_that_takes_nothing_is_asked_again() -> None:
    desk = Dispatch(channels=(Channel.EMAIL,))
    desk.tray(EMAILS).away = True
    desk.send()
    assert desk.ends == [Status.RETRY_WAIT]
    desk.tray(EMAILS).away = False
    desk.later(2 * MINUTE)
    desk.send()
    assert desk.ends == [Status.SENT]
    assert len(desk.tray(EMAILS).taken) == 1


def test_who_is_gone_is_passed_over() -> None:
    desk = Dispatch(fans=2)
    unknown = [evolve(row.ref, subject="E9.public") for row in desk.planned]
    assert not desk.send(evolve(desk.page(), refs=tuple(unknown)), desk.page()).retry
    assert desk.told == 2


def test_work_for_which_no_time_is_left_comes_back() -> None:
    desk = Dispatch(fans=3)

    class Slow(MemorySmsSender):
        def send(self, order: SmsOrder, /) -> Accepted:
            answer = super().send(order)
            desk.clock.advance(2 * MINUTE)
            return answer

    vars(desk.ports)["sms"] = Slow(desk.clock)
    pages = [evolve(desk.page(), refs=(row.ref,)) for row in desk.planned]
    assert desk.send(*pages).retry == {"r2"}
