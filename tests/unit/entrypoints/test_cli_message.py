"""`demand message segments` measures what it is given, to the character."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest
from click.testing import CliRunner, Result

from entrypoints.cli.message import message

SRC: Final = Path(__file__).parents[3] / "src"
NARROW: Final = "\u202f"


def segments(*arguments: str, stdin: bytes | None = None) -> Result:
    return CliRunner().invoke(message, ["segments", *arguments], input=stdin)


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
