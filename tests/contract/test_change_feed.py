"""The feed of the table in memory keeps what every ChangeFeed promises."""

from contextlib import AbstractContextManager, nullcontext

from demand_adapters.testing.change_feed import (
    PARTITIONS,
    AgeingFeedContract,
    AgeingTable,
    ChangeFeedContract,
    ChangeFeedProperties,
    by_shard,
)
from demand_adapters.testing.item_table import an_item
from tests.contract.memory_table import memory_table


class TestMemoryChangeFeed(ChangeFeedContract, ChangeFeedProperties, AgeingFeedContract):
    engine = "memory"

    def fresh(self) -> AbstractContextManager[AgeingTable]:
        return nullcontext(memory_table())


def test_a_memory_feed_has_several_shards_in_use() -> None:
    hand = memory_table()
    hand.put(*[an_item(pk=pk) for pk in PARTITIONS])
    assert len([shard for shard, found in by_shard(hand).items() if found]) > 1
