"""A table of DynamoDB keeps what every ItemTable promises, on moto."""

from contextlib import AbstractContextManager

import pytest

from demand_adapters.aws.calls import Aws
from demand_adapters.testing.contract import assert_any_calls
from demand_adapters.testing.item_table import (
    ItemTableContract,
    ItemTableMachine,
    ItemTableProperties,
    TableAtHand,
)
from demand_adapters.testing.races import ItemTableRaces
from tests.contract.aws.tables import FEW, table_at_hand


class TestAwsItemTable(ItemTableContract, ItemTableProperties, ItemTableRaces):
    engine = "moto"

    @pytest.fixture(autouse=True)
    def _account(self, aws: Aws) -> None:
        self.aws = aws

    def fresh(self) -> AbstractContextManager[TableAtHand]:
        return table_at_hand(self.aws)

    def test_any_calls_in_any_order_answer_as_a_dict_would(self) -> None:
        assert_any_calls(ItemTableMachine, self.fresh, FEW)
