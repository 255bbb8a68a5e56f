"""What of an item becomes which column: its own fields in lower case, read strictly.

How a column is read follows from the value that the item holds, as we spell it, and from the
schema, which says what may be absent. What is made of several fields is given apart.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from enum import Enum
from typing import Any, Final, NamedTuple, TypeAlias, get_args, get_origin, get_type_hints

import attrs

from demand_adapters.wire.avro.rows import PLAIN, Misfit
from demand_adapters.wire.converters import IDS, parsed_instant, wire_names
from demand_core.domain.ids import ALPHABETS
from demand_core.domain.masked import Masked
from demand_core.errors import Permanent

Read: TypeAlias = Callable[[Any], Any]
Row: TypeAlias = dict[str, Any]

MILLISECOND: Final = 1000


class Column(NamedTuple):
    """One column: of which field it is, how it is read, and what it is without one.

    *empty* is what is read in the place of a missing field, where that makes sense.
    """

    name: str
    field: str
    read: Read
    absent: Any = None
    required: bool = False
    empty: Any = None


def columns(kind: type, fields: Sequence[Any], apart: Mapping[str, Column]) -> Read:
    """What makes the columns *fields* of a body that holds a value of *kind*.

    It raises Misfit, which names the field and shows no value. Of a column that the value knows
    nothing of nothing is said.
    """
    hints, wire = get_type_hints(kind), wire_names(kind)
    own = {wire[f.name].lower(): f for f in attrs.fields(kind)}
    made = [
        apart[name] if name in apart else _column(tree, own.get(name), wire, hints)
        for tree in fields
        for name in (tree["name"],)
    ]
    return _row(made)


def texts(value: Any) -> list[str]:
    """A list of texts."""
    found: list[str] = _texts(value)
    return found


def part(name: str) -> Read:
    """What reads the text under *name* in a map, which may lack it."""

    def read(value: Any) -> Any:
        if type(value) is not dict:
            raise Misfit("wrong_type", "a map")
        return _text(value[name]) if value.get(name) else None

    return read


def _column(
    tree: Any, own: "attrs.Attribute[Any] | None", wire: Mapping[str, str], hints: Any
) -> Column:
    name, optional = tree["name"], isinstance(tree["type"], list)
    if own is None:
        return Column(name, "", _nothing)
    hint, inner = _sure(hints[own.name]), _sure_tree(tree["type"])
    read, absent = _reader(hint, inner), own.default
    if attrs.has(hint):
        return Column(name, wire[own.name], read, empty={})
    if absent is attrs.NOTHING or (absent is None and not optional):
        return Column(name, wire[own.name], read, required=True)
    if isinstance(absent, Enum):
        absent = absent.value
    return Column(name, wire[own.name], read, [*absent] if absent == () else absent)


def _row(made: Sequence[Column]) -> Read:
    def read(body: Any) -> Row:
        if type(body) is not dict:
            raise Misfit("wrong_type", "a map")
        row = Row()
        for name, field, read, absent, required, empty in made:
            value = body.get(field) if field else body
            if value is None or value == "":
                if required:
                    raise Misfit("missing_field", "missing", field)
                if empty is None:
                    row[name] = absent
                    continue
                value = empty
            try:
                row[name] = read(value)
            except Misfit as misfit:
                raise (misfit.under(field) if field else misfit) from None
            except Permanent as flaw:
                raise Misfit(flaw.code, "not as it is spelled", field) from None
        return row

    return read


def _reader(hint: Any, tree: Any) -> Read:
    """What reads a value of the type that *hint* says; the schema says how large it may be."""
    for is_one, made in _READERS:
        if is_one(hint):
            return made(hint, tree)
    return _OF_ITSELF.get(hint) or _checked(PLAIN[tree])


def _sure(hint: Any) -> Any:
    """*hint* without `| None`."""
    sure = [one for one in get_args(hint) if one is not type(None)]
    return sure[0] if type(None) in get_args(hint) else hint


def _sure_tree(tree: Any) -> Any:
    return next(one for one in tree if one != "null") if isinstance(tree, list) else tree


def _nothing(_: Any) -> None:
    return None


def _checked(check: Callable[[Any], None]) -> Read:
    def read(value: Any) -> Any:
        check(value)
        return value

    return read


def _id(name: str) -> Read:
    fullmatch = ALPHABETS[name].fullmatch

    def read(value: Any) -> str:
        if type(value) is str and fullmatch(value):
            return value
        raise Misfit("bad_id", name)

    return read


def _masked(kind: type[Masked]) -> Read:
    def read(value: Any) -> str:
        return kind(_text(value)).reveal()

    return read


def _word(words: frozenset[str]) -> Read:
    def read(value: Any) -> str:
        if type(value) is str and value in words:
            return value
        raise Misfit("wrong_type", "no word of ours")

    return read


def _text(value: Any) -> str:
    if type(value) is not str:
        raise Misfit("wrong_type", "text")
    if not value.isascii():
        PLAIN["string"](value)
    return value


def _instant(value: Any) -> datetime:
    at = parsed_instant(value)
    if at.microsecond % MILLISECOND:
        raise Misfit("wrong_type", "an instant in milliseconds")
    return at


def _list(read: Read) -> Read:
    def read_all(value: Any) -> list[Any]:
        if type(value) is not list:
            raise Misfit("wrong_type", "a list")
        return [read(one) for one in value]

    return read_all


def _is(kind: type) -> Callable[[Any], bool]:
    return lambda hint: isinstance(hint, type) and issubclass(hint, kind)


_texts: Final = _list(_text)
_OF_ITSELF: Final[Mapping[Any, Read]] = {datetime: _instant, str: _text}
_READERS: Final[Sequence[tuple[Callable[[Any], bool], Callable[[Any, Any], Read]]]] = (
    (IDS.__contains__, lambda hint, _: _id(IDS[hint])),
    (
        lambda hint: get_origin(hint) is tuple,
        lambda hint, tree: _list(_reader(get_args(hint)[0], tree["items"])),
    ),
    (attrs.has, lambda hint, tree: columns(hint, tree["fields"], {})),
    (_is(Masked), lambda hint, _: _masked(hint)),
    (_is(Enum), lambda hint, _: _word(frozenset(member.value for member in hint))),
)
