"""`demand archive`: files of Lambda's events go in, and what is wrong with some comes out."""

import json
import re
import shlex
from base64 import b64encode
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import pytest
from click.testing import CliRunner, Result

from demand_adapters.wire.avro.reading import read
from entrypoints.cli import main
from tests.unit.archive.test_delivery import FAULTY, told

GUIDE: Final = Path(__file__).parents[3] / "docs" / "archive.md"
GOOD: Final = [told(n).payload for n in range(1, 4)]


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def an_event(payloads: Sequence[bytes], first: int = 1) -> bytes:
    """What Lambda is given for a batch of these."""
    records = [
        {
            "eventID": f"shardId-000000000000:{n}",
            "kinesis": {
                "sequenceNumber": str(n),
                "partitionKey": "fan",
                "data": b64encode(payload).decode(),
                "approximateArrivalTimestamp": 1739556000.987,
            },
        }
        for n, payload in enumerate(payloads, first)
    ]
    return json.dumps({"Records": records}).encode()


def demand(*words: str) -> Result:
    return CliRunner().invoke(main, ["archive", *words], catch_exceptions=False)


def document(*words: str) -> Any:
    return json.loads(demand(*words, "--json").stdout)


def delivered(payloads: Sequence[bytes], name: str = "event.json") -> Result:
    Path(name).write_bytes(an_event(payloads))
    return demand("deliver", name, "--archive", "kept")


def rows() -> list[str]:
    objects = sorted(Path("kept/data").rglob("*.avro"))
    return sorted(row["changeid"] for path in objects for row in read(path.read_bytes()))


@pytest.mark.check("W-P1")
def test_an_event_becomes_files_and_its_bad_record_is_set_aside() -> None:
    done = delivered([*GOOD, FAULTY])
    assert done.exit_code == 1
    assert "event.json: 4 records   3 kept   1 set aside" in done.stdout
    assert rows() == ["c1", "c2", "c3"]
    assert len(list(Path("kept/errors").glob("*.json"))) == 1


def test_the_same_event_again_changes_nothing() -> None:
    delivered(GOOD)
    before = {path: path.stat().st_mtime_ns for path in Path("kept").glob("[di]*/**/*.*")}
    assert len(before) > 2
    again = delivered(GOOD)
    assert again.exit_code == 0
    assert {
        path: path.stat().st_mtime_ns for path in Path("kept").glob("[di]*/**/*.*")
    } == before


def test_a_document_names_what_was_written() -> None:
    Path("event.json").write_bytes(an_event([*GOOD, FAULTY]))
    (told_of,) = document("deliver", "event.json", "--archive", "kept")["files"]
    assert (told_of["records"], told_of["kept"], told_of["waits"]) == (4, 3, 0)
    assert told_of["setAside"] == {"missing_field": 1}
    for key in (*told_of["objects"], *told_of["errors"]):
        assert Path("kept", key).is_file()


@pytest.mark.parametrize(
    "content",
    [b"", b"junk", b"[]", b'{"Records": 7}', b'{"Records": [{}]}', an_event(GOOD)[:-9]],
)
def test_a_file_that_is_no_event_is_refused_and_nothing_is_written(content: bytes) -> None:
    Path("event.json").write_bytes(content)
    done = demand("deliver", "event.json", "--archive", "kept")
    assert done.exit_code == 3
    assert done.stdout == ""
    assert rows() == []


@pytest.mark.check("P-UC4-replay")
def test_what_was_set_aside_is_listed_shown_mended_and_replayed() -> None:
    spoilt = GOOD[0].replace(b'"fanId"', b'"fan"')
    delivered([spoilt, GOOD[1]])
    (found,) = document("errors", "ls", "--archive", "kept")["files"]
    key = found["key"]
    assert found["error"] == "1 of 2 records: 1 x missing_field at $.fanId"
    shown = demand("errors", "show", key, "--archive", "kept")
    assert "missing_field at $.fanId" in shown.stdout
    assert "+1" not in shown.stdout
    events = demand("errors", "show", key, "--events", "--archive", "kept").stdout_bytes
    assert events == spoilt + b"\n"
    Path("mended").write_bytes(events.replace(b'"fan"', b'"fanId"'))
    words = ("errors", "replay", key, "--with", "mended", "--archive", "kept")
    assert "1 mended" in demand(*words, "--dry-run").stdout
    assert rows() == ["c2"]
    assert demand(*words).exit_code == 0
    assert rows() == ["c1", "c2"]
    assert document("errors", "ls", "--archive", "kept")["files"] == []
    assert demand(*words).exit_code == 3
    assert rows() == ["c1", "c2"]


