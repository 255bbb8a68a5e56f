"""Who is forgotten is found nowhere, whatever happens meanwhile, and all counts stay."""

import gzip
import json
from base64 import b64encode
from contextlib import suppress
from datetime import timedelta
from itertools import count

import pytest

from demand_adapters.archive.errors import ErrorFiles
from demand_adapters.archive.listing import listed, opened
from demand_adapters.archive.merge_log import every
from demand_adapters.stores.announcer import FileAnnouncer
from demand_adapters.stores.quarantine import Quarantine
from demand_adapters.testing.fault_plans import Fault, Kind, OneFault
from demand_adapters.testing.faults import Crash, Faults, Invocation
from demand_adapters.testing.strategies import NOON, a_demand
from demand_adapters.wire.archive_errors import parsed
from demand_adapters.wire.avro.reading import read
from demand_adapters.wire.change_records import encode_record
from demand_adapters.wire.erased_events import ERASED
from demand_adapters.wire.merge_places import ARCHIVE
from demand_core.domain.alerts import unreadable
from demand_core.domain.archive import Fate
from demand_core.domain.changes import ChangeKind
from demand_core.domain.contacts import Phone
from demand_core.domain.demands import DemandDates
from demand_core.domain.erasures import SETTLES_AFTER, ErasureState
from demand_core.errors import Permanent, Transient
from tests.unit.archive.canaries import (
    FAN,
    MINUTE,
    PHONE,
    Kept,
    entities,
    found_in,
    message,
    rows,
    spoilt,
    totals,
    wish,
)
from tests.unit.archive.days import Watched, merge
from tests.unit.wire.test_archive import changed

REDACTED = "[redacted]"


@pytest.fixture
def kept() -> Kept:
    made = Kept()
    made.fill()
    return made


@pytest.mark.check("P-UC3-prior")
def test_nothing_is_left_of_whom_is_forgotten_and_every_count_stays(kept: Kept) -> None:
    assert len(found_in(kept)) > 5
    before = totals(kept.files), entities(kept.files)
    others = [row for row in rows(kept.files) if row["fanid"] != FAN]
    assert kept.erase().state is ErasureState.DONE
    assert found_in(kept) == []
    assert (totals(kept.files), entities(kept.files)) == before
    assert [row for row in rows(kept.files) if not row["fanid"].startswith("erased-")] == others


def test_his_rows_have_one_alias_and_no_way_back(kept: Kept) -> None:
    kept.erase()
    gone = [row for row in rows(kept.files) if row["fanid"].startswith("erased-")]
    (alias,) = {row["fanid"] for row in gone}
    assert len(alias) == len("erased-") + 16
    wishes = [row for row in gone if row["recordtype"] == "demand"]
    assert {row["referenceid"] for row in wishes} == {
        f"{alias}#E1#E1.public",
        f"{alias}#E1#E1.any",
    }
    assert {row["phonenumber"] for row in wishes} == {REDACTED}
    (text,) = (row for row in gone if row["recordtype"] == "notification")
    assert text["referenceid"] == text["notificationid"] != message().notification_id
    assert text["messagebody"] == text["providermessageid"] == REDACTED
    assert text["email"] is None


def test_his_books_are_closed_with_neither_name_nor_salt(kept: Kept) -> None:
    erasure = kept.erase()
    (known,) = kept.book.all()
    assert known == erasure
    assert (known.names, known.salt, known.finished_at) == ((), None, kept.clock.now())


def test_the_receipt_says_what_was_touched_and_holds_no_value(kept: Kept) -> None:
    erasure = kept.erase()
    (found,) = every(kept.files, "receipts/erasure/")
    receipt = json.loads(b"".join(kept.files.read(found.key) or ()))
    assert found.key == f"receipts/erasure/{erasure.erasure_id}.json"
    assert receipt["format"] == "demand-erasure/1"
    assert receipt["subjectHash"].startswith(f"{receipt['keyId']}.")
    assert receipt["verified"]["hits"] == 0
    assert receipt["verified"]["objects"] > 5
    assert {one["store"] for one in receipt["touched"]} == {"table", "data", "index", "errors"}
    there = {found.key: found.etag for found in every(kept.files, "data/")}
    assert {one["object"] for one in receipt["touched"] if one["store"] == "data"} <= set(there)
    assert receipt["notCovered"]


def test_until_it_has_settled_it_is_not_finished_unless_somebody_says_so(kept: Kept) -> None:
    asked = kept.eraser().ask(FAN, "a test")
    (waits,) = kept.eraser().go_on([asked.erasure_id])
    assert waits.state is ErasureState.VERIFYING
    assert found_in(kept) == []
    assert [*every(kept.files, "receipts/")] == []
    assert kept.eraser().ask(FAN, "another") == waits
    kept.clock.advance(MINUTE)
    (done,) = kept.eraser().go_on(settled=True)
    assert done.finished
    assert kept.eraser().go_on() == ()


