"""The feed of a table as a stream, where the table itself writes none."""

from collections.abc import Sequence

from attrs import frozen

from demand_adapters.deliveries import StreamRecord
from demand_adapters.item_table import ChangeFeed
from demand_adapters.shard_reader import Shard
from demand_adapters.wire.change_records import encode_record


@frozen
class ChangeStream:
    """Every change as DynamoDB writes it into Kinesis: readers see one form everywhere."""

    feed: ChangeFeed

    def shards(self) -> Sequence[Shard]:
        """Those of the feed."""
        return self.feed.shards()

    def read(self, shard: str, after: int | None, limit: int, /) -> Sequence[StreamRecord]:
        """As the feed is read."""
        return [
            StreamRecord(
                shard=shard,
                sequence=change.sequence,
                at=change.at,
                partition=change.key[0],
                payload=encode_record(change),
            )
            for change in self.feed.read(shard, after, limit)
        ]
