"""What every ItemTable promises; its feed has a contract of its own."""

import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import timedelta
from decimal import Decimal
from enum import IntEnum, StrEnum
from itertools import count
from typing import Any, Final, TypeVar

import pytest
from attrs import field, frozen
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import invariant, rule

from demand_adapters.item_table import (
    Body,
    Change,
    ChangeFeed,
    Did,
    Entry,
    Item,
    ItemTable,
    Key,
    Page,
    Value,
    Wrote,
    every,
)
from demand_adapters.shard_reader import Shard
from demand_adapters.testing.contract import Contract, Machine, assert_any_calls, inherited
from demand_adapters.testing.strategies import NOON, bodies
from demand_adapters.wire.values import ITEM_MAX
from demand_core.errors import Permanent
from demand_core.ports.clock import Clock

T = TypeVar("T")

WRITES: Final = ("put_new", "replace", "delete")
# What engines call what is not the body's, and words that a query language keeps for itself.
NAMESAKES: Final = (
    *("PK", "SK", "pk", "sk", "id", "rev", "revision", "body", "expiresAt", "namesakes"),
    *("timePK", "timeSK", "groupPK", "groupSK", "idKey", "messageKey", "byTime", "byId"),
    *("date", "status", "type", "name", "url", "count", "value", ":pk", "#n", "a.b", "a b"),
)
# In this order as bytes of UTF-8; as UTF-16 the last but one would come last.
ASCENDING: Final = ("A", "Z", "a", "a\x00", "a#", "aa", "b", "é", "\uffff", "𐀀", "🎟")


class NoFeed:
    """Stands for the feed of a table that has none yet: whoever looks into it fails."""

    def shards(self) -> Sequence[Shard]:
        """Fail."""
        raise NotImplementedError("this promise needs a feed")

    def read(self, shard: str, after: int | None, limit: int, /) -> Sequence[Change]:
        """Fail."""
        raise NotImplementedError("this promise needs a feed")


@frozen(kw_only=True)
class TableAtHand:
    """An empty table, its feed, and a way to wait until indexes show what was written.

    *clock* is for the stores over the table. It stands still until *pass_time* moves it, and
    the engine's time with it where that can be moved.
    """

    table: ItemTable
    feed: ChangeFeed = field(factory=NoFeed)
    clock: Clock
    pass_time: Callable[[timedelta], None]
    settle: Callable[[], None]

    def put(self, *items: Item) -> list[Item]:
        """Store what is new, and answer it as it stands there."""
        return [stood(wrote) for wrote in self.table.put_new(items)]

    def bodies(self, pk: str = "p") -> dict[str, Body]:
        """All of one partition."""
        return {item.key[1]: item.body for item in self.rows(pk)}

    def rows(self, pk: str = "p", *, limit: int = 1000, **bounds: Any) -> list[Item]:
        """All pages of a query."""

        def read(after: str | None) -> Page[Item]:
            page = self.table.query(pk, limit=limit, after=after, **bounds)
            assert len(page.rows) <= limit
            return page

        return all_pages(read)

    def entries(
        self, pk: str = "g", *, name: str = "byTime", limit: int = 1000, **bounds: Any
    ) -> list[Entry]:
        """All pages of an index query."""

        def read(after: str | None) -> Page[Entry]:
            page = self.table.query_index(name, pk, limit=limit, after=after, **bounds)
            assert len(page.rows) <= limit
            return page

        return all_pages(read)

    def write(self, how: str, items: Sequence[Item]) -> Sequence[Wrote]:
        """Do one of the three writes."""
        write: Callable[[Sequence[Item]], Sequence[Wrote]] = getattr(self.table, how)
        return write(items)


def all_pages(read: Callable[[str | None], Page[T]]) -> list[T]:
    """All rows, of a table that comes to an end."""
    turns = count()

    def counted(after: str | None) -> Page[T]:
        assert next(turns) < 1000
        return read(after)

    return list(every(counted))


def stood(wrote: Wrote) -> Item:
    """The item of a write that was done."""
    assert wrote.did is Did.DONE
    assert wrote.item
    return wrote.item


