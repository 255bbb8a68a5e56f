"""A bucket of S3 keeps what every FileStore promises, on moto."""

from contextlib import AbstractContextManager

import pytest
from hypothesis import settings

from demand_adapters.aws.calls import Aws
from demand_adapters.testing.contract import assert_any_calls
from demand_adapters.testing.file_store import (
    FileStoreContract,
    FileStoreMachine,
    FileStoreProperties,
)
from demand_core.ports.file_store import FileStore
from tests.contract.aws.channels import a_bucket


class TestS3FileStore(FileStoreContract, FileStoreProperties):
    engine = "moto"

    @pytest.fixture(autouse=True)
    def _account(self, aws: Aws) -> None:
        self.aws = aws

    def fresh(self) -> AbstractContextManager[FileStore]:
        return a_bucket(self.aws)

    def test_any_calls_in_any_order_answer_as_a_dict_would(self) -> None:
        few = settings(max_examples=10, stateful_step_count=20)
        assert_any_calls(FileStoreMachine, self.fresh, few)
