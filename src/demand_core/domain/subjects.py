"""Whom a stored row is about, in a form that only whoever asks for him can find."""

import hmac
from collections.abc import Mapping
from typing import Final, Literal, TypeAlias, get_args

from demand_core.domain.contacts import ContactKey
from demand_core.domain.ids import netstring

NamedBy: TypeAlias = Literal["fan", "phone", "email"]

BYTES: Final = 16
# There is one hash for each row and contact: what they share is encoded once.
_BEGINNING: Final[Mapping[NamedBy, bytes]] = {
    named_by: netstring("demand.subject/1", named_by) for named_by in get_args(NamedBy)
}


def subject_hash(named_by: NamedBy, text: str, key: ContactKey) -> bytes:
    """What stands for a fan's id or contact in an index: not to be undone without the secret.

    An address counts without its capitals, as it does wherever two are compared.
    """
    encoded = (text.lower() if named_by == "email" else text).encode()
    of = _BEGINNING[named_by] + b"%d:%b," % (len(encoded), encoded)
    return hmac.digest(key.secret, of, "sha256")[:BYTES]
