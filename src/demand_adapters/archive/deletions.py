"""The account of what was deleted in a while, and the proof that no contact is left of it."""

import hmac
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import Final

from attrs import field, frozen

from demand_adapters.archive.listing import listed, opened
from demand_adapters.wire.archive import RECORD_TYPES, REDACTED
from demand_adapters.wire.archive_columns import Row
from demand_adapters.wire.archive_objects import SUBJECTS
from demand_adapters.wire.avro.reading import read
from demand_adapters.wire.converters import instant
from demand_core.domain.contacts import ContactKey
from demand_core.domain.erasures import Erasure
from demand_core.errors import Permanent
from demand_core.ports.erasure_book import ErasureBook
from demand_core.ports.file_store import FileStore

FORMAT: Final = "demand-audit/1"
# The types of rows that are about fans.
ABOUT_FANS: Final = tuple(
    name
    for name, kept in sorted(RECORD_TYPES.items())
    if not {field["name"] for field in kept.schema.tree["fields"]}.isdisjoint(SUBJECTS)
)


@frozen(kw_only=True)
class Audit:
    """What went from *since* on and before *until*: by type, day and reason.

    *unscrubbed* are deleted rows, by object, that still say more than they may; *unread* are
    objects that can't be read. *unfinished* are erasures of any time.
    """

    since: datetime
    until: datetime
    deleted: Mapping[tuple[str, date, str], int]
    unscrubbed: Mapping[str, int]
    unread: Mapping[str, str]
    erased: Sequence[Erasure]
    unfinished: Sequence[Erasure]

    @property
    def total(self) -> int:
        """How many changes removed something."""
        return sum(self.deleted.values())

    @property
    def passed(self) -> bool:
        """Whether nobody has to look at anything."""
        return not (self.unscrubbed or self.unread or self.unfinished)

    def document(self, key: ContactKey) -> Mapping[str, object]:
        """All of it as plain data, and a digest that only holders of *key* can make."""
        told: dict[str, object] = {
            "format": FORMAT,
            "from": instant(self.since),
            "to": instant(self.until),
            "deletedRows": self.total,
            "deleted": [
                {"type": kind, "day": day.isoformat(), "reason": reason, "rows": times}
                for (kind, day, reason), times in sorted(self.deleted.items())
            ],
            "unscrubbed": dict(sorted(self.unscrubbed.items())),
            "unread": dict(sorted(self.unread.items())),
            "erasures": [*map(_told, self.erased)],
            "unfinished": [*map(_told, self.unfinished)],
        }
        signed = json.dumps(told, sort_keys=True).encode()
        made = hmac.digest(key.secret, b"demand.audit/1" + signed, "sha256").hex()
        return told | {"digest": f"{key.key_id}.{made}"}


@frozen(kw_only=True)
class Auditor:
    """Reads every row that counts: what went may have been asked for at any time before."""

    files: FileStore
    book: ErasureBook = field(repr=False)

    def audit(self, since: datetime, until: datetime) -> Audit:
        """Count each change once, in however many rows it stands."""
        deleted, unread = Counter[tuple[str, date, str]](), dict[str, str]()
        unscrubbed, seen = Counter[str](), set[str]()
        for kind in ABOUT_FANS:
            for one in listed(self.files, kind):
                try:
                    for row in self._gone(read(opened(self.files, one)), since, until):
                        unscrubbed[one.key] += not is_scrubbed(kind, row)
                        if row["changeid"] not in seen:
                            seen.add(row["changeid"])
                            why = str(row.get("deletionreason"))
                            deleted[kind, row["changedat"].date(), why] += 1
                except Permanent as flaw:
                    unread[one.key] = str(flaw)
        erasures = [*self.book.all()]
        return Audit(
            since=since,
            until=until,
            deleted=deleted,
            unscrubbed=+unscrubbed,
            unread=unread,
            erased=[one for one in erasures if since <= one.requested_at < until],
            unfinished=[one for one in erasures if not one.finished],
        )

    def _gone(self, rows: Iterable[Row], since: datetime, until: datetime) -> Iterator[Row]:
        for row in rows:
            at = row.get("changedat")
            if row.get("isdeleted") and isinstance(at, datetime) and since <= at < until:
                yield row


def is_scrubbed(kind: str, row: Row) -> bool:
    """Whether a deleted row has nothing but what its kind may keep."""
    hidden = RECORD_TYPES[kind].scrubbed
    return all(row.get(column) in {None, REDACTED} for column in hidden)


def _told(erasure: Erasure) -> Mapping[str, object]:
    told: dict[str, object] = {
        "erasureId": erasure.erasure_id,
        "subjectHash": erasure.subject,
        "requestedAt": instant(erasure.requested_at),
        "state": erasure.state.value,
    }
    if erasure.finished_at:
        told["finishedAt"] = instant(erasure.finished_at)
    return told | ({"reason": erasure.reason} if erasure.reason else {})
