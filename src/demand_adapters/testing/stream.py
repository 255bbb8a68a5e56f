"""What every StreamSource promises, and the `put` that fills it."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from itertools import pairwise
from typing import Final

import pytest
from attrs import frozen
from hypothesis import given
from hypothesis import strategies as st

from demand_adapters.deliveries import RECORD_BYTES_MAX, StreamRecord, StreamSource
from demand_adapters.shard_reader import FeedTrimmed
from demand_adapters.testing.contract import Contract, inherited
from demand_core.errors import Permanent

KEPT: Final = timedelta(hours=24)


@frozen(kw_only=True)
class StreamAtHand:
    """An empty stream of several shards, and the way in."""

    stream: StreamSource
    put: Callable[[Sequence[tuple[str, bytes]]], Sequence[int]]

    def everything(self, *, limit: int = 1000) -> dict[str, list[StreamRecord]]:
        return {
            shard.name: read_on(self.stream, shard.name, limit=limit)
            for shard in self.stream.shards()
        }


def read_on(
    stream: StreamSource, shard: str, after: int | None = None, *, limit: int = 1000
) -> list[StreamRecord]:
    found: list[StreamRecord] = []
    while page := stream.read(shard, after, limit):
        assert len(page) <= limit
        assert after is None or after < page[0].sequence
        found += page
        after = page[-1].sequence
    return found


class StreamContract(Contract[StreamAtHand]):
    """For a stream of any number of shards above one."""

    port = "StreamSource"

    @pytest.mark.parametrize("size", [0, 1, 501])
    def test_batches_of_any_size_arrive(self, hand: StreamAtHand, size: int) -> None:
        sent = [(f"fan{n % 50}", b"%d" % n) for n in range(size)]
        assert not hand.put(sent)
        found = [record for shard in hand.everything().values() for record in shard]
        assert sorted((record.partition, record.payload) for record in found) == sorted(sent)

    def test_a_partition_key_always_falls_into_one_shard(self, hand: StreamAtHand) -> None:
        for n in range(3):
            hand.put([(f"fan{fan}", b"%d" % n) for fan in range(20)])
        found = hand.everything().values()
        owned = [{record.partition for record in shard} for shard in found]
        assert sum(map(len, owned)) == 20
        assert len([fans for fans in owned if fans]) > 1

    def test_calls_one_after_another_stay_in_order(self, hand: StreamAtHand) -> None:
        for n in range(5):
            hand.put([("fan", b"%d" % n)])
        (found,) = filter(None, hand.everything().values())
        assert [record.payload for record in found] == [b"0", b"1", b"2", b"3", b"4"]

    def test_a_call_keeps_the_order_of_each_partition(self, hand: StreamAtHand) -> None:
        hand.put([(f"fan{n % 3}", b"%d" % n) for n in range(9)])
        found = [record for shard in hand.everything().values() for record in shard]
        for fan in range(3):
            mine = [record.payload for record in found if record.partition == f"fan{fan}"]
            assert mine == [b"%d" % n for n in range(fan, 9, 3)]

    def test_sequences_ascend_within_a_shard(self, hand: StreamAtHand) -> None:
        for n in range(10):
            hand.put([(f"fan{fan}", b"%d" % n) for fan in range(10)])
        for shard in hand.everything().values():
            assert all(one.sequence < after.sequence for one, after in pairwise(shard))

    @pytest.mark.parametrize("limit", [1, 2, 7])
    def test_reading_in_pages_skips_and_repeats_nothing(
        self, hand: StreamAtHand, limit: int
    ) -> None:
        hand.put([(f"fan{n}", b"%d" % n) for n in range(50)])
        assert hand.everything(limit=limit) == hand.everything()

    def test_reading_takes_nothing_away(self, hand: StreamAtHand) -> None:
        hand.put([("fan", b"x")])
        assert hand.everything() == hand.everything()

    def test_reading_from_a_checkpoint_goes_on_behind_it(self, hand: StreamAtHand) -> None:
        hand.put([("fan", b"one")])
        hand.put([("fan", b"two")])
        ((shard, (one, two)),) = ((s, r) for s, r in hand.everything().items() if r)
        assert read_on(hand.stream, shard, one.sequence) == [two]
        assert read_on(hand.stream, shard, two.sequence) == []
        hand.put([("fan", b"three")])
        (three,) = read_on(hand.stream, shard, two.sequence)
        assert three.payload == b"three"

    @pytest.mark.parametrize("partition", ["", "a" * 257])
    def test_a_bad_partition_key_is_refused(self, hand: StreamAtHand, partition: str) -> None:
        with pytest.raises(Permanent) as refusal:
            hand.put([("fan", b"x"), (partition, b"x")])
        assert refusal.value.code == "bad_partition"
        assert not any(hand.everything().values())

    def test_a_body_that_is_too_long_takes_nothing_with_it(self, hand: StreamAtHand) -> None:
        longest = b"x" * (RECORD_BYTES_MAX - len("fan"))
        assert not hand.put([("fan", longest)])
        with pytest.raises(Permanent) as refusal:
            hand.put([("fan", b"y"), ("fan", longest + b"x")])
        assert refusal.value.code == "body_too_long"
        assert sum(map(len, hand.everything().values())) == 1


@frozen(kw_only=True)
class AgeingStream(StreamAtHand):
    """One that can be made to forget: *age* drops what is older than 24 hours by then."""

    age: Callable[[timedelta], None]


STEPS = st.lists(
    st.tuples(
        st.lists(st.sampled_from("abcdefgh"), max_size=5),
        st.sampled_from([timedelta(0), timedelta(hours=1), timedelta(hours=13)]),
    ),
    max_size=12,
)


class AgeingStreamContract(Contract[AgeingStream]):
    """For engines that can be made to forget."""

    port = "StreamSource, ageing"

    def test_nothing_is_forgotten_within_its_time(self, hand: AgeingStream) -> None:
        hand.put([("fan", b"x")])
        hand.age(KEPT)
        assert any(hand.everything().values())

    def test_who_has_not_begun_begins_with_the_oldest_kept(self, hand: AgeingStream) -> None:
        hand.put([("fan", b"old")])
        hand.age(KEPT)
        hand.put([("fan", b"new")])
        hand.age(timedelta(minutes=1))
        (found,) = filter(None, hand.everything().values())
        assert [record.payload for record in found] == [b"new"]

    def test_reading_behind_what_is_kept_never_skips_silently(self, hand: AgeingStream) -> None:
        for payload in (b"read", b"missed"):
            hand.put([("fan", payload)])
        ((shard, (read, missed)),) = ((s, r) for s, r in hand.everything().items() if r)
        hand.age(KEPT + timedelta(minutes=1))
        hand.put([("fan", b"new")])
        with pytest.raises(FeedTrimmed) as refusal:
            hand.stream.read(shard, read.sequence, 10)
        assert refusal.value.code == "feed_trimmed"
        (new,) = hand.stream.read(shard, missed.sequence, 10)
        assert new.payload == b"new"

    @inherited
    @given(steps=STEPS, limit=st.integers(1, 4))
    def test_a_reader_meets_every_record_once_or_is_told_that_it_did_not(
        self, steps: list[tuple[list[str], timedelta]], limit: int
    ) -> None:
        with self.fresh() as hand:
            read: dict[str, list[int]] = {shard.name: [0] for shard in hand.stream.shards()}
            lost = set[str]()
            written = 0
            for partitions, passed in steps:
                hand.put([(partition, b"x") for partition in partitions])
                written += len(partitions)
                hand.age(passed)
                for shard, met in read.items():
                    try:
                        page = hand.stream.read(shard, met[-1], limit)
                    except FeedTrimmed:
                        lost.add(shard)
                    else:
                        assert shard not in lost
                        met += [record.sequence for record in page]
            for shard in read.keys() - lost:
                rest = read_on(hand.stream, shard, read[shard][-1])
                read[shard] += [record.sequence for record in rest]
        seen = [sequence for met in read.values() for sequence in met[1:]]
        assert len(set(seen)) == len(seen)
        assert lost or len(seen) == written
