"""What people text back, and whether they still want to hear from us."""

import unicodedata
from collections.abc import Mapping
from datetime import datetime
from enum import Enum
from typing import Final

from attrs import field, frozen


class Reply(Enum):
    """What a text to us asks for."""

    OUT = "out"
    IN = "in"
    HELP = "help"


_WORDS: Final[Mapping[Reply, tuple[str, ...]]] = {
    Reply.OUT: (
        *("stop", "stop all", "stopall", "end", "cancel", "unsubscribe", "quit", "revoke"),
        *("opt out", "optout", "remove me", "stop texting me", "stop messaging me"),
        *("do not text me", "don t text me", "opt me out", "unsubscribe me"),
        *("arret", "arreter", "arretez", "annuler", "desabonner", "desabonnement"),
        *("desabonnez moi", "me desabonner", "desinscrire", "desinscription", "retrait"),
    ),
    Reply.IN: (
        *("start", "unstop", "yes", "opt in", "optin", "resume", "subscribe"),
        *("oui", "debut", "commencer", "reprendre", "reprise", "abonner"),
    ),
    Reply.HELP: ("help", "info", "aide"),
}
_MEANINGS: Final = {phrase: reply for reply, phrases in _WORDS.items() for phrase in phrases}
# Said beside a word without changing it.
_POLITE: Final = frozenset({"please", "pls", "plz", "now", "thanks", "merci", "svp"})
# Longer texts are letters to somebody, not one of our words.
_TEXT_MAX: Final = 160


def keyword(text: str) -> str:
    """*text* as the table of words spells it: no accents, capitals, signs or politeness."""
    if len(text) > _TEXT_MAX:
        return ""
    plain = "".join(filter(None, map(_letter, unicodedata.normalize("NFKD", text).casefold())))
    words = [word for word in plain.split() if word not in _POLITE]
    return words[0] if len(set(words)) == 1 else " ".join(words)


def _letter(sign: str) -> str:
    """A letter as it is, nothing for an accent or what nobody sees, else a blank."""
    if sign.isalnum():
        return sign
    return "" if unicodedata.category(sign) in {"Mn", "Cf"} else " "


def meaning(text: str) -> Reply | None:
    """What *text* asks for; None unless the whole of it is one of the words we know."""
    return _MEANINGS.get(keyword(text))


class Consent(Enum):
    """Whether a contact may be sent to on a channel."""

    OUT = "OUT"
    IN = "IN"


class ConsentSource(Enum):
    """Who told us."""

    KEYWORD = "keyword"
    PROVIDER = "provider"
    API = "api"
    OPERATOR = "operator"


@frozen(kw_only=True)
class OptOut:
    """The last word on one contact and channel, for every brand and kind of message.

    *word* is one of the table, never what somebody wrote; *evidence* is where that is kept.
    """

    state: Consent
    at: datetime
    source: ConsentSource
    word: str | None = None
    brand: str | None = None
    evidence: str | None = field(default=None, repr=False)


def opted_out(known: OptOut | None) -> bool:
    """Whether nothing may be sent. Nobody is out who never said so."""
    return known is not None and known.state is Consent.OUT


def latest(known: OptOut | None, said: OptOut) -> OptOut:
    """What holds after *said*, in whatever order the two were learned.

    The later one does; of two at once the one that sends nothing.
    """
    return said if known is None else max(known, said, key=_standing)


def _standing(said: OptOut) -> tuple[object, ...]:
    """The rest only makes the answer the same from both sides."""
    rest = (said.source.value, said.word or "", said.brand or "", said.evidence or "")
    return (said.at, said.state is Consent.OUT, *rest)


def said_by_text(text: str, at: datetime, brand: str | None = None) -> OptOut | None:
    """What a text to us changes; None for a cry for help and for all that we do not know."""
    state = {Reply.OUT: Consent.OUT, Reply.IN: Consent.IN}.get(meaning(text) or Reply.HELP)
    if state is None:
        return None
    source = ConsentSource.KEYWORD
    return OptOut(state=state, at=at, source=source, word=keyword(text), brand=brand)
