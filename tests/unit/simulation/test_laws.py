"""The laws hold of every row, in every story."""

from collections.abc import Callable, Mapping
from typing import Final

import pytest

from demand_core.batch import Outcome
from entrypoints.simulation import laws, stories
from entrypoints.simulation.world import World

STORIES = {story.name: story for story in stories.stories()}


def test_every_row_has_something_to_do_in_some_story() -> None:
    assert stories.uncovered(STORIES.values()) == []


# Nothing was chosen there to come again later, and no call there can be half done.
NOTHING_TO_TRY: Final = {
    ("look-up", "later"),
    ("deletion-audit", "partial"),
    ("bad-records", "partial"),
}


@pytest.mark.parametrize("law", laws.LAWS, ids=lambda law: law.__name__)
@pytest.mark.parametrize("name", STORIES)
def test_the_law_holds_of_every_row(
    name: str,
    law: Callable[[stories.Story], laws.Proof],
    tried: Callable[[str, Mapping[str, int]], None],
) -> None:
    proof = law(STORIES[name])
    tried(f"{name}, {proof.law}", proof.tried)
    assert proof.broken == []
    assert proof.tried or (name, law.__name__) in NOTHING_TO_TRY


def test_a_story_that_misses_its_goal_proves_nothing() -> None:
    story = stories.Story("short-links", STORIES["short-links"].scenario, before=_nobody_works)
    with pytest.raises(AssertionError, match="misses its goal"):
        laws.at_once(story)


def _nobody_works(world: World) -> None:
    for row in world.rows:
        world.works[row] = lambda _: Outcome()
