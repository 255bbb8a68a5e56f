"""What every ErasureBook promises is kept over a table of DynamoDB, on moto."""

from contextlib import AbstractContextManager

import pytest

from demand_adapters.aws.calls import Aws
from demand_adapters.testing.erasure_book import (
    ErasureBookContract,
)
from demand_adapters.testing.item_table import TableAtHand
from tests.contract.aws.tables import table_at_hand


class TestAwsErasureBook(ErasureBookContract):
    engine = "moto"

    @pytest.fixture(autouse=True)
    def _account(self, aws: Aws) -> None:
        self.aws = aws

    def fresh_table(self) -> AbstractContextManager[TableAtHand]:
        return table_at_hand(self.aws)
