"""The ports of a simulated world: a fault proxy before every driver, a witness behind it."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import frozen

from entrypoints.profiles import Profile

if TYPE_CHECKING:
    from entrypoints.simulation.world import World

D = TypeVar("D")


@frozen
class Seen:
    """One call that reached its driver, and how many writes had been done by then."""

    invocation: int
    driver: str
    method: str
    args: tuple[Any, ...]
    sequence: int


class SimulatedPorts(Profile):
    """The memory profile with the fault proxy before every driver and a witness behind it."""

    def __init__(self, world: "World") -> None:
        """Stand in between for *world*."""
        super().__init__(world.settings, world.engines)
        self._world = world

    def around(self, name: str, driver: D) -> D:
        """The driver behind its proxy."""
        return self._world.faults.around(name, cast("D", _Witness(self._world, name, driver)))


class _Witness:
    """Stands for a driver and writes down the calls that the world watches for."""

    def __init__(self, world: "World", name: str, driver: object) -> None:
        self._world = world
        self._name = name
        self._driver = driver

    def __getattr__(self, method: str) -> Callable[..., Any]:
        world, name, real = self._world, self._name, getattr(self._driver, method)
        if (name, method) not in world.watched:
            return real  # type: ignore[no-any-return]  # a bound method, whatever it takes

        def seen(*args: Any, **more: Any) -> Any:  # whatever the driver takes
            invocation = world.faults.current
            number = invocation.number if invocation else 0
            world.seen.append(Seen(number, name, method, args, world.engines.table.sequence))
            return real(*args, **more)

        return seen
