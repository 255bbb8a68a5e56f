"""Whom a stored row is about, in a form that only whoever asks for him can find."""

import hmac
from typing import Final, Literal, TypeAlias

from demand_core.domain.contacts import ContactKey
from demand_core.domain.ids import netstring

NamedBy: TypeAlias = Literal["fan", "phone", "email"]

BYTES: Final = 16


def subject_hash(named_by: NamedBy, text: str, key: ContactKey) -> bytes:
    """What stands for a fan's id or contact in an index: not to be undone without the secret.

    An address counts without its capitals, as it does wherever two are compared.
    """
    text = text.lower() if named_by == "email" else text
    hashed = hmac.digest(key.secret, netstring("demand.subject/1", named_by, text), "sha256")
    return hashed[:BYTES]
