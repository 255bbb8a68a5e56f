"""What all contracts have in common: a port, an engine, and a way to get a fresh one."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from typing import ClassVar, Final, Generic, TypeVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import RuleBasedStateMachine, run_state_machine_as_test

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

# Many engines inherit the same property, which is the point and no slip; each takes its time.
inherited: Final = settings(
    deadline=None, suppress_health_check=[HealthCheck.differing_executors]
)


class Contract(ABC, Generic[T_co]):
    """Subclasses say which *engine* they try and how to get a `fresh` one.

    The *port* is what the promises are counted under: each class of promises has its own.
    """

    port: ClassVar[str]
    engine: ClassVar[str]

    @abstractmethod
    def fresh(self) -> AbstractContextManager[T_co]:
        """An empty one, closed on the way out; a property asks for one at every example."""

    @pytest.fixture
    def hand(self) -> Iterator[T_co]:
        """What a test has at hand."""
        with self.fresh() as hand:
            yield hand


class Machine(RuleBasedStateMachine, Generic[T]):
    """Any calls in any order, on what is at hand; `assert_any_calls` says how to get it."""

    fresh: Callable[[], AbstractContextManager[T]]

    def __init__(self) -> None:
        """Take a fresh one."""
        super().__init__()
        self.opened = ExitStack()
        self.hand = self.opened.enter_context(self.fresh())

    def teardown(self) -> None:
        """Close it."""
        self.opened.close()


def assert_any_calls(
    machine: type[Machine[T]],
    fresh: Callable[[], AbstractContextManager[T]],
    how_often: settings | None = None,
) -> None:
    """Run a machine on an engine."""
    run_state_machine_as_test(
        type(machine.__name__, (machine,), {"fresh": staticmethod(fresh)}), settings=how_often
    )
