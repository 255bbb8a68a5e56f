"""Two senders, one row and a provider: whatever is lost or late, no fan is told twice."""

from datetime import timedelta
from itertools import pairwise
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from demand_core.domain.delivery import (
    Capability,
    DeliveryPolicy,
    Keyed,
    Queryable,
    Silent,
    Terms,
)
from demand_core.domain.notifications import due_at
from demand_core.domain.statuses import NOT_SENT, RANK, SETTLED, Status
from tests.unit.domain.sending import CAPABILITIES, World, a_world, played, settle

seeds = st.integers(0, 2**32)
each_capability = pytest.mark.parametrize(
    "capability", CAPABILITIES, ids=lambda capability: type(capability).__name__
)
MANY: Final = 500


def of(world: World) -> tuple[int, Status]:
    return len(world.provider.taken), world.row.status


@each_capability
@given(seed=seeds)
def test_nobody_is_told_twice_or_after_the_time_of_the_message(
    capability: Capability, seed: int
) -> None:
    world = played(a_world(seed, Terms(capability=capability)))
    assert len(world.provider.taken) <= 1
    assert all(at <= world.provider.not_after for at in world.provider.taken)


@each_capability
@given(seed=seeds)
def test_no_row_says_that_a_fan_was_not_told_who_was(capability: Capability, seed: int) -> None:
    world = played(a_world(seed, Terms(capability=capability)))
    taken, status = of(world)
    assert not (taken and status in NOT_SENT)
    assert taken or RANK[status] not in range(2, RANK[Status.FAILED])


@each_capability
@given(seed=seeds)
def test_every_row_is_settled_soon_after_the_trouble_is_over(
    capability: Capability, seed: int
) -> None:
    world = played(a_world(seed, Terms(capability=capability)))
    assert world.row.status in SETTLED
    assert due_at(world.row) is None
    assert all((due_at(row) is None) == (row.status in SETTLED) for row in world.history)


@each_capability
@given(seed=seeds)
def test_what_was_learned_from_outside_is_never_unlearned(
    capability: Capability, seed: int
) -> None:
    history = played(a_world(seed, Terms(capability=capability))).history
    for before, after in pairwise(history):
        assert RANK[before.status] <= RANK[after.status]
        assert not (before.settled and due_at(after))
        assert before.failures <= after.failures <= 3


@each_capability
def test_without_trouble_the_first_look_sends_it(capability: Capability) -> None:
    worlds = [a_world(seed, Terms(capability=capability)) for seed in range(MANY)]
    for world in worlds:
        settle(world)
        refused = world.provider.refuses
        assert of(world) == ((0, Status.FAILED) if refused else (1, Status.TRIGGERED))
        assert world.row.send_attempts == 1


@each_capability
def test_the_worlds_reach_every_end_that_there_is(capability: Capability) -> None:
    terms = Terms(capability=capability)
    ends = {of(played(a_world(seed, terms))) for seed in range(MANY)}
    assert ends >= {
        (1, Status.TRIGGERED),
        (1, Status.SENT),
        (1, Status.DELIVERED),
        (1, Status.UNKNOWN),
        (0, Status.UNKNOWN),
        (0, Status.EXPIRED),
        (0, Status.FAILED),
        (0, Status.DROPPED),
        (0, Status.SUPPRESSED),
    }


IMPATIENT: Final = DeliveryPolicy(timeout=timedelta(0), query_skew=timedelta(0))


@pytest.mark.parametrize(
    ("thought", "real"),
    [
        (Terms(capability=Keyed()), Terms(capability=Keyed(timedelta(minutes=1)))),
        (Terms(capability=Keyed()), Terms(capability=Silent())),
        (Terms(capability=Queryable()), Terms(capability=Queryable(timedelta(minutes=10)))),
        (Terms(capability=Queryable(), policy=IMPATIENT), Terms(capability=Queryable())),
    ],
    ids=["key forgotten", "no keys at all", "longer lag", "lease too short"],
)
def test_a_provider_that_does_less_than_it_says_is_found_out(
    thought: Terms, real: Terms
) -> None:
    worlds = (played(a_world(seed, thought, real)) for seed in range(4 * MANY))
    assert any(len(world.provider.taken) > 1 for world in worlds)
