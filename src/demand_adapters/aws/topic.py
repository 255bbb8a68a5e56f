"""A topic of SNS."""

from collections.abc import Mapping, Sequence
from typing import Final

from attrs import frozen

from demand_adapters.aws.batches import Positions, send, untaken
from demand_adapters.aws.calls import Aws, chunks
from demand_adapters.aws.queue import written
from demand_adapters.deliveries import BODY_BYTES_MAX, check_messages, message_size

ENTRIES_MAX: Final = 10


@frozen(kw_only=True)
class SnsTopic:
    """The topic *arn*. Who gets what, raw or wrapped, is set at its subscriptions.

    SNS gives up a message that fits into a queue only without the envelope of that queue.
    """

    aws: Aws
    arn: str

    def publish(self, messages: Sequence[tuple[bytes, Mapping[str, str]]], /) -> Sequence[int]:
        """Send (body, attributes) pairs; answers as an Outlet does."""
        for body, attributes in messages:
            check_messages([body], attributes)

        def attempt(positions: Positions) -> Positions:
            entries = [
                {
                    "Id": str(n),
                    "Message": messages[n][0].decode(),
                    "MessageAttributes": written(messages[n][1]),
                }
                for n in positions
            ]
            answer = self.aws.once(
                "sns", "publish_batch", TopicArn=self.arn, PublishBatchRequestEntries=entries
            )
            return untaken(positions, answer)

        together = chunks(
            range(len(messages)),
            count=ENTRIES_MAX,
            size=lambda n: message_size(*messages[n]),
            size_max=BODY_BYTES_MAX,
        )
        return send(self.aws, [*together], attempt).answer(len(messages))
