"""Who is woken by what, how often, how many at once, and where results go: tables, no code."""

from typing import Final

from demand_core.topology import archive, reminders
from demand_core.topology.shapes import Worker

__all__ = ["TOPOLOGY"]

TOPOLOGY: Final[tuple[Worker, ...]] = (*reminders.ROWS, *archive.ROWS)
