"""A queue of SQS."""

import json
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, Final

from attrs import frozen

from demand_adapters.aws.batches import Positions, send, untaken
from demand_adapters.aws.calls import Aws, chunks, part
from demand_adapters.deliveries import (
    BODY_BYTES_MAX,
    DELAY_MAX,
    HIDDEN_MAX,
    Delivery,
    check_messages,
    message_size,
)
from demand_core.errors import Transient, WiringError

ENTRIES_MAX: Final = 10

_NOW: Final = timedelta(0)


@frozen(kw_only=True)
class SqsQueue:
    """Messages under *url*; what hides, how long and how often is set at the queue itself.

    A receive waits for messages as long as *wait* says. Without waiting SQS asks some of its
    servers only, and an empty answer says nothing.
    """

    aws: Aws
    url: str
    wait: timedelta = _NOW

    def __attrs_post_init__(self) -> None:
        """Refuse to wait longer than an answer may take."""
        if not _NOW <= self.wait < min(self.aws.access.answer_within, timedelta(seconds=21)):
            raise WiringError(f"a receive can't wait for {self.wait}")

    def put(
        self,
        payloads: Sequence[bytes],
        /,
        *,
        delay: timedelta = _NOW,
        attributes: Mapping[str, str] | None = None,
    ) -> Sequence[int]:
        """Send all of *payloads*, each with these *attributes*; answers as an Outlet does."""
        kept = attributes or {}
        check_messages(payloads, kept)
        if not _NOW <= delay <= DELAY_MAX:
            raise WiringError(f"a new message can't be delayed by {delay}")
        common = {"DelaySeconds": _seconds(delay), "MessageAttributes": written(kept)}

        def attempt(positions: Positions) -> Positions:
            entries = [
                {"Id": str(n), "MessageBody": payloads[n].decode(), **common} for n in positions
            ]
            return untaken(positions, self._once("send_message_batch", Entries=entries))

        together = chunks(
            range(len(payloads)),
            count=ENTRIES_MAX,
            size=lambda n: message_size(payloads[n], kept),
            size_max=BODY_BYTES_MAX,
        )
        return send(self.aws, [*together], attempt).answer(len(payloads))

    def receive(self, limit: int, /) -> Sequence[Delivery]:
        """Ask until *limit* have come or an answer is empty; only the first one waits."""
        taken: list[Delivery] = []
        while len(taken) < limit:
            try:
                page = self._page(min(limit - len(taken), ENTRIES_MAX), waiting=not taken)
            except Transient:
                if taken:  # they are hidden by now: nobody else gets them
                    break
                raise
            if not page:
                break
            taken += page
        return taken

    def delete(self, receipts: Sequence[str], /) -> None:
        """Delete them; raises Transient or Unknown when some are left."""
        entries = [{"ReceiptHandle": receipt} for receipt in receipts]
        self._settle("delete_message_batch", entries)

    def release(self, receipts: Sequence[str], delay: timedelta, /) -> None:
        """Change when they are shown again; raises Transient or Unknown when some are left."""
        if not _NOW <= delay <= HIDDEN_MAX:
            raise WiringError(f"a message can't be hidden for {delay}")
        seconds = _seconds(delay)
        self._settle(
            "change_message_visibility_batch",
            [{"ReceiptHandle": receipt, "VisibilityTimeout": seconds} for receipt in receipts],
        )

    def dead_letters(self) -> Sequence[Delivery]:
        """Receive all of the queue beside it, and show them again at once."""
        letters = self._beside()
        if letters is None:
            return ()
        found: dict[str, Delivery] = {}
        while new := [d for d in letters.receive(ENTRIES_MAX) if d.record_id not in found]:
            found |= {delivery.record_id: delivery for delivery in new}
        letters.release([delivery.receipt for delivery in found.values()], _NOW)
        return tuple(found.values())

    def _beside(self) -> "SqsQueue | None":
        """Where messages go that were received too often, if they go anywhere."""
        asked = self.aws.call(
            "sqs",
            "get_queue_attributes",
            QueueUrl=self.url,
            AttributeNames=["RedrivePolicy"],
        )
        policy = asked.get("Attributes", {}).get("RedrivePolicy")
        if policy is None:
            return None
        *_, account, name = json.loads(policy)["deadLetterTargetArn"].split(":")
        found = self.aws.call(
            "sqs", "get_queue_url", QueueName=name, QueueOwnerAWSAccountId=account
        )
        return SqsQueue(aws=self.aws, url=part(found, "QueueUrl"), wait=self.wait)

    def _page(self, limit: int, *, waiting: bool) -> Sequence[Delivery]:
        answer = self.aws.call(
            "sqs",
            "receive_message",
            QueueUrl=self.url,
            MaxNumberOfMessages=limit,
            WaitTimeSeconds=_seconds(self.wait) if waiting else 0,
            MessageSystemAttributeNames=["ApproximateReceiveCount"],
            MessageAttributeNames=["All"],
        )
        return [_delivery(message) for message in answer.get("Messages", ())]

    def _settle(self, operation: str, settled: Sequence[Mapping[str, Any]]) -> None:
        """Call *operation* for each; one that the message itself stands against is done."""

        def attempt(positions: Positions) -> Positions:
            entries = [{"Id": str(n), **settled[n]} for n in positions]
            answer = self._once(operation, Entries=entries)
            # Ours to blame are receipts that are no longer good, and messages that are visible.
            failed = {int(f["Id"]) for f in answer.get("Failed", ()) if not f["SenderFault"]}
            return [n for n in positions if n in failed]

        numbers = range(len(settled))
        together = [numbers[n : n + ENTRIES_MAX] for n in numbers[::ENTRIES_MAX]]
        left = send(self.aws, together, attempt)
        if left.fault:
            raise left.fault

    def _once(self, operation: str, **arguments: Any) -> Mapping[str, Any]:
        return self.aws.once("sqs", operation, QueueUrl=self.url, **arguments)


def written(attributes: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """*attributes* as SQS and SNS take them."""
    return {
        name: {"DataType": "String", "StringValue": text} for name, text in attributes.items()
    }


def _delivery(message: Mapping[str, Any]) -> Delivery:
    attributes = message.get("MessageAttributes", {})
    return Delivery(
        record_id=message["MessageId"],
        payload=message["Body"].encode(),
        received=int(message["Attributes"]["ApproximateReceiveCount"]),
        receipt=message["ReceiptHandle"],
        attributes={
            name: told["StringValue"]
            for name, told in attributes.items()
            if "StringValue" in told
        },
    )


def _seconds(span: timedelta) -> int:
    """Whole seconds, and none too few."""
    return -(-span // timedelta(seconds=1))
