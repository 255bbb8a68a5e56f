"""What a fan types for a number, held against the numbering plan."""

import re
from enum import Enum
from functools import cache
from typing import Final

from attrs import frozen

from demand_core.domain.contacts import Phone
from demand_core.domain.ids import whole
from demand_core.errors import Permanent


class PhoneKind(Enum):
    """What a range of numbers is for. In North America mobiles have no range of their own."""

    MOBILE = "mobile"
    FIXED_LINE_OR_MOBILE = "fixed_line_or_mobile"
    FIXED_LINE = "fixed_line"
    TOLL_FREE = "toll_free"
    PREMIUM_RATE = "premium_rate"
    SHARED_COST = "shared_cost"
    VOIP = "voip"
    PERSONAL_NUMBER = "personal_number"
    PAGER = "pager"
    UAN = "uan"
    VOICEMAIL = "voicemail"


class PhoneTag(Enum):
    """What is worth knowing of a number that is taken all the same."""

    LANDLINE = "landline"
    FICTION = "fiction"
    EXTENSION_DROPPED = "extension_dropped"
    LETTERS_READ = "letters_read"


class PhoneReason(Enum):
    """Why a text is not a number that we would send to."""

    NOT_A_NUMBER = "not_a_number"
    SPREADSHEET = "spreadsheet_damage"
    NO_COUNTRY = "no_country"
    UNKNOWN_COUNTRY = "unknown_country"
    TOO_SHORT = "too_short"
    TOO_LONG = "too_long"
    WRONG_LENGTH = "wrong_length"
    LOCAL_ONLY = "local_only"
    UNASSIGNED = "unassigned"
    KIND_NOT_ALLOWED = "kind_not_allowed"
    REGION_NOT_ALLOWED = "region_not_allowed"


@frozen(kw_only=True)
class PhonePolicy:
    """Whose numbers are taken. Many regions share +1, so a prefix decides nothing."""

    regions: frozenset[str] = frozenset({"US"})
    kinds: frozenset[PhoneKind] = frozenset(
        {PhoneKind.MOBILE, PhoneKind.FIXED_LINE_OR_MOBILE, PhoneKind.FIXED_LINE}
    )


@frozen(kw_only=True)
class ParsedPhone:
    """A number that is assigned, with what the numbering plan says of it."""

    phone: Phone
    region: str
    kind: PhoneKind
    tags: tuple[PhoneTag, ...] = ()


@frozen
class PhoneProblem:
    """Why it was refused, and all that could be read of it."""

    reason: PhoneReason
    phone: Phone | None = None
    region: str | None = None
    kind: PhoneKind | None = None


_TEXT_MAX: Final = 64
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_SPREADSHEET: Final = whole(r"[0-9]+(?:[.,][0-9]+)?[eE]\+?[0-9]+")
_FICTION: Final = whole(r"\+1[0-9]{3}55501[0-9]{2}")
# How most people type a number of North America: 1 or not, brackets or not, the usual dividers.
_PLAIN: Final = whole(
    r"(\+)?(1[ .-]?)?(?:\(([2-9][0-9]{2})\)|([2-9][0-9]{2}))"
    r"[ .-]?([2-9][0-9]{2})[ .-]?([0-9]{4})"
)


@cache
def regions() -> frozenset[str]:
    """Every region that the installed numbering plan knows, in two letters."""
    from phonenumbers import SUPPORTED_REGIONS

    return frozenset(SUPPORTED_REGIONS)


def parse_phone(
    text: str, default_region: str | None = None, policy: PhonePolicy = PhonePolicy()
) -> ParsedPhone | PhoneProblem:
    """Read *text* as a number, as typed in *default_region* unless it begins with a plus."""
    text = text.strip()
    read = _plain(text, default_region) or _any(text, default_region)
    if isinstance(read, PhoneProblem):
        return read
    reason = PhoneReason.KIND_NOT_ALLOWED
    if read.kind in policy.kinds:
        if read.region in policy.regions:
            return read
        reason = PhoneReason.REGION_NOT_ALLOWED
    return PhoneProblem(reason, read.phone, read.region, read.kind)


