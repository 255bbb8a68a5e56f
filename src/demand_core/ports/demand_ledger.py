"""What fans asked for."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Protocol, TypeAlias

from demand_core.domain.demands import Demand, DemandPage, DemandRef
from demand_core.domain.ids import DemandSaleId, FanId

Step: TypeAlias = Callable[[Demand], Demand]


class DemandLedger(Protocol):
    """Wishes by fan, event and sale. Batches of any size; repeats are allowed.

    Raises Transient, or Unknown after a write without answer.
    """

    def ask(self, demands: Sequence[Demand], /) -> Sequence[DemandRef]:
        """Store each wish, or bring a known one up to it; answer those to try again."""
        ...

    def withdraw(self, refs: Sequence[DemandRef], /) -> Sequence[DemandRef]:
        """Forget each wish; answer those to try again. One that is not there is forgotten."""
        ...

    def get_many(self, refs: Sequence[DemandRef], /) -> Mapping[DemandRef, Demand]:
        """The wishes that are there, read consistently, in the order asked for."""
        ...

    def asking(
        self,
        sale_id: DemandSaleId,
        shard: str,
        after: str | None,
        limit: int,
        /,
        *,
        since: datetime | None = None,
    ) -> DemandPage:
        """Who asked for a sale, or for any of an event, in one shard, by time of request.

        Eventually: one may be missing, twice, or be there no more. *since* leaves out what was
        asked for before.
        """
        ...

    def of_fan(self, fan_id: FanId, /) -> Sequence[Demand]:
        """All wishes of one fan, read consistently."""
        ...

    def shards(self) -> Sequence[str]:
        """The shards that `asking` has, which never change."""
        ...

    def amend(self, ref: DemandRef, step: Step, /) -> Demand | None:
        """Change one wish by *step*, again if it moved meanwhile; answer it as it stands.

        None if it is gone. A step that answers what it was given writes nothing.
        """
        ...