def test_who_says_that_one_has_settled_says_nothing_of_others(kept: Kept) -> None:
    other = kept.eraser().ask("F1", "another")
    mine = kept.eraser().ask(FAN, "a test")
    kept.clock.advance(MINUTE)
    done = kept.eraser().go_on([mine.erasure_id], settled=True)
    assert {one.erasure_id: one.finished for one in done} == {
        other.erasure_id: False,
        mine.erasure_id: True,
    }
    kept.clock.advance(MINUTE)
    (last,) = kept.eraser().go_on(settled=True)
    assert (last.erasure_id, last.finished) == (other.erasure_id, True)


@pytest.mark.parametrize("again", [False, True])
def test_what_comes_late_comes_without_him(kept: Kept, *, again: bool) -> None:
    late = [
        kept.change(wish(), ChangeKind.REMOVE),
        kept.change(wish("E3.public", event_id="E3")),
        kept.change(message(), ChangeKind.MODIFY),
        kept.raw(spoilt(wish("E4.public", event_id="E4"))),
        kept.change(a_demand(5)),
    ]
    asked = kept.eraser().ask(FAN, "a test")
    kept.eraser().go_on([asked.erasure_id])
    filed = kept.deliver(*late)
    if again:
        assert kept.deliver(*late) == filed
    assert [one.fate for one in filed] == [Fate.KEPT] * 3 + [Fate.SET_ASIDE, Fate.KEPT]
    assert found_in(kept) == []
    gone = [row for row in rows(kept.files) if row["fanid"].startswith("erased-")]
    assert len({row["fanid"] for row in gone}) == 1
    (removed,) = (row for row in gone if row["isdeleted"])
    others = {row["referenceid"] for row in gone if row["changeid"] != removed["changeid"]}
    assert removed["referenceid"] in others


def test_his_going_is_told_apart_from_his_own_word(kept: Kept) -> None:
    own = kept.change(wish("E1.any"), ChangeKind.REMOVE)
    kept.deliver(own)
    kept.clock.advance(MINUTE)
    kept.erase()
    kept.told = 10_000
    kept.deliver(kept.change(wish(), ChangeKind.REMOVE))
    removed = sorted(
        (row for row in rows(kept.files) if row["isdeleted"]), key=lambda r: r["changedat"]
    )
    assert [row["deletionreason"] for row in removed] == ["fan", "erasure"]


def test_who_comes_back_is_served_as_any_other(kept: Kept) -> None:
    kept.erase()
    back = wish(date=DemandDates(requested=kept.clock.now() + MINUTE))
    kept.demands.ask([back])
    kept.deliver(kept.change(back))
    (mine,) = (row for row in rows(kept.files) if row["fanid"] == FAN)
    assert mine["phonenumber"] == PHONE.reveal()
    assert kept.demands.of_fan(FAN) == [back]
    kept.clock.advance(2 * MINUTE)
    kept.erase()
    assert found_in(kept) == []


def test_late_changes_after_the_end_have_an_alias_of_their_own(kept: Kept) -> None:
    kept.erase()
    kept.deliver(kept.change(wish("E3.public", event_id="E3")))
    assert found_in(kept) == []
    aliases = {row["fanid"] for row in rows(kept.files) if row["fanid"].startswith("erased-")}
    assert len(aliases) == 2


def test_a_contact_goes_from_the_rows_of_others_who_have_it_too(kept: Kept) -> None:
    kept.deliver(kept.change(a_demand(77, phone_number=PHONE)))
    kept.erase()
    assert found_in(kept) == []
    (shared,) = (row for row in rows(kept.files) if row["fanid"] == "F77")
    assert shared["phonenumber"] == REDACTED
    assert shared["referenceid"] == "F77#E1#E1.public"


def test_contacts_of_the_past_are_found_by_rows_that_name_him(kept: Kept) -> None:
    before = Phone("+13105557777")
    kept.deliver(kept.change(wish("E5.public", event_id="E5", phone_number=before)))
    kept.deliver(kept.change(a_demand(78, phone_number=before)))
    kept.deliver(kept.raw(spoilt(wish("E6.public", event_id="E6", phone_number=before))))
    kept.erase()
    assert not any(row["phonenumber"] == before.reveal() for row in rows(kept.files))
    assert before.reveal().encode() not in b"".join(
        b"".join(kept.files.read(found.key) or ()) for found in every(kept.files, "errors/")
    )


