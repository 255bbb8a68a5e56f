"""What every Entropy promises."""

import re

import pytest

from demand_adapters.memory.entropy import MemoryEntropy
from demand_core.ports.entropy import Entropy


class EntropyContract:
    """Subclasses provide one fixture: entropy."""

    def test_a_fresh_id_is_32_hexadecimal_digits(self, entropy: Entropy) -> None:
        assert re.fullmatch(r"[0-9a-f]{32}", entropy.fresh_id())

    def test_no_id_is_given_twice(self, entropy: Entropy) -> None:
        ids = [entropy.fresh_id() for _ in range(1000)]
        assert len(set(ids)) == 1000

    def test_a_stream_goes_on_where_it_was(self, entropy: Entropy) -> None:
        draws = [entropy.stream("delay").getrandbits(64) for _ in range(100)]
        assert len(set(draws)) == 100

    def test_two_purposes_draw_apart(self, entropy: Entropy) -> None:
        delay, order = entropy.stream("delay"), entropy.stream("order")
        assert delay.getrandbits(128) != order.getrandbits(128)


class TestMemoryEntropy(EntropyContract):
    @pytest.fixture
    def entropy(self) -> Entropy:
        return MemoryEntropy(7)


def test_the_same_seed_draws_the_same_in_every_process() -> None:
    # Written down from another process: whatever differs between two of them shows here.
    entropy = MemoryEntropy(7)
    assert entropy.stream("delay").getrandbits(64) == 7689248780491258721
    assert entropy.fresh_id() == "9e4089c0777e3d636d2f3016663477db"


def test_a_seed_is_the_same_as_a_number_and_as_text() -> None:
    assert MemoryEntropy(7).fresh_id() == MemoryEntropy("7").fresh_id()


def test_another_seed_draws_something_else() -> None:
    assert MemoryEntropy(7).fresh_id() != MemoryEntropy(8).fresh_id()
    assert MemoryEntropy(7).stream("a").random() != MemoryEntropy(8).stream("a").random()


def test_draws_for_one_purpose_never_shift_another() -> None:
    quiet, busy = MemoryEntropy(7), MemoryEntropy(7)
    for purpose in ("order", "faults", "demand.ids/1", ""):
        busy.stream(purpose).random()
    assert quiet.stream("delay").random() == busy.stream("delay").random()
    assert quiet.fresh_id() == busy.fresh_id()


def test_seed_and_purpose_do_not_run_into_one_another() -> None:
    assert MemoryEntropy("a").stream("bc").random() != MemoryEntropy("ab").stream("c").random()


def test_one_purpose_has_one_generator() -> None:
    entropy = MemoryEntropy(7)
    assert entropy.stream("delay") is entropy.stream("delay")
