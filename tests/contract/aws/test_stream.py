"""A stream of Kinesis keeps what every StreamSource promises, on moto."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from demand_adapters.aws.calls import Aws
from demand_adapters.testing.stream import StreamAtHand, StreamContract
from tests.contract.aws.channels import a_stream


class TestKinesisStream(StreamContract):
    engine = "moto"

    @pytest.fixture(autouse=True)
    def _account(self, aws: Aws) -> None:
        self.aws = aws

    @contextmanager
    def fresh(self) -> Iterator[StreamAtHand]:
        with a_stream(self.aws) as stream:
            yield StreamAtHand(stream=stream, put=stream.put)
