"""What a stream of DynamoDB does and no emulator does: it trims, splits and expires."""

import json
from collections.abc import Iterator
from typing import Final

import pytest
from attrs import evolve

from demand_adapters.aws.calls import Aws
from demand_adapters.aws.change_feed import EMPTY_PAGES_MAX, AwsChangeFeed
from demand_adapters.aws.item_table import AwsItemTable
from demand_adapters.item_table import Item
from demand_adapters.shard_reader import FeedTrimmed, Shard
from demand_adapters.testing.item_table import an_item, stood
from demand_adapters.wire.attributes import attributes
from demand_adapters.wire.change_records import EXPIRER
from demand_core.domain.changes import RemovedBy
from demand_core.errors import WiringError
from entrypoints.twins.serving import Said, WireFault, document
from tests.contract.aws.tables import a_table
from tests.contract.aws.wire_faults import Wire, breaking_wire, refusal

EMPTY: Final = document(200, {"Records": [], "NextShardIterator": "further"})
EXPIRED: Final = refusal("ExpiredIteratorException")
TRIMMED: Final = refusal("TrimmedDataAccessException")
GONE: Final = refusal("ResourceNotFoundException")
ITERATOR: Final = document(200, {"ShardIterator": "here"})


@pytest.fixture
def wire(aws: Aws) -> Iterator[Wire]:
    with breaking_wire(aws) as wire:
        yield wire


@pytest.fixture
def table(aws: Aws) -> Iterator[AwsItemTable]:
    with a_table(aws) as table:
        yield table


@pytest.fixture
def feed(wire: Wire, table: AwsItemTable) -> AwsChangeFeed:
    """One that knows its stream already, and a shard of it that is not there."""
    feed = AwsChangeFeed(aws=wire.aws, name=table.name)
    feed.shards()
    wire.coming.append(listed(a_shard("s")))
    feed.shards()
    wire.mend()
    return feed


def only(feed: AwsChangeFeed) -> str:
    """The shard that a new table has."""
    (shard,) = feed.shards()
    return shard.name


def listed(*shards: dict[str, object], last: str | None = None) -> Said:
    """A page of shards."""
    told = {"StreamArn": "a", "Shards": shards, "LastEvaluatedShardId": last}
    return document(200, {"StreamDescription": told})


def a_shard(name: str, *, parent: str | None = None, closed: bool = False) -> dict[str, object]:
    numbers = {"StartingSequenceNumber": "1".zfill(21)}
    if closed:
        numbers["EndingSequenceNumber"] = "9".zfill(21)
    told: dict[str, object] = {"ShardId": name, "SequenceNumberRange": numbers}
    return told | {"ParentShardId": parent} if parent else told


def records(*items: Item, onward: str | None = "further", **more: object) -> Said:
    """A page of removals."""
    told = [
        {
            "eventID": f"e{n}",
            "eventName": "REMOVE",
            "dynamodb": {
                "ApproximateCreationDateTime": 1_739_556_000,
                "Keys": {"PK": {"S": item.key[0]}, "SK": {"S": item.key[1]}},
                "OldImage": json.loads(attributes(item, "r1")),
                "SequenceNumber": str(n).zfill(21),
            },
            **more,
        }
        for n, item in enumerate(items, 1)
    ]
    return document(200, {"Records": told, "NextShardIterator": onward})


def test_all_pages_of_shards_are_asked_for_and_parents_stand_first(
    feed: AwsChangeFeed, wire: Wire
) -> None:
    wire.coming.extend(
        [
            listed(
                a_shard("child", parent="parent"), a_shard("orphan", parent="gone"), last="x"
            ),
            listed(a_shard("grandchild", parent="child"), last="y"),
            listed(a_shard("parent", closed=True)),
        ]
    )
    shards = {shard.name: shard for shard in feed.shards()}
    assert shards["parent"] == Shard("parent", (), closed=True)
    assert shards["child"] == Shard("child", ("parent",))
    assert shards["orphan"] == Shard("orphan", ("gone",))
    names = [name for name in shards if name != "orphan"]
    assert names == ["parent", "child", "grandchild"]


