"""What every ChangeFeed promises about the writes of its table."""

from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from itertools import pairwise
from random import Random
from typing import Final

import pytest
from attrs import frozen
from hypothesis import given
from hypothesis import strategies as st

from demand_adapters.item_table import Change, Did, Item, Key
from demand_adapters.shard_reader import FeedTrimmed
from demand_adapters.testing.contract import Contract, inherited
from demand_adapters.testing.item_table import TableAtHand, altered, an_item, at, stood
from demand_core.domain.changes import ChangeKind, RemovedBy
from demand_core.errors import Permanent

KEPT: Final = timedelta(hours=24)
MINUTE: Final = timedelta(minutes=1)
WAITS: Final = st.sampled_from([timedelta(0), timedelta(hours=1), timedelta(hours=13)])
PARTITIONS: Final = "pqrstuvw"


def read_on(
    hand: TableAtHand, shard: str, after: int | None = None, *, limit: int = 1000
) -> list[Change]:
    """All of one shard behind a checkpoint."""
    found: list[Change] = []
    while page := hand.feed.read(shard, found[-1].sequence if found else after, limit):
        assert len(page) <= limit
        found += page
    return found


def by_shard(hand: TableAtHand, *, limit: int = 1000) -> dict[str, list[Change]]:
    """All changes, as each shard tells them."""
    return {shard.name: read_on(hand, shard.name, limit=limit) for shard in hand.feed.shards()}


def everything(hand: TableAtHand, *, limit: int = 1000) -> list[Change]:
    """All changes; the order holds for each key only."""
    return [change for found in by_shard(hand, limit=limit).values() for change in found]


def busy(hand: TableAtHand) -> tuple[str, list[Change]]:
    """The one shard that has changes, and them."""
    ((shard, found),) = ((shard, found) for shard, found in by_shard(hand).items() if found)
    return shard, found


def rewritten(hand: TableAtHand, item: Item, times: int) -> Item:
    """*item* after some replacements, numbered from 1 on."""
    for n in range(1, times + 1):
        item = stood(hand.table.replace([altered(item, body={"n": n})])[0])
    return item


