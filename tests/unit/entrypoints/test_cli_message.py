"""`demand message` measures texts to the character, and shows what a reminder would say."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import pytest
from click.testing import CliRunner, Result

from demand_core.domain.sms_text import sms_size
from demand_core.errors import Permanent
from entrypoints.cli.message import message

SRC: Final = Path(__file__).parents[3] / "src"
ANSWERS: Final = Path(__file__).parents[2] / "data" / "discovery"
CLUB: Final = str(ANSWERS / "club_night.json")
PUBLIC: Final = "vvG1IZ9YbnT3qA.public"
NARROW: Final = "\u202f"


def segments(*arguments: str, stdin: bytes | None = None) -> Result:
    return CliRunner().invoke(message, ["segments", *arguments], input=stdin)


def preview(file: str, sale: str, *arguments: str) -> Result:
    return CliRunner().invoke(message, ["preview", "--event", file, "--sale", sale, *arguments])


def _file(folder: Path, document: dict[str, Any]) -> str:
    file = folder / "answer.json"
    file.write_text(json.dumps(document), encoding="utf-8")
    return str(file)


def test_a_plain_text_is_one_document_without_culprits() -> None:
    done = segments("a" * 152 + "€" + "a" * 152, "--json")
    assert done.exit_code == 0
    assert json.loads(done.stdout) == {
        "schemaVersion": 1,
        "encoding": "GSM-7",
        "units": 306,
        "segments": 3,
        "culprits": [],
    }


def test_each_culprit_is_named_with_its_places() -> None:
    done = segments(f"l’heure{NARROW}d’été", "--json")
    document = json.loads(done.stdout)
    assert (document["encoding"], document["units"], document["segments"]) == ("UCS-2", 13, 1)
    assert document["culprits"] == [
        {
            "character": "’",
            "codePoint": "U+2019",
            "name": "RIGHT SINGLE QUOTATION MARK",
            "positions": [1, 9],
        },
        {
            "character": NARROW,
            "codePoint": "U+202F",
            "name": "NARROW NO-BREAK SPACE",
            "positions": [7],
        },
    ]


def test_for_people_a_culprit_is_named_and_never_printed() -> None:
    done = segments("a\x1b[2Jb\u202e")
    assert done.output.splitlines() == [
        "encoding  UCS-2",
        "units     7",
        "segments  1",
        "culprit   U+001B without a name, at 1",
        "culprit   U+202E RIGHT-TO-LEFT OVERRIDE, at 6",
    ]


@pytest.mark.parametrize(
    ("stdin", "units"),
    [
        (b"", 0),
        (b"a" * 160, 160),
        (b"a" * 160 + b"\n", 160),
        (b"a" * 160 + b"\r\n", 160),
        (b"a" * 160 + b"\r", 161),
        (b"a" * 160 + b"\n\n", 161),
        ("é€".encode(), 3),
    ],
)
def test_stdin_counts_but_for_the_line_end_that_echo_adds(stdin: bytes, units: int) -> None:
    done = segments("-", "--json", stdin=stdin)
    assert json.loads(done.stdout)["units"] == units


def test_bytes_that_are_no_text_are_refused_with_their_place() -> None:
    done = segments("-", "--json", stdin=b"secret \xff")
    assert (done.exit_code, done.stdout) == (2, "")
    assert "not UTF-8: byte 7 of stdin" in done.stderr
    assert "secret" not in done.stderr


def test_an_argument_that_is_no_text_is_refused_too() -> None:
    started = "from entrypoints.cli.message import message; message(prog_name='message')"
    done = subprocess.run(
        [sys.executable, "-c", started, "segments", b"secret \xff"],
        capture_output=True,
        check=False,
        env=os.environ | {"PYTHONPATH": str(SRC)},
        timeout=60,
    )
    assert (done.returncode, done.stdout) == (2, b"")
    assert b"not UTF-8" in done.stderr
    assert b"secret" not in done.stderr


def test_a_text_may_begin_with_a_dash() -> None:
    assert json.loads(segments("--json", "--", "-5 %").stdout)["units"] == 4


@pytest.mark.parametrize("locale", ["en-us", "en-ca", "fr-ca"])
def test_the_preview_is_measured_as_the_text_itself_is(locale: str) -> None:
    done = preview(CLUB, PUBLIC, "--locale", locale, "--link", "https://sho.rt/1", "--json")
    assert done.exit_code == 0, done.output
    document = json.loads(done.stdout)
    sms, size = document["sms"], sms_size(document["sms"]["text"])
    assert (sms["encoding"], sms["units"]) == (size.encoding.value, size.units)
    assert (sms["segments"], sms["locale"], sms["fellBack"]) == (1, locale, False)
    assert sms["text"].endswith("sho.rt/1")
    assert document["email"]["variables"]["link"] == "https://sho.rt/1"
    assert document["suppression"] == []


def test_what_the_text_gave_up_is_said_and_a_second_segment_gives_it_back() -> None:
    short = json.loads(preview(CLUB, PUBLIC, "--json").stdout)["sms"]
    whole = json.loads(preview(CLUB, PUBLIC, "--segments", "2", "--json").stdout)["sms"]
    assert "venue" in short["shortened"]
    assert "Breakwater" not in short["text"]
    assert (whole["shortened"], whole["segments"]) == ([], 2)
    assert "Breakwater" in whole["text"]


def test_for_people_the_texts_stand_below_what_keeps_us_silent(tmp_path: Path) -> None:
    document = json.loads(Path(CLUB).read_bytes()) | {"test": True}
    document["dates"]["status"]["code"] = "cancelled"
    said = preview(_file(tmp_path, document), PUBLIC).stdout.splitlines()
    assert said[:2] == ["silent: status", "silent: test"]
    assert said[2].startswith("sms     Lanterns at Low Tide")
    assert said[4] == "e-mail  reminder/1 in en-us"


def test_a_sale_without_an_announced_start_is_refused_with_its_reason() -> None:
    error = preview(str(ANSWERS / "quebec_play.json"), "1AvZ-Zq_GkdJ7.public").exception
    assert isinstance(error, Permanent)
    assert error.code == "start_unknown"


def test_another_events_sale_is_wrong_usage_and_those_there_are_named() -> None:
    done = preview(CLUB, "E1.public")
    assert (done.exit_code, done.stdout) == (2, "")
    assert PUBLIC in done.stderr


@pytest.mark.parametrize("link", ["http://sho.rt/1", "", "https://sho.rt/\u202e1", "sho.rt/1"])
def test_a_link_that_nobody_may_be_sent_to_is_wrong_usage(link: str) -> None:
    assert preview(CLUB, PUBLIC, "--link", link).exit_code == 2


def test_an_event_of_which_nothing_can_be_said_is_refused_after_saying_why(
    tmp_path: Path,
) -> None:
    document = json.loads(Path(CLUB).read_bytes())
    del document["_embedded"]["venues"]
    done = preview(_file(tmp_path, document), PUBLIC, "--json")
    answer = json.loads(done.stdout)
    assert answer["sms"] == answer["email"] == {"reason": "no_place"}
    assert isinstance(done.exception, Permanent)
    assert done.exception.code == "unsaid"
