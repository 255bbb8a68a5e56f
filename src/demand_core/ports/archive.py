"""Where every change of what we keep stays for good."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from demand_core.domain.archive import Filed, ToldChange


class Archive(Protocol):
    """Rows that analysts can ask for; the same changes given again add none.

    That holds for batches of the same boundaries. A change that comes in another batch stands
    there once more, with its id: whoever counts, counts ids.
    """

    def deliver(self, changes: Sequence[ToldChange], /) -> Sequence[Filed]:
        """File changes of one shard, in its order; answers for each what became of it.

        No other answer than WAITS is given before the change is where it stays.
        """
        ...

    def clear(self, before: datetime, /) -> None:
        """Remove what was set aside before then, mended or not. Raises Transient."""
        ...