def test_empty_pages_of_an_open_shard_are_passed_over(feed: AwsChangeFeed, wire: Wire) -> None:
    wire.coming.extend([ITERATOR, EMPTY, EMPTY, records(an_item())])
    assert [change.sequence for change in feed.read("s", None, 9)] == [1]


def test_a_reader_of_an_open_shard_is_not_kept_for_ever_and_goes_on_where_it_was(
    feed: AwsChangeFeed, wire: Wire
) -> None:
    wire.coming.extend([ITERATOR, *[EMPTY] * EMPTY_PAGES_MAX])
    assert feed.read("s", 7, 9) == []
    assert not wire.coming
    wire.coming.append(records(an_item()))
    assert len(feed.read("s", 7, 9)) == 1


def test_a_closed_shard_is_read_to_its_end_whatever_its_empty_pages(
    feed: AwsChangeFeed, wire: Wire
) -> None:
    wire.coming.append(listed(a_shard("s", closed=True)))
    feed.shards()
    wire.coming.extend(
        [ITERATOR, *[EMPTY] * 3 * EMPTY_PAGES_MAX, records(an_item(), onward=None)]
    )
    (change,) = feed.read("s", None, 9)
    assert feed.read("s", change.sequence, 9) == []
    assert not wire.coming


@pytest.mark.parametrize("fault", [EXPIRED, WireFault.THROTTLED, WireFault.TRUNCATED])
def test_a_place_that_is_no_longer_good_is_looked_for_again(
    feed: AwsChangeFeed, wire: Wire, table: AwsItemTable, fault: WireFault | Said
) -> None:
    shard = only(feed)
    (first,) = [stood(wrote) for wrote in table.put_new([an_item("a")])]
    (change,) = feed.read(shard, None, 9)
    (second,) = [stood(wrote) for wrote in table.put_new([an_item("b")])]
    wire.coming.append(fault)
    assert [next_.new for next_ in feed.read(shard, change.sequence, 9)] == [second]
    assert change.new == first


@pytest.mark.parametrize(
    "answers",
    [
        [TRIMMED],
        [ITERATOR, TRIMMED],
        [ITERATOR, EXPIRED, TRIMMED],
        [GONE, listed(a_shard("t"))],
    ],
)
def test_what_was_trimmed_is_never_skipped_silently(
    feed: AwsChangeFeed, wire: Wire, answers: list[Said]
) -> None:
    wire.coming.extend(answers)
    with pytest.raises(FeedTrimmed):
        feed.read("s", 7, 9)


def test_a_stream_that_is_not_there_is_no_trimmed_shard(
    feed: AwsChangeFeed, wire: Wire
) -> None:
    wire.coming.extend([GONE, listed(a_shard("s"))])
    with pytest.raises(WiringError):
        feed.read("s", 7, 9)


def test_a_table_without_a_stream_is_said_with_how_to_mend_it(
    wire: Wire, table: AwsItemTable
) -> None:
    wire.coming.append(document(200, {"Table": {"TableName": table.name}}))
    with pytest.raises(WiringError, match="give it one with both images"):
        AwsChangeFeed(aws=wire.aws, name=table.name).shards()


def test_who_removed_an_item_is_told_by_the_identity_of_the_expirer(
    feed: AwsChangeFeed, wire: Wire
) -> None:
    expirer = {"PrincipalId": EXPIRER, "Type": "Service"}
    someone = {"PrincipalId": "AIDA", "Type": "Service"}
    for identity, by in ((expirer, RemovedBy.EXPIRY), (someone, RemovedBy.USER)):
        wire.coming.extend([ITERATOR, records(an_item(n=1), userIdentity=identity)])
        (change,) = feed.read("s", 0, 9)
        assert change.removed_by is by
        assert change.old
        assert change.old.body == {"n": 1}


def test_two_feeds_of_one_table_do_not_share_their_places(
    feed: AwsChangeFeed, table: AwsItemTable
) -> None:
    table.put_new([an_item("a"), an_item("b")])
    other = evolve(feed)
    shard = only(feed)
    assert feed.read(shard, None, 1) == other.read(shard, None, 1)
    assert len(feed.read(shard, None, 9)) == len(other.read(shard, None, 9)) == 2
