"""What shows that bytes hold a fan's name, in whatever usual spelling."""

import re
from base64 import b64encode
from collections.abc import Iterator
from functools import cached_property
from typing import Final, TypeAlias

from attrs import field, frozen

from demand_core.domain.subjects import Name

# Shorter ones are found in anything: they count only where names stand.
TELLING: Final = 8
_TEN_DIGITS: Final = 10
# What a text is encoded to, beside itself; of base64 there are three, by where it begins.
_WIDE: Final = ("utf-16-le", "utf-16-be")
_AT_SIGNS: Final = (b"@", b"%40", b"\\u0040", b"=40", b"&#64;")


@frozen
class Trace:
    """One way to spell *name*: a pattern, which is only worth trying where its *hint* stands.

    *folded* ones are looked for in bytes without their capitals.
    """

    name: Name = field(repr=False)
    hint: bytes = field(repr=False)
    pattern: re.Pattern[bytes] = field(repr=False)
    folded: bool


@frozen(slots=False)
class Traces:
    """All that tells of some names."""

    names: frozenset[Name] = field(repr=False)

    @cached_property
    def every(self) -> tuple[Trace, ...]:
        """Each spelling of each name."""
        return tuple(
            Trace(name, hint, pattern, folded)
            for name in sorted(self.names)
            for hint, pattern, folded in _spellings(name)
        )

    @cached_property
    def contacts(self) -> "Traces":
        """Those of phones and addresses alone."""
        return Traces(frozenset(name for name in self.names if name[0] != "fan"))

    def told_by(self, content: bytes) -> frozenset[Name]:
        """The names that *content* holds, each not only as part of a longer one."""
        folded = content.lower()
        return frozenset(
            trace.name
            for trace in self.every
            for within in (folded if trace.folded else content,)
            if trace.hint in within and trace.pattern.search(within)
        )

    def may_stand_in(self, content: bytes) -> bool:
        """Whether it is worth looking at the rows of *content*, which are stored plainly."""
        folded = content.lower()
        return any(word in folded for word in self._words) or any(
            trace.hint in content for trace in self.every if not trace.folded
        )

    @cached_property
    def _words(self) -> tuple[bytes, ...]:
        return tuple(text.lower().lstrip("+").encode() for _, text in self.names)


# A hint, the pattern, and whether both are without capitals.
_Spelling: TypeAlias = tuple[bytes, re.Pattern[bytes], bool]


def _spellings(name: Name) -> Iterator[_Spelling]:
    named_by, text = name
    match named_by:
        case "fan":
            yield _id(text)
        case "phone":
            digits = text.lstrip("+")
            yield _number(digits)
            if text.startswith("+1") and len(digits) > _TEN_DIGITS:
                yield _number(digits[1:])
        case "email":
            yield from _address(text.lower())
    if len(text) >= TELLING:
        yield from _encoded(text)


def _id(text: str) -> _Spelling:
    """Its own letters may be part of many words; where ids stand they are no others."""
    raw = re.escape(text.encode())
    pattern = rb"(?<![A-Za-z0-9_-])" + raw + rb"(?![A-Za-z0-9_-])"
    if len(text) < TELLING:
        places = rb'"(?:fanId|fanid|globalUserId|memberId)"\s*:\s*(?:\{\s*"S"\s*:\s*)?"'
        pattern = rb"fan:" + raw + rb"(?![A-Za-z0-9_-])|" + places + raw + rb'"'
    return text.encode(), re.compile(pattern), False


def _address(text: str) -> Iterator[_Spelling]:
    local, _, domain = text.encode().partition(b"@")
    for sign in _AT_SIGNS:
        pattern = (
            rb"(?<![a-z0-9!#$&'*+/?^_`{|}~.-])"
            + re.escape(local + sign + domain)
            + rb"(?![a-z0-9-]|\.[a-z0-9])"
        )
        yield local + sign + domain, re.compile(pattern), True


def _number(digits: str) -> _Spelling:
    raw = digits.encode()
    return raw, re.compile(rb"(?<![0-9])" + raw + rb"(?![0-9])"), True


def _encoded(text: str) -> Iterator[_Spelling]:
    raw = text.encode()
    found = {text.encode(how) for how in _WIDE} | {raw.hex().encode()}
    for skipped in range(3):
        # What stands before and after decides the letters at both ends.
        letters = b64encode(b"\0" * skipped + raw)
        begin = (0, 2, 3)[skipped]
        whole = (skipped + len(raw)) * 8 // 6
        found.add(letters[begin:whole])
    for hint in sorted(found):
        yield hint, re.compile(re.escape(hint)), False
