"""The two ways out: whom a message is handed to, and what his answer means."""

from collections.abc import Callable
from typing import Final, Protocol, TypeAlias

from attrs import field, frozen

from demand_core.domain.answers import (
    FINAL_REFUSALS,
    Accepted,
    Answer,
    Doubted,
    Faulted,
    Refused,
    Returned,
)
from demand_core.domain.delivery import DeliveryPolicy, Keyed, Terms
from demand_core.domain.notifications import Notification
from demand_core.domain.orders import EmailOrder, email_order, sms_order
from demand_core.errors import Permanent, Transient, Unknown, WiringError
from demand_core.ports.outlet import Outlet
from demand_core.ports.sms_sender import SmsSender

# E-mail goes into a queue whose reader drops every id that it has seen.
EMAIL_PROVIDER: Final = "email"
# What a failure is called that a provider has no word for.
NOT_TAKEN: Final = "not_taken"

Jitter: TypeAlias = Callable[[], float]


class Courier(Protocol):
    """One channel's way out."""

    @property
    def terms(self) -> Terms:
        """What whoever takes the messages can do, and our numbers for it."""
        ...

    @property
    def gate(self) -> str | None:
        """The gate that messages pass, if they pass one."""
        ...

    @property
    def reports(self) -> bool:
        """Whether anybody tells us later what became of them."""
        ...

    def call(self, row: Notification, /) -> Answer:
        """Hand *row* over; whatever comes back, or does not, is an answer."""
        ...

    def find(self, row: Notification, /) -> Accepted | None:
        """Ask what became of it. Raises Transient."""
        ...


@frozen(kw_only=True)
class SmsCourier:
    """By SMS, through a provider."""

    sms: SmsSender
    policy: DeliveryPolicy
    jitter: Jitter
    terms: Terms = field(init=False)
    # One for each sender, counted in segments.
    gate: str = field(init=False)

    @terms.default
    def _declared(self) -> Terms:
        return Terms(capability=self.sms.capability, policy=self.policy)

    @gate.default
    def _of_the_sender(self) -> str:
        return self.sms.sender

    @property
    def reports(self) -> bool:
        """The provider does."""
        return True

    def call(self, row: Notification, /) -> Answer:
        """Only what the provider itself says was not taken is known to have failed."""
        order = sms_order(row, self.gate)
        return _answer(lambda: self.sms.send(order), self.jitter)

    def find(self, row: Notification, /) -> Accepted | None:
        """By our own reference."""
        return self.sms.look_up(row.notification_id)


@frozen(kw_only=True)
class EmailCourier:
    """By e-mail, into a queue."""

    emails: Outlet[EmailOrder]
    policy: DeliveryPolicy
    jitter: Jitter
    terms: Terms = field(init=False)

    @terms.default
    def _keyed(self) -> Terms:
        return Terms(capability=Keyed(), policy=self.policy)

    @property
    def gate(self) -> str | None:
        """None: a queue takes what comes."""
        return None

    @property
    def reports(self) -> bool:
        """Nobody does: what was accepted counts as sent."""
        return False

    def call(self, row: Notification, /) -> Answer:
        """What the queue has, the fan will get."""

        def send() -> Accepted:
            if self.emails.send([email_order(row)]):
                raise Transient("the queue did not take it")
            return Accepted(provider=EMAIL_PROVIDER, message_id=row.notification_id)

        return _answer(send, self.jitter)

    def find(self, row: Notification, /) -> Accepted | None:
        """Nobody asks: the key is enough."""
        raise WiringError(f"{EMAIL_PROVIDER} answers no questions: {row.notification_id}")


def _answer(send: Callable[[], Accepted], jitter: Jitter) -> Answer:
    """A throttle is no attempt: nothing was looked at, and all of us are asked to wait."""
    try:
        return send()
    except Unknown as silence:
        return Doubted(code="no_answer", detail=str(silence))
    except Transient as fault:
        if fault.retry_at is not None:
            return Returned(look_again=fault.retry_at, throttled=True)
        return Faulted(code=NOT_TAKEN, detail=str(fault), jitter=jitter())
    except Permanent as refusal:
        if refusal.code in FINAL_REFUSALS:
            return Refused(code=refusal.code, detail=refusal.detail)
        return Faulted(code=refusal.code, detail=refusal.detail, jitter=jitter())
