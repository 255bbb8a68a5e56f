"""Making the reminders of a sale: who is asked for what, and how far it has come."""

from collections.abc import Sequence
from datetime import datetime

from attrs import evolve, frozen

from demand_core.domain.demands import DemandRef, any_sale
from demand_core.domain.ids import DemandSaleId, EventId, SaleId
from demand_core.domain.sales import Generation, GenerationState, Sale
from demand_core.errors import Permanent


@frozen(kw_only=True)
class GenerationOrder:
    """Make reminders of one sale for the start that it had when this was ordered.

    Without a *group* it is only prepared: the event is freshened, and one order sent for each
    part. *group* and *shard* are a part, *after* is how far it was read; *refs* are single
    wishes, which need no group.
    """

    event_id: EventId
    sale_id: SaleId
    start_at: datetime
    group: DemandSaleId | None = None
    shard: str | None = None
    after: str | None = None
    refs: tuple[DemandRef, ...] = ()

    @property
    def prepares(self) -> bool:
        """Whether it is for the whole sale, and nothing is made by it yet."""
        return self.group is None and not self.refs

    @property
    def part(self) -> tuple[DemandSaleId, str, str | None]:
        """The group and shard that it is for, and how far that was read."""
        if self.group is None or self.shard is None:
            raise Permanent("bad_order", "a part has a group and a shard")
        return self.group, self.shard, self.after


def parts(order: GenerationOrder, shards: Sequence[str]) -> list[GenerationOrder]:
    """The orders that *order* falls into: who asked for this sale, and who for any."""
    groups = (DemandSaleId(order.sale_id), any_sale(order.event_id))
    return [evolve(order, group=group, shard=shard) for group in groups for shard in shards]


def ordered(sale: Sale, start_at: datetime, now: datetime) -> Sale:
    """*sale* with its reminders ordered for *start_at*; again keeps what is done for it."""
    if sale.start_at != start_at:
        return sale
    known = sale.generation
    if known is None or known.start_at != start_at:
        return evolve(sale, generation=Generation(start_at=start_at, ordered_at=now))
    if known.state is GenerationState.DONE:
        return sale
    return evolve(sale, generation=evolve(known, ordered_at=max(known.ordered_at, now)))


def with_part(sale: Sale, order: GenerationOrder, all_parts: int) -> Sale:
    """*sale* with one part done; with the last of them all is."""
    known = sale.generation
    if known is None or known.start_at != order.start_at or done_for(sale, order.start_at):
        return sale
    name = f"{order.group}#{order.shard}"
    if name in known.shards:
        return sale
    done = (*known.shards, name)
    state = GenerationState.DONE if len(done) == all_parts else GenerationState.OPEN
    # Which parts they were matters only until all are.
    kept = () if state is GenerationState.DONE else tuple(sorted(done))
    return evolve(sale, generation=evolve(known, shards=kept, state=state))


def finished(sale: Sale, start_at: datetime) -> Sale:
    """*sale* when there is nothing to make: it is silent."""
    known = sale.generation
    if known is None or known.start_at != start_at or known.state is GenerationState.DONE:
        return sale
    return evolve(sale, generation=evolve(known, state=GenerationState.DONE, shards=()))


def done_for(sale: Sale, start_at: datetime) -> bool:
    """Whether all reminders of *sale* are made for this start."""
    known = sale.generation
    return (
        known is not None and known.start_at == start_at and known.state is GenerationState.DONE
    )


def ordered_at(sale: Sale) -> datetime | None:
    """When the reminders of *sale* were last ordered for the start that it has now."""
    known = sale.generation
    return known.ordered_at if known and known.start_at == sale.start_at else None
