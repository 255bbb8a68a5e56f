"""`demand privacy`: a fan is found, forgotten and accounted for, in a folder of one's own."""

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import pytest
from click.testing import CliRunner, Result

from demand_adapters.testing.strategies import a_demand
from demand_core.domain.changes import ChangeKind
from entrypoints.cli import main
from tests.unit.archive.canaries import FAN, TELLTALES, Kept, message, spoilt, wish
from tests.unit.entrypoints.test_cli_archive import an_event

GUIDE: Final = Path(__file__).parents[3] / "docs" / "privacy.md"
AT: Final = ("--archive", "kept")


def demand(*words: str) -> Result:
    return CliRunner().invoke(main, words, catch_exceptions=False)


def privacy(*words: str) -> Result:
    return demand("privacy", *words, *AT)


def document(*words: str) -> Any:
    return json.loads(privacy(*words, "--json").stdout)


def deliver(payloads: Sequence[bytes], first: int = 1) -> Result:
    Path("event.json").write_bytes(an_event(payloads, first))
    return demand("archive", "deliver", "event.json", *AT)


@pytest.fixture(autouse=True)
def _kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An archive in which the canary stands among others."""
    monkeypatch.chdir(tmp_path)
    kept = Kept()
    others = map(kept.change, map(a_demand, range(3)))
    changes = [kept.change(wish()), kept.change(message()), *others]
    deliver([*(change.payload for change in changes), spoilt(wish("E2.public", event_id="E2"))])


def test_what_is_held_of_a_fan_is_listed_without_a_value() -> None:
    found = privacy("find", FAN)
    assert found.exit_code == 0
    assert len(found.stdout.splitlines()) == 3
    assert found.stderr == "0 items, 3 files, 3 names\n"
    told = document("find", FAN)
    assert [one["records"] for one in told["files"]] == [1, 1, 1]
    for text in ("3105559041", "birds.example"):
        assert text not in found.output + json.dumps(told)


def test_who_is_forgotten_has_a_receipt_and_no_byte_is_left_in_the_folder() -> None:
    done = privacy("erase", FAN, "--settled", "--by", "a test")
    assert done.exit_code == 0
    told = re.fullmatch(r"(\S+)   done   (receipts/erasure/\1\.json)\n", done.stdout)
    assert told
    receipt = json.loads(Path("kept", told[2]).read_text(encoding="utf-8"))
    assert receipt["verified"]["hits"] == 0
    for path in Path("kept").rglob("*"):
        if path.is_file() and path.suffix != ".avro":
            assert not any(tale in path.read_bytes().lower() for tale in TELLTALES), path
    asked = demand("archive", "query", "SELECT fanid, phonenumber FROM demand_log", *AT)
    assert not any(tale.decode() in asked.stdout for tale in TELLTALES)
    assert len(asked.stdout.splitlines()) == 5
    assert privacy("find", FAN).stdout == ""


def test_until_it_has_settled_it_says_when_to_say_it_again() -> None:
    first = privacy("erase", FAN)
    assert first.exit_code == 4
    assert "nothing is found any more   settles at 20" in first.stdout
    assert "changes may be under way until 20" in first.stderr
    late = Kept(told=90).change(wish(), ChangeKind.REMOVE).payload
    assert deliver([late], first=50).exit_code == 0
    assert privacy("find", FAN).stdout == ""
    assert "to be forgotten since 20" in privacy("find", FAN).stderr
    again = document("erase")
    assert [one["state"] for one in again["erasures"]] == ["VERIFYING"]
    assert privacy("erase", "--settled").exit_code == 0
    assert privacy("erase").stderr == "nothing is unfinished\n"
    log = demand("archive", "query", "SELECT DISTINCT fanid FROM demand_log", *AT).stdout
    assert log.count("erased-") == 1


def test_several_fans_are_forgotten_together() -> None:
    told = document("erase", FAN, "F0", "F1", "--settled")
    assert [one["state"] for one in told["erasures"]] == ["DONE"] * 3
    rows = demand("archive", "query", "SELECT fanid FROM demand_log", *AT).stdout.splitlines()
    assert sum(row.startswith("erased-") for row in rows) == 3
    assert "F2" in rows


def test_a_file_that_can_not_be_read_is_named() -> None:
    Path("kept/data/demand/bad.avro").write_bytes(b"nothing")
    failed = privacy("erase", FAN, "--settled")
    assert failed.exit_code == 1
    assert "failed   data/demand/bad.avro: bad_magic" in failed.stdout
    audit = privacy("audit", "--from", "2025-01-01", "--to", "2025-12-31")
    assert audit.exit_code == 1
    assert "FAILED" in audit.stdout


def test_the_account_of_deletions_is_told_and_signed() -> None:
    deliver([Kept(told=90).change(a_demand(1), ChangeKind.REMOVE).payload], first=50)
    words = ("audit", "--from", "2025-02-14", "--to", "2025-02-14")
    told = privacy(*words)
    assert told.exit_code == 0
    assert re.search(r"^2025-02-14  demand +fan +1$", told.stdout, re.MULTILINE)
    assert "1 deleted, 0 of them say more than they may" in told.stdout
    digest = document(*words)["digest"]
    assert told.stdout.endswith(f"digest {digest}\n")
    assert privacy("audit", "--from", "2025-02-15", "--to", "2025-02-14").exit_code == 2


@pytest.mark.parametrize("fan", ["", "a fan", "f" * 65, "+13105559041"])
@pytest.mark.parametrize("verb", ["find", "erase"])
def test_what_is_no_id_is_refused_and_not_repeated(verb: str, fan: str) -> None:
    refused = privacy(verb, fan)
    assert refused.exit_code == 3
    assert refused.stderr == "demand: bad_id: fanId\n"


def test_of_several_fans_one_that_is_none_stops_all_before_anything_is_done() -> None:
    before = sorted(Path("kept").rglob("*.avro"))
    refused = privacy("erase", FAN, "not an id", "--settled")
    assert refused.exit_code == 3
    assert sorted(Path("kept").rglob("*.avro")) == before
    assert privacy("find", FAN).stderr == "0 items, 3 files, 3 names\n"


def test_the_guide_shows_commands_that_there_are() -> None:
    shown = re.findall(r"^demand (privacy \w+)", GUIDE.read_text("utf-8"), re.MULTILINE)
    assert {*shown} == {"privacy find", "privacy erase", "privacy audit"}
    for words in shown:
        assert demand(*words.split(), "--help").exit_code == 0
