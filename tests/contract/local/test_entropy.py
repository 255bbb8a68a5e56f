"""The chance of the operating system keeps what every Entropy promises."""

from contextlib import AbstractContextManager, nullcontext

import pytest

from demand_adapters.local.entropy import SystemEntropy
from demand_adapters.testing.entropy import EntropyContract
from demand_adapters.testing.races import at_once
from demand_core.ports.entropy import Entropy


class TestSystemEntropy(EntropyContract):
    engine = "local"

    def fresh(self) -> AbstractContextManager[Entropy]:
        return nullcontext(SystemEntropy())


def test_threads_that_draw_at_once_draw_nothing_twice() -> None:
    entropy = SystemEntropy()

    def drawn() -> list[int]:
        stream = entropy.stream("delay")
        return [draw for _ in range(100) for draw in (stream.getrandbits(128), an_id(entropy))]

    assert len({draw for draws in at_once([drawn] * 8) for draw in draws}) == 1600


def an_id(entropy: Entropy) -> int:
    return int(entropy.fresh_id(), 16)


def test_no_stream_has_a_state_that_a_forked_process_could_repeat() -> None:
    with pytest.raises(NotImplementedError):
        SystemEntropy().stream("delay").getstate()