def test_what_nobody_mended_stays_and_is_said_so() -> None:
    delivered([FAULTY])
    done = demand("errors", "replay", "--archive", "kept")
    assert done.exit_code == 1
    assert "0 mended   1 still wrong: missing_field at $.dynamodb" in done.stdout
    (told_of,) = document("errors", "replay", "--archive", "kept")["files"]
    assert told_of["left"] == ["missing_field at $.dynamodb"]


def test_a_fault_is_shown_as_a_document_too() -> None:
    delivered([FAULTY])
    (found,) = document("errors", "ls", "--archive", "kept")["files"]
    told_of = document("errors", "show", found["key"], "--archive", "kept")
    assert told_of["source"] == "changeStream/shardId-000000000000/1-1"
    (fault,) = told_of["faults"]
    assert fault == {
        "sequence": "1",
        "changeId": None,
        "reason": "missing_field",
        "path": "$.dynamodb",
    }


def test_mended_events_are_of_one_file() -> None:
    Path("mended").write_bytes(b"")
    assert demand("errors", "replay", "--with", "mended", "--archive", "kept").exit_code == 2


def test_a_key_that_leads_nowhere_is_refused() -> None:
    assert demand("errors", "show", "errors/none.json", "--archive", "kept").exit_code == 3


def test_without_a_folder_the_files_of_the_profile_are_meant(
    environment: Mapping[str, str],
) -> None:
    Path("event.json").write_bytes(an_event(GOOD))
    done = CliRunner().invoke(
        main, ["archive", "deliver", "event.json"], env=environment, catch_exceptions=False
    )
    assert done.exit_code == 0
    kept = Path(environment["DEMAND_STATE"], "files", "data")
    assert len(list(kept.rglob("*.avro"))) == 3


def test_a_query_prints_rows_apart_by_tabs() -> None:
    delivered(GOOD)
    sql = "SELECT fanid, date.requested, channels, email FROM demand ORDER BY 1"
    done = demand("query", sql, "--archive", "kept")
    assert done.exit_code == 0
    lines = done.stdout.splitlines()
    assert lines[0].split("\t") == ["fanid", "requested", "channels", "email"]
    assert lines[1].split("\t") == ["F1", '"2025-02-13T12:00:00.000Z"', '["sms"]', ""]
    assert len(lines) == 4


def test_a_query_prints_a_document() -> None:
    delivered(GOOD)
    found = document("query", "SELECT COUNT(*) AS n FROM demand", "--archive", "kept")
    assert found == {"schemaVersion": 1, "columns": ["n"], "rows": [[3]]}
    assert document("query", "SELECT 1 WHERE false", "--archive", "kept")["rows"] == []


def test_a_query_that_is_none_is_refused_in_one_line() -> None:
    done = demand("query", "SELECT nothing FROM demand", "--archive", "kept")
    assert done.exit_code == 3
    assert "bad_query" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_the_tables_of_athena_are_printed_for_a_bucket() -> None:
    done = demand("ddl", "--bucket", "our-bucket")
    assert done.stdout.count("CREATE EXTERNAL TABLE") == 4
    assert "s3://our-bucket/data/demand/" in done.stdout
    assert demand("ddl").exit_code == 5


@pytest.mark.check("P-J2")
def test_the_guide_leads_from_a_question_to_a_file() -> None:
    delivered(GOOD)
    (block,) = re.findall(r"```shell\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)
    for line in block.splitlines():
        command, _, target = line.partition(" > ")
        words = shlex.split(command)[2:]
        Path(target).write_text(demand(*words, "--archive", "kept").stdout)
    assert Path("wishes.tsv").read_text() == "eventid\twishes\nE1\t3\n"
    assert json.loads(Path("deletions.json").read_text())["rows"] == []
