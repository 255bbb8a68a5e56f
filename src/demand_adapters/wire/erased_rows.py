"""Rows of the archive that no longer say whose they were, and are counted as before."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Final

from demand_adapters.wire.archive import RECORD_TYPES, REDACTED
from demand_adapters.wire.archive_columns import Row
from demand_adapters.wire.archive_objects import SUBJECTS
from demand_core.domain.erasures import Forgotten
from demand_core.domain.subjects import Name

# What a fan was sent, and what leads to him at whoever sent it.
SENT_TO: Final = ("messagebody", "providermessageid")
# Whoever knows a fan's id can work these out.
MADE_OF_THE_ID: Final = ("fanid", "notificationid")
# Columns that hold a contact, and nothing but that.
CONTACTS: Final = tuple(column for column, by in SUBJECTS.items() if by != "fan")
ERASURE: Final = "erasure"


def names_in(row: Row) -> Iterator[Name]:
    """By what *row* says whose it is; an address as it is compared."""
    for column, named_by in SUBJECTS.items():
        text = row.get(column)
        if text is not None and text != REDACTED:
            yield named_by, text.lower() if named_by == "email" else text


def asked_at(row: Row) -> datetime | None:
    """When its fan asked for what *row* is about; a message only says when it was made."""
    kept = RECORD_TYPES.get(str(row.get("recordtype")))
    return kept.since_when(row) if kept else None


def erased(row: Row, since: datetime | None, known: Mapping[Name, Forgotten]) -> Row:
    """*row* without what it says of whom is to be forgotten; the same one where nothing is.

    Of his own nothing stays that leads to him. A contact of his goes from the rows of others.
    """
    of = {
        name: known[name]
        for name in names_in(row)
        if name in known and known[name].covers(since)
    }
    if not of:
        return row
    for (named_by, _), forgotten in of.items():
        if named_by == "fan":
            return _nobodys(row, forgotten)
    gone = {text for _, text in of}
    return row | {c: REDACTED for c in CONTACTS if str(row.get(c)).lower() in gone}


def _nobodys(row: Row, forgotten: Forgotten) -> Row:
    hidden = {c: REDACTED for c in (*CONTACTS, *SENT_TO) if row.get(c) is not None}
    aliases = {c: forgotten.alias(row[c]) for c in MADE_OF_THE_ID if c in row}
    own, *rest = row["referenceid"].partition("#")
    reference = forgotten.alias(own) + "".join(rest)
    went = row["isdeleted"] and row["changedat"] >= forgotten.at
    reason = {"deletionreason": ERASURE} if went and row["deletionreason"] == "fan" else {}
    return row | hidden | aliases | {"referenceid": reference} | reason
