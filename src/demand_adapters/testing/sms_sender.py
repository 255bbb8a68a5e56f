"""What every SmsSender promises: so much for all, and what each capability adds."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any, Final

import pytest
from attrs import evolve, frozen

from demand_adapters.testing.contract import Contract
from demand_adapters.testing.strategies import a_notification
from demand_adapters.wire.keys import PARTS
from demand_core.domain.answers import EXPIRED
from demand_core.domain.contacts import Phone
from demand_core.domain.delivery import Keyed, Queryable, Silent
from demand_core.domain.hours import MessageClass
from demand_core.domain.ids import NotificationId
from demand_core.domain.notifications import MessageBody
from demand_core.domain.orders import SmsOrder
from demand_core.errors import Permanent, WiringError
from demand_core.ports.clock import Clock
from demand_core.ports.sms_sender import SmsSender

MINUTE: Final = timedelta(minutes=1)
CANARY: Final = "c4nary"


@frozen(kw_only=True)
class SmsAtHand:
    """A sender, its clock, and the references of all texts that phones got, in order."""

    sms: SmsSender
    clock: Clock
    pass_time: Callable[[timedelta], None]
    arrived: Callable[[], Sequence[NotificationId]]

    def order(self, n: int = 1, /, **differing: Any) -> SmsOrder:
        """Any text will do that is good for 28 minutes, or any but for what is *differing*."""
        row = a_notification(n)
        assert row.phone_number is not None
        plain: dict[str, Any] = {
            "reference": row.notification_id,
            "to": row.phone_number,
            "sender": self.sms.sender,
            "body": MessageBody(f"Show {n} goes on sale in 30 minutes – {CANARY}"),
            "valid_until": self.clock.now() + 28 * MINUTE,
            "message_class": MessageClass.REQUESTED,
        }
        return SmsOrder(**plain | differing)


class SmsSenderContract(Contract[SmsAtHand]):
    """Whatever the provider remembers."""

    port = "SmsSender"

    def test_a_text_that_was_taken_has_a_receipt_and_arrives(self, hand: SmsAtHand) -> None:
        order = hand.order()
        receipt = hand.sms.send(order)
        assert receipt.provider == hand.sms.provider
        assert hand.arrived() == [order.reference]

    def test_a_receipt_can_stand_in_a_key(self, hand: SmsAtHand) -> None:
        receipt = hand.sms.send(hand.order())
        assert PARTS["provider"].fullmatch(receipt.provider)
        assert PARTS["providerMessageId"].fullmatch(receipt.message_id)
        assert PARTS["sender"].fullmatch(hand.sms.sender)

    def test_every_text_has_a_receipt_of_its_own(self, hand: SmsAtHand) -> None:
        receipts = {hand.sms.send(hand.order(n)).message_id for n in range(1, 11)}
        assert len(receipts) == 10

    def test_one_phone_may_get_two_texts(self, hand: SmsAtHand) -> None:
        first, second = hand.order(1), evolve(hand.order(2), to=hand.order(1).to)
        assert hand.sms.send(first) != hand.sms.send(second)
        assert hand.arrived() == [first.reference, second.reference]

    def test_nothing_goes_out_after_it_was_good_for_anything(self, hand: SmsAtHand) -> None:
        order = hand.order()
        hand.pass_time(28 * MINUTE)
        with pytest.raises(Permanent) as refusal:
            hand.sms.send(order)
        assert refusal.value.code == EXPIRED
        assert hand.arrived() == []

    def test_a_refusal_shows_neither_number_nor_text(self, hand: SmsAtHand) -> None:
        order = hand.order(to=Phone("+12125550177"))
        hand.pass_time(28 * MINUTE)
        with pytest.raises(Permanent) as refusal:
            hand.sms.send(order)
        assert CANARY not in str(refusal.value)
        assert "2125550177" not in str(refusal.value)


class KeyedSmsContract(Contract[SmsAtHand]):
    """For a provider that knows keys for a day."""

    port = "SmsSender, keyed"

    def test_it_says_for_how_long_it_knows_a_key(self, hand: SmsAtHand) -> None:
        assert hand.sms.capability == Keyed(timedelta(hours=24))

    def test_a_repeat_is_answered_with_the_first_receipt(self, hand: SmsAtHand) -> None:
        order = hand.order()
        first = hand.sms.send(order)
        hand.sms.send(hand.order(2))
        hand.pass_time(timedelta(minutes=5))
        assert hand.sms.send(order) == first
        assert hand.arrived().count(order.reference) == 1

    def test_a_repeat_is_answered_though_it_would_be_too_late_by_now(
        self, hand: SmsAtHand
    ) -> None:
        order = hand.order()
        first = hand.sms.send(order)
        hand.pass_time(timedelta(hours=23))
        assert hand.sms.send(order) == first
        assert len(hand.arrived()) == 1

    @pytest.mark.parametrize(
        "change",
        [
            {"body": MessageBody("another text")},
            {"to": Phone("+12125550199")},
            {"valid_until": timedelta(minutes=1)},
            {"message_class": MessageClass.CAMPAIGN},
        ],
        ids=", ".join,
    )
    def test_a_key_that_was_used_is_good_for_nothing_else(
        self, hand: SmsAtHand, change: dict[str, Any]
    ) -> None:
        order = hand.order()
        hand.sms.send(order)
        if "valid_until" in change:
            change = {"valid_until": order.valid_until + change["valid_until"]}
        with pytest.raises(Permanent) as refusal:
            hand.sms.send(evolve(order, **change))
        assert refusal.value.code == "key_reused"
        assert len(hand.arrived()) == 1

    def test_a_refusal_is_not_kept_under_its_key(self, hand: SmsAtHand) -> None:
        order = hand.order()
        hand.pass_time(28 * MINUTE)
        with pytest.raises(Permanent):
            hand.sms.send(order)
        again = evolve(order, valid_until=hand.clock.now() + MINUTE)
        assert hand.sms.send(again).provider == hand.sms.provider
        assert hand.arrived() == [order.reference]

    def test_nobody_asks_it_what_it_knows_by_its_keys(self, hand: SmsAtHand) -> None:
        with pytest.raises(WiringError):
            hand.sms.look_up(hand.order().reference)


class QueryableSmsContract(Contract[SmsAtHand]):
    """For a provider that can be asked ten seconds later."""

    port = "SmsSender, queryable"

    def test_it_says_how_late_it_knows(self, hand: SmsAtHand) -> None:
        assert hand.sms.capability == Queryable(timedelta(seconds=10))

    def test_what_was_taken_is_found_when_the_lag_is_over(self, hand: SmsAtHand) -> None:
        order = hand.order()
        receipt = hand.sms.send(order)
        hand.sms.send(hand.order(2))
        hand.pass_time(timedelta(seconds=10))
        assert hand.sms.look_up(order.reference) == receipt

    def test_before_that_it_may_be_missing_and_is_never_something_else(
        self, hand: SmsAtHand
    ) -> None:
        receipt = hand.sms.send(hand.order())
        for _ in range(9):
            assert hand.sms.look_up(hand.order().reference) in {None, receipt}
            hand.pass_time(timedelta(seconds=1))

    def test_what_never_came_or_was_refused_is_not_there(self, hand: SmsAtHand) -> None:
        order = hand.order()
        hand.pass_time(28 * MINUTE)
        with pytest.raises(Permanent):
            hand.sms.send(order)
        hand.pass_time(MINUTE)
        assert hand.sms.look_up(order.reference) is None
        assert hand.sms.look_up(hand.order(2).reference) is None

    def test_it_is_still_found_a_day_later(self, hand: SmsAtHand) -> None:
        order = hand.order()
        receipt = hand.sms.send(order)
        hand.pass_time(timedelta(hours=24))
        assert hand.sms.look_up(order.reference) == receipt


class SilentSmsContract(Contract[SmsAtHand]):
    """For a provider that knows nothing afterwards."""

    port = "SmsSender, silent"

    def test_it_says_that_it_knows_nothing(self, hand: SmsAtHand) -> None:
        assert hand.sms.capability == Silent()

    def test_whoever_asks_it_is_wired_wrongly(self, hand: SmsAtHand) -> None:
        with pytest.raises(WiringError):
            hand.sms.look_up(hand.order().reference)