class ChangeFeedContract(Contract[TableAtHand]):
    """For the feed of an empty table, in as many shards as it likes."""

    port = "ChangeFeed"

    def test_an_insert_has_only_a_new_image(self, hand: TableAtHand) -> None:
        (stored,) = hand.put(altered(at("1", "a"), body={"n": 1}, expires_at=9_999_999_999))
        _, (change,) = busy(hand)
        assert (change.kind, change.key) == (ChangeKind.INSERT, stored.key)
        assert (change.old, change.new, change.removed_by) == (None, stored, None)

    def test_a_replacement_has_both_images(self, hand: TableAtHand) -> None:
        (first,) = hand.put(at("1", "a"))
        second = rewritten(hand, altered(first, index={"byGroup": ("g", "1")}), 1)
        _, (_, change) = busy(hand)
        assert (change.kind, change.key) == (ChangeKind.MODIFY, first.key)
        assert (change.old, change.new, change.removed_by) == (first, second, None)

    def test_a_removal_has_only_an_old_image_and_says_by_whom(self, hand: TableAtHand) -> None:
        (stored,) = hand.put(at("1", "a"))
        hand.table.delete([altered(stored, body={"not": "what stood there"})])
        _, (_, change) = busy(hand)
        assert (change.kind, change.key) == (ChangeKind.REMOVE, stored.key)
        assert (change.old, change.new, change.removed_by) == (stored, None, RemovedBy.USER)

    def test_the_next_life_of_a_key_begins_with_an_insert(self, hand: TableAtHand) -> None:
        for _ in range(2):
            hand.table.delete(hand.put(an_item()))
        kinds = [change.kind.name for change in busy(hand)[1]]
        assert kinds == ["INSERT", "REMOVE", "INSERT", "REMOVE"]

    def test_a_write_that_changes_nothing_is_a_change(self, hand: TableAtHand) -> None:
        (first,) = hand.put(an_item(n=1))
        second = stood(hand.table.replace([first])[0])
        assert [change.new for change in busy(hand)[1]] == [first, second]

    def test_each_done_write_of_a_batch_is_one_change(self, hand: TableAtHand) -> None:
        stored = hand.put(*[an_item(f"{n}", pk=pk) for pk in PARTITIONS for n in range(5)])
        hand.table.put_new(stored[::2])
        hand.table.replace(stored)
        hand.table.delete(stored)
        found = everything(hand)
        assert len(found) == len({change.change_id for change in found}) == 80

    def test_a_refused_write_is_no_change(self, hand: TableAtHand) -> None:
        (first,) = hand.put(an_item(n=1))
        current = rewritten(hand, first, 1)
        before = everything(hand)
        refused = [
            *hand.table.put_new([current]),
            *hand.table.replace([first, an_item("never")]),
            *hand.table.delete([first, an_item("never")]),
        ]
        assert {wrote.did for wrote in refused} == {Did.LOST}
        for write in (hand.table.put_new, hand.table.replace, hand.table.delete):
            with pytest.raises(Permanent):
                write([an_item("new"), current, current])
        assert everything(hand) == before

    def test_a_key_has_its_changes_in_the_order_of_its_writes(self, hand: TableAtHand) -> None:
        for item in hand.put(*[an_item(pk=pk) for pk in PARTITIONS]):
            hand.table.delete([rewritten(hand, item, 5)])
        for pk in PARTITIONS:
            mine = [change for change in everything(hand) if change.key[0] == pk]
            assert mine[0].old is mine[-1].new is None
            assert [change.new.body for change in mine[1:-1] if change.new] == [
                {"n": n} for n in range(1, 6)
            ]
            assert all(one.new == after.old for one, after in pairwise(mine))

    def test_a_key_always_falls_into_one_shard(self, hand: TableAtHand) -> None:
        for item in hand.put(*[an_item(pk=pk) for pk in PARTITIONS]):
            rewritten(hand, item, 2)
        owned = [{change.key for change in found} for found in by_shard(hand).values()]
        assert sum(map(len, owned)) == len(PARTITIONS)

    def test_sequences_and_times_ascend_within_a_shard(self, hand: TableAtHand) -> None:
        for n in range(5):
            hand.put(*[an_item(f"{n}", pk=pk) for pk in PARTITIONS])
            hand.pass_time(MINUTE)
        for found in by_shard(hand).values():
            for one, after in pairwise(found):
                assert one.sequence < after.sequence
                assert one.at <= after.at
            assert all(change.at.utcoffset() == timedelta(0) for change in found)

    @pytest.mark.parametrize("limit", [1, 2, 7])
    def test_reading_in_pages_skips_and_repeats_nothing(
        self, hand: TableAtHand, limit: int
    ) -> None:
        hand.put(*[an_item(f"{n}", pk=pk) for pk in PARTITIONS for n in range(5)])
        assert by_shard(hand, limit=limit) == by_shard(hand)

    def test_a_change_is_the_same_however_often_it_is_read(self, hand: TableAtHand) -> None:
        (stored,) = hand.put(an_item(n=1))
        before = everything(hand)
        hand.table.delete([rewritten(hand, stored, 3)])
        assert everything(hand)[:1] == before
        assert everything(hand) == everything(hand)

    def test_changing_an_image_changes_no_later_reading(self, hand: TableAtHand) -> None:
        hand.put(an_item(n=1))
        (read,) = everything(hand)
        assert read.new
        read.new.body["n"] = 2
        assert [change.new and change.new.body for change in everything(hand)] == [{"n": 1}]
        assert hand.bodies() == {"a": {"n": 1}}

    def test_reading_from_a_checkpoint_goes_on_behind_it(self, hand: TableAtHand) -> None:
        (item,) = hand.put(an_item())
        item = rewritten(hand, item, 2)
        shard, (one, two, three) = busy(hand)
        assert read_on(hand, shard, one.sequence) == [two, three]
        assert read_on(hand, shard, three.sequence) == []
        hand.table.delete([item])
        (four,) = read_on(hand, shard, three.sequence)
        assert four.kind is ChangeKind.REMOVE


# One step: a few keys, what becomes of each, whether it is known as it stands.
STEPS = st.lists(
    st.lists(
        st.tuples(
            st.tuples(st.sampled_from("pqr"), st.sampled_from("ab")),
            st.sampled_from(["put_new", "replace", "delete"]),
            st.booleans(),
        ),
        max_size=4,
        unique_by=lambda step: step[0],
    ),
    max_size=12,
)


def played(hand: TableAtHand, steps: list[list[tuple[Key, str, bool]]]) -> int:
    """Do all the steps; answers how many writes were done."""
    done = 0
    for n, step in enumerate(steps):
        there = hand.table.get_many([key for key, _, _ in step])
        for how in ("put_new", "replace", "delete"):
            items = [
                altered(there[key] if known and key in there else Item(key, {}), body={"n": n})
                for key, wanted, known in step
                if wanted == how
            ]
            done += [wrote.did for wrote in hand.write(how, items)].count(Did.DONE)
    return done


def interleaved(shards: Sequence[list[Change]], order: Random) -> Iterator[Change]:
    """All changes, the shards in any order among one another."""
    waiting = [list(changes) for changes in shards if changes]
    while waiting:
        chosen = order.choice(waiting)
        yield chosen.pop(0)
        waiting = [changes for changes in waiting if changes]


