"""How long a text is once it is an SMS, what makes it longer, and what to write instead."""

import re
from enum import Enum
from typing import Final
from unicodedata import category, name, normalize

from attrs import field, frozen

from demand_core.errors import Permanent

# The default alphabet of GSM 03.38; its escape is no character, and what needs one costs two.
GSM_BASIC: Final = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
GSM_EXTENSION: Final = "\f^{}\\[~]|€"
_GSM: Final = frozenset(GSM_BASIC + GSM_EXTENSION)
_PAIRS: Final = re.compile(f"[{re.escape(GSM_EXTENSION)}]")
_ASTRAL: Final = re.compile("[\U00010000-\U0010ffff]")
_HALVES: Final = re.compile("[\ud800-\udfff]")


class Encoding(Enum):
    """What the network writes a text in; one sign that GSM-7 lacks turns the whole to UCS-2."""

    GSM_7 = "GSM-7"
    UCS_2 = "UCS-2"


# Units in a message that travels alone, and in each part of one that does not.
_ALONE: Final = {Encoding.GSM_7: 160, Encoding.UCS_2: 70}
_PART: Final = {Encoding.GSM_7: 153, Encoding.UCS_2: 67}


@frozen
class Culprit:
    """A character that GSM-7 lacks, and where it stands, counted in characters from 0."""

    character: str
    positions: tuple[int, ...]

    @property
    def code_point(self) -> str:
        """Its number, as the tables of Unicode write it."""
        return f"U+{ord(self.character):04X}"

    @property
    def name(self) -> str:
        """What Unicode calls it; controls and private characters have no name."""
        return name(self.character, "without a name")


@frozen(kw_only=True)
class SmsSize:
    """What a text costs. The culprits together may be the text, so they are not shown."""

    encoding: Encoding
    units: int
    segments: int
    culprits: tuple[Culprit, ...] = field(repr=False)


def sms_size(text: str) -> SmsSize:
    """The size of *text* as it stands: nothing is folded, trimmed or composed first.

    An empty text is one segment, as it would be billed. Half a surrogate pair is no text.
    """
    if _HALVES.search(text):
        raise Permanent("bad_text", "half a surrogate pair")
    culprits = _culprits(text)
    encoding = Encoding.UCS_2 if culprits else Encoding.GSM_7
    doubles = _ASTRAL if culprits else _PAIRS
    units = len(text) + len(doubles.findall(text))
    segments = 1
    if units > _ALONE[encoding]:
        segments = _parts(text, doubles, _PART[encoding])
    return SmsSize(encoding=encoding, units=units, segments=segments, culprits=culprits)


def _culprits(text: str) -> tuple[Culprit, ...]:
    positions = dict[str, list[int]]()
    for position, character in enumerate(text):
        if character not in _GSM:
            positions.setdefault(character, []).append(position)
    return tuple(Culprit(character, tuple(where)) for character, where in positions.items())


def _parts(text: str, doubles: re.Pattern[str], most: int) -> int:
    """How many parts of *most* units; a character of two moves on whole, leaving a gap."""
    parts, used = 1, 0
    for character in text:
        units = 2 if doubles.match(character) else 1
        if used + units > most:
            parts, used = parts + 1, 0
        used += units
    return parts


class Accents(Enum):
    """What becomes of accents. Both ways write plainly what GSM-7 lacks."""

    STRIP = "strip"
    KEEP_GSM = "keep-gsm"


# What Unicode does not take apart, and what it would take apart wrongly.
_PLAIN: Final = str.maketrans(
    {
        **dict.fromkeys("\u2018\u2019\u201a\u201b\u2039\u203a\u00b4`\u2032", "'"),
        **dict.fromkeys("\u02b9\u02bb\u02bc", "'"),
        **dict.fromkeys("\u201c\u201d\u201e\u201f\u00ab\u00bb\u2033", '"'),
        **dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015\u2212\u2022\u00b7", "-"),
        "\u2044": "/", "\u00d7": "x", "©": "(c)", "®": "(r)", "¢": "c", "ƒ": "f",
        "œ": "oe", "Œ": "OE", "ẞ": "SS", "ł": "l", "Ł": "L", "đ": "d", "Đ": "D", "ð": "d",
        "Ð": "D", "þ": "th", "Þ": "Th", "ı": "i", "ħ": "h", "Ħ": "H", "ŧ": "t", "Ŧ": "T",
        "ŋ": "n", "Ŋ": "N",
    }
)  # fmt: skip


def visible(text: str) -> str:
    """*text* without what is not seen, and with a space for every kind of white space.

    Controls go, invisible marks of format (those that turn the direction of writing among
    them) and halves of surrogate pairs; and letters and their accents become one character.
    """
    seen = (
        " " if sign.isspace() else sign
        for sign in text
        if sign.isspace() or category(sign) not in {"Cc", "Cf", "Cs"}
    )
    return normalize("NFC", "".join(seen))


def folded(text: str, accents: Accents) -> str:
    """What is visible of *text*, and in GSM-7 where that has Latin characters for it.

    What no Latin letters stand for, such as 椎名林檎, stays, and is a culprit when measured.
    """
    written = list[str]()
    in_gsm = True
    for sign in visible(text):
        if category(sign) in {"Mn", "Me"}:
            # On a letter of another script the mark is half of the letter.
            written.append("" if in_gsm else sign)
            continue
        plain = _plain(sign, accents)
        in_gsm = _GSM.issuperset(plain)
        written.append(plain)
    return "".join(written)


def _plain(sign: str, accents: Accents) -> str:
    """What is written for *sign*: itself where GSM-7 has nothing that means the same."""
    if sign in _GSM and (accents is Accents.KEEP_GSM or not sign.isalpha()):
        return sign
    apart = normalize("NFKD", sign.translate(_PLAIN))
    bare = "".join(part for part in apart if category(part) != "Mn").translate(_PLAIN)
    # A mark on what is no letter changes what it says: not equal is not equal.
    meant = bare == apart.translate(_PLAIN) or bare.isalpha()
    return bare if meant and bare.strip() and _GSM.issuperset(bare) else sign
