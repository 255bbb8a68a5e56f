"""The kinds of sales, and which words in a sale's texts tell one."""

import re
import unicodedata
from collections.abc import Sequence
from enum import Enum
from functools import lru_cache
from typing import Final


class SaleKind(Enum):
    """Whom a sale is for."""

    PUBLIC = "PUBLIC"
    PRESALE = "PRESALE"
    VIP = "VIP"
    CARD = "CARD"
    VERIFIED_FAN = "VERIFIED_FAN"
    REGISTRATION = "REGISTRATION"


# The first pattern found decides. A registration comes first, for nothing is sold in it; a card
# before VIP, as issuers call their customers so; a plain presale is what is left.
_PATTERNS: Final[Sequence[tuple[SaleKind, str]]] = (
    (SaleKind.REGISTRATION, r"\w*registrations?|(?:pre)?inscriptions?|enregistrements?"),
    (SaleKind.VERIFIED_FAN, r"verified ?fans?|fans? verifies?"),
    (
        SaleKind.CARD,
        (
            r"cards?|cardmembers?|cardholders?|cartes?|american express|amex|visa"
            r"|master ?cards?|citi|citibank|capital one|wells fargo|bank of america"
            r"|scotiabank|rbc|bmo|cibc|front of the line"
            r"|chase (?:presale|sapphire|freedom|preferred)"
        ),
    ),
    (SaleKind.VIP, r"v ?i ?ps?|platinum|packages?|forfaits?|hospitality|meet (?:and|n) greet"),
    (SaleKind.PUBLIC, r"(?:public|general) on ?sale|(?:public|general) sale|vente publique"),
    (
        SaleKind.PRESALE,
        r"pre ?sales?|pre ?ventes?|preventas?|early access|acces anticipe|fan ?clubs?|members?",
    ),
)
_TELLING: Final = tuple((kind, re.compile(rf"\b(?:{p})\b")) for kind, p in _PATTERNS)
_NOT_DESCRIBED: Final = {SaleKind.REGISTRATION, SaleKind.PUBLIC}


def words(text: str) -> str:
    """The letters and digits of *text*, in words."""
    return " ".join("".join(sign if sign.isalnum() else " " for sign in text).split())


def without_symbols(text: str) -> str:
    """*text* without trade marks, pictures and the like, which come and go."""
    return "".join(sign for sign in text if unicodedata.category(sign)[0] != "S")


def _bare(text: str) -> str:
    """The words of *text* without accents, symbols and signs that nobody sees."""
    signs = unicodedata.normalize("NFKD", without_symbols(text))
    shown = (sign for sign in signs if unicodedata.category(sign) not in {"Mn", "Cf"})
    return words("".join(shown).casefold())


# Every message of a sale asks again before it goes out.
@lru_cache(maxsize=1024)
def told_kind(name: str, description: str = "") -> tuple[SaleKind, str] | None:
    """The kind that a sale's texts tell and the words that told it; None when none is familiar.

    The name is asked first. A description is not asked for a registration or a public sale:
    many a presale's says that one had to register, or when everybody's turn comes.
    """
    for text, silent in ((name, set[SaleKind]()), (description, _NOT_DESCRIBED)):
        bare = _bare(text)
        for kind, pattern in _TELLING:
            if kind not in silent and (found := pattern.search(bare)):
                return kind, found[0]
    return None
