"""An SMS gateway that remembers what it took, as far as its capability goes."""

from collections.abc import Callable, Container, Sequence
from datetime import datetime, timedelta
from random import Random
from typing import Final, NamedTuple

from attrs import frozen

from demand_adapters.memory.call_limit import CallLimit
from demand_core.domain.answers import EXPIRED, Accepted
from demand_core.domain.delivery import Capability, Keyed, Queryable
from demand_core.domain.ids import NotificationId, digest
from demand_core.domain.orders import SmsOrder
from demand_core.domain.sms_news import StatusReport
from demand_core.domain.statuses import Status
from demand_core.errors import Permanent, Transient, WiringError
from demand_core.ports.clock import Clock

_MILLISECOND: Final = timedelta(milliseconds=1)
# How much later than the one before it each report is written, at most.
_SLOWEST_MS: Final = {
    Status.QUEUED: 500,
    Status.SENT: 5_000,
    Status.DELIVERED: 30_000,
    Status.FAILED: 30_000,
}


@frozen(kw_only=True)
class AcceptedText:
    """A text that goes out: two of one reference are a fan who is told twice."""

    at: datetime
    order: SmsOrder
    message_id: str


class SmsCall(NamedTuple):
    """One call as the gateway saw it: *answer* is the message id, or the word for why not."""

    at: datetime
    asked: str
    reference: NotificationId
    answer: str


class MemorySmsSender:
    """Takes texts for *provider*. `history` is what goes out, `calls` what was asked.

    *on_accepted* hears of each text as it is taken, before its caller does.
    """

    def __init__(  # noqa: PLR0913  # what a gateway can be like
        self,
        clock: Clock,
        *,
        capability: Capability | None = None,
        provider: str = "twin",
        sender: str = "demand",
        calls_per_s: int | None = None,
        bad_numbers: Container[str] = frozenset(),
        sour: Container[str] = frozenset(),
        undeliverable: Container[str] = frozenset(),
        on_accepted: Callable[[AcceptedText], None] | None = None,
    ) -> None:
        """Refuse *bad_numbers*, never manage *sour* ones, never reach *undeliverable* ones."""
        self._clock = clock
        self._limit = CallLimit(calls_per_s)
        self._bad_numbers = bad_numbers
        self._sour = sour
        self._undeliverable = undeliverable
        self.on_accepted = on_accepted
        self._taken: dict[NotificationId, list[AcceptedText]] = {}
        self.capability: Capability = capability or Keyed()
        self.provider = provider
        self.sender = sender
        self.history: list[AcceptedText] = []
        self.calls: list[SmsCall] = []

    def send(self, order: SmsOrder, /) -> Accepted:
        """A key is known before anything is looked at; only the limit stands in front of it."""
        now = self._clock.now()
        try:
            self._admit(now)
            text = self._known(order, now) or self._accepted(order, now)
        except Permanent as refusal:
            self._note(now, "send", order.reference, refusal.code)
            raise
        except Transient as fault:
            self._note(now, "send", order.reference, str(fault))
            raise
        self._note(now, "send", order.reference, text.message_id)
        return self._receipt(text)

    def look_up(self, reference: NotificationId, /) -> Accepted | None:
        """See only what was taken *lag* ago, or longer."""
        if not isinstance(self.capability, Queryable):
            raise WiringError(f"{self.provider} cannot be asked what it accepted")
        now = self._clock.now()
        try:
            self._admit(now)
        except Transient as fault:
            self._note(now, "look_up", reference, str(fault))
            raise
        lag, taken = self.capability.lag, self._taken.get(reference, [])
        seen = next((text for text in taken if now - text.at >= lag), None)
        self._note(now, "look_up", reference, seen.message_id if seen else "not_found")
        return self._receipt(seen) if seen else None

    def reports_of(
        self, text: AcceptedText, chance: Random
    ) -> Sequence[tuple[timedelta, StatusReport]]:
        """What is reported of *text*, in order, each with how long after its taking that is.

        On the way to us they may be late, come twice, or overtake one another.
        """
        lost = text.order.to.reveal() in self._undeliverable
        last = Status.FAILED if lost else Status.DELIVERED
        delay, told = timedelta(), list[tuple[timedelta, StatusReport]]()
        for status in (Status.QUEUED, Status.SENT, last):
            delay += chance.randint(1, _SLOWEST_MS[status]) * _MILLISECOND
            report = StatusReport(
                provider=self.provider,
                message_id=text.message_id,
                reference=text.order.reference,
                status=status,
                occurred_at=text.at + delay,
                error_code="unreachable" if status is Status.FAILED else None,
            )
            told.append((delay, report))
        return told

    def _admit(self, now: datetime) -> None:
        if opens := self._limit.shut_until(now):
            raise Transient("throttled", retry_at=opens)

    def _known(self, order: SmsOrder, now: datetime) -> AcceptedText | None:
        """The text that *order* repeats, as long as its key is kept."""
        if not isinstance(self.capability, Keyed):
            return None
        ttl, taken = self.capability.ttl, self._taken.get(order.reference, [])
        kept = next((text for text in taken if now - text.at < ttl), None)
        if kept and kept.order != order:
            raise Permanent("key_reused", "another text was sent under this reference")
        return kept

    def _accepted(self, order: SmsOrder, now: datetime) -> AcceptedText:
        number = order.to.reveal()
        if number in self._bad_numbers:
            raise Permanent("invalid_number")
        if order.valid_until <= now:
            raise Permanent(EXPIRED)
        if number in self._sour:
            raise Transient("unavailable")
        text = AcceptedText(at=now, order=order, message_id=self._next_id(order.reference))
        self.history.append(text)
        self._taken.setdefault(order.reference, []).append(text)
        if self.on_accepted:
            self.on_accepted(text)
        return text

    def _next_id(self, reference: NotificationId) -> str:
        if isinstance(self.capability, Keyed):
            return digest("demand.twin.message/1", reference)
        return f"m{len(self.history) + 1}"

    def _receipt(self, text: AcceptedText) -> Accepted:
        return Accepted(provider=self.provider, message_id=text.message_id)

    def _note(self, at: datetime, asked: str, reference: NotificationId, answer: str) -> None:
        self.calls.append(SmsCall(at, asked, reference, answer))
