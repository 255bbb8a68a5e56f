"""What nobody could read is kept as it came, once, with its reason and its place."""

import base64
import json
from datetime import timedelta
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from demand_adapters.deliveries import Delivery
from demand_adapters.memory.file_store import MemoryFileStore
from demand_adapters.stores.quarantine import Quarantine
from demand_adapters.testing.strategies import NOON
from demand_adapters.wire.converters import instant
from demand_core.errors import Permanent
from demand_core.ports.file_store import FileStore

REASON: Final = Permanent("missing_field", "$.eventId")


@pytest.fixture
def files() -> FileStore:
    return MemoryFileStore()


def put(
    files: FileStore, payload: bytes = b"x", *, position: str = "m1", channel: str = "links"
) -> str:
    record = Delivery(record_id=position, payload=payload, receipt="r1")
    return Quarantine(files=files).put(channel, record, REASON, NOON)


def document(files: FileStore, key: str) -> dict[str, Any]:
    pieces = files.read(key)
    assert pieces is not None
    found = json.loads(b"".join(pieces))
    assert isinstance(found, dict)
    return found


def payload_of(found: dict[str, Any]) -> bytes:
    """The record's bytes again."""
    body = found["body"]
    return body.encode() if isinstance(body, str) else base64.b64decode(body["base64"])


def test_a_record_is_kept_with_its_reason_its_place_and_the_time(files: FileStore) -> None:
    key = put(files, b'{"eventId":""}')
    assert document(files, key) == {
        "channel": "links",
        "position": "m1",
        "reason": "missing_field: $.eventId",
        "at": instant(NOON),
        "body": '{"eventId":""}',
    }
    assert key.startswith("quarantine/links/")


@pytest.mark.parametrize("payload", [b"", b"\xff\xfe", b"\x00", "é🎟".encode(), b"\xed\xa0\x80"])
def test_any_bytes_are_kept_as_they_came(files: FileStore, payload: bytes) -> None:
    assert payload_of(document(files, put(files, payload))) == payload


@given(payload=st.binary(max_size=200))
def test_the_bytes_can_be_sent_again(payload: bytes) -> None:
    files = MemoryFileStore()
    assert payload_of(document(files, put(files, payload))) == payload


def test_bytes_that_look_like_ours_are_told_apart(files: FileStore) -> None:
    text = b'{"base64": "AAAA"}'
    assert document(files, put(files, text))["body"] == text.decode()
    assert document(files, put(files, b"\xff", position="m2"))["body"] == {"base64": "/w=="}


def test_the_same_record_twice_is_one_file_and_the_first_stays(files: FileStore) -> None:
    key = put(files, b"first")
    again = Delivery(record_id="m1", payload=b"first", received=2, receipt="r2")
    later = NOON + timedelta(hours=1)
    other = Permanent("bad_json", "$")
    assert Quarantine(files=files).put("links", again, other, later) == key
    assert [file.key for file in files.list("")] == [key]
    assert document(files, key)["at"] == instant(NOON)
    assert document(files, key)["reason"] == str(REASON)


def test_other_records_and_other_channels_are_other_files(files: FileStore) -> None:
    keys = {
        put(files, position=position, channel=channel)
        for position in ("m1", "m2", "M1", "m1 ")
        for channel in ("links", "entries")
    }
    assert len(keys) == len(files.list("")) == 8


HOSTILE: Final = (
    *("", ".", "..", "../../etc/passwd", "/abs", "a/b", "a\\b", "a\nb", "\x00", "a b?#%"),
    *("x" * 100_000, "é🎟", "\u202e", "'; drop"),
)


@pytest.mark.parametrize("position", HOSTILE)
def test_no_position_leads_out_of_its_folder(files: FileStore, position: str) -> None:
    key = put(files, position=position)
    folder, _, name = key.rpartition("/")
    assert (folder, len(name)) == ("quarantine/links", 32 + len(".json"))
    assert set(name.removesuffix(".json")) <= set("0123456789abcdef")
    assert document(files, key)["position"] == position


@given(one=st.text(), other=st.text())
def test_two_positions_never_share_a_file(one: str, other: str) -> None:
    files = MemoryFileStore()
    assert (put(files, position=one) == put(files, position=other)) == (one == other)


@pytest.mark.parametrize("channel", ["", "..", "../other", "a\\b", "a\nb"])
def test_a_channel_that_no_folder_can_be_named_after_is_refused(
    files: FileStore, channel: str
) -> None:
    with pytest.raises(Permanent):
        put(files, channel=channel)
    assert files.list("") == []
