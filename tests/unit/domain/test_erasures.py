"""An erasure goes only forwards, ends without a name, and its aliases lead nowhere."""

from datetime import timedelta
from functools import reduce
from itertools import pairwise, permutations
from typing import Final

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from demand_adapters.testing.erasure_book import an_erasure
from demand_adapters.testing.strategies import NOON
from demand_core.domain.contacts import ContactKey
from demand_core.domain.erasures import (
    AFTER,
    SETTLES_AFTER,
    ErasureState,
    Forgotten,
    PersonalName,
    Salt,
    Tombstone,
    buried,
    finished,
    forgotten,
    learned,
    moved,
    restarted,
)
from demand_core.domain.ids import ErasureId
from demand_core.domain.subjects import Name
from demand_core.errors import Permanent, WiringError
from demand_core.topology.checks import TIMEOUT_MAX

KEY: Final = ContactKey("one", b"sixteen bytes at least")
HOUR: Final = timedelta(hours=1)


@pytest.mark.parametrize("state", ErasureState)
@pytest.mark.parametrize("to", ErasureState)
def test_a_state_is_only_reached_by_the_table(state: ErasureState, to: ErasureState) -> None:
    erasure = evolve(an_erasure(), state=state)
    if to is state or to in AFTER[state]:
        assert moved(erasure, to, "why").state is to
    else:
        with pytest.raises(WiringError):
            moved(erasure, to)


def test_nothing_follows_the_end_and_all_else_comes_to_it() -> None:
    assert AFTER[ErasureState.DONE] == frozenset()
    for state in ErasureState:
        reached, found = {state}, {state}
        while found:
            found = {to for one in found for to in AFTER[one]} - reached
            reached |= found
        assert ErasureState.DONE in reached


def test_at_its_end_neither_name_nor_salt_is_left() -> None:
    erasure = moved(restarted(an_erasure()), ErasureState.VERIFYING, "a file")
    done = finished(erasure, NOON + HOUR)
    assert (done.names, done.salt, done.reason) == ((), None, None)
    assert done.finished
    assert restarted(done) == done


def test_names_and_salt_are_never_printed() -> None:
    told = f"{learned(an_erasure(), [('phone', '+12125559999')])!r} {an_erasure().salt}"
    for text in ("F1", "2125550001", "2125559999", "fan@mail", f"{1:064x}"):
        assert text not in told.replace("FanId", "")


@given(st.lists(st.sampled_from(["F1", "+12125550001", "x@y.example"]), max_size=6))
def test_a_name_is_learned_once(texts: list[str]) -> None:
    found: list[Name] = [("fan", text) for text in texts]
    erasure = reduce(lambda known, name: learned(known, [name]), found, an_erasure(names=()))
    assert erasure.names == tuple(map(PersonalName.of, dict.fromkeys(found)))
    assert [one.name for one in erasure.names] == [*dict.fromkeys(found)]


@pytest.mark.parametrize("text", ["", "F1", "name:F1"])
def test_what_is_no_name_is_refused_and_not_shown(text: str) -> None:
    with pytest.raises(Permanent, match="bad_name"):
        PersonalName(text)
    with pytest.raises(Permanent, match="bad_salt"):
        Salt(text)


def test_it_settles_after_the_last_of_it_was_removed() -> None:
    erasure = an_erasure()
    assert erasure.settled_at == erasure.until + SETTLES_AFTER
    later = evolve(erasure, removed_at=erasure.until + HOUR)
    assert later.settled_at == erasure.until + HOUR + SETTLES_AFTER
    earlier = evolve(erasure, removed_at=erasure.until - HOUR)
    assert earlier.settled_at == erasure.settled_at


def test_no_worker_is_at_work_for_as_long_as_an_erasure_waits() -> None:
    assert SETTLES_AFTER > 2 * TIMEOUT_MAX


@given(texts=st.lists(st.text(max_size=20), unique=True, min_size=2, max_size=20))
def test_an_alias_is_one_of_its_fan_and_of_its_erasure(texts: list[str]) -> None:
    one, other = (Forgotten(at=NOON, salt=bytes([n]) * 32) for n in (1, 2))
    aliases = [who.alias(text) for who in (one, other) for text in texts]
    assert len(set(aliases)) == 2 * len(texts)
    assert [one.alias(text) for text in texts] == aliases[: len(texts)]
    assert {len(alias) for alias in aliases} == {len("erased-") + 16}


def test_what_was_asked_for_later_is_not_covered() -> None:
    who = Forgotten(at=NOON, salt=b"")
    assert who.covers(NOON)
    assert who.covers(NOON - HOUR)
    assert who.covers(None)
    assert not who.covers(NOON + timedelta(microseconds=1))


def test_without_its_salt_the_secret_makes_another_one_for_each_erasure() -> None:
    done = evolve(an_erasure(), salt=None)
    stones = [Tombstone(erasure_id=an_erasure(n).erasure_id, at=NOON) for n in (1, 2)]
    salts = [
        forgotten(stones[0], an_erasure(), KEY).salt,
        forgotten(stones[0], done, KEY).salt,
        forgotten(stones[1], done, KEY).salt,
        forgotten(stones[0], done, ContactKey("two", b"another sixteen bytes")).salt,
    ]
    assert len(set(salts)) == len(salts)
    assert forgotten(stones[0], None, KEY) == forgotten(stones[0], done, KEY)


def test_of_tombstones_in_any_order_the_latest_holds() -> None:
    stones = [
        Tombstone(erasure_id=ErasureId(f"20250214T120000Z-0000000{n}"), at=NOON + at * HOUR)
        for n, at in enumerate((0, 1, 1))
    ]
    assert all(a != b for a, b in pairwise(stones))
    for order in permutations(stones):
        known: Tombstone | None = None
        for stone in order:
            known = buried(known, stone)
        assert known == stones[2]
