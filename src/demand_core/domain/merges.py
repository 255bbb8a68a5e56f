"""Many files of one part of an archive become one, and every row counts once all the while.

A manifest names the files before anything is done to them. Its state alone says which files
count: the sources until it is decided, the merged file from then on.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from enum import Enum
from typing import Final

from attrs import evolve, field, frozen

from demand_core.errors import WiringError

# So many files are named by one manifest; the merged one is a source of the next.
SOURCES_MAX: Final = 2000
# What digests of rows are added up modulo.
DIGESTS: Final = 1 << 128


class MergeState(Enum):
    """How far a merge got."""

    OPEN = "OPEN"
    # Given up: its sources count for good, and another manifest begins anew.
    DROPPED = "DROPPED"
    MERGED = "MERGED"
    # Its sources are out of the way too.
    MOVED = "MOVED"


# Which step of its manifest a state is. Of two with the same step only one can ever be written.
STEPS: Final[Mapping[MergeState, int]] = {
    MergeState.OPEN: 1,
    MergeState.DROPPED: 2,
    MergeState.MERGED: 2,
    MergeState.MOVED: 3,
}
AFTER: Final[Mapping[MergeState, frozenset[MergeState]]] = {
    MergeState.OPEN: frozenset({MergeState.DROPPED, MergeState.MERGED}),
    MergeState.DROPPED: frozenset(),
    MergeState.MERGED: frozenset({MergeState.MOVED}),
    MergeState.MOVED: frozenset(),
}
# The merged file counts, its sources do not.
DECIDED: Final = frozenset({MergeState.MERGED, MergeState.MOVED})


@frozen(kw_only=True)
class Source:
    """A file that goes into the merged one, as it was when the manifest was opened."""

    key: str
    etag: str
    size: int
    records: int
    sha256: str


@frozen(kw_only=True)
class MergedFile:
    """What is made of the sources; its bytes are known once it was read back."""

    key: str
    records: int
    size: int = 0
    sha256: str = ""


@frozen(kw_only=True)
class Form:
    """What files have in common whose blocks can stand in one file.

    *schema* is a digest of the schema as they spell it, *metadata* what their headers say of
    all their rows.
    """

    schema_fingerprint: str
    schema: str
    codec: str
    metadata: Mapping[str, str] = field(factory=dict, hash=False)


@frozen(kw_only=True)
class Candidate:
    """A file that was read to its end, and when its first change was if it says so."""

    source: Source
    form: Form
    row_digest: int
    earliest: datetime | None = None


@frozen(kw_only=True)
class Manifest:
    """One merge of one part; a part's manifests are numbered from 1.

    *row_digest* is the sum of the digests of all rows, in hex: in whatever order they stand,
    the merged file has the same.
    """

    number: int
    state: MergeState
    schema_fingerprint: str
    metadata: Mapping[str, str] = field(factory=dict)
    sources: tuple[Source, ...]
    merged: MergedFile
    row_digest: str
    started_at: datetime
    reason: str = ""


@frozen(kw_only=True)
class Standing:
    """Which files of a part count: all that are there but the *hidden*, and those *shown*."""

    hidden: frozenset[str]
    shown: frozenset[str]


def opening(
    number: int, candidates: Sequence[Candidate], merged_key: str, now: datetime
) -> Manifest:
    """The manifest that begins to merge *candidates*, which have one form."""
    form = candidates[0].form
    if any(one.form != form for one in candidates):
        raise WiringError("files of several forms can't be merged")
    sources = tuple(one.source for one in candidates)
    records = sum(source.records for source in sources)
    return Manifest(
        number=number,
        state=MergeState.OPEN,
        schema_fingerprint=form.schema_fingerprint,
        metadata=form.metadata,
        sources=sources,
        merged=MergedFile(key=merged_key, records=records),
        row_digest=summed(one.row_digest for one in candidates),
        started_at=now,
    )


def summed(digests: Iterable[int]) -> str:
    """The one digest of rows whose own are *digests*."""
    return f"{sum(digests) % DIGESTS:032x}"


def stepped(
    manifest: Manifest,
    state: MergeState,
    *,
    merged: MergedFile | None = None,
    reason: str = "",
) -> Manifest:
    """*manifest* one step further; a step that the table does not have is a mistake of ours."""
    if state not in AFTER[manifest.state]:
        raise WiringError(f"no merge goes from {manifest.state.value} to {state.value}")
    return evolve(manifest, state=state, merged=merged or manifest.merged, reason=reason)


def standing(manifests: Iterable[Manifest]) -> Standing:
    """Which files count by the last word on each merge of a part.

    A source that comes again after it was merged stays hidden: its rows are in the merged file.
    So does a merged file that comes after its merge was given up.
    """
    hidden, shown = set[str](), set[str]()
    for manifest in manifests:
        if manifest.state in DECIDED:
            shown.add(manifest.merged.key)
            hidden.update(source.key for source in manifest.sources)
        else:
            hidden.add(manifest.merged.key)
    return Standing(hidden=frozenset(hidden), shown=frozenset(shown - hidden))


def together(candidates: Iterable[Candidate]) -> Sequence[Sequence[Candidate]]:
    """Those that can be merged, by their form; one that is alone stays as it is."""
    groups = dict[Form, list[Candidate]]()
    for one in candidates:
        groups.setdefault(one.form, []).append(one)
    return [group[:SOURCES_MAX] for group in groups.values() if len(group) > 1]


def is_closed(day: date, now: datetime, after: timedelta) -> bool:
    """Whether *day*, in UTC, has been over for as long as *after*."""
    end = datetime.combine(day, time(), tzinfo=UTC) + timedelta(days=1)
    return end + after <= now
