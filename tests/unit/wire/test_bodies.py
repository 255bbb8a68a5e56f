"""What queues and streams carry: any one JSON document in, exactly ours out."""

from pathlib import Path
from typing import Final

import pytest
from attrs import frozen
from hypothesis import given
from hypothesis import strategies as st

from demand_adapters.testing.strategies import cached_events, link_requests, rates, texts
from demand_adapters.wire.bodies import decode, encode, plain
from demand_core.domain.events import EventCached
from demand_core.domain.ids import EventId
from demand_core.domain.links import LinkRequest
from demand_core.errors import Permanent

GOLDEN: Final = Path(__file__).parent / "golden"


@frozen
class Note:
    """A body with text in it, as later ones will have."""

    text: str


BAD_JSON: Final = {
    "nothing": b"",
    "blank": b" \n",
    "not a number": b'{"eventId":NaN}',
    "infinity": b'{"eventId":-Infinity}',
    "too deep": b"[" * 100_000,
    "too deep and closed": b"[" * 100_000 + b"]" * 100_000,
    "too deep in maps": b'{"a":' * 100_000,
    "two documents": b'{"eventId":"E1"}{"eventId":"E2"}',
    "two lines": b'{"eventId":"E1"}\n{"eventId":"E2"}',
    "byte order mark": b'\xef\xbb\xbf{"eventId":"E1"}',
    "no text at all": b'{"eventId":"\xff"}',
    "half a letter": b'{"eventId":"\xc3"}',
    "a surrogate in utf-8": b'{"eventId":"\xed\xa0\x80"}',
    "other bytes of text": '{"eventId":"E1"}'.encode("utf-16"),
    "cut off": b'{"eventId":"E1',
    "single quotes": b"{'eventId':'E1'}",
    "a comma too much": b'{"eventId":"E1",}',
    "no quotes": b'{eventId:"E1"}',
    "a line break in a text": b'{"eventId":"E\n1"}',
    "a comment": b'{"eventId":"E1"} // one',
    "a number of 5,000 digits": b'{"n":' + b"1" * 5000 + b"}",
    "a nought in front": b'{"n":01}',
    "zero bytes": b"\x00\x00",
}


@given(body=link_requests | cached_events | rates)
def test_a_body_arrives_as_it_was_sent(body: object) -> None:
    assert decode(type(body), encode(body)) == body


@given(text=texts)
def test_text_of_any_script_arrives_as_it_was_sent(text: str) -> None:
    assert decode(Note, encode(Note(text))) == Note(text)


def test_text_travels_as_it_is_written() -> None:
    assert encode(Note('é🎟"')) == '{"text":"é🎟\\""}'.encode()


def test_a_link_request_looks_as_it_always_did() -> None:
    golden = (GOLDEN / "link_request.json").read_bytes().rstrip(b"\n")
    assert encode(LinkRequest(EventId("G5diZ9NkL6uPT"))) == golden
    assert decode(LinkRequest, golden) == LinkRequest(EventId("G5diZ9NkL6uPT"))


@pytest.mark.parametrize("what", BAD_JSON)
def test_what_is_not_one_json_document_is_refused(what: str) -> None:
    with pytest.raises(Permanent) as refusal:
        decode(LinkRequest, BAD_JSON[what])
    assert str(refusal.value) == "bad_json: not one JSON document in UTF-8"


def outcome(payload: bytes) -> str:
    try:
        return type(decode(EventCached, payload)).__name__
    except Permanent as refusal:
        return refusal.code


@given(payload=st.binary(max_size=60) | st.text(max_size=60).map(str.encode))
def test_any_bytes_are_read_or_refused(payload: bytes) -> None:
    read = {"EventCached"}
    assert outcome(payload) in read | {"bad_json", "bad_id", "missing_field", "wrong_type"}


@pytest.mark.parametrize(
    ("payload", "value"),
    [
        (b' \t\r\n{"a": 1}\n', {"a": 1}),
        (b"123456789012345678901234567890", 123456789012345678901234567890),
        (b'"\\ud83c\\udf9f"', "🎟"),
        (b'{"a":1,"a":2}', {"a": 2}),
        (b"null", None),
        (b"[[[]]]", [[[]]]),
    ],
)
def test_one_json_document_is_read_whatever_it_holds(payload: bytes, value: object) -> None:
    assert plain(payload) == value


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        (b"{}", "missing_field: $.eventId"),
        (b'{"eventId":null}', "missing_field: $.eventId"),
        (b'{"eventId":""}', "missing_field: $.eventId"),
        (b'{"event_id":"E1"}', "missing_field: $.eventId"),
        (b'{"eventId":7}', "bad_id: $.eventId"),
        (b'{"eventId":["E1"]}', "bad_id: $.eventId"),
        (b'{"eventId":"E1#canary"}', "bad_id: $.eventId"),
        (b'{"eventId":"E1\\n"}', "bad_id: $.eventId"),
        (b'{"eventId":"\\ud800"}', "bad_id: $.eventId"),
        (b"[]", "wrong_type: $"),
        (b"null", "wrong_type: $"),
        (b'"E1"', "wrong_type: $"),
    ],
)
def test_a_document_that_is_not_the_body_is_refused_with_its_place(
    payload: bytes, expected: str
) -> None:
    for kind in (LinkRequest, EventCached):
        with pytest.raises(Permanent) as refusal:
            decode(kind, payload)
        assert str(refusal.value) == expected


def test_fields_that_nobody_knows_are_ignored() -> None:
    payload = b'{"eventId":"E1","why":{"deep":[1.5,1e999]},"n":123456789012345678901234567890}'
    assert decode(LinkRequest, payload) == LinkRequest(EventId("E1"))


def test_text_that_is_not_utf_8_is_refused_before_it_is_sent() -> None:
    with pytest.raises(Permanent) as refusal:
        encode(Note("\ud800 canary"))
    assert "canary" not in str(refusal.value)
