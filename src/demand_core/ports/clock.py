"""What time it is."""

from datetime import datetime
from typing import Protocol


class Clock(Protocol):
    """The only source of the present."""

    def now(self) -> datetime:
        """The instant in UTC, cut to milliseconds; never earlier than an answer before."""
        ...
