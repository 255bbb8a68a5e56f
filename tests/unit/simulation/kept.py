"""What a send path must keep, whatever goes wrong."""

from collections.abc import Mapping
from typing import Final

from entrypoints.simulation import texting
from entrypoints.simulation.world import World

# All that must be nothing, whatever goes wrong.
PROMISES: Final = (
    texting.duplicates,
    texting.too_late,
    texting.unsettled,
    texting.false_beliefs,
    texting.unexplained,
)


def broken(world: World) -> list[str]:
    """What was not kept."""
    return [f"{promise.__name__}: {found}" for promise in PROMISES if (found := promise(world))]


def ends(world: World) -> Mapping[str, int]:
    """How many messages came to which end; what was accepted counts as told."""
    found = dict(texting.counts(world))
    found["told"] = found.pop("delivered") + found.pop("underway")
    return {name: count for name, count in found.items() if count}