def _plain(text: str, default_region: str | None) -> ParsedPhone | None:
    """The answer of the library for what most people type, at a tenth of its price."""
    found = _PLAIN.match(text)
    if not found:
        return None
    plus, one, *groups = found.groups()
    if not one if plus else default_region not in _SAME_HABITS:
        return None
    digits = "".join(filter(None, groups))
    for region, assigned in _assigned():
        if assigned.match(digits):
            phone = Phone(f"+1{digits}")
            kind = PhoneKind.FIXED_LINE_OR_MOBILE
            return ParsedPhone(phone=phone, region=region, kind=kind, tags=_tags(phone, kind))
    return None


# Regions that write numbers alike, the one that the library would ask first in front.
_SAME_HABITS: Final = ("US", "CA")


@cache
def _assigned() -> list[tuple[str, re.Pattern[str]]]:
    """The ordinary numbers of each region, from the metadata of the installed library."""
    from phonenumbers import PhoneMetadata

    found = [(r, PhoneMetadata.metadata_for_region(r)) for r in _SAME_HABITS]
    return [
        (region, re.compile(rf"(?:{data.fixed_line.national_number_pattern})\Z", re.ASCII))
        for region, data in found
        if data and data.fixed_line and data.fixed_line.national_number_pattern
    ]


def _any(text: str, default_region: str | None) -> ParsedPhone | PhoneProblem:
    import phonenumbers

    if len(text) > _TEXT_MAX or _CONTROL.search(text):
        return PhoneProblem(PhoneReason.NOT_A_NUMBER)
    if _SPREADSHEET.match(text):
        return PhoneProblem(PhoneReason.SPREADSHEET)
    try:
        number = phonenumbers.parse(text, default_region)
    except phonenumbers.NumberParseException as error:
        return PhoneProblem(_unread(error.error_type, text, default_region))
    phone = _phone(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))
    length = phonenumbers.is_possible_number_with_reason(number)
    if phone is None or length != phonenumbers.ValidationResult.IS_POSSIBLE:
        return PhoneProblem(_LENGTHS.get(length, PhoneReason.TOO_LONG), phone)
    region = phonenumbers.region_code_for_number(number)
    if region is None or not phonenumbers.is_valid_number_for_region(number, region):
        return PhoneProblem(PhoneReason.UNASSIGNED, phone)
    kind = PhoneKind[phonenumbers.PhoneNumberType.to_string(phonenumbers.number_type(number))]
    tags = _tags(phone, kind, text, number.extension)
    return ParsedPhone(phone=phone, region=region, kind=kind, tags=tags)


def _phone(e164: str) -> Phone | None:
    """The library's widest numbers have more digits than E.164 allows."""
    try:
        return Phone(e164)
    except Permanent:
        return None


# By the numbers that the library gives to its answers and to its errors.
_LENGTHS: Final = {
    1: PhoneReason.UNKNOWN_COUNTRY,
    2: PhoneReason.TOO_SHORT,
    3: PhoneReason.TOO_LONG,
    4: PhoneReason.LOCAL_ONLY,
    5: PhoneReason.WRONG_LENGTH,
}
_UNREAD: Final = {
    0: PhoneReason.UNKNOWN_COUNTRY,
    1: PhoneReason.NOT_A_NUMBER,
    2: PhoneReason.TOO_SHORT,
    3: PhoneReason.TOO_SHORT,
    4: PhoneReason.TOO_LONG,
}


def _unread(code: int, text: str, default_region: str | None) -> PhoneReason:
    if _UNREAD[code] is PhoneReason.UNKNOWN_COUNTRY and not default_region and "+" not in text:
        return PhoneReason.NO_COUNTRY
    return _UNREAD[code]


def _tags(
    phone: Phone, kind: PhoneKind, text: str = "", extension: str | None = None
) -> tuple[PhoneTag, ...]:
    worn = {
        PhoneTag.LANDLINE: kind is PhoneKind.FIXED_LINE,
        PhoneTag.FICTION: _FICTION.match(phone.reveal()) is not None,
        PhoneTag.EXTENSION_DROPPED: bool(extension),
        PhoneTag.LETTERS_READ: not extension
        and any(map(str.isalpha, text.removeprefix("tel:"))),
    }
    return tuple(tag for tag, holds in worn.items() if holds)
