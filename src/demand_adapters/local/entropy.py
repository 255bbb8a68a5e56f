"""The chance of the operating system."""

from random import Random, SystemRandom


class SystemEntropy:
    """Without a state of its own: threads and forked processes never draw the same."""

    def stream(self, purpose: str, /) -> Random:
        """What is drawn for one purpose has nothing to do with what is drawn for another."""
        del purpose
        return SystemRandom()

    def fresh_id(self) -> str:
        """128 bits."""
        return f"{SystemRandom().getrandbits(128):032x}"
