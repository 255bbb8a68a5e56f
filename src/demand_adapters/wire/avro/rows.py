"""Holds a row to its schema before it is written: an encoder is no judge of types.

fastavro writes "no" as true, drops fields that it does not know, cuts instants to milliseconds
and reads naive ones in the machine's own zone. Here a value is of the type, or the row is
refused with the path to it. A message never shows the value.
"""

import struct
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Any, Final, TypeAlias

from demand_adapters.wire.avro.schemas import Schema
from demand_adapters.wire.avro.shapes import Tree
from demand_core.errors import Permanent

Check: TypeAlias = Callable[[Any], None]


class Misfit(Permanent):
    """A value that is not of its type; *path* grows on the way out."""

    def __init__(self, code: str, why: str, path: str = "") -> None:
        """Say where it is, and what was wanted."""
        super().__init__(code, f"{path}: {why}" if path else why)
        self.why = why
        self.path = path

    def under(self, step: str) -> "Misfit":
        """The same, seen from one level further out."""
        rest = self.path if not self.path or self.path.startswith("[") else f".{self.path}"
        return Misfit(self.code, self.why, f"{step}{rest}")


@lru_cache(maxsize=64)
def check_of(schema: Schema) -> Check:
    """What raises Misfit for a value that is no row of *schema*.

    A union is written only where it says what may be absent: null beside one other type.
    With more types, which of them a value is would be the encoder's guess.
    """
    return _check(schema.tree, {})


def _check(tree: Tree, named: dict[str, Check]) -> Check:
    if isinstance(tree, str):
        return PLAIN[tree] if tree in PLAIN else named[tree]
    if isinstance(tree, list):
        return _optional(tree, named)
    if "logicalType" in tree:
        return PLAIN[tree["logicalType"]]
    match tree["type"]:
        case "array":
            return _array(_check(tree["items"], named))
        case "map":
            return _map(_check(tree["values"], named))
        case "enum":
            made = _enum(frozenset(tree["symbols"]))
        case "fixed":
            made = _fixed(tree["size"])
        case _:
            fields = {f["name"]: _check(f["type"], named) for f in tree["fields"]}
            made = _record(fields)
    return named.setdefault(tree["name"], made)


def _misfit(wanted: str) -> Misfit:
    return Misfit("wrong_type", wanted)


def _record(fields: Mapping[str, Check]) -> Check:
    names, pairs = fields.keys(), tuple(fields.items())

    def check(value: Any) -> None:
        if type(value) is not dict:
            raise _misfit("a dict")
        if value.keys() != names:
            for name in names:
                if name not in value:
                    raise Misfit("missing_field", "missing", name)
            raise Misfit("unknown_field", "a field that the schema does not have")
        for name, part in pairs:
            try:
                part(value[name])
            except Misfit as misfit:
                raise misfit.under(name) from None

    return check


def _array(item: Check) -> Check:
    def check(value: Any) -> None:
        if type(value) is not list:
            raise _misfit("a list")
        for at, part in enumerate(value):
            try:
                item(part)
            except Misfit as misfit:
                raise misfit.under(f"[{at}]") from None

    return check


def _map(item: Check) -> Check:
    def check(value: Any) -> None:
        if type(value) is not dict:
            raise _misfit("a dict")
        for at, (key, part) in enumerate(value.items()):
            try:
                _text(key)
                item(part)
            except Misfit as misfit:
                raise misfit.under(f"[{at}]") from None

    return check


def _optional(branches: list[Any], named: dict[str, Check]) -> Check:
    others = [_check(branch, named) for branch in branches if branch != "null"]
    if len(others) != 1:
        raise Permanent("bad_schema", "a union to be written is null and one other type")
    (other,) = others
    if len(branches) == 1:
        return other

    def check(value: Any) -> None:
        if value is not None:
            other(value)

    return check


def _enum(symbols: frozenset[str]) -> Check:
    def check(value: Any) -> None:
        if not isinstance(value, str) or value not in symbols:
            raise _misfit("one of the symbols")

    return check


def _fixed(size: int) -> Check:
    def check(value: Any) -> None:
        if type(value) is not bytes or len(value) != size:
            raise _misfit(f"{size} bytes")

    return check


def _boolean(value: Any) -> None:
    if value is not True and value is not False:
        raise _misfit("true or false")


def _integer(bits: int) -> Check:
    top = 1 << (bits - 1)

    def check(value: Any) -> None:
        if type(value) is not int or not -top <= value < top:
            raise _misfit(f"an integer of {bits} bits")

    return check


def _double(value: Any) -> None:
    if type(value) is not float:
        raise _misfit("a float")


def _float(value: Any) -> None:
    _double(value)
    try:
        (kept,) = struct.unpack("<f", struct.pack("<f", value))
    except OverflowError:
        raise _misfit("a float of 32 bits") from None
    if kept != value and value == value:  # noqa: PLR0124  # only nan differs from itself
        raise _misfit("a float of 32 bits")


def _bytes(value: Any) -> None:
    if type(value) is not bytes:
        raise _misfit("bytes")


def _text(value: Any) -> None:
    if not isinstance(value, str):
        raise _misfit("text")
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:
            raise Misfit("bad_text", "half a surrogate pair") from None


def _instant(unit_us: int) -> Check:
    def check(value: Any) -> None:
        if type(value) is not datetime or value.tzinfo is None:
            raise _misfit("a datetime with its zone")
        if value.microsecond % unit_us:
            raise _misfit(f"a datetime in steps of {unit_us} µs")
        if value.tzinfo is not UTC:
            try:
                value.astimezone(UTC)
            except OverflowError:
                raise _misfit("a datetime that UTC has too") from None

    return check


def _day(value: Any) -> None:
    if type(value) is not date:
        raise _misfit("a date")


PLAIN: Final[Mapping[str, Check]] = {
    "boolean": _boolean,
    "int": _integer(32),
    "long": _integer(64),
    "float": _float,
    "double": _double,
    "bytes": _bytes,
    "string": _text,
    "timestamp-millis": _instant(1000),
    "timestamp-micros": _instant(1),
    "date": _day,
}
