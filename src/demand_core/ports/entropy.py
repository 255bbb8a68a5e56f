"""Chance, kept outside so that a seed can stand in for it."""

from random import Random
from typing import Protocol


class Entropy(Protocol):
    """The only source of randomness."""

    def stream(self, purpose: str, /) -> Random:
        """A generator for one purpose; what is drawn for another never shifts it."""
        ...

    def fresh_id(self) -> str:
        """32 hexadecimal digits that were never given before."""
        ...
