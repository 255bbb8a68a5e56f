"""What an item may hold, and how large it is: the strictest engine's rules, checked for all."""

from collections.abc import Sequence
from typing import Any, Final

from demand_adapters.item_table import INDEXES, OWN_RANGE, Body, Item, Key
from demand_core.errors import Permanent, WiringError

ITEM_MAX: Final = 400 * 1024
PK_MAX: Final = 2048
SK_MAX: Final = 1024
NAME_MAX: Final = 65_535
TIME_MAX: Final = 10**11
DEPTH_MAX: Final = 30
NUMBER_MAX: Final = 10**38

# The names of keys, index attributes, expiry and revision, and the revision itself.
FRAME: Final = 192
# What any value takes at most beside its text: a number of 38 digits, or the frame of a map.
SCALAR_MAX: Final = 24
TEXT: Final = frozenset({str})


def check(items: Sequence[Item]) -> None:
    """Raise Permanent for a batch that some engine would refuse, before anything is written."""
    if len(items) > 1 and len({item.key for item in items}) != len(items):
        raise Permanent("repeated_key", "a key stands twice in one batch of writes")
    for item in items:
        check_key(item.key)
        for name, key in item.index.items():
            check_index(name)
            check_key(key)
            if name in OWN_RANGE and key[1] != item.key[1]:
                raise Permanent("bad_key", f"the range of {name} is the item's own sort key")
        _check_expiry(item.expires_at)
        # Only what may be too large or hold too long a name is measured to the byte.
        if _most(item.body) > NAME_MAX and item_size(item) > ITEM_MAX:
            raise _too_large()


def _too_large() -> Permanent:
    return Permanent("item_too_large", f"more than {ITEM_MAX} bytes")


def item_size(item: Item) -> int:
    """Bytes of *item* by DynamoDB's own formula."""
    keys = [text for key in (item.key, *item.index.values()) for text in key]
    return sum(map(_bytes, keys)) + _size(item.body) + FRAME


def check_index(name: str) -> None:
    """Raise WiringError for an index that the table does not have."""
    if name not in INDEXES:
        raise WiringError(f"the table has no index {name!r}")


def check_key(key: Key) -> None:
    """Raise Permanent for a key that no item can have."""
    pk, sk = key
    if type(pk) is not str or type(sk) is not str:
        raise Permanent("bad_key", "a key that is not text")
    if not (0 < _bytes(pk) <= PK_MAX and 0 < _bytes(sk) <= SK_MAX):
        raise Permanent("bad_key", f"keys have 1 to {PK_MAX} and 1 to {SK_MAX} bytes")


def _check_expiry(expires_at: object) -> None:
    if expires_at is not None and not (type(expires_at) is int and 0 <= expires_at < TIME_MAX):
        raise Permanent("bad_value", "a time to live is a count of seconds since 1970")


def _most(body: Body) -> int:
    """No fewer bytes than *body* takes, checking all of it, level by level."""
    texts: list[str] = []
    level: list[Any] = [body]
    count = 0
    for _ in range(DEPTH_MAX + 2):
        if not level:
            break
        count += sum(map(len, level))
        if count > ITEM_MAX:
            # Each takes a byte at least; a few lists can stand for many, one inside another.
            raise _too_large()
        level = _below(level, texts)
    else:
        raise Permanent("bad_value", f"nested deeper than {DEPTH_MAX}")
    return _bytes("".join(texts)) + SCALAR_MAX * count


def _below(level: list[Any], texts: list[str]) -> list[Any]:
    """The maps and lists inside those of *level*, having put all their texts into *texts*."""
    below: list[Any] = []
    for nest in level:
        values = nest
        if type(nest) is dict:
            if "" in nest or not TEXT.issuperset(map(type, nest)):
                raise Permanent("bad_value", "a name that is no text")
            texts += nest
            values = nest.values()
        for value in values:
            kind = type(value)
            if kind is str:
                texts.append(value)
            elif kind is int:
                if not -NUMBER_MAX < value < NUMBER_MAX:
                    raise Permanent("bad_value", "a number of more than 38 digits")
            elif kind is dict or kind is list:
                below.append(value)
            elif kind is not bool and value is not None:
                raise Permanent("bad_value", f"{kind.__name__} is not what items hold")
    return below


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
            if any(_bytes(name) > NAME_MAX for name in value):
                raise Permanent("bad_value", f"a name of more than {NAME_MAX} bytes")
            return 3 + sum(1 + _bytes(name) + _size(part) for name, part in value.items())
    raise Permanent("bad_value", f"{type(value).__name__} is not a value that items hold")
