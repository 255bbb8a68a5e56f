"""What an item may hold, and how large it is: the strictest engine's rules, checked for all."""

from collections.abc import Sequence
from typing import Final

from demand_adapters.item_table import Item
from demand_core.errors import Permanent

ITEM_MAX: Final = 400 * 1024
PK_MAX: Final = 2048
SK_MAX: Final = 1024
DEPTH_MAX: Final = 30
NUMBER_MAX: Final = 10**38


def check(items: Sequence[Item]) -> None:
    """Raise Permanent for a batch that some engine would refuse, before anything is written."""
    if len({item.key for item in items}) != len(items):
        raise Permanent("repeated_key", "a key stands twice in one batch of writes")
    for item in items:
        if item_size(item) > ITEM_MAX:
            raise Permanent("item_too_large", f"more than {ITEM_MAX} bytes")


def item_size(item: Item) -> int:
    """Bytes of *item* by DynamoDB's own formula, checking every value on the way."""
    try:
        keys = [item.key, *item.index.values()]
        size = sum(_key_size(pk, PK_MAX) + _key_size(sk, SK_MAX) for pk, sk in keys)
        return size + _size(item.body, 0) + len(item.revision)
    except UnicodeEncodeError:
        raise Permanent("bad_value", "text that is not UTF-8") from None


def _key_size(text: str, most: int) -> int:
    size = len(text) if text.isascii() else len(text.encode())
    if not 0 < size <= most:
        raise Permanent("bad_key", f"a key has 1 to {most} bytes")
    return size


def _size(value: object, depth: int) -> int:
    match value:
        case str():
            return len(value) if value.isascii() else len(value.encode())
        case bool() | None:
            return 1
        case int() if -NUMBER_MAX < value < NUMBER_MAX:
            return value.bit_length() // 6 + 3
        case int():
            raise Permanent("bad_value", "a number of more than 38 digits")
        case list() | dict() if depth >= DEPTH_MAX:
            raise Permanent("bad_value", f"nested deeper than {DEPTH_MAX}")
        case list():
            return 3 + sum([1 + _size(part, depth + 1) for part in value])
        case dict():
            return 3 + sum([1 + _name_size(k) + _size(v, depth + 1) for k, v in value.items()])
    raise Permanent("bad_value", f"{type(value).__name__} is not a value that items hold")


def _name_size(name: object) -> int:
    if not isinstance(name, str):
        raise Permanent("bad_value", "a name that is not text")
    return len(name.encode())
