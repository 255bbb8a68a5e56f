"""What every Clock promises."""

from datetime import UTC

from demand_adapters.testing.contract import Contract
from demand_core.ports.clock import Clock


class ClockContract(Contract[Clock]):
    """For a clock that goes, and for one that is moved."""

    port = "Clock"

    def test_now_is_in_utc(self, hand: Clock) -> None:
        assert hand.now().tzinfo is UTC

    def test_now_is_cut_to_milliseconds(self, hand: Clock) -> None:
        assert hand.now().microsecond % 1000 == 0

    def test_time_never_goes_back(self, hand: Clock) -> None:
        answers = [hand.now() for _ in range(1000)]
        assert answers == sorted(answers)
