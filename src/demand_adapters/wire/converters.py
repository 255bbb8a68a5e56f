"""One converter for everything of ours that travels: camelCase names, exact types, no nulls.

Read: unknown fields are ignored; missing, `null` and empty text mean the same. Written: what
has its default is left out. An error names its place and never what stood there, which may be
personal or hostile.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from enum import Enum
from functools import cache, lru_cache, partial
from operator import attrgetter
from types import UnionType
from typing import Any, Final, TypeVar, Union, get_args, get_origin, get_type_hints

import attrs
from cattrs import AttributeValidationNote, ClassValidationError, Converter
from cattrs.gen import make_dict_structure_fn, make_dict_unstructure_fn, override

from demand_adapters.wire.aws_sms import in_our_words
from demand_adapters.wire.sms import FOUND_BY, reported_status
from demand_core.domain.artists import Artist
from demand_core.domain.contacts import Email, Phone
from demand_core.domain.erasures import PersonalName, Salt
from demand_core.domain.event_details import EventDetails, SaleDetails
from demand_core.domain.events import Event
from demand_core.domain.ids import (
    DemandSaleId,
    ErasureId,
    EventId,
    FanId,
    NotificationId,
    SaleId,
    checked,
)
from demand_core.domain.masked import Masked
from demand_core.domain.merges import MergedFile, Source
from demand_core.domain.notifications import MessageBody
from demand_core.domain.orders import EmailOrder, SmsOrder
from demand_core.domain.sales import Sale
from demand_core.domain.segments import Segment
from demand_core.domain.sms_news import Inbound, SmsNews, StatusReport
from demand_core.domain.venues import Venue
from demand_core.errors import Permanent

T = TypeVar("T")

RENAMED: Final[Mapping[type, Mapping[str, str]]] = {
    Artist: {"artist_id": "id"},
    Event: {"event_id": "id", "dates": "date"},
    EmailOrder: {"message_class": "class"},
    EventDetails: {"event_id": "id"},
    Inbound: {"sender": "from", "recipient": "to"},
    MergedFile: {"size": "bytes"},
    SmsOrder: {"sender": "from", "message_class": "class"},
    Sale: {"sale_id": "id"},
    SaleDetails: {"sale_id": "id"},
    Segment: {"segment_id": "id"},
    Source: {"size": "bytes"},
    Venue: {"venue_id": "id"},
}
# Ids are checked where they enter; what is masked in print is plain on the wire.
IDS: Final[Mapping[Any, str]] = {
    DemandSaleId: "demandSaleId",
    ErasureId: "erasureId",
    EventId: "eventId",
    FanId: "fanId",
    NotificationId: "notificationId",
    SaleId: "saleId",
}
MASKED: Final[tuple[type[Masked], ...]] = (Email, MessageBody, PersonalName, Phone, Salt)
# Of these there is always one variant, which the field `kind` names.
VARIANTS: Final[Mapping[type, Mapping[str, type]]] = {
    SmsNews: {"STATUS": StatusReport, "INBOUND": Inbound},
}
TAGS: Final[Mapping[type, str]] = {
    variant: tag for variants in VARIANTS.values() for tag, variant in variants.items()
}
# What strangers say of them is put into our words before it is read.
RETOLD: Final[Mapping[type, Callable[[Mapping[str, Any]], Mapping[str, Any]]]] = {
    SmsNews: in_our_words,
}
# Fields with a spelling of their own.
READ_BY: Final[Mapping[type, Mapping[str, Callable[[Any, Any], Any]]]] = {
    Inbound: FOUND_BY,
    StatusReport: {**FOUND_BY, "status": reported_status},
}
# Left out nowhere: readers of the table find the map of dates with every item.
ALWAYS: Final = frozenset({"date"})


def camel(name: str) -> str:
    """The wire's spelling of a name of ours."""
    first, *rest = name.split("_")
    return first + "".join(part.title() for part in rest)


