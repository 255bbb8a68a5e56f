"""The account of deletions counts each once, tells what is left, and is signed."""

import json
from datetime import datetime, timedelta

import pytest

from demand_adapters.archive.deletions import Audit, Auditor
from demand_adapters.archive.merge_log import every
from demand_adapters.testing.strategies import NOON, a_demand, a_notification
from demand_core.domain.changes import ChangeKind
from demand_core.domain.contacts import ContactKey
from demand_core.domain.notifications import Timeline
from tests.unit.archive.canaries import FAN, NEW, OLD, Kept, wish
from tests.unit.archive.days import rewrite

DAY = timedelta(days=1)
TODAY = datetime(NOON.year, NOON.month, NOON.day, tzinfo=NOON.tzinfo)


@pytest.fixture
def kept() -> Kept:
    made = Kept()
    made.fill()
    gone = [made.change(a_demand(n), ChangeKind.REMOVE) for n in range(3)]
    text = a_notification(1, date=Timeline(created=NOON))
    made.deliver(*gone, made.change(text, ChangeKind.REMOVE))
    made.deliver(*gone, made.change(a_demand(50)))
    return made


def audit(kept: Kept, since: datetime = TODAY, until: datetime = TODAY + DAY) -> Audit:
    return Auditor(files=kept.files, book=kept.book).audit(since, until)


def test_each_deletion_is_counted_once_by_the_day_on_which_it_was(kept: Kept) -> None:
    made = audit(kept)
    assert made.deleted == {
        ("demand", TODAY.date(), "fan"): 3,
        ("notification", TODAY.date(), "fan"): 1,
    }
    assert made.total == 4
    assert made.passed
    assert audit(kept, TODAY + DAY, TODAY + 2 * DAY).total == 0
    assert audit(kept, TODAY - DAY, TODAY).total == 0


def test_a_deleted_row_that_says_more_than_it_may_is_told_with_its_object(kept: Kept) -> None:
    keys = [found.key for found in every(kept.files, "data/demand/")]

    def show(row: dict[str, object]) -> None:
        if row["isdeleted"] and row["fanid"] == "F1":
            row["phonenumber"] = "+12125550001"

    rewrite(kept.files, keys[-1], show)
    made = audit(kept)
    assert made.unscrubbed == {keys[-1]: 1}
    assert not made.passed


def test_an_object_that_can_not_be_read_is_told(kept: Kept) -> None:
    bad = f"data/demand/partition_date={TODAY.date()}/bad.avro"
    kept.files.put(bad, [b"nothing"])
    made = audit(kept)
    assert made.unread.keys() == {bad}
    assert (made.total, made.passed) == (4, False)


def test_erasures_of_these_days_are_told_and_unfinished_ones_of_any(kept: Kept) -> None:
    asked = kept.eraser().ask(FAN, "a test")
    kept.clock.advance(timedelta(minutes=1))
    for made in (audit(kept), audit(kept, TODAY - 9 * DAY, TODAY - 8 * DAY)):
        assert [one.erasure_id for one in made.unfinished] == [asked.erasure_id]
        assert not made.passed
    kept.eraser().go_on(settled=True)
    made = audit(kept)
    assert [one.finished for one in made.erased] == [True]
    assert made.passed
    assert audit(kept, TODAY - 9 * DAY, TODAY - 8 * DAY).erased == []


def test_what_went_with_its_fan_has_a_reason_of_its_own(kept: Kept) -> None:
    kept.eraser().ask(FAN, "a test")
    kept.told = 10_000
    kept.deliver(kept.change(wish(), ChangeKind.REMOVE))
    assert audit(kept).deleted["demand", TODAY.date(), "erasure"] == 1


def test_the_digest_is_of_the_whole_account_and_of_the_secret(kept: Kept) -> None:
    made = audit(kept)
    document = dict(made.document(NEW))
    assert made.document(NEW) == document
    assert str(document["digest"]).startswith("k2.")
    others = {
        str(made.document(OLD)["digest"]),
        str(audit(kept, TODAY - DAY).document(NEW)["digest"]),
        str(made.document(ContactKey("k2", b"another secret..."))["digest"]),
    }
    assert len(others | {str(document["digest"])}) == 4
    for text in (FAN, "F1", "2125550001"):
        assert text not in json.dumps(document)
