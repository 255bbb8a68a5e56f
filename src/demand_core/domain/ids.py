"""Ids: how each is spelled, who vouches for one, and what is computed from them."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from hashlib import sha256
from typing import Final, NewType

from demand_core.errors import Permanent

FanId = NewType("FanId", str)
MemberId = NewType("MemberId", str)
EventId = NewType("EventId", str)
SaleId = NewType("SaleId", str)
DemandSaleId = NewType("DemandSaleId", str)
CampaignId = NewType("CampaignId", str)
MarketId = NewType("MarketId", str)
Storefront = NewType("Storefront", str)
WaveId = NewType("WaveId", str)
DateKey = NewType("DateKey", str)
RunId = NewType("RunId", str)
NotificationId = NewType("NotificationId", str)
ChangeId = NewType("ChangeId", str)
ReceiptId = NewType("ReceiptId", str)
ErasureId = NewType("ErasureId", str)

_FAN: Final = "[A-Za-z0-9_-]{1,64}"
_EVENT: Final = "[A-Za-z0-9_-]{1,64}"
_CAMPAIGN: Final = "[A-Za-z0-9]{1,40}"
_RUN: Final = (
    "[0-9]{4}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])"
    "T(?:[01][0-9]|2[0-3])[0-5][0-9][0-5][0-9]Z-[0-9a-f]{8}"
)

# Regular expressions as text, to be put together into longer ones. No `\d` and no `\w`: they
# take digits and letters of every script.
SPELLINGS: Final[Mapping[str, str]] = {
    "fanId": _FAN,
    "globalUserId": _FAN,
    "memberId": _FAN,
    "eventId": _EVENT,
    "saleId": rf"{_EVENT}\.(?:public|p[0-9a-f]{{12}})",
    # The `saleId` of a demand: only a wish can be for every sale of an event.
    "demandSaleId": rf"{_EVENT}\.(?:public|p[0-9a-f]{{12}}|any)",
    "campaignId": _CAMPAIGN,
    "marketId": "[A-Za-z0-9][A-Za-z0-9-]{0,39}",
    "storefront": "TM_US|TM_CA|LN_US|LN_CA",
    "waveId": f"{_CAMPAIGN}_[a-z0-9][a-z0-9-]{{0,39}}",
    "dateKey": "[0-9]{8}(?:T[0-9]{4})?",
    "runId": _RUN,
    "notificationId": "[0-9a-f]{32}",
    "code": "[A-Z0-9][A-Z0-9-]{3,31}",
    "changeId": "[ -~]{1,128}",
    "receiptId": _RUN,
    "erasureId": _RUN,
}


def whole(spelling: str) -> re.Pattern[str]:
    r"""Compile for whole texts only: `match` too stops at `\Z`, which no newline may follow."""
    return re.compile(rf"(?:{spelling})\Z")


ALPHABETS: Final[Mapping[str, re.Pattern[str]]] = {
    name: whole(spelling) for name, spelling in SPELLINGS.items()
}


def checked(name: str, value: object) -> str:
    """*value*, if it is spelled as an id called *name* on the wire; else Permanent.

    The error names the id and never shows the value, which may be hostile or personal.
    """
    if isinstance(value, str) and ALPHABETS[name].fullmatch(value):
        return value
    raise Permanent("bad_id", name)


def netstring(*parts: str | bytes | int) -> bytes:
    """All *parts*, each behind its length, so that no two lists of texts give the same."""
    return b"".join([b"%d:%b," % (len(part), part) for part in map(_encoded, parts)])


def _encoded(part: str | bytes | int) -> bytes:
    if isinstance(part, bytes):
        return part
    text = str(part) if isinstance(part, int) else part
    try:
        return text.encode()
    except UnicodeEncodeError:
        # JSON can carry half a surrogate pair; the error of the codec would carry the text.
        raise Permanent("bad_text", "half a surrogate pair") from None


def digest(purpose: str, *parts: str) -> str:
    """Public id made of *parts*; another *purpose* gives another id. Not for contacts."""
    return sha256(netstring(purpose, *parts)).hexdigest()[:32]


def run_id(now: datetime, digits: str) -> str:
    """The id of a run that begins *now*, with the first of some random hex *digits*.

    Ids of runs sort by their beginning.
    """
    return f"{now.astimezone(UTC):%Y%m%dT%H%M%SZ}-{digits[:8]}"


SHARDS: Final = "0123456789abcdef"
_SHARD_PURPOSE: Final = netstring("demand.shard/1")


def shard(of: str) -> str:
    """The part of every group that belongs to the fan or event *of*: one of SHARDS."""
    # The first digit of `digest("demand.shard/1", of)`, at less than half its price.
    ident = _encoded(of)
    return SHARDS[sha256(b"%b%d:%b," % (_SHARD_PURPOSE, len(ident), ident)).digest()[0] >> 4]
