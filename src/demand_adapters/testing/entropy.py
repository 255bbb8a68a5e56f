"""What every Entropy promises."""

import re

from demand_adapters.testing.contract import Contract
from demand_core.ports.entropy import Entropy


class EntropyContract(Contract[Entropy]):
    """For chance out of a seed, and for the real one."""

    port = "Entropy"

    def test_a_fresh_id_is_32_hexadecimal_digits(self, hand: Entropy) -> None:
        assert re.fullmatch(r"[0-9a-f]{32}", hand.fresh_id())

    def test_no_id_is_given_twice(self, hand: Entropy) -> None:
        ids = [hand.fresh_id() for _ in range(1000)]
        assert len(set(ids)) == 1000

    def test_a_stream_goes_on_where_it_was(self, hand: Entropy) -> None:
        draws = [hand.stream("delay").getrandbits(64) for _ in range(100)]
        assert len(set(draws)) == 100

    def test_two_purposes_draw_apart(self, hand: Entropy) -> None:
        delay, order = hand.stream("delay"), hand.stream("order")
        assert delay.getrandbits(128) != order.getrandbits(128)
