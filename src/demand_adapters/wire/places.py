"""Reading a document of others: every value by its place, which an error then names."""

from collections.abc import Iterator
from datetime import datetime
from typing import Final, TypeVar

from attrs import field, frozen

from demand_adapters.wire.converters import parsed_instant
from demand_core.domain.listings import Oddity
from demand_core.errors import Permanent

T = TypeVar("T")

_EMPTY: Final[tuple[object, ...]] = ("", [], {})


@frozen
class Place:
    """A value in a document and its JSON path; what is null, empty or blank is absent.

    A value of another type than is asked for raises Permanent. One that only makes no sense is
    absent, and noted among the *oddities*, which all places of one document share.
    """

    path: str
    value: object = None
    oddities: list[Oddity] = field(factory=list[Oddity])

    @property
    def is_there(self) -> bool:
        """Whether anything stands here."""
        return self.value is not None and self.value not in _EMPTY

    def at(self, *names: str) -> "Place":
        """The place below this one; absent when any on the way is."""
        place = self
        for name in names:
            inside = place._of(dict)
            value = inside.get(name) if inside else None
            place = Place(f"{place.path}.{name}", value, self.oddities)
        return place

    def each(self) -> Iterator["Place"]:
        """The places in a list; none when it is absent."""
        for n, value in enumerate(self._of(list) or ()):
            yield Place(f"{self.path}[{n}]", value, self.oddities)

    def text(self) -> str | None:
        """The text here without the blanks around it."""
        text = self._of(str)
        try:
            return text.strip() or None if text and text.encode() else None
        except UnicodeEncodeError:
            # The codec's own error would show the text.
            raise Permanent("bad_text", f"{self.path}: half a surrogate pair") from None

    def required(self) -> str:
        """The text here, which there must be."""
        if text := self.text():
            return text
        raise Permanent("missing_field", self.path)

    def number(self) -> int | None:
        """The whole number here."""
        return self._of(int)

    def flag(self) -> bool:
        """Whether the flag here is up."""
        return self._of(bool) or False

    def instant(self) -> datetime | None:
        """The time here; one without an offset or that is none at all is odd."""
        try:
            return parsed_instant(text) if (text := self.text()) else None
        except Permanent as error:
            self.odd(error.code)
            return None

    def odd(self, code: str) -> None:
        """Note that what stands here is passed over."""
        self.oddities.append(Oddity(code, self.path))

    def _of(self, kind: type[T]) -> T | None:
        if not self.is_there:
            return None
        if type(self.value) is kind:
            return self.value
        raise Permanent("wrong_type", f"{self.path}: not {_WORDS[kind]}")


_WORDS: Final[dict[type, str]] = {
    bool: "true or false",
    dict: "an object",
    int: "a whole number",
    list: "a list",
    str: "text",
}
