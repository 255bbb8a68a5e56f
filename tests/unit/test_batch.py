"""Whatever a worker was given is done, retried or dropped: the sums must always come out."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Final

import pytest
from attrs import define, field
from hypothesis import given
from hypothesis import strategies as st

from demand_core.batch import Outcome, Record, Tally, one_by_one, tally
from demand_core.errors import Permanent, Transient, Unknown, WiringError

LATER: Final = datetime(2025, 2, 14, 12, 1, tzinfo=UTC)
FATES: Final[Mapping[str, str | Exception | None]] = {
    "done": None,
    "reasoned": "not_wanted",
    "transient": Transient("throttled"),
    "unknown": Unknown("no answer"),
    "away": Transient("come again later", retry_at=LATER),
    "permanent": Permanent("bad_url", "a blank in it"),
}
GOES_BACK: Final = {"transient", "unknown", "away"}
REASONS: Final = {"reasoned": "not_wanted", "permanent": "bad_url"}

record_ids = st.lists(st.text("abcdef", min_size=1, max_size=2), unique=True)
counts = st.integers(0, 1000)
tallies = st.builds(
    Tally,
    done=counts,
    retried=counts,
    dropped=st.dictionaries(st.sampled_from(["bad_url", "event_unknown"]), counts),
    quarantined=counts,
)


@define
class Work:
    """Does to each body what its name says, and remembers for which it was called."""

    called: list[str] = field(factory=list)

    def __call__(self, body: str) -> str | None:
        self.called.append(body)
        fate = FATES[body.partition("-")[0]]
        if isinstance(fate, Exception):
            raise fate
        return fate


def records(bodies: Sequence[str]) -> list[Record[str]]:
    return [Record(f"r{n}", body) for n, body in enumerate(bodies)]


@given(retry=st.frozensets(st.sampled_from("abcd")), dropped=st.sets(st.sampled_from("cdef")))
def test_an_outcome_never_says_two_things_of_one_record(
    retry: frozenset[str], dropped: set[str]
) -> None:
    both = retry & dropped
    if not both:
        outcome = Outcome(retry=retry, dropped=dict.fromkeys(dropped, "why"))
        assert (outcome.retry, set(outcome.dropped)) == (retry, dropped)
        return
    with pytest.raises(WiringError) as refusal:
        Outcome(retry=retry, dropped=dict.fromkeys(dropped, "why"))
    assert str(sorted(both)) in str(refusal.value)


@given(ids=record_ids, fates=st.data())
def test_every_record_is_counted_once_under_what_became_of_it(
    ids: list[str], fates: st.DataObject
) -> None:
    became = {i: fates.draw(st.sampled_from(["done", "retry", "x", "y"])) for i in ids}
    counted = tally(
        ids,
        Outcome(
            retry=frozenset(i for i in ids if became[i] == "retry"),
            dropped={i: became[i] for i in ids if became[i] in {"x", "y"}},
        ),
    )
    wanted = Counter(became.values())
    assert counted.records == len(ids)
    assert (counted.done, counted.retried) == (wanted.pop("done", 0), wanted.pop("retry", 0))
    assert counted.dropped == wanted
    assert counted.quarantined == 0


@pytest.mark.parametrize(
    "outcome", [Outcome(retry=frozenset({"r9"})), Outcome(dropped={"r9": "event_unknown"})]
)
def test_an_outcome_that_names_a_stranger_is_refused(outcome: Outcome) -> None:
    with pytest.raises(WiringError, match=r"unknown records: \['r9'\]"):
        tally(["r0", "r1"], outcome)


@given(one=tallies, two=tallies, three=tallies)
def test_runs_may_be_added_in_any_order_and_lose_no_record(
    one: Tally, two: Tally, three: Tally
) -> None:
    total = one + two + three
    assert total == one + (two + three) == three + two + one
    assert total.records == one.records + two.records + three.records
    assert total.quarantined == one.quarantined + two.quarantined + three.quarantined


@given(one=tallies)
def test_a_run_of_nothing_adds_nothing(one: Tally) -> None:
    total = one + Tally()
    assert (total.records, total.done, total.retried) == (one.records, one.done, one.retried)
    assert total.dropped == {reason: n for reason, n in one.dropped.items() if n}


def test_a_record_that_is_not_named_is_done() -> None:
    assert tally(["r0", "r1"], Outcome()) == Tally(done=2)
    assert tally([], Outcome()) == Tally()


def test_each_body_is_worked_on_by_itself_and_harms_no_neighbour() -> None:
    work = Work()
    outcome = one_by_one(
        records(["done-1", "transient", "permanent", "unknown", "reasoned", "done-2"]), work
    )
    assert outcome.retry == {"r1", "r3"}
    assert outcome.dropped == {"r2": "bad_url", "r4": "not_wanted"}
    assert len(work.called) == 6


def test_equal_bodies_are_worked_on_once_and_share_their_fate() -> None:
    work = Work()
    outcome = one_by_one(records(["permanent", "transient", "permanent", "transient"]), work)
    assert work.called == ["permanent", "transient"]
    assert outcome.retry == {"r1", "r3"}
    assert outcome.dropped == {"r0": "bad_url", "r2": "bad_url"}


def test_a_service_that_asks_to_be_left_alone_is_left_alone() -> None:
    work = Work()
    outcome = one_by_one(records(["done-1", "away", "done-2", "permanent", "done-1"]), work)
    assert work.called == ["done-1", "away"]
    assert outcome.retry == {"r1", "r2", "r3"}
    assert outcome.dropped == {}


def test_a_bug_in_the_work_is_not_taken_for_a_fault() -> None:
    def work(body: str) -> None:
        raise ZeroDivisionError(body)

    with pytest.raises(ZeroDivisionError):
        one_by_one(records(["done"]), work)


@given(
    bodies=st.lists(
        st.builds("{}-{}".format, st.sampled_from(sorted(FATES)), st.integers(0, 2)),
        max_size=12,
    )
)
def test_one_by_one_does_what_a_plain_reading_of_its_promise_says(bodies: list[str]) -> None:
    work = Work()
    outcome = one_by_one(records(bodies), work)
    different = list(dict.fromkeys(bodies))
    away = next((n for n, body in enumerate(different) if body.startswith("away")), None)
    tried = different if away is None else different[: away + 1]
    assert work.called == tried
    for n, body in enumerate(bodies):
        fate = body.partition("-")[0]
        goes_back = body not in tried or fate in GOES_BACK
        assert (f"r{n}" in outcome.retry) is goes_back
        assert outcome.dropped.get(f"r{n}") == (None if goes_back else REASONS.get(fate))
    assert tally([f"r{n}" for n in range(len(bodies))], outcome).records == len(bodies)


def test_what_was_noted_is_counted_beside_the_records_and_summed_over_runs() -> None:
    one = tally(["r1"], Outcome(noted={"odd": 2}))
    other = tally(["r2"], Outcome(noted={"odd": 1, "new": 1}))
    assert (one + other).noted == {"odd": 3, "new": 1}
    assert (one + other).records == (one + other).done == 2
