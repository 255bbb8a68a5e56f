"""A manifest reads as it was written, and a damaged one is refused by its name."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from demand_adapters.wire.manifests import decode_manifest, encode_manifest
from demand_adapters.wire.merge_places import ARCHIVE
from demand_core.domain.merges import (
    DECIDED,
    Candidate,
    Form,
    Manifest,
    MergedFile,
    MergeState,
    Source,
    opening,
)
from demand_core.errors import Permanent

AT: Final = datetime(2025, 2, 17, 3, 0, 0, 123000, tzinfo=UTC)
PLACE: Final = ARCHIVE.place("demand", "2025-02-14")
names: Final = st.from_regex(r"\Adata/[a-z0-9é=/ -]{1,30}\.avro\Z")
counts: Final = st.integers(0, 10**9)


@st.composite
def manifests(draw: st.DrawFn) -> Manifest:
    keys = draw(st.lists(names, min_size=2, max_size=5, unique=True))
    form = Form(
        schema_fingerprint=draw(st.from_regex(r"\A[0-9a-f]{16}\Z")),
        schema="s",
        codec="deflate",
        metadata=draw(st.dictionaries(names, st.text("01", min_size=1), max_size=2)),
    )
    candidates = [
        Candidate(
            source=Source(
                key=key,
                etag=draw(st.text("abc-1", min_size=1)),
                size=draw(counts),
                records=draw(counts),
                sha256=draw(st.from_regex(r"\A[0-9a-f]{64}\Z")),
            ),
            form=form,
            row_digest=draw(st.integers(0, (1 << 128) - 1)),
        )
        for key in keys[1:]
    ]
    made = opening(draw(st.integers(1, 99_999)), candidates, keys[0], AT)
    state = draw(st.sampled_from(MergeState))
    if state in DECIDED:
        merged = MergedFile(
            key=keys[0], records=made.merged.records, size=draw(counts), sha256="a" * 64
        )
        made = evolve(made, merged=merged)
    return evolve(made, state=state, reason="it was so" if state.value == "DROPPED" else "")


@given(manifest=manifests())
def test_a_manifest_reads_as_it_was_written(manifest: Manifest) -> None:
    key = PLACE.manifest_key(manifest)
    assert decode_manifest(encode_manifest(manifest), key) == manifest


MANIFEST: Final = evolve(
    opening(
        3,
        [
            Candidate(
                source=Source(key=key, etag="e", size=9, records=2, sha256="b" * 64),
                form=Form(schema_fingerprint="c" * 16, schema="s", codec="deflate"),
                row_digest=n,
            )
            for n, key in enumerate(("a.avro", "b.avro"))
        ],
        "m.avro",
        AT,
    ),
    state=MergeState.MERGED,
    merged=MergedFile(key="m.avro", records=4, size=17, sha256="d" * 64),
)
KEY: Final = "manifests/demand/2025-02-14.0003.2.json"


def test_its_names_are_those_that_the_records_show() -> None:
    assert json.loads(encode_manifest(MANIFEST)) == {
        "number": 3,
        "state": "MERGED",
        "schemaFingerprint": "c" * 16,
        "sources": [
            {"key": key, "etag": "e", "bytes": 9, "records": 2, "sha256": "b" * 64}
            for key in ("a.avro", "b.avro")
        ],
        "merged": {"key": "m.avro", "bytes": 17, "records": 4, "sha256": "d" * 64},
        "rowDigest": f"{1:032x}",
        "startedAt": "2025-02-17T03:00:00.123Z",
    }
    assert PLACE.manifest_key(MANIFEST) == KEY


DAMAGE: Final[dict[str, Callable[[dict[str, Any]], object]]] = {
    "number": lambda told: told.update(number=4),
    "state": lambda told: told.update(state="MOVED"),
    "no state": lambda told: told.update(state="HALF"),
    "missing": lambda told: told.pop("rowDigest"),
    "digest": lambda told: told.update(rowDigest="12"),
    "no sources": lambda told: told.update(sources=[], merged={**told["merged"], "records": 0}),
    "twice": lambda told: told["sources"][0].update(key="b.avro"),
    "itself": lambda told: told["merged"].update(key="b.avro"),
    "records": lambda told: told["merged"].update(records=5),
    "below zero": lambda told: told["sources"][0].update(bytes=-1),
    "text": lambda told: told["sources"][0].update(bytes="9"),
    "sha256": lambda told: told["sources"][0].update(sha256="zz"),
    "merged sha256": lambda told: told["merged"].pop("sha256"),
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE.keys())
def test_a_damaged_manifest_is_refused_by_its_name(
    damage: Callable[[dict[str, Any]], object],
) -> None:
    told = json.loads(encode_manifest(MANIFEST))
    damage(told)
    with pytest.raises(Permanent, match=KEY) as refusal:
        decode_manifest(json.dumps(told).encode(), KEY)
    assert refusal.value.code == "bad_manifest"


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"null", encode_manifest(MANIFEST)[:-9]])
def test_what_is_no_document_is_no_manifest(content: bytes) -> None:
    with pytest.raises(Permanent, match="bad_manifest"):
        decode_manifest(content, KEY)
