"""What every NotificationStore promises is kept over the table in memory."""

from contextlib import AbstractContextManager, nullcontext

from demand_adapters.testing.item_table import TableAtHand
from demand_adapters.testing.notification_store import TableNotificationStoreProperties
from tests.contract.memory_table import memory_table


class TestMemoryNotificationStore(TableNotificationStoreProperties):
    engine = "memory"

    def fresh_table(self) -> AbstractContextManager[TableAtHand]:
        return nullcontext(memory_table())
