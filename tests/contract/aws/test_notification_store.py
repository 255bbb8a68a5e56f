"""What every NotificationStore promises is kept over a table of DynamoDB, on moto."""

from contextlib import AbstractContextManager

import pytest

from demand_adapters.aws.calls import Aws
from demand_adapters.testing.item_table import TableAtHand
from demand_adapters.testing.notification_store import (
    NotificationStoreRaces,
    TableNotificationStoreProperties,
)
from tests.contract.aws.tables import table_at_hand


class TestAwsNotificationStore(TableNotificationStoreProperties, NotificationStoreRaces):
    engine = "moto"

    @pytest.fixture(autouse=True)
    def _account(self, aws: Aws) -> None:
        self.aws = aws

    def fresh_table(self) -> AbstractContextManager[TableAtHand]:
        return table_at_hand(self.aws)
