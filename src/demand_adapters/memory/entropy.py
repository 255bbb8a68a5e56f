"""Chance out of one seed."""

from hashlib import sha256
from random import Random

from demand_core.domain.ids import netstring


class MemoryEntropy:
    """The same draws for the same seed, in every process; 7 and "7" are the same seed."""

    def __init__(self, seed: int | str) -> None:
        """Draw nothing yet."""
        self._seed = str(seed)
        self._ids = _generator("demand.ids/1", self._seed)
        self._streams: dict[str, Random] = {}

    def stream(self, purpose: str, /) -> Random:
        """The one generator of this purpose, wherever its draws have come to."""
        found = self._streams.get(purpose)
        if found is None:
            found = _generator("demand.stream/1", self._seed, purpose)
            self._streams[purpose] = found
        return found

    def fresh_id(self) -> str:
        """Drawn from a stream that no purpose names."""
        return f"{self._ids.getrandbits(128):032x}"


def _generator(*parts: str) -> Random:
    seed = int.from_bytes(sha256(netstring(*parts)).digest())
    return Random(seed)  # noqa: S311  # to be repeated, not to be secret
