"""Manifests of merges as files: one JSON object, held to all that a merge relies on."""

import re
from collections.abc import Iterator
from typing import Final

from demand_adapters.wire.bodies import decode, encode
from demand_adapters.wire.merge_places import numbered
from demand_core.domain.merges import DECIDED, STEPS, Manifest, MergedFile, Source
from demand_core.errors import Permanent

_DIGEST: Final = re.compile(r"[0-9a-f]{32}")
_SHA256: Final = re.compile(r"[0-9a-f]{64}")


def encode_manifest(manifest: Manifest) -> bytes:
    """The file that says it."""
    return encode(manifest)


def decode_manifest(content: bytes, key: str) -> Manifest:
    """What the file under *key* says.

    Raises Permanent("bad_manifest") for one that is damaged: which files count can't be told
    then, and no guess is better than none.
    """
    try:
        manifest = decode(Manifest, content)
    except Permanent as flaw:
        raise _bad(key, str(flaw)) from None
    for why in _flaws(manifest, key):
        raise _bad(key, why)
    return manifest


def _bad(key: str, why: str) -> Permanent:
    return Permanent("bad_manifest", f"{key}: {why}")


def _flaws(manifest: Manifest, key: str) -> Iterator[str]:
    files: tuple[Source | MergedFile, ...] = (*manifest.sources, manifest.merged)
    keys = {one.key for one in files}
    known = files if manifest.state in DECIDED else manifest.sources
    if numbered(key) != (manifest.number, STEPS[manifest.state]):
        yield "its name is one of another number or state"
    if not manifest.sources:
        yield "it names no source"
    if len(keys) != len(files):
        yield "it names a file twice"
    if sum(source.records for source in manifest.sources) != manifest.merged.records:
        yield "its sources have not as many records as the merged file"
    if min(min(one.size, one.records) for one in files) < 0:
        yield "a size or a number of records below zero"
    if not _DIGEST.fullmatch(manifest.row_digest):
        yield "rowDigest is no digest"
    if not all(_SHA256.fullmatch(one.sha256) for one in known):
        yield "a sha256 that is none"
