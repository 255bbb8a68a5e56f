"""Names of artists, places and sales, as other people's texts that must not steer ours."""

import re
from typing import Final

from demand_core.domain.sms_text import Accents, folded, visible
from demand_core.domain.spoken_times import Locale

# A dot that a phone would take for one inside an address: every sign that domain names read as
# a dot, with letters behind it. The dots of R.E.M. and of an ellipsis are none.
_DOT: Final = re.compile(
    r"(?<=[^\s.\u2024\u3002\uff0e\uff61])[.\u2024\u3002\uff0e\uff61](?=[^\W\d_]{2})"
)
_NUMBERS: Final = re.compile(r"(\d+)\.(\d+)\.(\d+)\.(\d+)")
_SCHEME: Final = re.compile(r"(?<=[^\W\d_]):(?=\S)")


def unlinked(name: str) -> str:
    """*name* with spaces where a phone would make a link of it: Crypto com Arena."""
    spaced = _NUMBERS.sub(r"\1 \2 \3 \4", _DOT.sub(" ", name))
    return _SCHEME.sub(": ", spaced)


def accents_of(locale: Locale) -> Accents:
    """English spells names without accents; French keeps those that cost nothing."""
    return Accents.KEEP_GSM if locale is Locale.FR_CA else Accents.STRIP


def sms_name(name: str | None, locale: Locale) -> str:
    """*name* as an SMS has it; empty if nothing of it can be seen."""
    return _one_line(folded(name or "", accents_of(locale)))


def email_name(name: str | None) -> str:
    """*name* as an e-mail has it, with all its letters; empty if nothing of it can be seen."""
    return _one_line(visible(name or ""))


def _one_line(name: str) -> str:
    return " ".join(unlinked(name).split())
