"""A queue of SQS keeps what every QueueSource promises, on moto."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from hypothesis import settings

from demand_adapters.aws.calls import Aws
from demand_adapters.testing.contract import assert_any_calls
from demand_adapters.testing.queue import (
    QueueAtHand,
    QueueContract,
    QueueMachine,
    QueueProperties,
)
from tests.contract.aws.channels import moto_time, queue_at_hand


class TestSqsQueue(QueueContract, QueueProperties):
    engine = "moto"

    @pytest.fixture(autouse=True)
    def _account(self, aws: Aws) -> None:
        self.aws = aws

    @contextmanager
    def fresh(self) -> Iterator[QueueAtHand]:
        with moto_time() as time, queue_at_hand(self.aws, time.advance) as hand:
            yield hand

    def test_any_calls_in_any_order_lose_nothing_and_show_nothing_too_early(self) -> None:
        few = settings(max_examples=10, stateful_step_count=20)
        assert_any_calls(QueueMachine, self.fresh, few)
