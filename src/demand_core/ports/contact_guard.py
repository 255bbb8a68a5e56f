"""Keeps two accounts with one handset from getting the same reminder twice."""

from datetime import datetime
from typing import Protocol

from demand_core.domain.ids import NotificationId, SaleId
from demand_core.domain.notifications import Channel
from demand_core.ports.opt_out_book import Contact


class ContactGuard(Protocol):
    """First come, first served: for each sale and channel one message a contact."""

    def first(
        self,
        contact: Contact,
        sale_id: SaleId,
        channel: Channel,
        owner: NotificationId,
        until: datetime,
        /,
    ) -> NotificationId:
        """Take the contact for *owner*, or learn whose it is. Forgotten after *until*.

        Raises Transient, or Unknown after a write without answer; asking again is harmless.
        """
        ...
