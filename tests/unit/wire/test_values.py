"""What fits into an item of every engine; that the engines ask is in their contract."""

from enum import StrEnum
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from demand_adapters.item_table import Body, Item, Key, Value
from demand_adapters.testing.strategies import bodies, items, values
from demand_adapters.wire.values import FRAME, ITEM_MAX, check, item_size
from demand_core.errors import Permanent, WiringError

KEY: Final = ("p", "a")


class Name(StrEnum):
    RED = "red"


def in_itself() -> list[Value]:
    around: list[Value] = []
    around.append(around)
    return around


def widened(levels: int) -> list[Value]:
    """A few lists, one in another, that spell out to a great many."""
    value: list[Value] = []
    for _ in range(levels):
        value = [value, value]
    return value


def refusal(item: Item) -> Permanent:
    with pytest.raises(Permanent) as refused:
        check([item])
    return refused.value


@given(items=st.lists(items, unique_by=lambda item: item.key, max_size=4))
def test_what_is_of_the_right_kinds_and_small_is_taken(items: list[Item]) -> None:
    check(items)


def test_no_items_are_taken() -> None:
    check([])


@pytest.mark.parametrize("text", ["x", "é", "漢", "🎟"])
def test_an_item_of_just_400_kilobytes_is_taken_and_no_byte_more(text: str) -> None:
    item = Item(KEY, {"text": "", "tail": ""})
    fits, left = divmod(ITEM_MAX - item_size(item), len(text.encode()))
    item.body["text"], item.body["tail"] = text * fits, "x" * left
    assert item_size(item) == ITEM_MAX
    check([item])
    item.body["tail"] = "x" * (left + 1)
    assert refusal(item).code == "item_too_large"


@pytest.mark.parametrize(
    ("body", "size"),
    [
        ({}, 0),
        ({"name": "text"}, 1 + 4 + 4),
        ({"né": "é🎟"}, 1 + 3 + 6),
        ({"n": True, "m": None}, 2 * (1 + 1 + 1)),
        ({"list": ["ab", "c"]}, 1 + 4 + 3 + (1 + 2) + (1 + 1)),
        ({"map": {"a": "b"}}, 1 + 3 + 3 + (1 + 1 + 1)),
        ({"deep": [[[]]]}, 1 + 4 + 3 * 3 + 2),
    ],
)
def test_a_body_has_the_size_that_dynamodb_counts(body: Body, size: int) -> None:
    assert item_size(Item(KEY, body)) == FRAME + 3 + size + len("pa")


@given(number=st.integers(1 - 10**38, 10**38 - 1))
def test_a_number_counts_no_less_than_dynamodb_counts(number: int) -> None:
    without = item_size(Item(KEY, {"n": ""}))
    digits = len(str(abs(number)))
    assert item_size(Item(KEY, {"n": number})) - without >= (digits + 1) // 2 + 1 + (number < 0)


def test_index_entries_count() -> None:
    bare = item_size(Item(KEY, {}))
    index = {"byTime": ("gé", "1"), "byId": ("n", "a")}
    assert item_size(Item(KEY, {}, index)) == bare + 4 + 2


@given(body=bodies, name=st.text("ab", min_size=1), value=values)
def test_an_item_never_shrinks_by_a_value(body: Body, name: str, value: Value) -> None:
    without = {known: there for known, there in body.items() if known != name}
    before = item_size(Item(KEY, without))
    assert item_size(Item(KEY, without | {name: value})) > before


@pytest.mark.parametrize("where", ["first", "last"])
@pytest.mark.parametrize("count", [2, 3, 101])
def test_a_key_may_stand_only_once_in_a_batch(where: str, count: int) -> None:
    batch = [Item(("p", str(n)), {}) for n in range(count)]
    batch.insert(0 if where == "first" else count, Item(("p", str(count // 2)), {"n": 1}))
    with pytest.raises(Permanent) as refused:
        check(batch)
    assert refused.value.code == "repeated_key"
    check([Item(("p", "a"), {}), Item(("a", "p"), {}), Item(("pa", "p"), {})])


@pytest.mark.parametrize(
    "value",
    [in_itself(), {Name.RED: 1}, {b"a": 1}, {None: 1}, {"a": {("b",): 1}}, {"": [{7: 1}]}],
    ids=["a list that holds itself", "enum", "bytes", "None", "tuple", "number"],
)
def test_a_value_that_is_none_is_refused(value: Any) -> None:
    assert refusal(Item(KEY, {"a": value})).code == "bad_value"


def test_a_body_may_be_nested_30_deep() -> None:
    value: Value = "core"
    for _ in range(29):
        value = [value]
    check([Item(KEY, {"a": value})])
    assert refusal(Item(KEY, {"a": [[value]]})).code == "bad_value"


@pytest.mark.parametrize("name", ["", "x" * 65_536])
def test_a_name_that_dynamodb_refuses_is_refused(name: str) -> None:
    assert refusal(Item(KEY, {"a": {name: 1}})).code == "bad_value"


def test_a_few_lists_that_spell_out_to_many_are_refused_in_time() -> None:
    assert refusal(Item(KEY, {"a": widened(17)})).code == "item_too_large"


@pytest.mark.parametrize("key", [("p", b"a"), (7, "a")])
def test_a_key_that_is_not_two_texts_is_refused(key: Any) -> None:
    assert refusal(Item(key, {})).code == "bad_key"
    assert refusal(Item(KEY, {}, {"byTime": key})).code == "bad_key"


@pytest.mark.parametrize("expires_at", [1.5, "1", 10**38])
def test_a_time_to_live_that_is_no_time_is_refused(expires_at: Any) -> None:
    assert refusal(Item(KEY, {}, {}, expires_at)).code == "bad_value"


@pytest.mark.parametrize(
    ("key", "body"),
    [
        (KEY, {"canary": [1.5, "canary"]}),
        (KEY, {"canary": "\ud800canary"}),
        (("canary" * 1000, "a"), {}),
        (KEY, {"canary": "canary" * 100_000}),
    ],
)
def test_a_refusal_shows_nothing_of_what_it_refuses(key: Key, body: Any) -> None:
    assert "canary" not in str(refusal(Item(key, body)))


def test_an_index_that_the_table_does_not_have_is_a_mistake_of_ours() -> None:
    with pytest.raises(WiringError, match="byName"):
        check([Item(KEY, {}, {"byName": ("a", "b")})])
