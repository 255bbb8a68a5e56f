"""The table, its feed and the stores over it keep the same promises on MiniStack."""

from contextlib import AbstractContextManager

import pytest

from demand_adapters.aws.calls import Aws
from demand_adapters.testing.change_feed import ChangeFeedContract, ChangeFeedProperties
from demand_adapters.testing.contract import assert_any_calls
from demand_adapters.testing.event_cache import TableEventCacheProperties
from demand_adapters.testing.item_table import (
    ItemTableContract,
    ItemTableMachine,
    ItemTableProperties,
    LargestItemContract,
    TableAtHand,
)
from demand_adapters.testing.pace import TablePaceProperties
from demand_adapters.testing.races import ItemTableRaces
from tests.contract.aws.tables import FEW, table_at_hand


class OnMiniStack:
    """The account that all tests share; each takes tables of its own."""

    engine = "ministack"

    @pytest.fixture(autouse=True)
    def _account(self, aws: Aws) -> None:
        self.aws = aws


class TestMiniStackItemTable(
    OnMiniStack, ItemTableContract, LargestItemContract, ItemTableProperties, ItemTableRaces
):
    def fresh(self) -> AbstractContextManager[TableAtHand]:
        return table_at_hand(self.aws, expiring=False)

    def test_any_calls_in_any_order_answer_as_a_dict_would(self) -> None:
        assert_any_calls(ItemTableMachine, self.fresh, FEW)


class TestMiniStackChangeFeed(OnMiniStack, ChangeFeedContract, ChangeFeedProperties):
    def fresh(self) -> AbstractContextManager[TableAtHand]:
        return table_at_hand(self.aws, expiring=False)


class TestMiniStackEventCache(OnMiniStack, TableEventCacheProperties):
    def fresh_table(self) -> AbstractContextManager[TableAtHand]:
        return table_at_hand(self.aws, expiring=False)


class TestMiniStackPace(OnMiniStack, TablePaceProperties):
    def fresh_table(self) -> AbstractContextManager[TableAtHand]:
        return table_at_hand(self.aws, expiring=False)
