"""ChangeFeed on the stream of a DynamoDB table."""

from collections.abc import Mapping, Sequence
from datetime import UTC
from functools import cached_property
from typing import Any, Final, NamedTuple

from attrs import field, frozen

from demand_adapters.aws.calls import Aws, part
from demand_adapters.aws.errors import Refused
from demand_adapters.item_table import Change
from demand_adapters.shard_reader import FeedTrimmed, Shard, parents_first
from demand_adapters.wire.attributes import PK, SK, item_of
from demand_adapters.wire.change_records import EXPIRER
from demand_core.domain.changes import ChangeKind, RemovedBy
from demand_core.errors import WiringError

SERVICE: Final = "dynamodbstreams"
PAGE_MAX: Final = 1000
# So many empty answers of an open shard in a row are one of ours; its reader comes again.
EMPTY_PAGES_MAX: Final = 5
# A sequence number has so many digits at least, zeros in front; in one shard all have as many.
DIGITS_MIN: Final = 21


class _Place(NamedTuple):
    """What comes next behind *after* is at *iterator*; None is the end of a closed shard."""

    after: int | None
    iterator: str | None


@frozen(kw_only=True)
class AwsChangeFeed:
    """Changes of the table *name*. It remembers one place a shard: many readers, many feeds."""

    aws: Aws
    name: str
    _closed: set[str] = field(factory=set, init=False, repr=False, eq=False)
    _digits: dict[str, int] = field(factory=dict, init=False, repr=False, eq=False)
    _places: dict[str, _Place] = field(factory=dict, init=False, repr=False, eq=False)

    def shards(self) -> Sequence[Shard]:
        """All that still have changes, and those that may get some."""
        found: list[Shard] = []
        asked = {"StreamArn": self._stream}
        while asked:
            page = part(self.aws.call(SERVICE, "describe_stream", **asked), "StreamDescription")
            for told in page["Shards"]:
                found.append(_shard(told))
                first = told["SequenceNumberRange"].get("StartingSequenceNumber", "")
                self._digits[told["ShardId"]] = max(len(first), DIGITS_MIN)
            last = page.get("LastEvaluatedShardId")
            asked = asked | {"ExclusiveStartShardId": last} if last else {}
        self._closed.update(shard.name for shard in found if shard.closed)
        return parents_first(found)

    def read(self, shard: str, after: int | None, limit: int, /) -> Sequence[Change]:
        """Read on where the last answer ended, as long as that place is kept.

        An empty answer of an open shard does not mean that there is nothing behind it.
        """
        place = self._places.get(shard)
        if place is None or place.after != after:
            place = self._found(shard, after)
        try:
            changes, iterator = self._page(shard, place.iterator, limit)
        except Refused as refusal:
            if refusal.code != "ExpiredIteratorException":
                raise
            changes, iterator = self._page(shard, self._found(shard, after).iterator, limit)
        read = changes[-1].sequence if changes else after
        self._places[shard] = _Place(read, iterator)
        return changes

    @cached_property
    def _stream(self) -> str:
        table = part(self.aws.call("dynamodb", "describe_table", TableName=self.name), "Table")
        if "LatestStreamArn" not in table:
            raise WiringError(f"table {self.name} has no stream: give it one with both images")
        return str(table["LatestStreamArn"])

    def _found(self, shard: str, after: int | None) -> _Place:
        place = {"ShardIteratorType": "TRIM_HORIZON"}
        if after is not None:
            if shard not in self._digits:
                self.shards()
            sequence = str(after).zfill(self._digits.get(shard, DIGITS_MIN))
            place = {"ShardIteratorType": "AFTER_SEQUENCE_NUMBER", "SequenceNumber": sequence}
        try:
            answer = self._ask(
                shard, "get_shard_iterator", StreamArn=self._stream, ShardId=shard, **place
            )
        except WiringError:
            if shard in {known.name for known in self.shards()}:
                raise
            raise FeedTrimmed(f"shard {shard} is gone") from None
        return _Place(after, part(answer, "ShardIterator"))

    def _page(
        self, shard: str, iterator: str | None, limit: int
    ) -> tuple[Sequence[Change], str | None]:
        """The next changes and the place behind them, past empty answers."""
        changes = list[Change]()
        pages = 0
        while iterator is not None and not changes:
            if pages == EMPTY_PAGES_MAX and shard not in self._closed:
                break
            page = self._ask(
                shard, "get_records", ShardIterator=iterator, Limit=min(limit, PAGE_MAX)
            )
            changes = [change_of(told) for told in part(page, "Records")]
            iterator = page.get("NextShardIterator")
            pages += 1
        return changes, iterator

    def _ask(self, shard: str, operation: str, **arguments: Any) -> Mapping[str, Any]:
        try:
            return self.aws.call(SERVICE, operation, **arguments)
        except Refused as refusal:
            if refusal.code != "TrimmedDataAccessException":
                raise
            raise FeedTrimmed(f"shard {shard} is kept from behind its checkpoint on") from None


def change_of(told: Mapping[str, Any]) -> Change:
    """The change in one record of a stream."""
    about = told["dynamodb"]
    kind = ChangeKind(told["eventName"])
    old, new = about.get("OldImage"), about.get("NewImage")
    return Change(
        change_id=told["eventID"],
        sequence=int(about["SequenceNumber"]),
        at=about["ApproximateCreationDateTime"].astimezone(UTC),
        kind=kind,
        key=(about["Keys"][PK]["S"], about["Keys"][SK]["S"]),
        old=item_of(old) if old else None,
        new=item_of(new) if new else None,
        removed_by=_remover(told) if kind is ChangeKind.REMOVE else None,
    )


def _remover(told: Mapping[str, Any]) -> RemovedBy:
    by = told.get("userIdentity") or {}
    return RemovedBy.EXPIRY if by.get("PrincipalId") == EXPIRER else RemovedBy.USER


def _shard(told: Mapping[str, Any]) -> Shard:
    parent = told.get("ParentShardId")
    return Shard(
        name=told["ShardId"],
        parents=(parent,) if parent else (),
        closed="EndingSequenceNumber" in told["SequenceNumberRange"],
    )
