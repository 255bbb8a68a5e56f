"""OptOutBook over the table."""

from collections.abc import Sequence

from attrs import field, frozen

from demand_adapters.item_table import ItemTable, Key
from demand_adapters.stores.rows import Rows
from demand_adapters.wire.item_keys import opt_out_key
from demand_adapters.wire.items import OPT_OUT
from demand_core.domain.contacts import ContactKey, Phone, contact_hashes
from demand_core.domain.notifications import Channel
from demand_core.domain.opt_outs import OptOut, latest, opted_out
from demand_core.ports.clock import Clock
from demand_core.ports.opt_out_book import Contact


@frozen(kw_only=True)
class TableOptOutBook:
    """Each word lies under the hash of its contact, made with the first of *keys*.

    What lies under the hash of a retired key still holds: of all of them the latest does.
    """

    table: ItemTable
    clock: Clock
    keys: Sequence[ContactKey]
    _rows: Rows[OptOut] = field(init=False)

    @_rows.default
    def _words(self) -> Rows[OptOut]:
        return Rows(table=self.table, clock=self.clock, kind=OPT_OUT)

    def record(self, contact: Contact, said: OptOut, /) -> OptOut:
        """Keep the latest of all that was said, under the key in force."""
        key, *retired = self._places(contact)
        for older in self._rows.get_many(retired).values():
            said = latest(older, said)
        return self._rows.amend(key, lambda known: latest(known, said)) or said

    def out(self, contacts: Sequence[Contact], /) -> frozenset[Contact]:
        """Read every word on each contact in one call; what nobody can read may be a no."""
        places = {contact: self._places(contact) for contact in contacts}
        items = self.table.get_many([key for keys in places.values() for key in keys])
        words = {key: OPT_OUT.row(item).value for key, item in items.items()}
        return frozenset(
            contact
            for contact, keys in places.items()
            if _silenced([words[key] for key in keys if key in words])
        )

    def _places(self, contact: Contact) -> Sequence[Key]:
        channel = Channel.SMS if isinstance(contact, Phone) else Channel.EMAIL
        return [opt_out_key(hashed, channel) for hashed in contact_hashes(contact, self.keys)]


def _silenced(words: Sequence[OptOut | None]) -> bool:
    last: OptOut | None = None
    for said in words:
        if said is None:
            return True
        last = latest(last, said)
    return opted_out(last)
