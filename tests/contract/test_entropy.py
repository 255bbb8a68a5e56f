"""The entropy in memory keeps what every Entropy promises, and repeats itself."""

from contextlib import AbstractContextManager, nullcontext

from demand_adapters.memory.entropy import MemoryEntropy
from demand_adapters.testing.entropy import EntropyContract
from demand_core.ports.entropy import Entropy


class TestMemoryEntropy(EntropyContract):
    engine = "memory"

    def fresh(self) -> AbstractContextManager[Entropy]:
        return nullcontext(MemoryEntropy(7))


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
