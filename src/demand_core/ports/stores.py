"""The ports that keep what we know."""

from typing import Protocol

from demand_core.ports.contact_guard import ContactGuard
from demand_core.ports.demand_ledger import DemandLedger
from demand_core.ports.event_cache import EventCache
from demand_core.ports.notification_store import NotificationStore
from demand_core.ports.opt_out_book import OptOutBook
from demand_core.ports.pace import Pace
from demand_core.ports.sales_calendar import SalesCalendar


class Stores(Protocol):
    """Each by the name that workers call it."""

    @property
    def demands(self) -> DemandLedger:
        """What fans asked for."""
        ...

    @property
    def events(self) -> EventCache:
        """Events as last understood."""
        ...

    @property
    def guard(self) -> ContactGuard:
        """One reminder for each handset."""
        ...

    @property
    def notifications(self) -> NotificationStore:
        """Every message, and how far it got."""
        ...

    @property
    def opt_outs(self) -> OptOutBook:
        """Who no longer wants to hear from us."""
        ...

    @property
    def pace(self) -> Pace:
        """The gates before remote services."""
        ...

    @property
    def sales(self) -> SalesCalendar:
        """Sales by event and by start."""
        ...
