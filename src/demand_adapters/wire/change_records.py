"""A change of the table as DynamoDB writes it into a stream of Kinesis, and back.

Such a record has no sequence of its own: the stream's is the one to report. It may come twice
and out of order, and counts its time in milli- or microseconds, as the stream was set up.
"""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from demand_adapters.item_table import Change, Item, Key
from demand_adapters.wire.attributes import PK, SK, attributes, item_of
from demand_adapters.wire.bodies import plain
from demand_core.domain.changes import ChangeKind, RemovedBy
from demand_core.errors import Permanent

EXPIRER: Final = "dynamodb.amazonaws.com"
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
# Older streams do not say what they count: then the size of the number does.
MILLISECONDS_MAX: Final = 10**14
UNITS: Final[Mapping[str, timedelta]] = {
    "MILLISECOND": timedelta(milliseconds=1),
    "MICROSECOND": timedelta(microseconds=1),
}


def encode_record(change: Change, table: str = "demand") -> bytes:
    """*change* as it arrives over Kinesis."""
    images = {"NewImage": change.new, "OldImage": change.old}
    parts = [
        f'"ApproximateCreationDateTime":{(change.at - EPOCH) // timedelta(microseconds=1)}',
        '"ApproximateCreationDateTimePrecision":"MICROSECOND"',
        f'"Keys":{_keys(change.key)}',
        *(
            f'"{name}":{attributes(item, item.revision)}'
            for name, item in images.items()
            if item
        ),
    ]
    expired = change.removed_by is RemovedBy.EXPIRY
    by = {"type": "Service", "principalId": EXPIRER} if expired else None
    around = {
        "eventID": change.change_id,
        "eventName": change.kind.value,
        "userIdentity": by,
        "recordFormat": "application/json",
        "tableName": table,
        "eventSource": "aws:dynamodb",
    }
    return f'{json.dumps(around)[:-1]}, "dynamodb": {{{",".join(parts)}}}}}'.encode()


def decode_record(payload: bytes, sequence: int) -> Change:
    """The change in *payload*; raises Permanent naming what is wrong, and where."""
    told = plain(payload)
    about = _part(told, "dynamodb", dict)
    kind = _kind(told)
    keys = _part(about, "Keys", dict, "$.dynamodb")
    return Change(
        change_id=_part(told, "eventID", str),
        sequence=sequence,
        at=_at(about),
        kind=kind,
        key=(_key(keys, PK), _key(keys, SK)),
        old=_image(about, "OldImage", told=kind is ChangeKind.REMOVE),
        new=_image(about, "NewImage", told=kind is not ChangeKind.REMOVE),
        removed_by=_remover(told) if kind is ChangeKind.REMOVE else None,
    )


def _keys(key: Key) -> str:
    return json.dumps({PK: {"S": key[0]}, SK: {"S": key[1]}}, ensure_ascii=False)


def _part(told: object, name: str, kind: type, at: str = "$") -> Any:
    """What *told* has under *name*, of that kind and not empty."""
    found = told.get(name) if isinstance(told, dict) else None
    if found is None:
        raise Permanent("missing_field", f"{at}.{name}")
    if type(found) is not kind or not found:
        raise Permanent("wrong_type", f"{at}.{name}")
    return found


def _kind(told: object) -> ChangeKind:
    try:
        return ChangeKind(_part(told, "eventName", str))
    except ValueError:
        raise Permanent("wrong_type", "$.eventName") from None


def _key(keys: dict[str, Any], name: str) -> str:
    at = f"$.dynamodb.Keys.{name}"
    return str(_part(_part(keys, name, dict, "$.dynamodb.Keys"), "S", str, at))


def _at(about: dict[str, Any]) -> datetime:
    name = "ApproximateCreationDateTime"
    count: int = _part(about, name, int, "$.dynamodb")
    said = about.get(f"{name}Precision")
    unit = UNITS.get(said) if isinstance(said, str) else None
    if unit is None:
        unit = UNITS["MILLISECOND" if count < MILLISECONDS_MAX else "MICROSECOND"]
    try:
        return EPOCH + count * unit
    except OverflowError:
        raise Permanent("implausible_date", f"$.dynamodb.{name}") from None


def _image(about: dict[str, Any], name: str, *, told: bool) -> Item | None:
    """The item as it was; the attributes of somebody else's table may hold anything.

    They are looked through in the image of which a change tells: nobody needs the other one.
    """
    found = about.get(name)
    if found is None:
        return None
    try:
        item = item_of(found)
        _ = item.body if told else None
    except (ArithmeticError, AttributeError, KeyError, RecursionError, TypeError, ValueError):
        raise Permanent("wrong_type", f"$.dynamodb.{name}") from None
    return item


def _remover(told: Any) -> RemovedBy:
    by = told.get("userIdentity")
    expired = isinstance(by, dict) and by.get("principalId") == EXPIRER
    return RemovedBy.EXPIRY if expired else RemovedBy.USER
