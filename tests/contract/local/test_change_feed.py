"""The feed of the table in a file keeps what every ChangeFeed promises."""

from contextlib import AbstractContextManager

from demand_adapters.testing.change_feed import (
    AgeingFeedContract,
    AgeingTable,
    ChangeFeedContract,
    ChangeFeedProperties,
)
from tests.contract.local.local_table import local_table


class TestLocalChangeFeed(ChangeFeedContract, ChangeFeedProperties, AgeingFeedContract):
    engine = "local"

    def fresh(self) -> AbstractContextManager[AgeingTable]:
        return local_table()