class ChangeFeedProperties(Contract[TableAtHand]):
    """For engines that are quick enough for some hundred fresh tables."""

    port = "ChangeFeed, any calls"

    @inherited
    @given(steps=STEPS, order=st.randoms(use_true_random=False), limit=st.integers(1, 5))
    def test_replaying_the_feed_of_any_history_makes_the_table_again(
        self, steps: list[list[tuple[Key, str, bool]]], order: Random, limit: int
    ) -> None:
        with self.fresh() as hand:
            done = played(hand, steps)
            replica: dict[Key, Item] = {}
            ids = set[str]()
            for change in interleaved([*by_shard(hand, limit=limit).values()], order):
                assert replica.pop(change.key, None) == change.old
                if change.new:
                    replica[change.key] = change.new
                ids.add(change.change_id)
            assert len(ids) == done
            assert replica == {item.key: item for pk in "pqr" for item in hand.rows(pk)}


@frozen(kw_only=True)
class AgeingTable(TableAtHand):
    """A table with a short memory: *age* lets time pass, removes and forgets."""

    age: Callable[[timedelta], None]


class AgeingFeedContract(Contract[AgeingTable]):
    """For engines that can be made to expire and to forget."""

    port = "ChangeFeed, ageing"

    def test_a_removal_whose_time_had_come_says_so(self, hand: AgeingTable) -> None:
        soon = int((hand.clock.now() + MINUTE).timestamp())
        (stored,) = hand.put(altered(at("1", "a"), expires_at=soon))
        hand.age(2 * MINUTE)
        _, (_, change) = busy(hand)
        assert (change.kind, change.removed_by) == (ChangeKind.REMOVE, RemovedBy.EXPIRY)
        assert (change.old, change.new) == (stored, None)
        assert hand.rows() == []

    def test_what_somebody_removed_in_time_does_not_expire(self, hand: AgeingTable) -> None:
        soon = int((hand.clock.now() + MINUTE).timestamp())
        hand.table.delete(hand.put(altered(an_item(), expires_at=soon)))
        hand.put(an_item(n=2))
        hand.age(2 * MINUTE)
        assert [change.removed_by for change in everything(hand)] == [
            *(None, RemovedBy.USER, None)
        ]
        assert hand.bodies() == {"a": {"n": 2}}

    def test_nothing_is_forgotten_within_its_time(self, hand: AgeingTable) -> None:
        hand.put(an_item())
        hand.age(KEPT)
        assert len(everything(hand)) == 1

    def test_who_has_not_begun_begins_with_the_oldest_kept(self, hand: AgeingTable) -> None:
        (old,) = hand.put(an_item(n=1))
        hand.age(KEPT)
        new = rewritten(hand, old, 1)
        hand.age(MINUTE)
        assert [(change.old, change.new) for change in everything(hand)] == [(old, new)]

    def test_reading_behind_what_is_kept_never_skips_silently(self, hand: AgeingTable) -> None:
        (item,) = hand.put(an_item())
        item = rewritten(hand, item, 1)
        shard, (read, missed) = busy(hand)
        hand.age(KEPT + MINUTE)
        for _ in range(2):
            with pytest.raises(FeedTrimmed) as refusal:
                hand.feed.read(shard, read.sequence, 10)
            assert refusal.value.code == "feed_trimmed"
            assert hand.feed.read(shard, missed.sequence, 10) == []
        rewritten(hand, item, 1)
        (new,) = hand.feed.read(shard, missed.sequence, 10)
        assert new.sequence > missed.sequence

    def test_the_table_keeps_what_the_feed_forgets(self, hand: AgeingTable) -> None:
        stored = hand.put(*[an_item(pk=pk) for pk in PARTITIONS])
        hand.age(KEPT + MINUTE)
        assert everything(hand) == []
        assert list(hand.table.get_many([item.key for item in stored]).values()) == stored

    @inherited
    @given(steps=st.lists(st.tuples(STEPS, WAITS), max_size=6), limit=st.integers(1, 4))
    def test_a_reader_meets_every_change_once_or_is_told_that_it_did_not(
        self, steps: list[tuple[list[list[tuple[Key, str, bool]]], timedelta]], limit: int
    ) -> None:
        with self.fresh() as hand:
            read: dict[str, list[int]] = {shard.name: [0] for shard in hand.feed.shards()}
            done, lost = 0, set[str]()
            for history, wait in steps:
                done += played(hand, history)
                hand.age(wait)
                for shard, met in read.items():
                    try:
                        page = hand.feed.read(shard, met[-1], limit)
                    except FeedTrimmed:
                        lost.add(shard)
                    else:
                        met += [change.sequence for change in page]
            for shard in read.keys() - lost:
                rest = read_on(hand, shard, read[shard][-1])
                read[shard] += [change.sequence for change in rest]
        assert all(one < after for met in read.values() for one, after in pairwise(met))
        assert lost or sum(len(met) - 1 for met in read.values()) == done
