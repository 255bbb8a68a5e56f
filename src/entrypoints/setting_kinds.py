"""What a setting takes: in words, and how text becomes its value."""

import re
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

from attrs import field, frozen

Read: TypeAlias = Callable[[str], object | None]


@frozen
class Kind:
    """What a setting takes, in words, and how text becomes its value; None: it does not."""

    takes: str
    read: Read


def _digits(least: int, most: int, text: str) -> int | None:
    plain = text.isascii() and text.isdecimal() and len(text) <= len(str(most))
    return int(text) if plain and least <= int(text) <= most else None


def _matching(pattern: re.Pattern[str], text: str) -> str | None:
    return text if pattern.fullmatch(text) else None


def _path(text: str) -> Path | None:
    return Path(text) if text and text.isprintable() else None


def a_number(default: int, least: int, most: int, about: str) -> Any:  # attrs
    """A whole number of some range."""
    kind = Kind(f"a whole number from {least} to {most}", partial(_digits, least, most))
    return field(default=default, metadata=_said(kind, about))


def a_text(
    default: str, takes: str, pattern: str, about: str, needed: Sequence[str] = ()
) -> Any:  # attrs
    """Text of one pattern, which *takes* puts in words."""
    kind = Kind(takes, partial(_matching, re.compile(pattern)))
    return field(default=default, metadata=_said(kind, about, needed))


def a_path(default: Path, about: str) -> Any:  # attrs
    """A path of this machine."""
    return field(default=default, metadata=_said(Kind("a path", _path), about))


def _said(kind: Kind, about: str, needed: Sequence[str] = ()) -> Mapping[str, object]:
    return {"kind": kind, "about": about, "needed": frozenset(needed)}