def test_whoever_was_indexed_under_an_older_key_is_found(kept: Kept) -> None:
    old = Kept(clock=kept.clock, files=kept.files, keys=kept.keys[1:], told=500)
    old.deliver(old.change(wish("E7.public", event_id="E7")))
    asked = kept.eraser().ask(FAN, "a test")
    sweeps = kept.eraser()
    sweeps.go_on([asked.erasure_id], settled=True)
    assert found_in(kept) == []
    hashes = b"".join(
        b"".join(kept.files.read(f.key) or ()) for f in every(kept.files, "index/")
    )
    assert all(
        bytes.fromhex(name.partition(".")[2]) not in hashes
        for name in (kept.book.subject(("fan", FAN)), old.book.subject(("fan", FAN)))
    )


@pytest.mark.check("W-P2")
@pytest.mark.parametrize(
    "original",
    [
        b64encode(gzip.compress(b'{"fanId": "canary-fan-7d1e"}')),
        b"\x00\xff" + b64encode(b"call +13105559041 now"),
        b"\xff\xfe" + "canary.fan@birds.example".encode("utf-16-le"),
        gzip.compress(b"canary-fan-7d1e"),
        b"http://x/?to=canary.fan%40birds.example",
        b'{"dynamodb": {"x": "\\u002b13105559041"}}',
    ],
    ids=["packed letters", "base64", "utf-16", "gzip", "percent", "escaped"],
)
def test_however_a_spoilt_change_spells_him_it_goes(kept: Kept, original: bytes) -> None:
    packed = original.startswith(b"H4sI")
    kept.deliver(kept.raw(original), kept.raw(b'{"somebody": "else"}'))
    kept.erase()
    left = [
        event
        for found in every(kept.files, "errors/")
        for event in parsed(b"".join(kept.files.read(found.key) or ())).originals
    ]
    assert b'{"somebody": "else"}' in left
    assert (original in left) is packed


def test_what_is_left_of_his_spoilt_changes_is_not_replayed(kept: Kept) -> None:
    kept.erase()
    errors = ErrorFiles(files=kept.files, archive=kept.archive)
    (key,) = errors.waiting()
    assert errors.document(key).originals == [ERASED, b"{}"]
    answer = errors.replay(key)
    assert (answer.mended, len(answer.left)) == (0, 1)
    assert [*errors.waiting()] == [key]
    errors.replay(key, [ERASED, encode_record(changed(a_demand(99)))])
    assert [*errors.waiting()] == []


def test_what_waits_in_quarantine_or_was_told_to_people_goes_too(kept: Kept) -> None:
    class Delivery:
        record_id, payload = "q1", json.dumps({"fanId": FAN, "phone": PHONE.reveal()}).encode()

    Quarantine(files=kept.files).put("x", Delivery(), Permanent("bad_json"), NOON)  # type: ignore[arg-type]
    FileAnnouncer(files=kept.files).announce(unreadable(message().ref))
    assert len(found_in(kept)) > 7
    kept.erase()
    assert found_in(kept) == []


def test_a_file_that_nobody_can_read_keeps_it_from_its_end_until_it_is_mended(
    kept: Kept,
) -> None:
    bad = "data/demand/partition_date=2025-02-14/bad.avro"
    kept.files.put(bad, [b"Obj\x01nonsense"])
    asked = kept.eraser().ask(FAN, "a test")
    (failed,) = kept.eraser().go_on([asked.erasure_id], settled=True)
    assert failed.state is ErasureState.FAILED
    assert failed.reason is not None
    assert bad in failed.reason
    kept.files.delete([bad])
    kept.clock.advance(MINUTE)
    (done,) = kept.eraser().go_on(settled=True)
    assert done.finished
    assert found_in(kept) == []


@pytest.mark.parametrize("key", ["manifests/demand/note.txt", "athena-output/1/a.csv"])
def test_a_file_of_which_nobody_knows_how_to_change_it_is_said(kept: Kept, key: str) -> None:
    kept.files.put(key, [b"ask canary-fan-7d1e"])
    asked = kept.eraser().ask(FAN, "a test")
    (failed,) = kept.eraser().go_on([asked.erasure_id], settled=True)
    assert failed.state is ErasureState.FAILED
    assert failed.reason
    assert failed.reason.startswith(key)


def test_whoever_was_never_here_gets_a_receipt_too(kept: Kept) -> None:
    before = [(f.key, f.etag) for f in every(kept.files, "data/")]
    asked = kept.eraser().ask("nobody-ever", "a test")
    (done,) = kept.eraser().go_on([asked.erasure_id], settled=True)
    assert done.finished
    assert [(f.key, f.etag) for f in every(kept.files, "data/")] == before


def test_what_is_no_id_is_refused(kept: Kept) -> None:
    with pytest.raises(Permanent, match="bad_id"):
        kept.eraser().ask("a fan", "a test")
    assert kept.eraser().unfinished() == []