def wire_names(kind: type) -> dict[str, str]:
    """The wire's name of each field of *kind*."""
    renamed = RENAMED.get(kind, {})
    return {f.name: renamed.get(f.name, camel(f.name)) for f in attrs.fields(kind)}


def instant(at: datetime) -> str:
    """UTC in fixed width, so that the order of the texts is the order of the times."""
    if at.tzinfo is None:
        raise Permanent("bad_time", "no offset from UTC")
    # In UTC first: an hour that comes twice in some zone is equal to itself there.
    return _written(at if at.tzinfo is UTC else at.astimezone(UTC))


@lru_cache(maxsize=1024)
def _written(at: datetime) -> str:
    return at.isoformat(timespec="milliseconds")[:23] + "Z"


def parsed_instant(value: object, _: object = None) -> datetime:
    """An instant with any offset and any number of fraction digits; a naive time is refused."""
    return _parsed(_exactly(str, value))


@lru_cache(maxsize=1024)
def _parsed(text: str) -> datetime:
    try:
        at = datetime.fromisoformat(text)
        if at.tzinfo is not None:
            return at.astimezone(UTC)
    except (ValueError, OverflowError):
        raise Permanent("bad_time", "not an ISO-8601 instant") from None
    raise Permanent("bad_time", "no offset from UTC")


def unstructured(value: object) -> Any:  # plain data, as JSON and items hold it
    """*value* as plain data; raises Permanent when it could not be read again."""
    plain = _WRITING[type(value)](value)
    return _without_empty(type(value), plain) if "" in plain.values() else plain


def _without_empty(kind: type, plain: Mapping[str, Any]) -> dict[str, Any]:
    """Empty text is written as missing, which not every field may be."""
    for field in attrs.fields(kind):
        name = wire_names(kind)[field.name]
        if field.default is attrs.NOTHING and plain[name] == "":
            raise Permanent("missing_field", f"$.{name}")
    return {name: value for name, value in plain.items() if value != ""}


def structured(kind: type[T], plain: object) -> T:
    """*plain* as a value of ours; raises Permanent naming what is wrong and where."""
    try:
        return _READING[kind](plain, kind)  # type: ignore[no-any-return]  # by its key
    except (KeyError, TypeError, ValueError, AttributeError, Permanent):
        raise _explained(kind, plain) from None


class _Reading(dict[type, Callable[[Any, Any], Any]]):
    """What reads each kind, asked for once: the converter would search at every call."""

    def __missing__(self, kind: type) -> Callable[[Any, Any], Any]:
        found = self[kind] = _READY.get_structure_hook(kind)
        return found


_READING: Final = _Reading()


class _Writing(dict[type, Callable[[Any], Any]]):
    """What writes each kind, as `_Reading`."""

    def __missing__(self, kind: type) -> Callable[[Any], Any]:
        found = self[kind] = _READY.get_unstructure_hook(kind)
        return found


_WRITING: Final = _Writing()


def foreign(kind: type, plain: Mapping[str, Any]) -> dict[str, Any]:
    """What of *plain* is not *kind*'s to say: fields of another version of us, at any depth."""
    names, maps = _nested(kind)
    rest = {name: value for name, value in plain.items() if name not in names}
    for name, nested in maps:
        inner = plain.get(name)
        if isinstance(inner, dict) and (others := foreign(nested, inner)):
            rest[name] = others
    return rest


def merged(rest: Mapping[str, Any], ours: dict[str, Any]) -> dict[str, Any]:
    """*ours* with what is foreign beside it."""
    for name, value in rest.items():
        mine = ours.get(name)
        ours[name] = merged(value, mine) if isinstance(mine, dict) else value
    return ours


