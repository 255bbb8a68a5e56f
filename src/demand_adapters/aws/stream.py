"""A stream of Kinesis."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC
from itertools import chain
from typing import Any, Final, NamedTuple

from attrs import field, frozen

from demand_adapters.aws.batches import Positions, Sent, send
from demand_adapters.aws.calls import Aws, chunks, part
from demand_adapters.aws.errors import Refused
from demand_adapters.deliveries import StreamRecord, check_record, record_size
from demand_adapters.shard_reader import FeedTrimmed, Shard, parents_first
from demand_core.errors import WiringError

ENTRIES_MAX: Final = 500
# Some accounts send more at once, every account sends this.
CALL_BYTES_MAX: Final = 5 * 1024 * 1024
PAGE_MAX: Final = 10_000


class _Place(NamedTuple):
    """What comes next behind *after* is at *iterator*; None is the end of a closed shard."""

    after: int | None
    iterator: str | None


@frozen(kw_only=True)
class KinesisStream:
    """The stream *name*. It remembers one place a shard: many readers each take their own."""

    aws: Aws
    name: str
    _places: dict[str, _Place] = field(factory=dict, init=False, repr=False, eq=False)

    def put(self, records: Sequence[tuple[str, bytes]], /) -> Sequence[int]:
        """Send (partition key, payload) pairs; answers as an Outlet does.

        A call promises no order among its records, and those behind a failed one overtake it.
        So no call carries two of one partition, and nothing follows a call that failed.
        """
        for partition, payload in records:
            check_record(partition, payload)
        rounds = _rounds(records)
        for number, together in enumerate(rounds, 1):
            carried = chunks(
                together,
                count=ENTRIES_MAX,
                size=lambda n: record_size(*records[n]),
                size_max=CALL_BYTES_MAX,
            )
            sent = send(self.aws, [*carried], lambda entries: self._put(records, entries))
            if sent.fault:
                left = sorted(chain(sent.left, *rounds[number:]))
                return Sent(left, sent.fault).answer(len(records))
        return ()

    def shards(self) -> Sequence[Shard]:
        """All that still have records, and those that may get some."""
        found: list[Shard] = []
        asked = {"StreamName": self.name}
        while asked:
            page = self.aws.call("kinesis", "list_shards", **asked)
            found += map(_shard, part(page, "Shards"))
            asked = {"NextToken": page["NextToken"]} if page.get("NextToken") else {}
        return parents_first(found)

    def read(self, shard: str, after: int | None, limit: int, /) -> Sequence[StreamRecord]:
        """Read on where the last answer ended, as long as that place is kept."""
        place = self._places.get(shard)
        if place is None or place.after != after:
            place = self._found(shard, after)
        try:
            records, iterator = self._page(shard, place.iterator, limit)
        except Refused as refusal:
            if refusal.code != "ExpiredIteratorException":
                raise
            found = self._found(shard, after)
            records, iterator = self._page(shard, found.iterator, limit)
        read = records[-1].sequence if records else after
        self._places[shard] = _Place(read, iterator)
        return records

    def _put(self, records: Sequence[tuple[str, bytes]], entries: Positions) -> Positions:
        answer = self.aws.once(
            "kinesis",
            "put_records",
            StreamName=self.name,
            Records=[{"PartitionKey": records[n][0], "Data": records[n][1]} for n in entries],
        )
        told = zip(entries, part(answer, "Records"), strict=True)
        return [entry for entry, became in told if became.get("ErrorCode")]

    def _found(self, shard: str, after: int | None) -> _Place:
        """The place behind *after*.

        Kinesis goes on from the oldest kept when what was asked for is trimmed, and says
        nothing: so the record at *after* is read again, to see that it is there.
        """
        if after is None:
            return _Place(None, self._iterator(shard, ShardIteratorType="TRIM_HORIZON"))
        sequence = str(after)
        try:
            at = self._iterator(
                shard, ShardIteratorType="AT_SEQUENCE_NUMBER", StartingSequenceNumber=sequence
            )
        except Refused as refusal:
            if refusal.code != "InvalidArgumentException":
                raise
            raise FeedTrimmed(f"shard {shard} has no {sequence}") from refusal
        records, iterator = self._page(shard, at, 1)
        if not records or records[0].sequence != after:
            raise FeedTrimmed(f"shard {shard} is kept from behind {sequence} on")
        return _Place(after, iterator)

    def _iterator(self, shard: str, **place: str) -> str:
        try:
            answer = self.aws.call(
                "kinesis", "get_shard_iterator", StreamName=self.name, ShardId=shard, **place
            )
        except WiringError:
            if shard in {known.name for known in self.shards()}:
                raise
            raise FeedTrimmed(f"shard {shard} is gone") from None
        return str(part(answer, "ShardIterator"))

    def _page(
        self, shard: str, iterator: str | None, limit: int
    ) -> tuple[Sequence[StreamRecord], str | None]:
        """The next records and the place behind them; empty answers before the end go on."""
        behind = 1
        records: Sequence[StreamRecord] = ()
        while iterator is not None and behind and not records:
            page = self.aws.call(
                "kinesis", "get_records", ShardIterator=iterator, Limit=min(limit, PAGE_MAX)
            )
            records = [_record(shard, told) for told in part(page, "Records")]
            behind = page.get("MillisBehindLatest", 0)
            iterator = page.get("NextShardIterator")
        return records, iterator


def _rounds(records: Sequence[tuple[str, bytes]]) -> Sequence[Positions]:
    """All positions, so that no round has a partition twice and all are in order."""
    seen, rounds = Counter[str](), defaultdict[int, list[int]](list)
    for position, (partition, _) in enumerate(records):
        rounds[seen[partition]].append(position)
        seen[partition] += 1
    return [*rounds.values()]


def _shard(told: Mapping[str, Any]) -> Shard:
    parents = (told.get("ParentShardId"), told.get("AdjacentParentShardId"))
    return Shard(
        name=told["ShardId"],
        parents=tuple(parent for parent in parents if parent),
        closed="EndingSequenceNumber" in told["SequenceNumberRange"],
    )


def _record(shard: str, told: Mapping[str, Any]) -> StreamRecord:
    return StreamRecord(
        shard=shard,
        sequence=int(told["SequenceNumber"]),
        at=told["ApproximateArrivalTimestamp"].astimezone(UTC),
        partition=told["PartitionKey"],
        payload=told["Data"],
    )
