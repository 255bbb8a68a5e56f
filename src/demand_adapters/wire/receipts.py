"""What is left of an erasure: which files were touched, how it was looked for, no values."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

from attrs import frozen

from demand_adapters.wire.converters import instant
from demand_core.domain.erasures import Erasure, Touched

FORMAT: Final = "demand-erasure/1"
RECEIPTS: Final = "receipts/erasure/"
# Where a fan may still be known for a while, or to others, and why that is so.
NOT_COVERED: Final = (
    "the table's change feed and streams, which forget after their time of keeping",
    "queues, whose messages end with their work, and dead letters until somebody sees to them",
    "copies that a bucket keeps of replaced files, if its versions are switched on",
    "whoever took texts and e-mails from us",
    "opt-outs and guards, which hold keyed hashes of contacts",
)


@frozen(kw_only=True)
class Verified:
    """The last look at everything: how much was read, by how many spellings, with no hit."""

    objects: int
    size: int
    forms: int


def receipt_key(erasure_id: str) -> str:
    """Where the receipt stands."""
    return f"{RECEIPTS}{erasure_id}.json"


def encode_receipt(
    erasure: Erasure, finished_at: datetime, touched: Sequence[Touched], verified: Verified
) -> bytes:
    """The file that says it."""
    key_id, _, _ = erasure.subject.partition(".")
    told = {
        "format": FORMAT,
        "erasureId": erasure.erasure_id,
        "subjectHash": erasure.subject,
        "keyId": key_id,
        "requestedAt": instant(erasure.requested_at),
        "finishedAt": instant(finished_at),
        "touched": [_told(one) for one in touched],
        "verified": {
            "objects": verified.objects,
            "bytes": verified.size,
            "forms": verified.forms,
            "hits": 0,
        },
        "notCovered": list(NOT_COVERED),
    }
    return json.dumps(told, indent=1).encode()


def _told(touched: Touched) -> Mapping[str, object]:
    told = {
        "store": touched.store,
        "object": touched.object,
        "action": touched.action,
        "records": touched.records,
    }
    digests = {"before": touched.before, "after": touched.after}
    return told | {name: digest for name, digest in digests.items() if digest}
