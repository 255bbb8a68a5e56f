"""Whoever reads the queue of e-mails: each id goes out once, however often it comes."""

from datetime import datetime
from typing import NamedTuple

from demand_core.domain.ids import NotificationId
from demand_core.domain.orders import EmailOrder
from demand_core.ports.clock import Clock


class AcceptedEmail(NamedTuple):
    """An e-mail that goes out."""

    at: datetime
    order: EmailOrder


class MemoryEmailService:
    """`history` is what goes out, `repeated` how often something came again.

    What comes after its time is dropped, and listed in `late`.
    """

    def __init__(self, clock: Clock) -> None:
        """Begin with nothing."""
        self._clock = clock
        self._seen: dict[NotificationId, EmailOrder] = {}
        self.history: list[AcceptedEmail] = []
        self.late: list[EmailOrder] = []
        self.repeated = 0

    def take(self, order: EmailOrder, /) -> None:
        """Send it, unless that was done."""
        if order.message_id in self._seen:
            self.repeated += 1
            return
        self._seen[order.message_id] = order
        now = self._clock.now()
        if now >= order.not_after:
            self.late.append(order)
        else:
            self.history.append(AcceptedEmail(now, order))
