"""An item as DynamoDB's attributes and back: the same in its calls, its stream and its exports.

All fields of a body stand beside the keys, where any reader of the table finds them. Only those
that are called like an attribute of the table's own stand in a map apart.
"""

from base64 import b64encode
from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import partial
from json.encoder import encode_basestring as quoted
from types import MappingProxyType
from typing import Any, Final, TypeAlias

from demand_adapters.item_table import Body, Item, Key, Value

Attribute: TypeAlias = Mapping[str, Any]
"""One value with its type: `{"S": "text"}`."""
Attributes: TypeAlias = Mapping[str, Attribute]

PK: Final = "PK"
SK: Final = "SK"
REVISION: Final = "rev"
EXPIRY: Final = "expiresAt"
# Where an item keeps its entry in an index: the partition and the range.
ENTRIES: Final[Mapping[str, Key]] = MappingProxyType(
    {
        "byTime": ("timePK", "timeSK"),
        "byGroup": ("groupPK", "groupSK"),
        "byId": ("idKey", SK),
        "byMessage": ("messageKey", SK),
    }
)
APART: Final = "namesakes"
OWN: Final = frozenset(
    {PK, SK, REVISION, EXPIRY, APART, *(name for entry in ENTRIES.values() for name in entry)}
)


def attributes(item: Item, revision: str) -> str:
    """All of *item* as it shall stand there under *revision*, as the JSON that DynamoDB reads.

    The text is made at once, because that is all that the calls want of it.
    """
    body = item.body
    if not OWN.isdisjoint(body):
        apart = {name: body[name] for name in body if name in OWN}
        body = {name: value for name, value in body.items() if name not in OWN} | {APART: apart}
    pk, sk = item.key
    texts = [
        f'{{"{PK}":{{"S":{quoted(pk)}}},"{SK}":{{"S":{quoted(sk)}}}',
        f'"{REVISION}":{{"S":{quoted(revision)}}}',
    ]
    for name, (partition, range_) in item.index.items():
        at, in_order = ENTRIES[name]
        texts.append(f'"{at}":{{"S":{quoted(partition)}}}')
        if in_order != SK:
            texts.append(f'"{in_order}":{{"S":{quoted(range_)}}}')
    if item.expires_at is not None:
        texts.append(f'"{EXPIRY}":{{"N":"{item.expires_at}"}}')
    if body:
        texts.append(encode(body)[1:-1])
    return ",".join(texts) + "}"


def item_of(found: Attributes) -> Item:
    """The item whose attributes these are; its body is made when somebody looks."""
    index = {
        name: (found[partition]["S"], found[range_]["S"])
        for name, (partition, range_) in ENTRIES.items()
        if partition in found and range_ in found
    }
    expiry = found.get(EXPIRY)
    return Item(
        (found[PK]["S"], found[SK]["S"]),
        partial(_body, found),
        MappingProxyType(index),
        int(expiry["N"]) if expiry else None,
        found[REVISION]["S"] if REVISION in found else "",
    )


def encode(body: Mapping[str, Any]) -> str:
    """Each value of a body, or of a map in it, with its type."""
    fields: list[str] = []
    for name, value in body.items():
        kind = type(value)
        if kind is str:
            fields.append(f'{quoted(name)}:{{"S":{quoted(value)}}}')
        elif kind is int:
            fields.append(f'{quoted(name)}:{{"N":"{value}"}}')
        elif kind is dict:
            fields.append(f'{quoted(name)}:{{"M":{encode(value)}}}')
        else:
            fields.append(f"{quoted(name)}:{_ENCODERS[kind](value)}")
    return f"{{{','.join(fields)}}}"


def decode(found: Attributes) -> Body:
    """The values alone. What items of ours never hold becomes the nearest that they do."""
    return {
        name: value["S"] if "S" in value else _decoded(value) for name, value in found.items()
    }


def _body(found: Attributes) -> Body:
    body = decode({name: value for name, value in found.items() if name not in OWN})
    if APART in found:
        body |= decode(found[APART]["M"])
    return body


def _decoded(value: Attribute) -> Value:
    ((kind, held),) = value.items()
    return _DECODERS[kind](held)


def _number(text: str) -> Value:
    try:
        return int(text)
    except ValueError:
        number = Decimal(text)
        return int(number) if number == number.to_integral_value() else text


def _base64(held: bytes | str) -> str:
    """Bytes as a Lambda event has them; an SDK has decoded them."""
    return held if isinstance(held, str) else b64encode(held).decode()


_ENCODERS: Final[Mapping[type, Callable[[Any], str]]] = {
    str: lambda text: f'{{"S":{quoted(text)}}}',
    int: lambda number: f'{{"N":"{number}"}}',
    bool: lambda flag: '{"BOOL":true}' if flag else '{"BOOL":false}',
    type(None): lambda _: '{"NULL":true}',
    list: lambda parts: f'{{"L":[{",".join([_ENCODERS[type(p)](p) for p in parts])}]}}',
    dict: lambda parts: f'{{"M":{encode(parts)}}}',
}
_DECODERS: Final[Mapping[str, Callable[[Any], Value]]] = {
    "S": str,
    "N": _number,
    "BOOL": bool,
    "NULL": lambda _: None,
    "L": lambda held: [_decoded(part) for part in held],
    "M": decode,
    # A set has no order of its own.
    "SS": lambda held: [*sorted(held)],
    "NS": lambda held: [_number(text) for text in sorted(held, key=Decimal)],
    "B": _base64,
    "BS": lambda held: [*sorted(map(_base64, held))],
}
