"""How a fan is reached: a phone or an e-mail address, masked wherever it is printed."""

import hmac
from collections.abc import Sequence
from enum import Enum
from typing import Final

from attrs import field, frozen

from demand_core.domain.ids import netstring, whole
from demand_core.domain.masked import Masked
from demand_core.errors import Permanent, WiringError

_E164: Final = whole(r"\+[1-9][0-9]{1,14}")
_ATOMS: Final = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*"
_LABEL: Final = "[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
# No top-level domain is a number: what ends in one is an address of a machine.
_ADDRESS: Final = whole(rf"({_ATOMS})@(?:{_LABEL}\.)+(?![0-9]+\Z){_LABEL}")
_LOCAL_MAX: Final = 64
_ADDRESS_MAX: Final = 254


class Phone(Masked):
    """A number in E.164 form.

    Making one checks the form alone, so that stored numbers outlive the numbering plan that
    they were accepted under; what a fan typed goes through `parse_phone` of `phones`.
    """

    __slots__ = ()

    @staticmethod
    def _check(text: str) -> None:
        if not _E164.match(text):
            raise Permanent("bad_phone", "not in E.164 form")

    def _mask(self) -> str:
        return f"…{self._text[-2:]}"


class Email(Masked):
    """An address as its owner spells it; `compared` says which two are one."""

    __slots__ = ()

    @staticmethod
    def _check(text: str) -> None:
        found = _ADDRESS.match(text) if len(text) <= _ADDRESS_MAX else None
        if not found or len(found[1]) > _LOCAL_MAX:
            raise Permanent("bad_email", "not an address")

    def _mask(self) -> str:
        return "…"


class EmailReason(Enum):
    """Why a text is not an address that we would send to."""

    NOT_AN_ADDRESS = "not_an_address"
    NOT_ASCII = "not_ascii"
    TOO_LONG = "too_long"


@frozen
class EmailProblem:
    """Why it was refused."""

    reason: EmailReason


def parse_email(text: str) -> Email | EmailProblem:
    """Read *text* as an address; only the blanks around it are not kept as typed.

    Quoted names, comments and addresses of machines are refused: nobody's mailbox has one.
    """
    text = text.strip(" \t\r\n")
    if len(text) > _ADDRESS_MAX:
        return EmailProblem(EmailReason.TOO_LONG)
    if not text.isascii():
        return EmailProblem(EmailReason.NOT_ASCII)
    try:
        return Email(text)
    except Permanent:
        return EmailProblem(EmailReason.NOT_AN_ADDRESS)


_KEY_ID: Final = whole("[A-Za-z0-9_-]{1,32}")
_SECRET_MIN: Final = 16
_PURPOSE: Final = netstring("demand.contact/1")


@frozen(cache_hash=True)
class ContactKey:
    """The secret under which contacts are hashed; its name tells it from older ones."""

    key_id: str
    secret: bytes = field(repr=False)

    def __attrs_post_init__(self) -> None:
        """Raise WiringError for a key that would hide nothing or break the form of a hash."""
        if not _KEY_ID.match(self.key_id):
            raise WiringError("the id of a contact key is 1 to 32 letters, digits, '-' and '_'")
        if len(self.secret) < _SECRET_MIN:
            raise WiringError(f"a contact key has at least {_SECRET_MIN} bytes")


def compared(contact: Phone | Email) -> str:
    """The spelling by which two contacts are one: of an address, without its capitals.

    Dots and tags count: whether a provider ignores them is its business, and taking two fans
    for one would cost the second a message.
    """
    text = contact.reveal()
    return text.lower() if isinstance(contact, Email) else text


def contact_hash(contact: Phone | Email, key: ContactKey) -> str:
    """What stands for *contact* in keys of the table: not to be undone without the secret."""
    text = _PURPOSE + netstring(compared(contact))
    return f"{key.key_id}.{hmac.digest(key.secret, text, 'sha256').hex()[:32]}"


def contact_hashes(contact: Phone | Email, keys: Sequence[ContactKey]) -> tuple[str, ...]:
    """Every hash that *contact* may be known by: one for each key, in the order of *keys*."""
    return tuple(contact_hash(contact, key) for key in keys)