@cache
def _nested(kind: type) -> tuple[frozenset[str], Sequence[tuple[str, type]]]:
    """The wire's names of *kind*, and of those that are maps the class of each."""
    hints, names = get_type_hints(kind), wire_names(kind)
    maps = [(wire, hints[name]) for name, wire in names.items() if attrs.has(hints[name])]
    return frozenset(names.values()), maps


def _explained(kind: type, plain: object) -> Permanent:
    """Read again, slowly, to say what was wrong: only then does the place cost anything."""
    try:
        _EXPLAINING.structure(plain, kind)
    except ClassValidationError as error:
        return _first(error, "$")
    except (KeyError, TypeError, ValueError, AttributeError, Permanent) as error:
        return Permanent(_code(error), "$")
    raise AssertionError("what failed once was read the second time")


def _first(error: ClassValidationError, place: str) -> Permanent:
    """The first thing that was wrong, with its place in the names of the wire."""
    named = [
        (inner, note.name)
        for inner in error.exceptions
        for note in getattr(inner, "__notes__", ())
        if isinstance(note, AttributeValidationNote)
    ]
    if not named:
        # Every field was read, and together they make no value.
        return Permanent(_code(error.exceptions[0]), place)
    wrong, name = named[0]
    place = f"{place}.{wire_names(error.cl)[name]}"
    if isinstance(wrong, ClassValidationError):
        return _first(wrong, place)
    return Permanent(_code(wrong), place)


def _code(error: Exception) -> str:
    if isinstance(error, Permanent):
        return error.code
    return "missing_field" if isinstance(error, KeyError) else "wrong_type"


def _exactly(kind: type[T], value: object, _: object = None) -> T:
    if type(value) is not kind:
        raise Permanent("wrong_type", kind.__name__)
    return value


def _id(name: str, value: object, _: object) -> str:
    return checked(name, value)


def _masked(kind: type[Masked], value: object, _: object) -> Masked:
    return kind(_exactly(str, value))


def _is_optional(hint: Any) -> bool:  # any type hint
    return get_origin(hint) in {Union, UnionType} and type(None) in get_args(hint)


def _sure(hint: Any) -> Any:  # any type hint
    (sure,) = (part for part in get_args(hint) if part is not type(None))
    return sure


def _is_map(hint: Any) -> bool:  # any type hint
    return get_origin(hint) is Mapping


def _each_named(
    read: Callable[[Any, Any], Any], kind: object, plain: object, _: object
) -> dict[str, Any]:
    return {name: read(value, kind) for name, value in _exactly(dict, plain).items()}


def _is_list(hint: Any) -> bool:  # any type hint
    return get_origin(hint) is tuple and get_args(hint)[1:] == (...,)


def _each(
    read: Callable[[Any, Any], Any], kind: object, plain: object, _: object
) -> tuple[Any, ...]:
    return tuple([read(one, kind) for one in _exactly(list, plain)])


def _listed(write: Callable[[Any], Any], values: Iterable[object]) -> list[Any]:
    return [write(value) for value in values]


def _mapped(write: Callable[[Any], Any], named: Mapping[str, object]) -> dict[str, Any]:
    return {name: write(value) for name, value in named.items()}


def _is_enum(hint: object) -> bool:
    return isinstance(hint, type) and issubclass(hint, Enum)


def _member(members: Mapping[object, Enum], plain: object, _: object) -> Enum:
    member = members.get(plain)
    if member is None:
        raise Permanent("wrong_type", "no word of ours")
    return member


def _names(kind: type) -> dict[str, Any]:
    read_by = READ_BY.get(kind, {})
    return {
        name: override(
            rename=wire,
            omit_if_default=False if wire in ALWAYS else None,
            struct_hook=read_by.get(name),
        )
        for name, wire in wire_names(kind).items()
    }


def _present(read: Callable[[Any, Any], T], plain: object, kind: object) -> T:
    if type(plain) is not dict:
        raise Permanent("wrong_type", "object")
    values = plain.values()
    if None in values or "" in values:
        plain = {k: v for k, v in plain.items() if v is not None and v != ""}
    return read(plain, kind)


