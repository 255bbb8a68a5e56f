"""SalesCalendar over the table."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Final

from attrs import field, frozen

from demand_adapters.item_table import Item, ItemTable, every
from demand_adapters.stores.rows import Rows
from demand_adapters.wire.converters import instant, parsed_instant
from demand_adapters.wire.item_keys import event_key, sale_key
from demand_adapters.wire.items import EVENT, SALE
from demand_adapters.wire.keys import build_partition, parse_index
from demand_core.domain.ids import EventId, SaleId
from demand_core.domain.listings import Listing
from demand_core.domain.sales import Sale, relisted, resighted
from demand_core.domain.windows import Span
from demand_core.errors import Transient
from demand_core.ports.clock import Clock
from demand_core.ports.sales_calendar import Step

PAGE_MAX: Final = 200
_HOUR: Final = timedelta(hours=1)
_SALES: Final = "sale#"
# Behind all that an id is made of.
_BEHIND: Final = "~"


@frozen(kw_only=True)
class TableSalesCalendar:
    """Each sale is one item beside its event, changed only under its revision."""

    table: ItemTable
    clock: Clock
    _rows: Rows[Sale] = field(init=False)

    @_rows.default
    def _sales(self) -> Rows[Sale]:
        return Rows(table=self.table, clock=self.clock, kind=SALE)

    def get_many(self, sale_ids: Sequence[SaleId], /) -> Mapping[SaleId, Sale]:
        """Read them consistently."""
        found = self._rows.get_many([sale_key(sale_id) for sale_id in sale_ids])
        return {sale.sale_id: sale for sale in found.values()}

    def of_event(self, event_id: EventId, /) -> Sequence[Sale]:
        """Read the event's partition from its first sale on."""
        return _sales(self._beside(event_id, lo=_SALES, hi=_SALES + _BEHIND))

    def listing(self, event_id: EventId, /) -> Listing | None:
        """Read the event's partition."""
        items = list(self._beside(event_id))
        events = (EVENT.row(item).value for item in items if item.key == event_key(event_id))
        event = next(events, None)
        sales = _sales(item for item in items if item.key[1].startswith(_SALES))
        return Listing(event=event, sales=tuple(sales)) if event else None

    def relist(self, event_id: EventId, listed: Sequence[Sale], now: datetime, /) -> None:
        """Decide what each is from all that are known, and store each by itself."""
        merged = relisted(self.of_event(event_id), listed, now)
        steps = {
            sale_key(sale.sale_id): partial(_brought_up, listed=sale, now=now)
            for sale in merged
        }
        _, unsure, lost = self._rows.amend_many(steps)
        if unsure or lost:
            raise Transient("not every sale was certainly stored")

    def starting(self, span: Span, /) -> Sequence[SaleId]:
        """Read one partition for each hour that *span* touches."""
        return [sale_id for hour in _hours(span) for sale_id in self._in_hour(hour, span)]

    def amend(self, sale_id: SaleId, step: Step, /) -> Sale | None:
        """Step by step under the revision."""
        return self._rows.amend(sale_key(sale_id), lambda sale: sale and step(sale))

    def _beside(
        self, event_id: EventId, *, lo: str = "", hi: str | None = None
    ) -> Iterator[Item]:
        pk, _ = event_key(event_id)
        page = partial(self.table.query, pk, lo=lo, hi=hi, limit=PAGE_MAX)
        return every(lambda after: page(after=after))

    def _in_hour(self, hour: str, span: Span) -> Iterator[SaleId]:
        # The table counts milliseconds: it is asked for a little more than the span.
        lo, hi = instant(span.begin), instant(span.end) + _BEHIND
        partition = build_partition("sale", hour=hour)
        page = partial(
            self.table.query_index, "byTime", partition, lo=lo, hi=hi, limit=PAGE_MAX
        )
        for entry in every(lambda after: page(after=after)):
            parsed = parse_index("byTime", (partition, entry.sort))
            if parsed and parsed_instant(parsed[1]["startAt"]) in span:
                yield SaleId(parsed[1]["saleId"])


def _sales(items: Iterable[Item]) -> list[Sale]:
    rows = map(SALE.row, items)
    return [row.value for row in rows if row.value is not None]


def _brought_up(known: Sale | None, *, listed: Sale, now: datetime) -> Sale:
    return resighted(known, listed, now)


def _hours(span: Span) -> Iterator[str]:
    # In UTC, as the partitions are: elsewhere hours may begin between two of these.
    at = span.begin.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    while at < span.end:
        yield instant(at)[: len("2025-02-14T12")]
        at += _HOUR
