"""What every ContactGuard promises is kept over the table in a file, by many at once."""

from contextlib import AbstractContextManager

from demand_adapters.testing.contact_guard import (
    ContactGuardRaces,
    TableContactGuardProperties,
)
from demand_adapters.testing.item_table import TableAtHand
from tests.contract.local.local_table import local_table


class TestLocalContactGuard(TableContactGuardProperties, ContactGuardRaces):
    engine = "local"

    def fresh_table(self) -> AbstractContextManager[TableAtHand]:
        return local_table()
