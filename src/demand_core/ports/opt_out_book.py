"""Who no longer wants to hear from us."""

from collections.abc import Sequence
from typing import Protocol, TypeAlias

from demand_core.domain.contacts import Email, Phone
from demand_core.domain.opt_outs import OptOut

Contact: TypeAlias = Phone | Email


class OptOutBook(Protocol):
    """The last word on each contact; a phone is for texts, an address for e-mail.

    No contact is stored: only its keyed hash. Raises Transient, or Unknown after a write
    without answer.
    """

    def record(self, contact: Contact, said: OptOut, /) -> OptOut:
        """Keep what was said, unless something later is known; answer what holds."""
        ...

    def out(self, contacts: Sequence[Contact], /) -> frozenset[Contact]:
        """Those of *contacts* that must be sent nothing, read consistently.

        Whoever was hashed under a key that is retired by now is still found.
        """
        ...
