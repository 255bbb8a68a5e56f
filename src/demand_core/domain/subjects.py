"""Whom a stored row is about, in a form that only whoever asks for him can find."""

import hmac
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Final, Literal, TypeAlias, get_args

from demand_core.domain.contacts import ContactKey, Email, Phone, compared
from demand_core.domain.ids import FanId, netstring

NamedBy: TypeAlias = Literal["fan", "phone", "email"]
# What somebody is known by; an address is spelled as it is compared. Not for a log.
Name: TypeAlias = tuple[NamedBy, str]

BYTES: Final = 16
# There is one hash for each row and contact: what they share is encoded once.
_BEGINNING: Final[Mapping[NamedBy, bytes]] = {
    named_by: netstring("demand.subject/1", named_by) for named_by in get_args(NamedBy)
}


def names_of(fan_id: FanId, contacts: Iterable[Phone | Email | None]) -> Iterator[Name]:
    """The names of one fan with these contacts."""
    yield ("fan", fan_id)
    for contact in contacts:
        if contact is not None:
            yield ("phone" if isinstance(contact, Phone) else "email", compared(contact))


# A batch asks for each of its names twice: for its index, and for who is to be forgotten.
@lru_cache(maxsize=8192)
def subject_hash(named_by: NamedBy, text: str, key: ContactKey) -> bytes:
    """What stands for a fan's id or contact in an index: not to be undone without the secret.

    An address counts without its capitals, as it does wherever two are compared.
    """
    encoded = (text.lower() if named_by == "email" else text).encode()
    of = _BEGINNING[named_by] + b"%d:%b," % (len(encoded), encoded)
    return hmac.digest(key.secret, of, "sha256")[:BYTES]


def keyed_hash(name: Name, key: ContactKey) -> str:
    """The same as text, with the name of its key: for keys of the table and for receipts."""
    return f"{key.key_id}.{subject_hash(*name, key).hex()}"
