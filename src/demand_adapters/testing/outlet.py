"""What every Outlet promises, whatever channel stands behind it."""

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Final

import pytest
from attrs import frozen

from demand_adapters.testing.contract import Contract
from demand_core.errors import Permanent
from demand_core.ports.outlet import Outlet

# Longer than any channel takes, and still quick to make.
TOO_LONG: Final = "x" * 11 * 1024 * 1024


@frozen
class OutletAtHand:
    """An outlet of texts, and all that arrived at the other end since the last look."""

    outlet: Outlet[str]
    arrived: Callable[[], Sequence[str]]


class OutletContract(Contract[OutletAtHand]):
    """For every channel, each in a class of its own."""

    port = "Outlet"

    @pytest.mark.parametrize("size", [0, 1, 10, 11, 501])
    def test_batches_of_any_size_arrive(self, hand: OutletAtHand, size: int) -> None:
        sent = [f"body {n}" for n in range(size)]
        assert not hand.outlet.send(sent)
        assert set(hand.arrived()) == set(sent)

    def test_equal_bodies_each_arrive(self, hand: OutletAtHand) -> None:
        assert not hand.outlet.send(["same"] * 3)
        assert Counter(hand.arrived())["same"] >= 3

    def test_one_call_after_another_arrives(self, hand: OutletAtHand) -> None:
        for body in ("one", "two"):
            assert not hand.outlet.send([body])
        assert set(hand.arrived()) == {"one", "two"}

    def test_text_of_any_script_arrives_unchanged(self, hand: OutletAtHand) -> None:
        sent = ['{"a": "é"}', "🎟", "line\nbreak\ttab", '"\\']
        assert not hand.outlet.send(sent)
        assert set(hand.arrived()) == set(sent)

    def test_a_body_that_no_channel_carries_takes_nothing_with_it(
        self, hand: OutletAtHand
    ) -> None:
        with pytest.raises(Permanent):
            hand.outlet.send(["fine", TOO_LONG])
        assert hand.arrived() == []
