"""A queue that behaves as SQS does, as far as a reader can tell."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from heapq import heapify, heappop, heappush, heapreplace
from typing import Final

from attrs import define

from demand_adapters.deliveries import DELAY_MAX, HIDDEN_MAX, Delivery, check_messages
from demand_core.errors import WiringError
from demand_core.ports.clock import Clock

_NOW: Final = timedelta(0)


@define(eq=False)
class _Message:
    """One message; only the entry with its present *turn* speaks for it."""

    record_id: str
    payload: bytes
    attributes: Mapping[str, str]
    turn: int
    visible_at: datetime
    received: int = 0
    receipt: str = ""


class MemoryQueue:
    """A heap of (visible at, turn), beside the messages by turn.

    Whatever moves a message gives it a new turn. The entry of the old one is dropped when it
    comes to the top, or when such entries outnumber the others: O(log n) for each operation.
    """

    __slots__ = (
        "_by_receipt", "_by_turn", "_clock", "_dead", "_heap", "_max_receive", "_name",
        "_numbered", "_turn", "_visibility",
    )  # fmt: skip

    def __init__(
        self, clock: Clock, *, visibility: timedelta, max_receive: int, name: str
    ) -> None:
        """Begin empty, with a queue of dead letters beside it."""
        if not _NOW < visibility <= HIDDEN_MAX or max_receive < 1:
            raise WiringError(f"{name}: hides for {visibility}, {max_receive} times")
        self._clock = clock
        self._visibility = visibility
        self._max_receive = max_receive
        self._name = name
        self._heap: list[tuple[datetime, int]] = []
        self._by_turn: dict[int, _Message] = {}
        self._by_receipt: dict[str, _Message] = {}
        self._dead: list[Delivery] = []
        self._numbered = self._turn = 0

    def put(
        self,
        payloads: Sequence[bytes],
        /,
        *,
        delay: timedelta = _NOW,
        attributes: Mapping[str, str] | None = None,
    ) -> Sequence[int]:
        """Take all of *payloads*, each with these *attributes*; answers as an Outlet does."""
        kept = dict(attributes or {})
        check_messages(payloads, kept)
        if not _NOW <= delay <= DELAY_MAX:
            raise WiringError(f"{self._name}: a new message can't be delayed by {delay}")
        at = self._clock.now() + delay
        for payload in payloads:
            self._numbered += 1
            self._turn += 1
            message = _Message(f"{self._name}-{self._numbered}", payload, kept, self._turn, at)
            self._by_turn[self._turn] = message
            heappush(self._heap, (at, self._turn))
        return ()

    def receive(self, limit: int, /) -> Sequence[Delivery]:
        """Hand out what is visible, bury what was handed out often enough."""
        now = self._clock.now()
        until = now + self._visibility
        heap = self._heap
        taken: list[Delivery] = []
        while heap and len(taken) < limit:
            visible_at, turn = heap[0]
            message = self._by_turn.get(turn)
            if message is None:
                heappop(heap)
            elif visible_at > now:
                break
            elif message.received >= self._max_receive:
                heappop(heap)
                self._bury(message)
            else:
                self._move(message, until)
                heapreplace(heap, (until, message.turn))
                taken.append(self._hand_out(message))
        return taken

    def delete(self, receipts: Sequence[str], /) -> None:
        """SQS may or may not delete by a receipt that is no longer good; this one does not."""
        for receipt in receipts:
            message = self._by_receipt.pop(receipt, None)
            if message is not None:
                del self._by_turn[message.turn]
        self._sweep()

    def release(self, receipts: Sequence[str], delay: timedelta, /) -> None:
        """Change when hidden messages come back; SQS too refuses it for visible ones."""
        if not _NOW <= delay <= HIDDEN_MAX:
            raise WiringError(f"{self._name}: a message can't be hidden for {delay}")
        now = self._clock.now()
        at = now + delay
        for receipt in receipts:
            message = self._by_receipt.get(receipt)
            if message is not None and message.visible_at > now:
                self._move(message, at)
                heappush(self._heap, (at, message.turn))
        self._sweep()

    def dead_letters(self) -> Sequence[Delivery]:
        """In the order in which they died."""
        return tuple(self._dead)

    def next_at(self) -> datetime | None:
        """When the next message is or was visible, None when none is waiting at all."""
        heap = self._heap
        while heap and heap[0][1] not in self._by_turn:
            heappop(heap)
        return heap[0][0] if heap else None

    def waiting(self) -> int:
        """How many messages there are, visible or hidden: not deleted, not dead."""
        return len(self._by_turn)

    def _move(self, message: _Message, visible_at: datetime) -> None:
        self._turn += 1
        del self._by_turn[message.turn]
        self._by_turn[self._turn] = message
        message.turn = self._turn
        message.visible_at = visible_at

    def _hand_out(self, message: _Message) -> Delivery:
        self._by_receipt.pop(message.receipt, None)
        message.received += 1
        message.receipt = f"{message.record_id}.{message.received}"
        self._by_receipt[message.receipt] = message
        return _delivery(message, message.receipt)

    def _bury(self, message: _Message) -> None:
        del self._by_turn[message.turn], self._by_receipt[message.receipt]
        self._dead.append(_delivery(message, receipt=""))

    def _sweep(self) -> None:
        if len(self._heap) > 2 * len(self._by_turn) + 64:
            self._heap = [entry for entry in self._heap if entry[1] in self._by_turn]
            heapify(self._heap)


def _delivery(message: _Message, receipt: str) -> Delivery:
    return Delivery(
        record_id=message.record_id,
        payload=message.payload,
        received=message.received,
        receipt=receipt,
        attributes=message.attributes,
    )
