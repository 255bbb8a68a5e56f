"""A name is found however it is spelled, and not where only part of a longer one stands."""

import json
from base64 import b64encode
from typing import Final
from urllib.parse import quote

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from demand_core.domain.ids import FanId
from demand_core.domain.subjects import Name
from demand_core.domain.traces import TELLING, Traces

PHONE: Final[Name] = ("phone", "+13105559041")
EMAIL: Final[Name] = ("email", "canary@birds.example")
FAN: Final[Name] = ("fan", "canary-7d1e")
SHORT: Final[Name] = ("fan", "F1")
ALL: Final = Traces(frozenset({PHONE, EMAIL, FAN, SHORT}))

phones: Final = st.from_regex(r"\+[1-9][0-9]{7,14}", fullmatch=True)
addresses: Final = st.from_regex(r"[a-z0-9.+]{1,20}@[a-z0-9]{1,20}\.example", fullmatch=True)
fans: Final = st.from_regex(r"[A-Za-z0-9_-]{8,64}", fullmatch=True)
names: Final[st.SearchStrategy[Name]] = st.one_of(
    st.tuples(st.just("phone"), phones),
    st.tuples(st.just("email"), addresses),
    st.tuples(st.just("fan"), fans),
)
before: Final = st.sampled_from([b"", b" ", b'"', b">", b"\0", b"to ", b"\n", b"("])
behind: Final = st.sampled_from([b"", b" ", b'"', b"<", b"\0", b";", b"\n", b")"])


@given(name=names, head=before, tail=behind)
def test_a_name_is_found_as_it_is(name: Name, head: bytes, tail: bytes) -> None:
    content = head + name[1].encode() + tail
    assert Traces(frozenset({name})).told_by(content) == {name}
    assert Traces(frozenset({name})).may_stand_in(content)


@given(name=names, skipped=st.binary(max_size=5), tail=st.binary(max_size=5))
def test_a_name_is_found_in_what_was_encoded(name: Name, skipped: bytes, tail: bytes) -> None:
    raw, of = name[1].encode(), Traces(frozenset({name}))
    for encoded in (
        b64encode(skipped + raw + tail),
        name[1].encode("utf-16-le"),
        name[1].encode("utf-16-be"),
        raw.hex().encode(),
        json.dumps({"to": name[1]}).encode(),
        b"to=" + quote(name[1]).encode() + b"&x",
    ):
        assert of.told_by(b"\0" + encoded + b"\0") == {name}


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"310-555-9041 tel:13105559041", {PHONE}),
        (b"call 3105559041.", {PHONE}),
        (b"913105559041", set()),
        (b"131055590412", set()),
        (b"CANARY@Birds.Example", {EMAIL}),
        (b"canary%40birds.example", {EMAIL}),
        (b"canary\\u0040birds.example", {EMAIL}),
        (b"mail canary@birds.example.", {EMAIL}),
        (b"my.canary@birds.example", set()),
        (b"canary@birds.example.org", set()),
        (b"canary@birds.examples", set()),
        (b"fan:canary-7d1e", {FAN}),
        (b"canary-7d1e2", set()),
        (b"CANARY-7D1E", set()),
        (b'{"fanId": "F1"}', {SHORT}),
        (b'{"fanId": {"S": "F1"}}', {SHORT}),
        (b'{"PK": {"S": "fan:F1"}}', {SHORT}),
        (b'{"fanId": "F12"}', set()),
        (b'{"PK": {"S": "fan:F12"}}', set()),
        (b'{"name": "F1"}', set()),
        (b"", set()),
    ],
)
def test_only_a_whole_name_is_one(content: bytes, told: set[Name]) -> None:
    assert ALL.told_by(content) == told


@given(name=names, more=st.sampled_from([b"0", b"7"]))
@example(name=PHONE, more=b"9")
def test_a_longer_name_is_another(name: Name, more: bytes) -> None:
    longer = name[1].encode() + more
    assert name not in Traces(frozenset({name})).told_by(b'"' + longer + b'"')


def test_contacts_are_looked_for_without_the_fan() -> None:
    assert ALL.contacts.names == {PHONE, EMAIL}


def test_short_ids_have_no_spellings_that_anything_could_hold() -> None:
    assert len(FanId("F1")) < TELLING
    assert len(Traces(frozenset({SHORT})).every) == 1


@given(name=names)
def test_what_may_stand_somewhere_is_never_missed_by_the_first_look(name: Name) -> None:
    of = Traces(frozenset({name}))
    for spelled in (name[1], name[1].upper() if name[0] == "email" else name[1]):
        content = b"\x14" + spelled.encode() + b"\x02"
        assert not of.told_by(content) or of.may_stand_in(content)
