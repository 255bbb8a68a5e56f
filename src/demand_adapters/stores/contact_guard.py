"""ContactGuard over the table."""

from collections.abc import Sequence
from datetime import datetime

from attrs import field, frozen

from demand_adapters.item_table import ItemTable
from demand_adapters.stores.rows import Rows
from demand_adapters.wire.books import Guard
from demand_adapters.wire.item_keys import guard_key
from demand_adapters.wire.items import GUARD
from demand_core.domain.contacts import ContactKey, contact_hash
from demand_core.domain.ids import NotificationId, SaleId
from demand_core.domain.notifications import Channel
from demand_core.ports.clock import Clock
from demand_core.ports.opt_out_book import Contact


@frozen(kw_only=True)
class TableContactGuard:
    """Each contact is an item for each sale and channel; whoever makes it has it.

    Under another key a contact is another: a key is not changed while a sale is under way.
    """

    table: ItemTable
    clock: Clock
    keys: Sequence[ContactKey]
    _rows: Rows[Guard] = field(init=False)

    @_rows.default
    def _guards(self) -> Rows[Guard]:
        return Rows(table=self.table, clock=self.clock, kind=GUARD)

    def first(
        self,
        contact: Contact,
        sale_id: SaleId,
        channel: Channel,
        owner: NotificationId,
        until: datetime,
        /,
    ) -> NotificationId:
        """First come, first kept."""
        key = guard_key(contact_hash(contact, self.keys[0]), sale_id, channel)
        return self._rows.keep(key, Guard(owner=owner, until=until)).owner
