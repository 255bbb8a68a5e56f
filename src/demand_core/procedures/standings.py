"""What is known right now of the fan, the event and the sale behind each of some messages."""

from collections.abc import Iterable, Mapping
from itertools import chain
from typing import Protocol, TypeVar

from attrs import frozen

from demand_core.domain.checks import Standing
from demand_core.domain.demands import DemandRef
from demand_core.domain.erasures import Forgotten
from demand_core.domain.notifications import Notification, NotificationRef
from demand_core.domain.subjects import Name, names_of
from demand_core.ports.clock import Clock
from demand_core.ports.demand_ledger import DemandLedger
from demand_core.ports.erasure_book import ErasureBook
from demand_core.ports.event_cache import EventCache
from demand_core.ports.opt_out_book import Contact, OptOutBook
from demand_core.ports.sales_calendar import SalesCalendar

T = TypeVar("T")


class Sees(Protocol):
    """Whoever has all that is asked."""

    @property
    def clock(self) -> Clock: ...
    @property
    def events(self) -> EventCache: ...
    @property
    def sales(self) -> SalesCalendar: ...
    @property
    def demands(self) -> DemandLedger: ...
    @property
    def opt_outs(self) -> OptOutBook: ...
    @property
    def erasures(self) -> ErasureBook: ...


@frozen(kw_only=True)
class Standings:
    """One call to each store for any number of messages.

    The time is taken first: what is learned while reading is newer, never older.
    """

    clock: Clock
    events: EventCache
    sales: SalesCalendar
    demands: DemandLedger
    opt_outs: OptOutBook
    erasures: ErasureBook

    @classmethod
    def seen_by(cls, ports: Sees) -> "Standings":
        """By the ports of a worker, or of a profile."""
        return cls(
            clock=ports.clock,
            events=ports.events,
            sales=ports.sales,
            demands=ports.demands,
            opt_outs=ports.opt_outs,
            erasures=ports.erasures,
        )

    def of(
        self, rows: Mapping[NotificationRef, Notification]
    ) -> Mapping[NotificationRef, Standing]:
        """What is known of each."""
        at = self.clock.now()
        events = self.events.get_many(_different(row.event_id for row in rows.values()))
        sales = self.sales.get_many(_different(row.sale_id for row in rows.values()))
        wishes = {ref: demand_ref(row) for ref, row in rows.items()}
        asked = self.demands.get_many(_different(wishes.values()))
        out = self.opt_outs.out(_different(map(contact, rows.values())))
        gone = self.erasures.forgotten(
            _different(chain.from_iterable(map(_names, rows.values())))
        )
        return {
            ref: Standing(
                at=at,
                event=events.get(row.event_id) if row.event_id else None,
                sale=sales.get(row.sale_id) if row.sale_id else None,
                asked=wishes[ref] in asked,
                opted_out=contact(row) in out,
                erased=bool(gone) and _is_erased(row, gone),
            )
            for ref, row in rows.items()
        }


def demand_ref(row: Notification) -> DemandRef | None:
    """The wish that a reminder answers."""
    if row.event_id is None or row.demand_sale_id is None:
        return None
    return DemandRef(fan_id=row.fan_id, event_id=row.event_id, sale_id=row.demand_sale_id)


def contact(row: Notification) -> Contact | None:
    """Where it goes."""
    return row.phone_number or row.email


def _names(row: Notification) -> Iterable[Name]:
    return names_of(row.fan_id, (row.phone_number, row.email))


def _is_erased(row: Notification, gone: Mapping[Name, Forgotten]) -> bool:
    asked_at = row.asked_at or row.date.created
    return any(gone[name].covers(asked_at) for name in _names(row) if name in gone)


def _different(values: Iterable[T | None]) -> tuple[T, ...]:
    return tuple(value for value in dict.fromkeys(values) if value is not None)
