"""`demand archive merge`, `ls` and `verify`: what they print, and how they exit."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from demand_adapters.local.file_store import FolderFileStore
from entrypoints.cli import main
from tests.unit.archive.days import DAY, PLACE, counted, deliver, fill, go_on, keys
from tests.unit.archive.test_delivery import content


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FolderFileStore:
    """Three objects of one day in a folder."""
    monkeypatch.chdir(tmp_path)
    files = FolderFileStore(Path("kept"))
    fill(files, 3)
    return files


def demand(*words: str) -> Result:
    command = ["archive", *words, "--archive", "kept"]
    return CliRunner().invoke(main, command, catch_exceptions=False)


def document(*words: str) -> Any:
    return json.loads(demand(*words, "--json").stdout)


def test_a_day_that_is_over_is_merged_and_a_second_time_nothing_is_done(
    files: FolderFileStore,
) -> None:
    done = demand("merge")
    assert done.exit_code == 0
    (key,) = keys(files, PLACE.objects)
    assert done.stdout == f"demand {DAY}  merged 3 objects of 6 rows into {key}\n"
    again = demand("merge")
    assert (again.exit_code, again.stdout) == (0, "")
    assert len(counted(files)) == 6


def test_a_document_tells_the_same(files: FolderFileStore) -> None:
    told = document("merge", "--type", "demand", "--day", DAY)
    (part,) = told["parts"]
    (merged,) = part["merges"]
    assert (merged["objects"], merged["rows"]) == (3, 6)
    assert merged["bytes"] == len(content(files, merged["key"]))
    assert (part["type"], part["day"], told["failed"]) == ("demand", DAY, {})


def test_a_dry_run_says_what_would_be_and_changes_nothing(files: FolderFileStore) -> None:
    before = {found.key: found.etag for found in files.list("")}
    assert "would merge 3 objects of 6 rows" in demand("merge", "--dry-run").stdout
    assert {found.key: found.etag for found in files.list("")} == before


@pytest.mark.parametrize(
    ("words", "objects"),
    [
        (["--before", DAY], 3),
        (["--before", "2025-02-15"], 1),
        (["--day", "2025-02-13"], 3),
        (["--day", DAY], 1),
        (["--type", "event"], 3),
        (["--at-least", "4"], 3),
        (["--at-least", "3"], 1),
    ],
)
def test_only_what_is_asked_for_is_merged(
    files: FolderFileStore, words: list[str], objects: int
) -> None:
    assert demand("merge", *words).exit_code == 0
    assert len(keys(files, PLACE.objects)) == objects


def test_a_day_that_is_not_over_for_long_enough_is_left(
    files: FolderFileStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DEMAND_ARCHIVE_MERGE_AFTER_D", "366")
    assert demand("merge").exit_code == 5
    today = PLACE.objects.replace(DAY, "2999-01-01")
    for key in keys(files, PLACE.objects)[:2]:
        files.copy(key, key.replace(PLACE.objects, today))
    monkeypatch.delenv("DEMAND_ARCHIVE_MERGE_AFTER_D")
    assert demand("merge").exit_code == 0
    assert len(keys(files, today)) == 2


def test_two_ways_to_say_the_days_are_one_too_many(files: FolderFileStore) -> None:
    assert demand("merge", "--day", DAY, "--before", DAY).exit_code == 2
    assert len(keys(files, PLACE.objects)) == 3


def test_what_can_not_be_read_is_named_by_all_three(files: FolderFileStore) -> None:
    bad = keys(files, PLACE.objects)[0]
    files.put(bad, [content(files, bad)[:-20]])
    done = demand("merge")
    assert done.exit_code == 1
    assert f"left {bad}: cut_off" in done.stdout
    listed = demand("ls")
    assert listed.exit_code == 1
    assert "1 can't be read" in listed.stdout
    verified = demand("verify")
    assert verified.exit_code == 1
    assert f"WRONG {bad}: it can't be read: cut_off" in verified.stdout


def test_a_day_whose_manifest_is_damaged_keeps_no_other_from_merging(
    files: FolderFileStore,
) -> None:
    other = ("2025-02-13", "2025-02-15")
    for key in keys(files, PLACE.objects):
        for day in other:
            files.copy(key, key.replace(DAY, day))
    files.put(f"{PLACE.manifests}0001.1.json", [b"{}"])
    done = demand("merge")
    assert done.exit_code == 1
    assert "bad_manifest" in done.stderr
    assert [len(keys(files, PLACE.objects.replace(DAY, day))) for day in other] == [1, 1]
    assert len(keys(files, PLACE.objects)) == 3


def test_a_merge_that_broke_off_is_ended(files: FolderFileStore) -> None:
    go_on(files, 20)
    assert "note" in demand("verify").stdout
    assert demand("merge").exit_code == 0
    assert demand("verify").stdout.startswith("demand       1 objects, 6 rows, 0 repeated")


def test_days_are_listed_with_what_they_hold(files: FolderFileStore) -> None:
    demand("merge")
    deliver(files, 100)
    done = demand("ls", "--type", "demand", "--from", DAY, "--to", DAY)
    assert done.exit_code == 0
    assert f"demand       {DAY}      2 objects         7 rows" in done.stdout
    assert done.stdout.endswith("partly merged\n")
    (day,) = document("ls")["days"]
    assert (day["objects"], day["rows"], day["standing"]) == (2, 7, "partly merged")
    assert day["earliest"] <= day["latest"]
    assert demand("ls", "--from", "2025-02-15").stdout == ""


def test_an_archive_in_order_verifies_and_one_that_is_not_says_what_is_wrong(
    files: FolderFileStore,
) -> None:
    done = demand("verify")
    assert done.exit_code == 0
    assert [line.split()[0] for line in done.stdout.splitlines()] == [
        *("demand", "event", "notification", "sale")
    ]
    files.put(f"{PLACE.objects}stray.txt", [b"x"])
    assert demand("verify").exit_code == 1
    (told, *_) = document("verify", "--type", "demand")["types"]
    (finding,) = told["findings"]
    assert finding["key"] == f"{PLACE.objects}stray.txt"
    assert (finding["wrong"], told["objects"], told["rows"]) == (True, 3, 6)


def test_an_archive_that_is_empty_is_in_order(files: FolderFileStore) -> None:
    files.delete([found.key for found in files.list("")])
    assert demand("verify").exit_code == 0
    assert demand("ls").stdout == demand("merge").stdout == ""
