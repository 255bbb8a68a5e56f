"""What every ContactGuard promises is kept over a table of DynamoDB, on moto."""

from contextlib import AbstractContextManager

import pytest

from demand_adapters.aws.calls import Aws
from demand_adapters.testing.contact_guard import (
    ContactGuardRaces,
    TableContactGuardProperties,
)
from demand_adapters.testing.item_table import TableAtHand
from tests.contract.aws.tables import table_at_hand


class TestAwsContactGuard(TableContactGuardProperties, ContactGuardRaces):
    engine = "moto"

    @pytest.fixture(autouse=True)
    def _account(self, aws: Aws) -> None:
        self.aws = aws

    def fresh_table(self) -> AbstractContextManager[TableAtHand]:
        return table_at_hand(self.aws)
