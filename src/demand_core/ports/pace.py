"""How fast a remote service may be called, by all of us together."""

from datetime import datetime
from typing import Protocol


class Pace(Protocol):
    """One gate for each sender, shared by everybody who calls that service.

    Nobody waits at a gate: whoever finds it shut gives the work back. Raises Transient.
    """

    def take(self, sender: str, units: int, now: datetime, /) -> datetime:
        """Ask for *units* at once: an answer not after *now* means they are taken.

        A later answer is the time when the gate opens, and nothing was taken.
        """
        ...

    def hold(self, sender: str, until: datetime, /) -> None:
        """Keep the gate shut until then at least: the service asked for it."""
        ...
