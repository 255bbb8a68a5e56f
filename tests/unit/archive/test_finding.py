"""What is held of a fan is found by all of his names, and nothing of it is shown or changed."""

import pytest

from demand_adapters.archive.finding import Finder, Found
from demand_adapters.archive.merge_log import every
from demand_adapters.testing.strategies import a_demand
from demand_core.domain.contacts import Phone
from demand_core.errors import Permanent
from tests.unit.archive.canaries import FAN, PHONE, Kept, found_in, wish


@pytest.fixture
def kept() -> Kept:
    made = Kept()
    made.fill()
    return made


def find(kept: Kept, fan: str = FAN) -> Found:
    return Finder(files=kept.files, clock=kept.clock, book=kept.book, keys=kept.keys).find(fan)


def test_items_and_files_are_found_with_how_often_they_tell_of_him(kept: Kept) -> None:
    before = [(f.key, f.etag) for f in every(kept.files, "")]
    found = find(kept)
    assert (found.items, found.names, found.unread, found.erasure) == (3, 3, [], None)
    assert sum(max(look.told.values()) for look in found.files) == 5
    hits = [key for key in found_in(kept) if "/" in key and "index/" not in key]
    assert [look.key for look in found.files] == sorted(hits)
    assert [(f.key, f.etag) for f in every(kept.files, "")] == before
    for text in (FAN, PHONE.reveal()):
        assert text not in repr(found)


def test_files_that_only_his_older_contacts_lead_to_are_found_too(kept: Kept) -> None:
    known, before = len(find(kept).files), Phone("+13105557777")
    kept.deliver(kept.change(wish("E5.public", event_id="E5", phone_number=before)))
    kept.deliver(kept.change(a_demand(78, phone_number=before)))
    found = find(kept)
    assert found.names == 4
    assert len(found.files) == known + 2


def test_of_whom_is_forgotten_only_that_is_found(kept: Kept) -> None:
    kept.erase()
    found = find(kept)
    assert (found.items, found.files, found.names) == (0, [], 1)
    assert found.erasure
    assert found.erasure.finished


def test_what_can_not_be_read_is_said(kept: Kept) -> None:
    kept.files.put("errors/x.json", [b"no document"])
    assert find(kept).unread == ["errors/x.json"]


def test_what_is_no_id_is_refused(kept: Kept) -> None:
    with pytest.raises(Permanent, match="bad_id"):
        find(kept, "+13105559041")
