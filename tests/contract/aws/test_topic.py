"""A topic of SNS keeps what every topic promises, on moto."""

from contextlib import AbstractContextManager

import pytest

from demand_adapters.aws.calls import Aws
from demand_adapters.testing.topic import TopicAtHand, TopicContract
from tests.contract.aws.channels import topic_at_hand


class TestSnsTopic(TopicContract):
    engine = "moto"

    @pytest.fixture(autouse=True)
    def _account(self, aws: Aws) -> None:
        self.aws = aws

    def fresh(self) -> AbstractContextManager[TopicAtHand]:
        return topic_at_hand(self.aws)
