"""An account as a deployment leaves it: the table, the bucket, and a queue for every row."""

import json
from collections.abc import Iterable
from datetime import timedelta

from demand_adapters.aws.calls import Aws
from demand_adapters.aws.item_table import TIME_TO_LIVE, table_definition
from demand_core.topology import TOPOLOGY
from demand_core.topology.shapes import Changes, Queue, Stream, Worker
from entrypoints.running import source_name
from entrypoints.settings import Settings
from tests.contract.aws.channels import wait_until_active

SECOND = timedelta(seconds=1)


def provision(aws: Aws, settings: Settings, rows: Iterable[Worker] = TOPOLOGY) -> None:
    """Make all that *rows* need; the names are those of *settings*."""
    table = settings.table
    aws.call("dynamodb", "create_table", **table_definition(table))
    while _status(aws, table) != "ACTIVE":
        continue
    aws.call(
        "dynamodb",
        "update_time_to_live",
        TableName=table,
        TimeToLiveSpecification=TIME_TO_LIVE,
    )
    aws.call("s3", "create_bucket", Bucket=settings.bucket)
    prefix, streams = settings.channel_prefix, set[str]()
    for row in rows:
        for trigger in row.triggers:
            if isinstance(trigger, Queue | Changes):
                _queue(aws, prefix + source_name(row.name, trigger), row)
            if isinstance(trigger, Stream):
                streams.add(prefix + trigger.channel.name)
        for channel in row.outputs.values():
            if channel.read_outside:
                aws.call("sqs", "create_queue", QueueName=prefix + channel.name)
    for name in sorted(streams):
        aws.call("kinesis", "create_stream", StreamName=name, ShardCount=1)
        wait_until_active(aws, name)


def _queue(aws: Aws, name: str, row: Worker) -> None:
    letters = aws.call("sqs", "create_queue", QueueName=f"{name}-dlq")["QueueUrl"]
    told = aws.call(
        "sqs", "get_queue_attributes", QueueUrl=letters, AttributeNames=["QueueArn"]
    )
    redrive = {
        "deadLetterTargetArn": told["Attributes"]["QueueArn"],
        "maxReceiveCount": row.retry.max_receive,
    }
    attributes = {
        "VisibilityTimeout": str(row.visibility // SECOND),
        "RedrivePolicy": json.dumps(redrive),
    }
    aws.call("sqs", "create_queue", QueueName=name, Attributes=attributes)


def _status(aws: Aws, name: str) -> str:
    return str(aws.call("dynamodb", "describe_table", TableName=name)["Table"]["TableStatus"])
