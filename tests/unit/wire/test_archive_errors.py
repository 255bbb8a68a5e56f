"""What was set aside comes back byte for byte, and a file of somebody else's is refused."""

import json
from typing import Final

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from demand_adapters.testing.strategies import NOON
from demand_adapters.wire.archive_errors import Fault, error_document, error_key, parsed
from demand_adapters.wire.archive_objects import Batch
from demand_core.errors import Permanent

BATCH: Final = Batch(stream="changeStream", shard="shard-0", first="7", last="1006")


def fault(original: bytes, sequence: int = 7, reason: str = "missing_field") -> Fault:
    path = "$.saleId" if reason == "missing_field" else ""
    return Fault(sequence=sequence, at=NOON, reason=reason, path=path, original=original)


documents: Final = st.dictionaries(
    st.text(max_size=9), st.text(max_size=9) | st.integers() | st.none(), max_size=3
)
originals: Final = st.lists(
    st.binary(max_size=40)
    | st.text(max_size=40).map(lambda text: text.encode(errors="replace"))
    | st.tuples(documents, st.booleans(), st.sampled_from([None, 1])).map(
        lambda made: json.dumps(made[0], ensure_ascii=made[1], indent=made[2]).encode()
    ),
    min_size=1,
    max_size=5,
)


@given(given_=originals)
@example(given_=[b'{"a": 1.0, "a": 1e2}', b' {"b": 1}', b'{"base64": "AA=="}', b"[]", b"\xff"])
def test_originals_come_back_byte_for_byte(given_: list[bytes]) -> None:
    faults = [fault(original, n) for n, original in enumerate(given_)]
    found = parsed(error_document(faults, BATCH, 1000))
    assert list(found.originals) == given_
    assert list(found.faults) == faults
    assert found.source == BATCH


def test_a_file_says_when_what_and_where_and_shows_the_events() -> None:
    faults = [fault(b'{"eventID": "a"}', 7), fault(b"junk", 9, "bad_json")]
    told = json.loads(error_document(faults, BATCH, 1000))
    assert told["timestamp"] == "2025-02-14T12:00:00.000Z"
    assert told["error"] == "2 of 1000 records: 1 x bad_json, 1 x missing_field at $.saleId"
    assert told["source"] == {
        "stream": "changeStream",
        "shard": "shard-0",
        "firstSequence": "7",
        "lastSequence": "1006",
    }
    assert told["events"] == [{"eventID": "a"}, {"base64": "anVuaw=="}]
    assert [(f["index"], f["reason"], f["path"], f["sequence"]) for f in told["faults"]] == [
        (0, "missing_field", "$.saleId", "7"),
        (1, "bad_json", "", "9"),
    ]


def test_the_same_faults_of_one_batch_have_one_place() -> None:
    faults = [fault(b"junk")]
    assert error_key(faults, BATCH) == error_key([fault(b"junk")], BATCH)
    assert error_key(faults, BATCH).startswith("errors/20250214T120000000Z-")
    assert error_key(faults, BATCH) != error_key([fault(b"junk", 8)], BATCH)


def test_nothing_of_an_event_shows_where_a_fault_is_printed() -> None:
    assert "+13105550100" not in repr(fault(b"+13105550100"))


@pytest.mark.parametrize(
    "document",
    [
        b"junk",
        b"[]",
        b"{}",
        b'{"timestamp": "", "error": "", "source": {}, "faults": [], "events": []}',
        b'{"timestamp": "", "error": "", "source": 7, "faults": [], "events": []}',
        error_document([fault(b"{}")], BATCH, 1).replace(b"{}", b"{},{}"),
        error_document([fault(b"\xff")], BATCH, 1).replace(b"/w==", b"/w=!"),
        error_document([fault(b"{}")], BATCH, 1).replace(
            b'"sequence": "7"', b'"sequence": "x"'
        ),
        error_document([fault(b"{}")], BATCH, 1).replace(b"[\n{}\n]", b"7"),
    ],
)
def test_a_file_that_is_none_of_ours_is_refused(document: bytes) -> None:
    with pytest.raises(Permanent):
        parsed(document)
