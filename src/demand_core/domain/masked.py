"""A text that is handed on but never seen."""

from abc import ABC, abstractmethod
from typing import Self, final


class Masked(ABC):
    """Whatever prints one gets the mask; only `reveal` gives the text.

    No attrs class: `asdict` would unfold it, and a failed comparison in a test would show its
    fields. Pickled it keeps its text, since that hands it on to a process of ours.
    """

    __slots__ = ("_text",)
    _text: str

    def __init__(self, text: str) -> None:
        """Raise Permanent, without the text, unless it is spelled as this kind must be."""
        self._check(text)
        object.__setattr__(self, "_text", text)

    @staticmethod
    @abstractmethod
    def _check(text: str) -> None: ...

    @abstractmethod
    def _mask(self) -> str: ...

    @final
    def reveal(self) -> str:
        """Give the text itself: for whoever stores, sends or hashes it, never for a log."""
        return self._text

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._mask()})"

    def __format__(self, spec: str) -> str:
        return format(repr(self), spec)

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self._text == other._text

    def __hash__(self) -> int:
        return hash(self._text)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"{type(self).__name__} does not change")

    def __reduce__(self) -> tuple[type[Self], tuple[str]]:
        return type(self), (self._text,)
