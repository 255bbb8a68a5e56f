"""The stream of a DynamoDB table keeps what every ChangeFeed promises, on moto."""

from contextlib import AbstractContextManager

import pytest

from demand_adapters.aws.calls import Aws
from demand_adapters.testing.change_feed import ChangeFeedContract, ChangeFeedProperties
from demand_adapters.testing.item_table import TableAtHand
from tests.contract.aws.tables import table_at_hand


class TestAwsChangeFeed(ChangeFeedContract, ChangeFeedProperties):
    engine = "moto"

    @pytest.fixture(autouse=True)
    def _account(self, aws: Aws) -> None:
        self.aws = aws

    def fresh(self) -> AbstractContextManager[TableAtHand]:
        return table_at_hand(self.aws)