def runs_until(kept: Kept, plan: OneFault) -> bool:
    """One run from the asking on that meets the plan; whether it came to its end."""
    faults = Faults(plan=plan, now=kept.clock.now, run=lambda _: None, later=lambda _, do: do())
    table, files = faults.around("table", kept.table), faults.around("files", kept.files)
    around = Kept(clock=kept.clock, files=files, told=kept.told, entropy=kept.entropy)
    around.table = table
    invocation = Invocation(number=1, row="erase", until=NOON + timedelta(days=1))
    with suppress(Crash, Transient), faults.inside(invocation):
        asked = around.eraser().ask(FAN, "a test")
        around.eraser().go_on([asked.erasure_id])
        return True
    return False


@pytest.mark.parametrize("kind", [Kind.BEFORE, Kind.UNKNOWN])
def test_killed_at_any_call_another_run_ends_it_and_every_count_stays(kind: Kind) -> None:
    number, ended = 1, False
    while not ended:
        kept = Kept()
        kept.fill()
        before = totals(kept.files), entities(kept.files)
        ended = runs_until(kept, OneFault(number, Fault(kind=kind)))
        asked = kept.eraser().ask(FAN, "again")
        kept.eraser().go_on([asked.erasure_id])
        kept.clock.advance(SETTLES_AFTER)
        done = kept.eraser().go_on()
        assert all(one.finished for one in done)
        assert found_in(kept) == [], number
        assert (totals(kept.files), entities(kept.files)) == before, number
        number += 1
    assert number > 60


PLACES = [ARCHIVE.place(kind, NOON.date().isoformat()) for kind in ("demand", "notification")]


def counts_once(kept: Kept) -> list[str]:
    """The ids of all changes that a reader of the archive finds."""
    return sorted(
        row["changeid"]
        for kind in ("demand", "notification")
        for one in listed(kept.files, kind)
        for row in read(opened(kept.files, one))
    )


def test_at_whatever_call_of_a_merge_he_is_forgotten_nothing_of_him_comes_back() -> None:
    for number in count(1):
        kept = Kept()
        kept.fill()
        ids = counts_once(kept)

        def now_and_then(call: int, kept: Kept = kept, number: int = number) -> None:
            if call == number:
                asked = kept.eraser().ask(FAN, "a test")
                kept.eraser().go_on([asked.erasure_id])

        watched = Watched(kept.files, now_and_then)
        for place in PLACES:
            with suppress(Transient):
                merge(watched, place)
        if watched.calls < number:
            break
        kept.clock.advance(SETTLES_AFTER)
        kept.eraser().go_on()
        for place in PLACES:
            merge(kept.files, place)
        assert found_in(kept) == [], number
        assert counts_once(kept) == ids, number
    assert number > 50


def test_at_whatever_call_of_an_erasure_a_day_is_merged_every_row_counts_once() -> None:
    for number in count(1):
        kept = Kept()
        kept.fill()
        ids = counts_once(kept)

        def now_and_then(call: int, kept: Kept = kept, number: int = number) -> None:
            if call == number:
                for place in PLACES:
                    merge(kept.files, place)

        watched = Watched(kept.files, now_and_then)
        asked = kept.eraser(watched).ask(FAN, "a test")
        kept.eraser(watched).go_on([asked.erasure_id])
        if watched.calls < number:
            break
        kept.clock.advance(SETTLES_AFTER)
        kept.eraser().go_on()
        assert found_in(kept) == [], number
        assert counts_once(kept) == ids, number
    assert number > 50


@pytest.mark.parametrize("store", ["files", "table"])
def test_at_whatever_call_of_a_delivery_he_is_forgotten_nothing_of_him_stays(
    store: str,
) -> None:
    """Also when nobody waits for what is under way: the delivery itself looks again."""
    for number in count(1):
        kept = Kept()
        changes = [kept.change(wish()), kept.change(a_demand(1)), kept.change(message())]
        changes.append(kept.raw(spoilt(wish("E2.public", event_id="E2"))))

        def now_and_then(call: int, kept: Kept = kept, number: int = number) -> None:
            if call == number:
                asked = kept.eraser().ask(FAN, "a test")
                kept.eraser().go_on([asked.erasure_id], settled=True)

        around = Kept(clock=kept.clock, files=kept.files)
        around.table = kept.table
        watched = Watched(getattr(kept, store), now_and_then)
        setattr(around, store, watched)
        waits = any(one.fate is Fate.WAITS for one in around.deliver(*changes))
        if watched.calls < number:
            break
        if waits:
            assert all(one.fate is not Fate.WAITS for one in kept.deliver(*changes))
        assert found_in(kept) == [], number
        assert len([*rows(kept.files)]) == 3, number
    assert number > 2
