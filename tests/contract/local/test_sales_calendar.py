"""What every SalesCalendar promises is kept over the table in a file."""

from contextlib import AbstractContextManager

from demand_adapters.testing.item_table import TableAtHand
from demand_adapters.testing.sales_calendar import (
    TableSalesCalendarProperties,
)
from tests.contract.local.local_table import local_table


class TestLocalSalesCalendar(TableSalesCalendarProperties):
    engine = "local"

    def fresh_table(self) -> AbstractContextManager[TableAtHand]:
        return local_table()
