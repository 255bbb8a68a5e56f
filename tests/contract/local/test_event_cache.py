"""What every EventCache promises is kept over the table in a file."""

from contextlib import AbstractContextManager

from demand_adapters.testing.event_cache import TableEventCacheProperties
from demand_adapters.testing.item_table import TableAtHand
from tests.contract.local.local_table import local_table


class TestLocalEventCache(TableEventCacheProperties):
    engine = "local"

    def fresh_table(self) -> AbstractContextManager[TableAtHand]:
        return local_table()
