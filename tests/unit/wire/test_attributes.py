"""Our own marshalling says the same as boto3's, and takes back what it gave."""

import json
from typing import Any, Final

import pytest
from boto3.dynamodb.types import TypeDeserializer, TypeSerializer
from hypothesis import given
from hypothesis import strategies as st

from demand_adapters.item_table import Body, Item, Key, Value
from demand_adapters.testing.item_table import spelled
from demand_adapters.testing.strategies import bodies, items, keys, texts, values
from demand_adapters.wire.attributes import APART, OWN, attributes, decode, encode, item_of
from demand_adapters.wire.values import FRAME

SERIALIZE: Final = TypeSerializer().serialize
DESERIALIZE: Final = TypeDeserializer().deserialize

# Names that clash with the table's own as often as not.
any_bodies: st.SearchStrategy[Body] = st.dictionaries(
    st.sampled_from(sorted(OWN)) | texts, values, max_size=6
)


@given(bodies)
def test_every_body_is_written_as_boto3_would_write_it(body: Body) -> None:
    assert json.loads(encode(body)) == {n: SERIALIZE(value) for n, value in body.items()}


@given(bodies)
def test_every_body_is_read_as_boto3_would_read_it(body: Body) -> None:
    written = {name: SERIALIZE(value) for name, value in body.items()}
    read = {name: DESERIALIZE(value) for name, value in written.items()}
    assert decode(written) == read
    assert spelled(decode(written)) == spelled(body)


@given(items, st.text("0123456789abcdef", min_size=32, max_size=32))
def test_every_item_comes_back_with_its_revision(item: Item, revision: str) -> None:
    found = item_of(json.loads(attributes(item, revision)))
    assert found == Item(item.key, item.body, item.index, item.expires_at, revision)
    assert spelled(found.body) == spelled(item.body)


@given(keys, any_bodies)
def test_a_field_of_any_name_comes_back_and_moves_no_attribute_of_the_table(
    key: Key, body: Body
) -> None:
    item = Item(key, body, {"byId": ("n#1", key[1])}, 9)
    written = json.loads(attributes(item, "r1"))
    assert (written["PK"], written["SK"], written["rev"]) == (
        *({"S": k} for k in key),
        {"S": "r1"},
    )
    assert (written["idKey"], written["expiresAt"]) == ({"S": "n#1"}, {"N": "9"})
    assert item_of(written) == Item(key, body, item.index, 9, "r1")


@given(keys, bodies)
def test_fields_stand_beside_the_keys_where_others_look_for_them(key: Key, body: Body) -> None:
    written = json.loads(attributes(Item(key, body), "r1"))
    own = {"PK", "SK", "rev"}
    assert {n: v for n, v in written.items() if n not in own} == json.loads(encode(body))


def test_what_the_table_adds_is_within_what_is_counted_for_it() -> None:
    shortest = {"byTime": ("g", "1"), "byGroup": ("g", "1"), "byId": ("n", "a")}
    index = {**shortest, "byMessage": ("m", "a")}
    written = json.loads(attributes(Item(("p", "a"), {}, index, 10**11 - 1), "f" * 32))
    added = sum(map(len, written)) + len("f" * 32) + 12
    assert added <= FRAME


def test_an_item_that_others_wrote_without_revision_or_whole_entries_is_read() -> None:
    found = item_of({"PK": {"S": "p"}, "SK": {"S": "a"}, "timePK": {"S": "g"}, "n": {"N": "1"}})
    assert found == Item(("p", "a"), {"n": 1})


@pytest.mark.parametrize(
    ("attribute", "value"),
    [
        ({"N": "1E+3"}, 1000),
        ({"N": "1.0"}, 1),
        ({"N": "1.50"}, "1.50"),
        ({"N": "-0"}, 0),
        ({"SS": ["b", "a"]}, ["a", "b"]),
        ({"NS": ["10", "9", "1.5"]}, ["1.5", 9, 10]),
        ({"B": b"\x00\xff"}, "AP8="),
        ({"B": "AP8="}, "AP8="),
        ({"BS": [b"\xff", b"\x00"]}, ["/w==", "AA=="]),
        ({"L": []}, []),
        ({"M": {}}, {}),
        ({"S": ""}, ""),
    ],
)
def test_what_items_of_ours_never_hold_becomes_the_nearest(
    attribute: dict[str, Any], value: Value
) -> None:
    assert spelled(decode({"x": attribute})) == spelled({"x": value})


def test_fields_that_clash_stand_in_one_map_apart() -> None:
    written = json.loads(attributes(Item(("p", "a"), {"PK": "mine", APART: 1, "n": 2}), "r1"))
    assert written[APART] == {"M": {"PK": {"S": "mine"}, APART: {"N": "1"}}}
    assert (written["PK"], written["n"]) == ({"S": "p"}, {"N": "2"})
