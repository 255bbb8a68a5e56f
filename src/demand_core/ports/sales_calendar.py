"""Every sale we know, by its event and by its start."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Protocol, TypeAlias

from demand_core.domain.ids import EventId, SaleId
from demand_core.domain.listings import Listing
from demand_core.domain.sales import Sale
from demand_core.domain.windows import Span

Step: TypeAlias = Callable[[Sale], Sale]


class SalesCalendar(Protocol):
    """Sales by id. Batches of any size; repeats are allowed.

    Raises Transient, or Unknown after a write without answer.
    """

    def get_many(self, sale_ids: Sequence[SaleId], /) -> Mapping[SaleId, Sale]:
        """The sales that are there, read consistently, in the order asked for."""
        ...

    def of_event(self, event_id: EventId, /) -> Sequence[Sale]:
        """All sales of an event, withdrawn ones too, read consistently."""
        ...

    def listing(self, event_id: EventId, /) -> Listing | None:
        """A known event and all its sales, by one read of the store."""
        ...

    def relist(self, event_id: EventId, listed: Sequence[Sale], now: datetime, /) -> None:
        """Bring the sales of an event up to what a look-up *listed*, each under its old id.

        Generation marks stay. Raises Transient unless every sale was certainly stored.
        """
        ...

    def starting(self, span: Span, /) -> Sequence[SaleId]:
        """Sales that start within *span* and are not withdrawn, by start.

        Eventually: one may be missing, twice, or have moved, so whoever acts reads the sale.
        """
        ...

    def amend(self, sale_id: SaleId, step: Step, /) -> Sale | None:
        """Change one sale by *step*, again if it moved meanwhile; answer it as it stands.

        None if it is gone. A step that answers what it was given writes nothing.
        """
        ...