def altered(item: Item, /, **parts: Any) -> Item:
    """*item* with other *parts*."""
    names = ("key", "body", "index", "expires_at", "revision")
    return Item(**{name: getattr(item, name) for name in names} | parts)


def an_item(sk: str = "a", /, *, pk: str = "p", **body: Value) -> Item:
    return Item(key=(pk, sk), body=body)


def at(sort: str, sk: str, /, pk: str = "g") -> Item:
    """An item that stands in an index, in another order than in the table."""
    return Item(key=("p", sk), body={}, index={"byTime": (pk, sort)})


def nested(depth: int) -> Value:
    value: Value = "core"
    for _ in range(depth):
        value = [value]
    return value


def dicts_nested(depth: int) -> Value:
    value: Value = "core"
    for _ in range(depth):
        value = {"in": value}
    return value


class Colour(StrEnum):
    RED = "red"


class Size(IntEnum):
    BIG = 3


NO_VALUES: Final[Mapping[str, Any]] = {
    "float": 1.5,
    "not a number": float("nan"),
    "set": {"a"},
    "bytes": b"a",
    "tuple": ("a",),
    "datetime": NOON,
    "decimal": Decimal("1.5"),
    "object": object(),
    "text enum": Colour.RED,
    "number enum": Size.BIG,
    "39 digits": 10**38,
    "39 digits below zero": -(10**38),
    "half a surrogate pair": "\ud83c",
    "two halves that do not meet": ["\ud83c", "\udf9f"],
    "a number for a name": {7: "a"},
    "a text enum for a name": {Colour.RED: "a"},
    "half a surrogate pair for a name": {"\ud83c": "a"},
    "lists 31 deep": nested(31),
    "maps 31 deep": dicts_nested(31),
}
NO_KEYS: Final[Mapping[str, Key]] = {
    "empty partition": ("", "a"),
    "empty sort": ("p", ""),
    "long partition": ("p" * 2049, "a"),
    "long sort": ("p", "a" * 1025),
    "partition long in bytes": ("é" * 1025, "a"),
    "sort long in bytes": ("p", "🎟" * 257),
    "half a surrogate pair": ("p", "\ud83c"),
    "half a surrogate pair in the partition": ("\ud83c", "a"),
}


