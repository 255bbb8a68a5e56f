"""What an item may hold, and how large it is: the strictest engine's rules, checked for all."""

from collections.abc import Collection, Iterable, Sequence
from typing import Any, Final

from demand_adapters.item_table import Item
from demand_core.errors import Permanent

ITEM_MAX: Final = 400 * 1024
PK_MAX: Final = 2048
SK_MAX: Final = 1024
DEPTH_MAX: Final = 30
NUMBER_MAX: Final = 10**38

_SCALARS: Final = frozenset({str, int, bool, type(None)})
_VALUES: Final = _SCALARS | {list, dict}
_NAMES: Final = frozenset({str})
# No scalar but text takes more, with its name's share left out; text is counted as it is.
_SCALAR_MAX: Final = 24


def check(items: Sequence[Item]) -> None:
    """Raise Permanent for a batch that some engine would refuse, before anything is written."""
    if len(items) > 1 and len({item.key for item in items}) != len(items):
        raise Permanent("repeated_key", "a key stands twice in one batch of writes")
    for item in items:
        _check_key(item.key)
        for key in item.index.values():
            _check_key(key)
        if _most(item.body, 0) > ITEM_MAX // 2 and item_size(item) > ITEM_MAX:
            raise Permanent("item_too_large", f"more than {ITEM_MAX} bytes")


def item_size(item: Item) -> int:
    """Bytes of *item* by DynamoDB's own formula."""
    keys = [text for key in (item.key, *item.index.values()) for text in key]
    return sum(map(_bytes, keys)) + _size(item.body) + len(item.revision)


def _check_key(key: tuple[str, str]) -> None:
    for text, most in zip(key, (PK_MAX, SK_MAX), strict=True):
        if not 0 < _bytes(text) <= most:
            raise Permanent("bad_key", f"a key has 1 to {most} bytes")


def _most(value: Any, depth: int) -> int:  # noqa: ANN401  # whatever somebody put into an item
    """No fewer bytes than *value* takes, checking all of it, a level of nesting at a time."""
    if depth > DEPTH_MAX:
        raise Permanent("bad_value", f"nested deeper than {DEPTH_MAX}")
    names: Collection[Any] = ()
    if type(value) is dict:
        names, value = value.keys(), value.values()
        if not _NAMES.issuperset(map(type, names)):
            raise Permanent("bad_value", "a name that is not text")
    kinds = set(map(type, value))
    if not kinds <= _VALUES:
        strange = min(kind.__name__ for kind in kinds - _VALUES)
        raise Permanent("bad_value", f"{strange} is not a value that items hold")
    if int in kinds:
        _check_numbers(value)
    size = _bytes("".join([*names, *(v for v in value if type(v) is str)]))
    if kinds <= _SCALARS:
        return size + _SCALAR_MAX * len(value)
    nested = (v for v in value if type(v) is list or type(v) is dict)
    return size + _SCALAR_MAX * len(value) + sum([_most(v, depth + 1) for v in nested])


def _check_numbers(values: Iterable[Any]) -> None:
    for value in values:
        if type(value) is int and not -NUMBER_MAX < value < NUMBER_MAX:
            raise Permanent("bad_value", "a number of more than 38 digits")


def _bytes(text: str) -> int:
    if text.isascii():
        return len(text)
    try:
        return len(text.encode())
    except UnicodeEncodeError:
        raise Permanent("bad_value", "text that is not UTF-8") from None


def _size(value: object) -> int:
    match value:
        case str():
            return _bytes(value)
        case bool() | None:
            return 1
        case int():
            return value.bit_length() // 6 + 3
        case list():
            return 3 + sum(1 + _size(part) for part in value)
        case dict():
            return 3 + sum(1 + _bytes(name) + _size(part) for name, part in value.items())
    raise Permanent("bad_value", f"{type(value).__name__} is not a value that items hold")
