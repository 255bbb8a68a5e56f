"""Queues, streams, topics and buckets of an account, made for one test each."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from itertools import count
from typing import Any

import pytest

from demand_adapters.aws.calls import Aws
from demand_adapters.aws.file_store import PART_BYTES_MIN, S3FileStore
from demand_adapters.aws.queue import SqsQueue
from demand_adapters.aws.stream import KinesisStream
from demand_adapters.aws.topic import SnsTopic
from demand_adapters.testing.queue import QueueAtHand
from demand_adapters.testing.topic import TopicAtHand

_NAMES = count(1)


def fresh_name(kind: str) -> str:
    """A name that nothing else in the account has."""
    return f"{kind}-{next(_NAMES)}"


class MotoTime:
    """The time that moto's queues believe it is, a little later at every look."""

    def __init__(self) -> None:
        """Begin some time."""
        self._ms = 1_800_000_000_000.0

    def __call__(self) -> float:
        """Milliseconds: a message that is visible from now on is visible at the next look."""
        self._ms += 0.01
        return self._ms

    def advance(self, by: timedelta) -> None:
        """Let time pass."""
        self._ms += by / timedelta(milliseconds=1)


@contextmanager
def moto_time() -> Iterator[MotoTime]:
    """Moto runs in this process, so its clock can be moved instead of waiting.

    It looks at the clock so often that this one makes long queues five times faster.
    """
    time = MotoTime()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("moto.sqs.models.unix_time_millis", time)
        yield time


@contextmanager
def a_queue(
    aws: Aws, *, visibility: timedelta = timedelta(seconds=30), max_receive: int = 3
) -> Iterator[SqsQueue]:
    """A queue with another one for its dead letters."""
    with _made_queue(aws) as letters, _made_queue(aws, visibility=visibility) as url:
        redrive = {"deadLetterTargetArn": arn(aws, letters), "maxReceiveCount": max_receive}
        aws.call(
            "sqs",
            "set_queue_attributes",
            QueueUrl=url,
            Attributes={"RedrivePolicy": json.dumps(redrive)},
        )
        yield SqsQueue(aws=aws, url=url)


@contextmanager
def _made_queue(aws: Aws, *, visibility: timedelta = timedelta(seconds=30)) -> Iterator[str]:
    hidden = str(visibility // timedelta(seconds=1))
    name = fresh_name("queue")
    made = aws.call(
        "sqs", "create_queue", QueueName=name, Attributes={"VisibilityTimeout": hidden}
    )
    yield made["QueueUrl"]
    aws.call("sqs", "delete_queue", QueueUrl=made["QueueUrl"])


def arn(aws: Aws, url: str) -> str:
    """What the others call the queue at *url*."""
    told = aws.call("sqs", "get_queue_attributes", QueueUrl=url, AttributeNames=["QueueArn"])
    return str(told["Attributes"]["QueueArn"])


@contextmanager
def queue_at_hand(
    aws: Aws,
    pass_time: Callable[[timedelta], None],
    visibility: timedelta = timedelta(seconds=30),
) -> Iterator[QueueAtHand]:
    """For the contract."""
    with a_queue(aws, visibility=visibility) as queue:
        yield QueueAtHand(
            queue=queue,
            put=queue.put,
            visibility=visibility,
            max_receive=3,
            pass_time=pass_time,
        )


@contextmanager
def a_topic(aws: Aws) -> Iterator[SnsTopic]:
    """A topic that nobody listens to."""
    made = aws.call("sns", "create_topic", Name=fresh_name("topic"))
    yield SnsTopic(aws=aws, arn=made["TopicArn"])
    aws.call("sns", "delete_topic", TopicArn=made["TopicArn"])


def subscribe(
    topic: SnsTopic, queue: SqsQueue, *, raw: bool, only: Mapping[str, Any] | None = None
) -> None:
    """Pass on to *queue* what has the attributes that *only* says."""
    attributes = {"RawMessageDelivery": str(raw).lower()}
    if only:
        attributes["FilterPolicy"] = json.dumps(only)
    topic.aws.call(
        "sns",
        "subscribe",
        TopicArn=topic.arn,
        Protocol="sqs",
        Endpoint=arn(topic.aws, queue.url),
        Attributes=attributes,
    )


@contextmanager
def topic_at_hand(aws: Aws) -> Iterator[TopicAtHand]:
    """For the contract."""
    with a_topic(aws) as topic, a_queue(aws) as all_, a_queue(aws) as e, a_queue(aws) as v:
        subscribe(topic, all_, raw=True)
        subscribe(topic, e, raw=True, only={"type": ["ENTRY"]})
        subscribe(topic, v, raw=False, only={"type": ["VERDICT"]})
        yield TopicAtHand(publish=topic.publish, everything=all_, entries=e, verdicts=v)


@contextmanager
def a_stream(aws: Aws, *, shards: int = 4) -> Iterator[KinesisStream]:
    """A stream that can be written to."""
    name = fresh_name("stream")
    aws.call("kinesis", "create_stream", StreamName=name, ShardCount=shards)
    wait_until_active(aws, name)
    yield KinesisStream(aws=aws, name=name)
    aws.call("kinesis", "delete_stream", StreamName=name)


def wait_until_active(aws: Aws, stream: str) -> None:
    """A stream that is being made or cut takes nothing."""
    while status(aws, stream) != "ACTIVE":
        continue


def status(aws: Aws, stream: str) -> str:
    """What Kinesis says of it."""
    told = aws.call("kinesis", "describe_stream_summary", StreamName=stream)
    return str(told["StreamDescriptionSummary"]["StreamStatus"])


@contextmanager
def a_bucket(aws: Aws) -> Iterator[S3FileStore]:
    """An empty bucket, with parts as short as S3 takes them."""
    name = fresh_name("bucket")
    aws.call("s3", "create_bucket", Bucket=name)
    store = S3FileStore(aws=aws, bucket=name, part_bytes=PART_BYTES_MIN)
    yield store
    while page := store.list(""):
        store.delete([stored.key for stored in page])
    aws.call("s3", "delete_bucket", Bucket=name)
