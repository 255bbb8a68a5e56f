"""Queues, streams, topics and files keep the same promises on MiniStack, where time is real."""

from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from datetime import timedelta
from threading import Event
from typing import Any

import pytest
from attrs import frozen
from hypothesis import settings

from demand_adapters.aws.calls import Aws
from demand_adapters.testing.contract import assert_any_calls
from demand_adapters.testing.file_store import (
    FileStoreContract,
    FileStoreMachine,
    FileStoreProperties,
)
from demand_adapters.testing.queue import QueueAtHand, QueueContract
from demand_adapters.testing.stream import StreamAtHand, StreamContract
from demand_adapters.testing.topic import TopicAtHand, TopicContract
from demand_core.ports.file_store import FileStore
from tests.contract.aws.channels import a_bucket, a_stream, queue_at_hand, topic_at_hand


class OnMiniStack:
    engine = "ministack"

    @pytest.fixture(autouse=True)
    def _account(self, aws: Aws) -> None:
        self.aws = aws


def really_wait(by: timedelta) -> None:
    """Let time pass: nothing tells when a message would be shown, and its clock is its own."""
    Event().wait(by.total_seconds())


class TestMiniStackQueue(OnMiniStack, QueueContract):
    @contextmanager
    def fresh(self) -> Iterator[QueueAtHand]:
        with queue_at_hand(self.aws, really_wait, timedelta(seconds=3)) as hand:
            yield hand


class TestMiniStackTopic(OnMiniStack, TopicContract):
    @contextmanager
    def fresh(self) -> Iterator[TopicAtHand]:
        with topic_at_hand(self.aws) as hand:
            yield hand


@frozen(kw_only=True)
class Padding(Aws):
    """Spells a sequence as MiniStack does, with zeros before it that AWS has not."""

    def once(self, service: str, operation: str, /, **arguments: Any) -> Mapping[str, Any]:
        """Say it as it was heard: MiniStack compares texts."""
        if "StartingSequenceNumber" in arguments:
            arguments["StartingSequenceNumber"] = arguments["StartingSequenceNumber"].zfill(30)
        return super().once(service, operation, **arguments)


class TestMiniStackStream(OnMiniStack, StreamContract):
    @contextmanager
    def fresh(self) -> Iterator[StreamAtHand]:
        padding = Padding(
            clock=self.aws.clock,
            sleep=self.aws.sleep,
            chance=self.aws.chance,
            access=self.aws.access,
        )
        with closing(padding) as aws, a_stream(aws) as stream:
            yield StreamAtHand(stream=stream, put=stream.put)


class TestMiniStackFileStore(OnMiniStack, FileStoreContract, FileStoreProperties):
    @contextmanager
    def fresh(self) -> Iterator[FileStore]:
        with a_bucket(self.aws) as store:
            yield store

    def test_any_calls_in_any_order_answer_as_a_dict_would(self) -> None:
        few = settings(max_examples=10, stateful_step_count=20)
        assert_any_calls(FileStoreMachine, self.fresh, few)
