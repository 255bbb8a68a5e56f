"""Where a worker sends what others go on with."""

from collections.abc import Sequence
from typing import Protocol, TypeVar

T_contra = TypeVar("T_contra", contravariant=True)


class Outlet(Protocol[T_contra]):
    """One channel, seen from the writing side. Batches of any size.

    What was taken arrives at least once, in any order. Raises Transient when nothing was taken,
    Unknown when something may have been, Permanent for a body that the channel can never carry
    (then nothing was taken).
    """

    def send(self, bodies: Sequence[T_contra], /) -> Sequence[int]:
        """Send *bodies* on; answer the positions, ascending, of those that were not taken."""
        ...
