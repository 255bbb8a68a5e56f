"""What every NotificationStore promises is kept over the table in a file, by many at once."""

from contextlib import AbstractContextManager

from demand_adapters.testing.item_table import TableAtHand
from demand_adapters.testing.notification_store import (
    NotificationStoreRaces,
    TableNotificationStoreProperties,
)
from tests.contract.local.local_table import local_table


class TestLocalNotificationStore(TableNotificationStoreProperties, NotificationStoreRaces):
    engine = "local"

    def fresh_table(self) -> AbstractContextManager[TableAtHand]:
        return local_table()
