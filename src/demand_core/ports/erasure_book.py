"""Who is to be forgotten, and how far we are with it."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Protocol, TypeAlias

from demand_core.domain.erasures import Erasure, Forgotten, Held, Touched
from demand_core.domain.ids import ErasureId, FanId
from demand_core.domain.subjects import Name

Step: TypeAlias = Callable[[Erasure], Erasure]


class ErasureBook(Protocol):
    """Erasures, and a tombstone under the keyed hash of each name of whom they are about.

    Raises Transient, or Unknown after a write without answer.
    """

    def forgotten(self, names: Sequence[Name], /) -> Mapping[Name, Forgotten]:
        """Those of *names* that have a tombstone, read consistently."""
        ...

    def mark(self) -> str:
        """Another one as soon as a name has a tombstone that it had not; empty before any."""
        ...

    def open(self, erasure: Erasure, /) -> None:
        """Keep it, with tombstones for its names; again, or with more of them, is no harm."""
        ...

    def subject(self, name: Name, /) -> str:
        """What stands for *name* in erasures and receipts."""
        ...

    def last(self, name: Name, /) -> Erasure | None:
        """The one of which the tombstone of *name* tells, read consistently."""
        ...

    def held(self, fan_id: FanId, until: datetime, /) -> Held:
        """What lies with a fan that was asked for by then, or does not say when."""
        ...

    def forget(self, fan_id: FanId, until: datetime, /) -> None:
        """Remove all of that."""
        ...

    def amend(self, erasure_id: ErasureId, step: Step, /) -> Erasure:
        """Change one by *step*, again if it moved meanwhile; answer it as it stands."""
        ...

    def all(self) -> Iterable[Erasure]:
        """Every one there ever was, oldest first; a new one eventually."""
        ...

    def note(self, erasure_id: ErasureId, touched: Touched, /) -> None:
        """Keep for the receipt what is about to be changed; the same again adds nothing."""
        ...

    def noted(self, erasure_id: ErasureId, /) -> Sequence[Touched]:
        """All of that, in its order."""
        ...