class ItemTableContract(Contract[TableAtHand]):
    """For an empty table."""

    port = "ItemTable"

    def test_what_is_absent_is_stored(self, hand: TableAtHand) -> None:
        new = Item(key=("p", "a"), body={"n": 1}, index={"byTime": ("g", "1")}, expires_at=9)
        (stored,) = hand.put(new)
        assert stored.revision
        assert altered(stored, revision="") == new
        assert hand.table.get_many([("p", "a")]) == {("p", "a"): stored}

    @pytest.mark.check("CONST-002")
    def test_what_is_there_already_stays_and_is_shown(self, hand: TableAtHand) -> None:
        (first,) = hand.put(an_item(n=1))
        assert hand.table.put_new([an_item(n=2)]) == [Wrote(Did.LOST, first)]
        assert hand.table.put_new([altered(first, body={})]) == [Wrote(Did.LOST, first)]
        assert hand.table.get_many([first.key]) == {first.key: first}

    def test_a_replacement_shows_its_new_revision(self, hand: TableAtHand) -> None:
        (first,) = hand.put(an_item(n=1))
        changed = altered(first, body={"m": 2}, index={"byGroup": ("g", "1")}, expires_at=9)
        second = stood(hand.table.replace([changed])[0])
        assert second.revision not in {"", first.revision}
        assert altered(second, revision=first.revision) == changed
        assert hand.table.get_many([first.key]) == {first.key: second}

    @pytest.mark.check("N-OUT3")
    def test_a_stale_replacement_is_lost_and_shown_what_stands_there(
        self, hand: TableAtHand
    ) -> None:
        (first,) = hand.put(an_item(n=1))
        second = stood(hand.table.replace([altered(first, body={"n": 2})])[0])
        for stale in (first, altered(first, revision=""), an_item(n=3)):
            assert hand.table.replace([stale]) == [Wrote(Did.LOST, second)]
        assert hand.bodies() == {"a": {"n": 2}}

    def test_nothing_is_replaced_that_is_gone(self, hand: TableAtHand) -> None:
        (gone,) = hand.put(an_item(n=1))
        hand.table.delete([gone])
        for absent in (gone, altered(gone, revision=""), an_item("never")):
            assert hand.table.replace([absent]) == [Wrote(Did.LOST, None)]
        assert hand.bodies() == {}

    def test_what_is_deleted_is_gone(self, hand: TableAtHand) -> None:
        first, _ = hand.put(an_item("a"), an_item("b"))
        assert hand.table.delete([altered(first, body={"other": "body"})])[0].did is Did.DONE
        assert hand.table.get_many([("p", "a"), ("p", "b")]).keys() == {("p", "b")}
        assert hand.bodies() == {"b": {}}

    def test_a_stale_deletion_is_lost_and_shown_what_stands_there(
        self, hand: TableAtHand
    ) -> None:
        (first,) = hand.put(an_item(n=1))
        second = stood(hand.table.replace([altered(first, body={"n": 2})])[0])
        for stale in (first, an_item(n=2)):
            assert hand.table.delete([stale]) == [Wrote(Did.LOST, second)]
        assert hand.bodies() == {"a": {"n": 2}}

    def test_deleting_what_is_gone_is_lost_and_shown_nothing(self, hand: TableAtHand) -> None:
        (gone,) = hand.put(an_item())
        hand.table.delete([gone])
        for absent in (gone, an_item("never")):
            assert hand.table.delete([absent]) == [Wrote(Did.LOST, None)]

    def test_no_revision_comes_twice_in_all_the_lives_of_a_key(self, hand: TableAtHand) -> None:
        seen = set[str]()
        for life in range(1, 4):
            (item,) = hand.put(an_item(n=1))
            for _ in range(3):
                item = stood(hand.table.replace([item])[0])
                seen.add(item.revision)
            assert len(seen) == 3 * life
            hand.table.delete([item])

    def test_who_knew_an_earlier_life_has_no_say_in_the_next(self, hand: TableAtHand) -> None:
        (first,) = hand.put(an_item(n=1))
        hand.table.delete([first])
        (second,) = hand.put(an_item(n=1))
        assert hand.table.replace([first]) == [Wrote(Did.LOST, second)]
        assert hand.table.delete([first]) == [Wrote(Did.LOST, second)]

    def test_a_batch_answers_for_each_key_in_its_order(self, hand: TableAtHand) -> None:
        b, a = hand.put(an_item("b", n=1), an_item("a", n=1))
        answers = hand.table.put_new([an_item("c"), altered(b, body={}), an_item("d")])
        assert [wrote.did for wrote in answers] == [Did.DONE, Did.LOST, Did.DONE]
        assert [wrote.item and wrote.item.key[1] for wrote in answers] == ["c", "b", "d"]
        new_a = stood(hand.table.replace([altered(a, body={"n": 2})])[0])
        batch = [a, an_item("x"), altered(b, body={"n": 3})]
        lost, gone, done = hand.table.replace(batch)
        assert [lost, gone, done.did] == [Wrote(Did.LOST, new_a), (Did.LOST, None), Did.DONE]
        lost, gone, done = hand.table.delete([b, an_item("x"), new_a])
        assert [lost.did, gone, done] == [Did.LOST, (Did.LOST, None), (Did.DONE, None)]
        assert hand.bodies() == {"b": {"n": 3}, "c": {}, "d": {}}

    @pytest.mark.check("CONST-004")
    @pytest.mark.parametrize("size", [0, 1, 25, 26, 101])
    def test_batches_of_any_size_are_written_and_read_whole(
        self, hand: TableAtHand, size: int
    ) -> None:
        new = [an_item(f"{n:03}", n=n) for n in range(size)]
        stored = hand.put(*new)
        keys = [item.key for item in new]
        assert list(hand.table.get_many(keys).values()) == stored
        again = [stood(wrote) for wrote in hand.table.replace(stored)]
        assert hand.rows() == again
        assert [wrote.did for wrote in hand.table.delete(again)] == [Did.DONE] * size
        assert hand.table.get_many(keys) == {}

    @pytest.mark.parametrize("how", WRITES)
    def test_a_key_that_stands_twice_in_a_batch_is_refused_before_anything_is_written(
        self, hand: TableAtHand, how: str
    ) -> None:
        (there,) = hand.put(an_item("there", n=1))
        fresh = an_item("other") if how == "put_new" else altered(there, body={})
        with pytest.raises(Permanent) as refusal:
            hand.write(how, [fresh, an_item("a"), an_item("b"), an_item("a", n=2)])
        assert refusal.value.code == "repeated_key"
        assert hand.rows() == [there]

    @pytest.mark.parametrize("what", NO_VALUES)
    @pytest.mark.parametrize("how", WRITES)
    def test_a_value_that_some_engine_refuses_takes_the_batch_with_it(
        self, hand: TableAtHand, how: str, what: str
    ) -> None:
        self.assert_refused(hand, how, an_item("bad", deep=[{"in": NO_VALUES[what]}]))

    @pytest.mark.parametrize("what", NO_KEYS)
    @pytest.mark.parametrize("how", WRITES)
    def test_a_key_that_some_engine_refuses_takes_the_batch_with_it(
        self, hand: TableAtHand, how: str, what: str
    ) -> None:
        self.assert_refused(hand, how, Item(key=NO_KEYS[what], body={}))

    @pytest.mark.parametrize("what", NO_KEYS)
    @pytest.mark.parametrize("how", WRITES)
    def test_an_index_key_that_some_engine_refuses_takes_the_batch_with_it(
        self, hand: TableAtHand, how: str, what: str
    ) -> None:
        bad = Item(key=("p", "bad"), body={}, index={"byTime": NO_KEYS[what]})
        self.assert_refused(hand, how, bad)

    @pytest.mark.parametrize("how", WRITES)
    def test_an_entry_by_id_with_a_range_of_its_own_takes_the_batch_with_it(
        self, hand: TableAtHand, how: str
    ) -> None:
        for name in ("byId", "byMessage"):
            bad = Item(key=("p", f"bad {name}"), body={}, index={name: ("n#1", "b")})
            self.assert_refused(hand, how, bad)

    @pytest.mark.parametrize("how", WRITES)
    def test_an_item_of_more_than_400_kilobytes_takes_the_batch_with_it(
        self, hand: TableAtHand, how: str
    ) -> None:
        self.assert_refused(hand, how, an_item("bad", text="é" * (ITEM_MAX // 2)))
        self.assert_refused(hand, how, an_item("bad", texts=["x" * 1024] * 400))

    def assert_refused(self, hand: TableAtHand, how: str, bad: Item) -> None:
        before = hand.rows()
        (there,) = hand.put(an_item(f"there{len(before)}", n=1))
        fresh = an_item("fresh") if how == "put_new" else altered(there, body={"n": 2})
        for batch in ([fresh, bad], [bad, fresh]):
            with pytest.raises(Permanent):
                hand.write(how, batch)
        assert hand.rows() == [*before, there]

    def test_the_longest_keys_and_the_deepest_value_are_stored(self, hand: TableAtHand) -> None:
        longest = ("é" * 1024, "🎟" * 256)
        new = [
            Item(key=longest, body={}, index={"byTime": longest}),
            an_item("deep", value=nested(29)),
        ]
        hand.put(*new)
        found = hand.table.get_many([item.key for item in new])
        assert [item.body for item in found.values()] == [item.body for item in new]
        hand.settle()
        assert hand.entries(longest[0]) == [Entry(longest[1], longest)]

    def test_a_field_may_be_called_like_an_attribute_of_the_table(
        self, hand: TableAtHand
    ) -> None:
        body: Body = {name: f"my {name}" for name in NAMESAKES}
        index = {"byTime": ("g", "1"), "byId": ("n#1", "a")}
        hand.put(Item(key=("p", "a"), body=body, index=index, expires_at=9))
        (stored,) = hand.rows()
        assert (stored.body, stored.index, stored.expires_at) == (body, index, 9)

    def test_values_come_back_as_they_went_in(self, hand: TableAtHand) -> None:
        body: Body = {
            "numbers": [0, -1, 10**38 - 1, 1 - 10**38],
            "words": ["", "\x00", "é", "🎟", '"\\\n'],
            "either": [True, False, None],
            "nothing in it": [[], {}],
        }
        hand.put(Item(key=("p", "a"), body=body))
        assert spelled(hand.bodies()["a"]) == spelled(body)

    def test_changing_what_was_passed_changes_nothing_stored(self, hand: TableAtHand) -> None:
        index = {"byTime": ("g", "1")}
        new = Item(key=("p", "a"), body={"parts": [1]}, index=index)
        (stored,) = hand.put(new)
        spoil(new.body)
        index.clear()
        (found,) = hand.rows()
        assert (found.body, found.index) == ({"parts": [1]}, {"byTime": ("g", "1")})
        hand.table.replace([altered(stored, body={"parts": [2]})])
        spoil(stored.body)
        assert hand.bodies() == {"a": {"parts": [2]}}

    def test_changing_what_was_read_changes_nothing_stored(self, hand: TableAtHand) -> None:
        (stored,) = hand.put(an_item(parts=[1]))
        (lost,) = hand.table.put_new([an_item()])
        for read in [*hand.rows(), hand.table.get_many([stored.key])[stored.key], lost.item]:
            assert read
            spoil(read.body)
            assert hand.bodies() == {"a": {"parts": [1]}}

    def test_the_index_entries_of_what_was_read_are_its_own(self, hand: TableAtHand) -> None:
        (stored,) = hand.put(at("1", "a"))
        (lost,) = hand.table.put_new([an_item()])
        for read in [*hand.rows(), hand.table.get_many([stored.key])[stored.key], lost.item]:
            assert read
            if isinstance(read.index, dict):
                read.index.clear()
            assert hand.rows()[0].index == {"byTime": ("g", "1")}

    def test_equal_parts_of_an_item_are_read_apart(self, hand: TableAtHand) -> None:
        part: list[Value] = [1]
        hand.put(an_item(one=part, other=part))
        (stored,) = hand.rows()
        one = stored.body["one"]
        assert isinstance(one, list)
        one.append(2)
        assert stored.body["other"] == [1]

    def test_items_are_read_in_the_order_asked_for_without_the_absent_ones(
        self, hand: TableAtHand
    ) -> None:
        hand.put(*[an_item(sk, n=n) for n, sk in enumerate("abc")])
        asked = [("p", sk) for sk in ("c", "x", "a", "c", "b", "a")] + [("q", "a")]
        for consistent in (True, False):
            hand.settle()
            found = hand.table.get_many(asked, consistent=consistent)
            assert [key[1] for key in found] == ["c", "a", "b"]
            assert [item.body["n"] for item in found.values()] == [2, 0, 1]
        assert hand.table.get_many([]) == {}

    @pytest.mark.parametrize("what", NO_KEYS)
    def test_a_key_that_no_item_can_have_is_absent_or_refused(
        self, hand: TableAtHand, what: str
    ) -> None:
        (there,) = hand.put(an_item())
        with suppress(Permanent):
            assert hand.table.get_many([there.key, NO_KEYS[what]]) == {there.key: there}

    def test_a_partition_is_read_in_the_order_of_the_bytes(self, hand: TableAtHand) -> None:
        hand.put(*[an_item(sk) for sk in reversed(ASCENDING)])
        hand.put(an_item("a", pk="pp"), an_item("a", pk="P"))
        assert [item.key for item in hand.rows()] == [("p", sk) for sk in ASCENDING]
        assert hand.rows("none") == []

    @pytest.mark.parametrize("limit", [1, 2, 7])
    @pytest.mark.parametrize(
        ("bounds", "expected"),
        [
            ({}, ASCENDING),
            ({"lo": "a"}, ASCENDING[2:]),
            ({"hi": "b"}, ASCENDING[:7]),
            ({"lo": "a", "hi": "a"}, ("a",)),
            ({"lo": "a", "hi": "aa"}, ASCENDING[2:6]),
            ({"lo": "a!", "hi": "c"}, ("a#", "aa", "b")),
            ({"lo": "\uffff", "hi": "𐀀"}, ("\uffff", "𐀀")),
            ({"lo": "c", "hi": "d"}, ()),
            ({"lo": "b", "hi": "a"}, ()),
            ({"hi": "@"}, ()),
        ],
    )
    def test_both_bounds_belong_to_what_is_asked_for(
        self, hand: TableAtHand, bounds: dict[str, str], expected: Sequence[str], limit: int
    ) -> None:
        hand.put(*[an_item(sk) for sk in ASCENDING])
        for _ in range(3):
            found = hand.rows(limit=limit, **bounds)
            assert [item.key[1] for item in found] == [*expected]

    @pytest.mark.parametrize("limit", [1, 2, 3])
    def test_a_query_goes_on_behind_a_row_that_is_gone(
        self, hand: TableAtHand, limit: int
    ) -> None:
        hand.put(*[an_item(f"{n}0") for n in range(1, 9)])
        seen = list[str]()

        def read(after: str | None) -> Page[Item]:
            page = hand.table.query("p", lo="20", hi="80", limit=limit, after=after)
            seen.extend(item.key[1] for item in page.rows)
            if page.rows:
                hand.table.delete([page.rows[-1]])
                hand.put(an_item(f"{int(seen[-1]) - 1}"))
            return page

        assert len(all_pages(read)) == 7
        assert seen == [f"{n}0" for n in range(2, 9)]

    def test_a_query_meets_what_came_behind_its_place(self, hand: TableAtHand) -> None:
        hand.put(an_item("1"), an_item("9"))
        page = hand.table.query("p", limit=1, after=None)
        for _ in range(1000):
            if not page.rows:
                page = hand.table.query("p", limit=1, after=page.after)
        hand.put(an_item("0"), an_item("5"))
        rest = all_pages(lambda on: hand.table.query("p", limit=1, after=on or page.after))
        assert [item.key[1] for item in rest] == ["5", "9"]

    def test_an_index_comes_to_show_keys_in_the_order_of_their_sorts(
        self, hand: TableAtHand
    ) -> None:
        hand.put(*[at(sort, f"k{n:02}") for n, sort in enumerate(reversed(ASCENDING))])
        hand.put(at("a", "elsewhere", "gg"), an_item("in no index"))
        hand.settle()
        keys = [("p", f"k{n:02}") for n in reversed(range(len(ASCENDING)))]
        assert hand.entries() == [
            *(Entry(sort, key) for sort, key in zip(ASCENDING, keys, strict=True))
        ]
        assert hand.entries(name="byGroup") == hand.entries("none") == []

    @pytest.mark.parametrize("limit", [1, 2, 7])
    @pytest.mark.parametrize(
        ("bounds", "expected"),
        [
            ({}, ASCENDING),
            ({"lo": "a"}, ASCENDING[2:]),
            ({"hi": "b"}, ASCENDING[:7]),
            ({"lo": "a", "hi": "aa"}, ASCENDING[2:6]),
            ({"lo": "\uffff", "hi": "𐀀"}, ("\uffff", "𐀀")),
            ({"lo": "c", "hi": "d"}, ()),
            ({"lo": "b", "hi": "a"}, ()),
        ],
    )
    def test_both_bounds_of_an_index_query_belong_to_what_is_asked_for(
        self, hand: TableAtHand, bounds: dict[str, str], expected: Sequence[str], limit: int
    ) -> None:
        hand.put(*[at(sort, f"k{n}") for n, sort in enumerate(ASCENDING)])
        hand.settle()
        for _ in range(10):
            found = hand.entries(limit=limit, **bounds)
            assert [entry.sort for entry in found] == [*expected]

    @pytest.mark.parametrize("limit", [1, 2, 7])
    def test_equal_sorts_are_all_there(self, hand: TableAtHand, limit: int) -> None:
        hand.put(*[at("same", f"k{n}") for n in range(8)])
        hand.settle()
        for bounds in ({}, {"lo": "same", "hi": "same"}):
            found = hand.entries(limit=limit, **bounds)
            assert sorted(found) == [Entry("same", ("p", f"k{n}")) for n in range(8)]

    def test_an_entry_that_moved_leaves_its_old_place(self, hand: TableAtHand) -> None:
        moving, staying = hand.put(at("1", "moving"), at("2", "staying"))
        hand.settle()
        moved = altered(moving, index={"byTime": ("g", "3"), "byGroup": ("h", "1")})
        hand.table.replace([moved, staying])
        hand.settle()
        assert hand.entries() == [Entry("2", staying.key), Entry("3", moving.key)]
        assert hand.entries("h", name="byGroup") == [Entry("1", moving.key)]

    def test_an_index_holds_only_what_carries_it(self, hand: TableAtHand) -> None:
        left, deleted, staying = hand.put(at("1", "left"), at("1", "deleted"), at("1", "stays"))
        hand.settle()
        hand.table.replace([altered(left, index={})])
        hand.table.delete([deleted])
        hand.settle()
        assert hand.entries() == [Entry("1", staying.key)]

    def test_the_indexes_by_id_have_the_range_of_the_table(self, hand: TableAtHand) -> None:
        index = {"byId": ("n#1", "a"), "byMessage": ("p1#2", "a")}
        (stored,) = hand.put(Item(key=("p", "a"), body={}, index=index))
        hand.settle()
        for name, (pk, _) in index.items():
            assert hand.entries(pk, name=name) == [Entry("a", stored.key)]

    def test_what_has_expired_can_be_read_until_it_is_removed(self, hand: TableAtHand) -> None:
        past = int(NOON.timestamp()) - 86_400
        (stored,) = hand.put(altered(at("1", "a"), expires_at=past))
        hand.settle()
        assert hand.table.get_many([stored.key]) == {stored.key: stored}
        assert hand.rows() == [stored]
        assert hand.entries() == [Entry("1", stored.key)]


def spelled(value: Value) -> str:
    """*value* as text: True and 1 differ."""
    return json.dumps(value, sort_keys=True)


def spoil(body: Body) -> None:
    """Change everything in *body* that can be changed, as a careless caller would."""
    for value in body.values():
        if isinstance(value, list):
            value.append("spoilt")
    body["spoilt"] = True


KEYS = st.tuples(st.sampled_from("pq"), st.sampled_from(["a", "b", "é", "\uffff", "𐀀"]))
UNIQUE_KEYS = st.lists(KEYS, unique=True, max_size=5)
PLACES = st.tuples(st.just("g"), st.sampled_from(["1", "2", "3"]))
INDEXES = st.dictionaries(st.sampled_from(["byTime", "byGroup"]), PLACES)
BOUNDS = st.sampled_from(["", "a", "aa", "b", "é", "\uffff", "𐀀", "🎟"])


class ItemTableMachine(Machine[TableAtHand]):
    """Beside a plain dict."""

    def __init__(self) -> None:
        """Begin with nothing in either."""
        super().__init__()
        self.model: dict[Key, Item] = {}
        self.lives: dict[Key, list[Item]] = {}
        self.places: set[tuple[str, str, Entry]] = set()

    @rule(keys=UNIQUE_KEYS, n=st.integers(0, 9), index=INDEXES)
    def put_new(self, keys: list[Key], n: int, index: dict[str, Key]) -> None:
        new = [Item(key=key, body={"n": n}, index=index) for key in keys]
        for item, wrote in zip(new, self.hand.table.put_new(new), strict=True):
            if item.key in self.model:
                assert wrote == Wrote(Did.LOST, self.model[item.key])
            else:
                self.stored(item, wrote)

    @rule(keys=UNIQUE_KEYS, n=st.integers(0, 9), index=INDEXES, data=st.data())
    def replace(
        self, keys: list[Key], n: int, index: dict[str, Key], data: st.DataObject
    ) -> None:
        changed = [altered(self.known(key, data), body={"n": n}, index=index) for key in keys]
        for item, wrote in zip(changed, self.hand.table.replace(changed), strict=True):
            if self.is_current(item):
                self.stored(item, wrote)
            else:
                assert wrote == Wrote(Did.LOST, self.model.get(item.key))

    @rule(keys=UNIQUE_KEYS, data=st.data())
    def delete(self, keys: list[Key], data: st.DataObject) -> None:
        known = [self.known(key, data) for key in keys]
        for item, wrote in zip(known, self.hand.table.delete(known), strict=True):
            if self.is_current(item):
                assert wrote == Wrote(Did.DONE, None)
                del self.model[item.key]
            else:
                assert wrote == Wrote(Did.LOST, self.model.get(item.key))

    @rule(keys=st.lists(KEYS, max_size=8))
    def get_many(self, keys: list[Key]) -> None:
        expected = {key: self.model[key] for key in keys if key in self.model}
        found = self.hand.table.get_many(keys)
        assert (found, [*found]) == (expected, [*expected])
        for key, item in self.hand.table.get_many(keys, consistent=False).items():
            assert item in self.lives[key]

    @rule(
        pk=st.sampled_from("pq"),
        lo=BOUNDS,
        hi=st.none() | BOUNDS,
        limit=st.integers(1, 6),
    )
    def query(self, pk: str, lo: str, hi: str | None, limit: int) -> None:
        expected = [
            item
            for key, item in self.model.items()
            if key[0] == pk and lo <= key[1] and (hi is None or key[1] <= hi)
        ]
        found = self.hand.rows(pk, lo=lo, hi=hi, limit=limit)
        assert found == sorted(expected, key=lambda item: item.key[1].encode())

    @rule()
    def settle(self) -> None:
        self.hand.settle()
        for name in ("byTime", "byGroup"):
            assert sorted(self.hand.entries(name=name)) == sorted(
                Entry(item.index[name][1], item.key)
                for item in self.model.values()
                if name in item.index
            )

    @invariant()
    def an_index_shows_only_what_once_was_true(self) -> None:
        for name in ("byTime", "byGroup"):
            for one in self.hand.entries(name=name, limit=3):
                assert (name, "g", one) in self.places

    def known(self, key: Key, data: st.DataObject) -> Item:
        """What somebody may remember of *key*: most often how it stands, or else a past."""
        lives: list[Item] = [Item(key=key, body={}), *self.lives.get(key, ())]
        return lives[-1 - data.draw(st.integers(0, len(lives) - 1))]

    def is_current(self, item: Item) -> bool:
        there = self.model.get(item.key)
        return there is not None and there.revision == item.revision

    def stored(self, item: Item, wrote: Wrote) -> None:
        now = stood(wrote)
        past = self.lives.setdefault(item.key, [])
        assert now == altered(item, revision=now.revision)
        assert now.revision not in {"", *(earlier.revision for earlier in past)}
        past.append(now)
        self.model[item.key] = now
        for name, (pk, sort) in item.index.items():
            self.places.add((name, pk, Entry(sort, item.key)))


class LargestItemContract(Contract[TableAtHand]):
    """For engines that take all that DynamoDB takes."""

    port = "ItemTable, largest item"

    def test_an_item_of_almost_400_kilobytes_is_stored(self, hand: TableAtHand) -> None:
        (stored,) = hand.put(an_item("large", text="x" * (ITEM_MAX - 1024)))
        assert hand.rows() == [stored]


class ItemTableProperties(Contract[TableAtHand]):
    """For engines that are quick enough for some hundred fresh tables."""

    port = "ItemTable, any calls"

    @inherited
    @given(bodies=st.lists(bodies, max_size=3))
    def test_any_body_comes_back_as_it_went_in(self, bodies: list[Body]) -> None:
        with self.fresh() as hand:
            hand.put(*[Item(key=("p", f"k{n}"), body=body) for n, body in enumerate(bodies)])
            assert [*map(spelled, hand.bodies().values())] == [*map(spelled, bodies)]

    def test_any_calls_in_any_order_answer_as_a_dict_would(self) -> None:
        assert_any_calls(ItemTableMachine, self.fresh)