def _variant(reads: Mapping[str, Callable[[Any, Any], T]], plain: object, kind: type) -> T:
    told = RETOLD[kind](_exactly(dict, plain))
    tag = told.get("kind")
    if not isinstance(tag, str) or tag not in reads:
        raise Permanent("bad_kind")
    return reads[tag](told, kind)


def _tagged(tag: str, write: Callable[[Any], dict[str, Any]], value: object) -> dict[str, Any]:
    return {"kind": tag, **write(value)}


def _converter(*, explaining: bool) -> Converter:
    made = Converter(detailed_validation=explaining, omit_if_default=True)
    _add_texts(made)
    _add_parts(made)
    _add_objects(made)
    return made


def _add_objects(made: Converter) -> None:
    made.register_structure_hook_factory(
        attrs.has,
        lambda kind: partial(_present, make_dict_structure_fn(kind, made, **_names(kind))),
    )
    made.register_unstructure_hook_factory(
        attrs.has,
        lambda kind: make_dict_unstructure_fn(
            kind, made, _cattrs_omit_if_default=True, **_names(kind)
        ),
    )
    made.register_structure_hook_factory(
        VARIANTS.__contains__,
        lambda kind: partial(
            _variant,
            {tag: made.get_structure_hook(one) for tag, one in VARIANTS[kind].items()},
        ),
    )
    made.register_unstructure_hook_factory(
        TAGS.__contains__,
        lambda kind: partial(
            _tagged,
            TAGS[kind],
            make_dict_unstructure_fn(kind, made, _cattrs_omit_if_default=True, **_names(kind)),
        ),
    )


def _add_texts(made: Converter) -> None:
    """What is one value of JSON."""
    for plain in (str, int, bool):
        made.register_structure_hook(plain, partial(_exactly, plain))
    made.register_structure_hook(datetime, parsed_instant)
    made.register_unstructure_hook(datetime, instant)
    for kind, name in IDS.items():
        made.register_structure_hook(kind, partial(_id, name))
    # Calling an enum's class, or its property, costs more than the rest of reading it.
    made.register_structure_hook_factory(
        _is_enum, lambda kind: partial(_member, {member.value: member for member in kind})
    )
    made.register_unstructure_hook_factory(_is_enum, lambda _: attrgetter("_value_"))
    for masked in MASKED:
        made.register_structure_hook(masked, partial(_masked, masked))
        made.register_unstructure_hook(masked, masked.reveal)


def _read_as(made: Converter, read_all: Callable[..., Any], part: object) -> Callable[..., Any]:
    """What reads all of something whose every part is a *part*."""
    return partial(read_all, made.get_structure_hook(part), part)


def _add_parts(made: Converter) -> None:
    """What holds others: an optional one, a list, a map by names that are nobody's fields."""
    # What is absent never reaches a field, so that an optional one reads as its type does.
    made.register_structure_hook_factory(
        _is_optional, lambda hint: made.get_structure_hook(_sure(hint))
    )
    made.register_unstructure_hook_factory(
        _is_optional, lambda hint: made.get_unstructure_hook(_sure(hint))
    )
    made.register_structure_hook_factory(
        _is_list, lambda hint: _read_as(made, _each, get_args(hint)[0])
    )
    made.register_unstructure_hook_factory(
        _is_list, lambda hint: partial(_listed, made.get_unstructure_hook(get_args(hint)[0]))
    )
    made.register_structure_hook_factory(
        _is_map, lambda hint: _read_as(made, _each_named, get_args(hint)[1])
    )
    made.register_unstructure_hook_factory(
        _is_map, lambda hint: partial(_mapped, made.get_unstructure_hook(get_args(hint)[1]))
    )


_READY: Final = _converter(explaining=False)
_EXPLAINING: Final = _converter(explaining=True)
