"""Whether what was deployed is what the engines count on."""

import json
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

from demand_adapters.aws.calls import Aws, part
from demand_adapters.aws.item_table import TIME_TO_LIVE, table_definition

SECOND = timedelta(seconds=1)


def table_flaws(aws: Aws, name: str) -> Iterator[str]:
    """What is wrong with the table; raises what a call raises."""
    told = part(aws.call("dynamodb", "describe_table", TableName=name), "Table")
    wanted = table_definition(name)
    if told["TableStatus"] != "ACTIVE":
        yield f"it is {told['TableStatus']}"
    if told["KeySchema"] != wanted["KeySchema"]:
        yield "its key is not PK and SK"
    there = {index["IndexName"]: index for index in told.get("GlobalSecondaryIndexes", ())}
    for index in wanted["GlobalSecondaryIndexes"]:
        found = there.get(index["IndexName"])
        if found is None or found["KeySchema"] != index["KeySchema"]:
            yield f"the index {index['IndexName']} is missing or has other keys"
    stream = told.get("StreamSpecification", {})
    if {**stream} != wanted["StreamSpecification"]:
        yield "its stream does not show new and old images"
    expiry = part(
        aws.call("dynamodb", "describe_time_to_live", TableName=name), "TimeToLiveDescription"
    )
    off = expiry["TimeToLiveStatus"] not in {"ENABLED", "ENABLING"}
    if off or expiry["AttributeName"] != TIME_TO_LIVE["AttributeName"]:
        yield f"items do not expire by {TIME_TO_LIVE['AttributeName']}"


def queue_flaws(aws: Aws, url: str, visibility: timedelta, max_receive: int) -> Iterator[str]:
    """What is wrong with the queue, and what lies in its queue for dead letters."""
    found = _attributes(aws, url)
    if int(found["VisibilityTimeout"]) < visibility // SECOND:
        yield f"it hides messages for less than {visibility // SECOND} seconds"
    if "RedrivePolicy" not in found:
        yield "it has no queue for dead letters"
        return
    policy = json.loads(found["RedrivePolicy"])
    if int(policy["maxReceiveCount"]) != max_receive:
        yield f"a message is dead after {policy['maxReceiveCount']} receives, not {max_receive}"
    *_, account, name = policy["deadLetterTargetArn"].split(":")
    letters = part(
        aws.call("sqs", "get_queue_url", QueueName=name, QueueOwnerAWSAccountId=account),
        "QueueUrl",
    )
    if dead := int(_attributes(aws, letters)["ApproximateNumberOfMessages"]):
        yield f"{dead} dead letters wait in {name}"


def stream_flaws(aws: Aws, name: str) -> Iterator[str]:
    """What is wrong with the stream; raises what a call raises."""
    told = aws.call("kinesis", "describe_stream_summary", StreamName=name)
    status = part(told, "StreamDescriptionSummary")["StreamStatus"]
    if status != "ACTIVE":
        yield f"it is {status}"


def _attributes(aws: Aws, url: str) -> Mapping[str, Any]:
    answer = aws.call("sqs", "get_queue_attributes", QueueUrl=url, AttributeNames=["All"])
    attributes: Mapping[str, Any] = part(answer, "Attributes")
    return attributes
