"""Whoever brings a text to a phone."""

from typing import Protocol

from demand_core.domain.answers import Accepted
from demand_core.domain.delivery import Capability
from demand_core.domain.ids import NotificationId
from demand_core.domain.orders import SmsOrder


class SmsSender(Protocol):
    """One account with one provider.

    What a repeat does follows from the capability. Under KEYED a reference that was accepted is
    answered with its first receipt before anything is looked at.
    """

    @property
    def provider(self) -> str:
        """The provider's name, as receipts and reports carry it."""
        ...

    @property
    def sender(self) -> str:
        """The number or name that texts come from, and the gate that they pass."""
        ...

    @property
    def capability(self) -> Capability:
        """What the provider knows of what it accepted."""
        ...

    def send(self, order: SmsOrder, /) -> Accepted:
        """Hand one over. Raises Transient only where the provider itself says it was not taken,
        Unknown wherever it may have been, Permanent with the provider's code for a refusal.
        """
        ...

    def look_up(self, reference: NotificationId, /) -> Accepted | None:
        """What became of one; None if it is not there, or not yet. Raises Transient.

        Only a queryable provider is asked; any other refuses with WiringError.
        """
        ...
