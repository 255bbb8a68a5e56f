"""DemandLedger over the table."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import partial

from attrs import field, frozen

from demand_adapters.item_table import ItemTable
from demand_adapters.stores.rows import Rows
from demand_adapters.wire.converters import instant
from demand_adapters.wire.item_keys import demand_key, demand_ref, fan_partition
from demand_adapters.wire.items import DEMAND
from demand_adapters.wire.keys import build_partition
from demand_core.domain.demands import Demand, DemandPage, DemandRef, asked_again
from demand_core.domain.ids import SHARDS, DemandSaleId, FanId
from demand_core.ports.clock import Clock
from demand_core.ports.demand_ledger import Step


@frozen(kw_only=True)
class TableDemandLedger:
    """Each wish is one item with its fan, changed only under its revision."""

    table: ItemTable
    clock: Clock
    _rows: Rows[Demand] = field(init=False)

    @_rows.default
    def _demands(self) -> Rows[Demand]:
        return Rows(table=self.table, clock=self.clock, kind=DEMAND)

    def ask(self, demands: Sequence[Demand], /) -> Sequence[DemandRef]:
        """Merge each into what is known; of two for one sale the later one counts."""
        asked = {demand_key(demand.ref): demand for demand in demands}
        _, unsure, lost = self._rows.amend_many(
            {key: partial(_merged, demand) for key, demand in asked.items()}
        )
        return [asked[key].ref for key in (*unsure, *lost)]

    def withdraw(self, refs: Sequence[DemandRef], /) -> Sequence[DemandRef]:
        """Remove the items."""
        named = {demand_key(ref): ref for ref in refs}
        return [named[key] for key in self._rows.delete_many(tuple(named))]

    def get_many(self, refs: Sequence[DemandRef], /) -> Mapping[DemandRef, Demand]:
        """Read them consistently."""
        asked = {demand_key(ref): ref for ref in refs}
        found = self._rows.get_many(tuple(asked))
        return {asked[key]: demand for key, demand in found.items()}

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
        """Read one part of the group of the sale."""
        page = self.table.query_index(
            "byGroup",
            build_partition("ask", saleId=sale_id, shard=shard),
            lo=instant(since) if since else "",
            limit=limit,
            after=after,
        )
        refs = (demand_ref(entry.key) for entry in page.rows)
        return DemandPage(tuple(ref for ref in refs if ref is not None), page.after)

    def of_fan(self, fan_id: FanId, /) -> Sequence[Demand]:
        """Read what lies with the fan."""
        return self._rows.all_in(fan_partition(fan_id), demand_ref)

    def shards(self) -> Sequence[str]:
        """As many as the table has."""
        return tuple(SHARDS)

    def amend(self, ref: DemandRef, step: Step, /) -> Demand | None:
        """Step by step under the revision."""
        return self._rows.amend(demand_key(ref), lambda demand: demand and step(demand))


def _merged(asked: Demand, known: Demand | None) -> Demand:
    return asked_again(known, asked)
