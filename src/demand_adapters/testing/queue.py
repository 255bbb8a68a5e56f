"""What every QueueSource promises, and the `put` that fills it."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Final

import pytest
from attrs import define, frozen
from hypothesis import strategies as st
from hypothesis.stateful import invariant, precondition, rule

from demand_adapters.deliveries import BODY_BYTES_MAX, Delivery, QueueSource
from demand_adapters.testing.contract import Contract, Machine, assert_any_calls
from demand_core.errors import Permanent

NOW: Final = timedelta(0)
SECOND: Final = timedelta(seconds=1)


@frozen(kw_only=True)
class QueueAtHand:
    """An empty queue, the way in, what it was set to, and a way to let time pass."""

    queue: QueueSource
    put: Callable[..., Sequence[int]]
    visibility: timedelta
    max_receive: int
    pass_time: Callable[[timedelta], None]

    def received(self) -> list[Delivery]:
        """All that is visible."""
        return received(self.queue)

    def lapse(self) -> None:
        """Let what is hidden come back."""
        self.pass_time(self.visibility + SECOND)


def received(queue: QueueSource) -> list[Delivery]:
    """All that is visible: one empty answer says nothing, three in a row are believed."""
    found: list[Delivery] = []
    empty = 0
    while empty < 3:
        batch = queue.receive(10)
        found += batch
        empty = 0 if batch else empty + 1
    return found


def bodies(deliveries: Sequence[Delivery]) -> list[bytes]:
    return sorted(delivery.payload for delivery in deliveries)


def receipts(deliveries: Sequence[Delivery]) -> list[str]:
    return [delivery.receipt for delivery in deliveries]


class QueueContract(Contract[QueueAtHand]):
    """For a queue with a `max_receive` of 3. No order is promised."""

    port = "QueueSource"

    @pytest.mark.check("CONST-004")
    @pytest.mark.parametrize("size", [0, 1, 10, 11, 101])
    def test_batches_of_any_size_arrive(self, hand: QueueAtHand, size: int) -> None:
        sent = [b'{"n":%d}' % n for n in range(size)]
        assert not hand.put(sent)
        found = hand.received()
        assert bodies(found) == sorted(sent)
        assert len({delivery.record_id for delivery in found}) == size

    def test_attributes_travel_with_the_message(self, hand: QueueAtHand) -> None:
        hand.put([b"one"], attributes={"type": "ENTRY"})
        hand.put([b"two"])
        found = {delivery.payload: delivery.attributes for delivery in hand.received()}
        assert found == {b"one": {"type": "ENTRY"}, b"two": {}}

    def test_a_received_message_is_hidden_and_comes_back(self, hand: QueueAtHand) -> None:
        hand.put([b"x"])
        (first,) = hand.received()
        hand.pass_time(hand.visibility - SECOND)
        assert hand.received() == []
        hand.lapse()
        (again,) = hand.received()
        assert again.record_id == first.record_id
        assert (first.received, again.received) == (1, 2)

    def test_a_deleted_message_never_comes_back(self, hand: QueueAtHand) -> None:
        hand.put([b"one", b"two"])
        done = [delivery for delivery in hand.received() if delivery.payload == b"one"]
        hand.queue.delete(receipts(done))
        hand.lapse()
        assert bodies(hand.received()) == [b"two"]

    def test_a_deleted_message_stays_deleted(self, hand: QueueAtHand) -> None:
        hand.put([b"x"])
        found = hand.received()
        for _ in range(2):
            hand.queue.delete(receipts(found))
            hand.queue.release(receipts(found), NOW)
        assert hand.received() == []

    def test_a_released_message_comes_back_after_its_delay(self, hand: QueueAtHand) -> None:
        hand.put([b"x"])
        delay = 3 * hand.visibility
        hand.queue.release(receipts(hand.received()), delay)
        hand.pass_time(delay - SECOND)
        assert hand.received() == []
        hand.pass_time(2 * SECOND)
        assert bodies(hand.received()) == [b"x"]

    def test_a_delayed_message_stays_hidden_for_its_delay(self, hand: QueueAtHand) -> None:
        delay = 2 * hand.visibility
        hand.put([b"late"], delay=delay)
        hand.put([b"soon"])
        assert bodies(hand.received()) == [b"soon"]
        hand.pass_time(delay + SECOND)
        assert b"late" in bodies(hand.received())

    def test_too_many_receives_end_among_the_dead_letters(self, hand: QueueAtHand) -> None:
        hand.put([b"poison"], attributes={"type": "ENTRY"})
        (found,) = hand.received()
        for _ in range(hand.max_receive - 1):
            hand.queue.release([found.receipt], NOW)
            (found,) = hand.received()
        hand.queue.release([found.receipt], NOW)
        assert hand.received() == []
        hand.queue.delete([found.receipt])
        (dead,) = hand.queue.dead_letters()
        assert (dead.payload, dead.attributes) == (b"poison", {"type": "ENTRY"})
        hand.lapse()
        assert hand.received() == []

    def test_a_body_that_is_too_long_takes_nothing_with_it(self, hand: QueueAtHand) -> None:
        assert not hand.put([b"x" * BODY_BYTES_MAX])
        with pytest.raises(Permanent) as refusal:
            hand.put([b"y", b"x" * (BODY_BYTES_MAX + 1)])
        assert refusal.value.code == "body_too_long"
        with pytest.raises(Permanent):
            hand.put([b"x" * BODY_BYTES_MAX], attributes={"type": "ENTRY"})
        assert [delivery.payload[:1] for delivery in hand.received()] == [b"x"]

    @pytest.mark.parametrize("body", [b"", b"\xff", b"a\0b", b"\x1f", b"\xef\xbf\xbf"])
    def test_a_body_that_is_no_text_takes_nothing_with_it(
        self, hand: QueueAtHand, body: bytes
    ) -> None:
        with pytest.raises(Permanent) as refusal:
            hand.put([b"fine", body])
        assert refusal.value.code == "bad_text"
        assert hand.received() == []

    def test_text_of_any_script_arrives_unchanged(self, hand: QueueAtHand) -> None:
        sent = [text.encode() for text in ("é", "🎟", "\t\r\n", "\x7f\x85", '<&"\\>')]
        hand.put(sent)
        assert bodies(hand.received()) == sorted(sent)


@define
class Expected:
    """What is known of one message: it comes no earlier than *visible_at*."""

    visible_at: timedelta
    received: int = 0
    receipt: str = ""


class QueueMachine(Machine[QueueAtHand]):
    """Beside a plain dict."""

    def __init__(self) -> None:
        """Begin with nothing in either."""
        super().__init__()
        self.elapsed, self.numbered = NOW, 0
        self.model: dict[bytes, Expected] = {}
        self.stale: list[tuple[bytes, str]] = []
        self.deleted_late: set[bytes] = set()

    @rule(size=st.integers(0, 12), delay=st.sampled_from([NOW, 5 * SECOND, 60 * SECOND]))
    def put(self, size: int, delay: timedelta) -> None:
        fresh = [b"%d" % n for n in range(self.numbered, self.numbered + size)]
        self.numbered += size
        assert not self.hand.put(fresh, delay=delay)
        self.model |= {payload: Expected(self.elapsed + delay) for payload in fresh}

    @rule(limit=st.integers(1, 12))
    def receive(self, limit: int) -> None:
        found = self.hand.queue.receive(limit)
        assert len(found) <= limit
        for delivery in found:
            known = self.model[delivery.payload]
            assert known.visible_at <= self.elapsed
            assert known.received < delivery.received <= self.hand.max_receive
            if known.receipt:
                self.stale.append((delivery.payload, known.receipt))
            known.visible_at = self.elapsed + self.hand.visibility
            known.received, known.receipt = delivery.received, delivery.receipt

    @rule(seconds=st.sampled_from([1, 5, 29, 31, 60]))
    def wait(self, seconds: int) -> None:
        self.hand.pass_time(seconds * SECOND)
        self.elapsed += seconds * SECOND

    @precondition(lambda self: any(known.receipt for known in self.model.values()))
    @rule(choice=st.data(), fate=st.sampled_from([None, NOW, 3 * SECOND, 90 * SECOND]))
    def settle(self, choice: st.DataObject, fate: timedelta | None) -> None:
        held = [payload for payload, known in self.model.items() if known.receipt]
        payload = choice.draw(st.sampled_from(held))
        known = self.model[payload]
        if fate is None:
            self.hand.queue.delete([known.receipt])
            # Whether it was dead by then is known to nobody: it dies when it would be received.
            if known.visible_at <= self.elapsed and known.received == self.hand.max_receive:
                self.deleted_late.add(payload)
            else:
                del self.model[payload]
            return
        self.hand.queue.release([known.receipt], fate)
        if known.visible_at > self.elapsed:
            known.visible_at = self.elapsed + fate

    @rule(delay=st.sampled_from([NOW, 90 * SECOND]))
    def release_by_stale_receipts(self, delay: timedelta) -> None:
        self.hand.queue.release([receipt for _, receipt in self.stale], delay)
        for payload in {payload for payload, _ in self.stale} & self.model.keys():
            known = self.model[payload]
            known.visible_at = min(known.visible_at, self.elapsed + delay)

    @invariant()
    def only_what_came_too_often_is_dead(self) -> None:
        for letter in self.hand.queue.dead_letters():
            assert self.model[letter.payload].received == self.hand.max_receive

    def teardown(self) -> None:
        self.hand.pass_time(timedelta(hours=1))
        left = {delivery.payload for delivery in self.hand.received()}
        dead = {letter.payload for letter in self.hand.queue.dead_letters()}
        assert not left & dead
        assert self.model.keys() - self.deleted_late <= left | dead <= self.model.keys()
        super().teardown()


class QueueProperties(Contract[QueueAtHand]):
    """For engines whose time can be moved: hours pass in here."""

    port = "QueueSource, any calls"

    def test_any_calls_in_any_order_lose_nothing_and_show_nothing_too_early(self) -> None:
        assert_any_calls(QueueMachine, self.fresh)
