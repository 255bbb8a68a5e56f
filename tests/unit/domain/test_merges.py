"""A manifest goes one way, and by its state alone each row counts once."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Final

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from demand_core.domain.merges import (
    AFTER,
    DECIDED,
    SOURCES_MAX,
    STEPS,
    Candidate,
    Form,
    Manifest,
    MergeState,
    Source,
    is_closed,
    opening,
    standing,
    stepped,
    together,
)
from demand_core.errors import WiringError

NOON: Final = datetime(2025, 2, 14, 12, tzinfo=UTC)
ONE: Final = Form(schema_fingerprint="aa", schema="s", codec="deflate", metadata={"a": "1"})
FORMS: Final = (ONE, evolve(ONE, codec="null"), evolve(ONE, metadata={"a": "2"}))


def a_source(key: str, records: int = 1) -> Source:
    return Source(key=key, etag=f"{key}-1", size=10, records=records, sha256="0" * 64)


def a_candidate(n: int, form: Form = ONE, records: int = 1, row_digest: int = 1) -> Candidate:
    return Candidate(source=a_source(f"o{n}", records), form=form, row_digest=row_digest)


def a_manifest(state: MergeState, number: int = 1, *sources: str) -> Manifest:
    candidates = [Candidate(source=a_source(key), form=ONE, row_digest=1) for key in sources]
    made = opening(number, candidates or [a_candidate(1)], f"m{number}", NOON)
    return evolve(made, state=state)


def test_every_state_has_a_step_and_leads_only_forward() -> None:
    assert STEPS.keys() == AFTER.keys() == set(MergeState)
    for state, following in AFTER.items():
        assert {STEPS[one] for one in following} <= {STEPS[state] + 1}
    leads_to = frozenset().union(*AFTER.values())
    assert leads_to == set(MergeState) - {MergeState.OPEN}


@pytest.mark.parametrize("state", MergeState)
@pytest.mark.parametrize("before", MergeState)
def test_a_step_that_the_table_does_not_have_is_refused(
    before: MergeState, state: MergeState
) -> None:
    manifest = a_manifest(before)
    if state in AFTER[before]:
        assert stepped(manifest, state).state is state
    else:
        with pytest.raises(WiringError):
            stepped(manifest, state)


@pytest.mark.parametrize("state", MergeState)
def test_either_the_sources_count_or_what_was_made_of_them(state: MergeState) -> None:
    stand = standing([a_manifest(state, 1, "a", "b")])
    counting = ({"a", "b", "m1", "late"} | stand.shown) - stand.hidden
    assert counting == ({"m1", "late"} if state in DECIDED else {"a", "b", "late"})


def test_what_was_merged_is_a_source_of_the_next_merge_until_that_is_decided() -> None:
    first = a_manifest(MergeState.MOVED, 1, "a", "b")
    for state in MergeState:
        stand = standing([first, a_manifest(state, 2, "m1", "late")])
        assert stand.shown == ({"m2"} if state in DECIDED else {"m1"})
        assert {"a", "b"} < stand.hidden


def test_a_manifest_adds_up_what_it_names() -> None:
    top = (1 << 128) - 1
    candidates = [a_candidate(1, records=3, row_digest=top), a_candidate(2, row_digest=3)]
    manifest = opening(7, candidates, "m", NOON)
    assert (manifest.merged.records, manifest.row_digest) == (4, f"{2:032x}")
    assert (manifest.number, manifest.state) == (7, MergeState.OPEN)
    with pytest.raises(WiringError):
        opening(1, [a_candidate(1), a_candidate(2, FORMS[1])], "m", NOON)


@given(forms=st.lists(st.sampled_from(FORMS), max_size=12))
def test_files_of_one_form_come_together_and_one_alone_stays(forms: list[Form]) -> None:
    candidates = [a_candidate(n, form) for n, form in enumerate(forms)]
    groups = together(candidates)
    for group in groups:
        assert len(group) > 1
        assert {one.form for one in group} == {group[0].form}
        assert all(candidates.index(a) < candidates.index(b) for a, b in pairwise(group))
    grouped = [one for group in groups for one in group]
    alone = [one for one in candidates if one not in grouped]
    assert len(grouped) + len(alone) == len(candidates)
    assert all(forms.count(one.form) == 1 for one in alone)


def test_one_manifest_names_no_more_than_it_may() -> None:
    (group,) = together([a_candidate(n) for n in range(SOURCES_MAX + 5)])
    assert len(group) == SOURCES_MAX


def test_a_day_is_closed_so_long_after_its_end_in_utc() -> None:
    day, end = date(2025, 2, 14), datetime(2025, 2, 15, tzinfo=UTC)
    for after in (timedelta(0), timedelta(days=2)):
        assert is_closed(day, end + after, after)
        assert not is_closed(day, end + after - timedelta(milliseconds=1), after)
