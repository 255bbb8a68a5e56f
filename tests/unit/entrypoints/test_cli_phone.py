"""`demand phone check` answers every line of a file, whatever stands in it."""

import json
import tracemalloc
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st

from entrypoints.cli.phone import phone

GOOD = b"(212) 555-2123"
FIELDS = ("line", "e164", "region", "kind", "tags", "reason")


def demand(content: bytes, *words: str) -> Result:
    return CliRunner().invoke(phone, ["check", "-", *words], input=content)


def document(content: bytes, *words: str) -> Any:
    return json.loads(demand(content, "--json", *words).stdout)


def test_each_number_is_answered_with_what_is_known_of_it() -> None:
    said = document(b"(212) 555-0123\n+442079460123\n\nabc\n")
    assert said["schemaVersion"] == 1
    assert [list(row.values()) for row in said["numbers"]] == [
        [1, "+12125550123", "US", "fixed_line_or_mobile", ["fiction"], None],
        [2, "+442079460123", "GB", "fixed_line", [], "region_not_allowed"],
        [4, None, None, None, [], "not_a_number"],
    ]
    assert {tuple(row) for row in said["numbers"]} == {FIELDS}
    assert said["counts"] == {
        "lines": 4,
        "accepted": 1,
        "refused": 2,
        "blank": 1,
        "reasons": {"not_a_number": 1, "region_not_allowed": 1},
    }


def test_text_says_the_same_with_the_counts_beside_it() -> None:
    said = demand(GOOD + b" ext 4\nabc")
    assert said.stdout.splitlines() == [
        "1:  +12125552123  US  fixed_line_or_mobile  extension_dropped",
        "2:  refused: not_a_number",
    ]
    assert said.stderr == "2 lines: 1 accepted, 1 refused, 0 blank\n"


@pytest.mark.parametrize(("content", "code"), [(b"", 0), (GOOD, 0), (GOOD + b"\nx", 1)])
def test_the_exit_code_says_whether_some_were_refused(content: bytes, code: int) -> None:
    assert demand(content).exit_code == code
    assert demand(content, "--json").exit_code == code


def test_whose_numbers_are_taken_and_where_they_were_typed_can_be_said() -> None:
    content = b"020 7946 0123\n+14165552123"
    assert (
        document(content, "--region", "gb", "--allow", "GB", "--allow", "ca")["counts"][
            "accepted"
        ]
        == 2
    )
    assert document(content, "--region", "GB")["counts"]["accepted"] == 0


@pytest.mark.parametrize("words", [["--region", "XX"], ["--allow", "1"], ["--allow", ""]])
def test_a_region_that_is_none_is_wrong_usage(words: list[str]) -> None:
    assert demand(GOOD, *words).exit_code == 2


def test_a_file_that_is_not_there_is_wrong_usage(tmp_path: Path) -> None:
    said = CliRunner().invoke(phone, ["check", str(tmp_path / "none")])
    assert said.exit_code == 2


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"\xff2125552123", "not_utf8"),
        (b"212\x00555\x002123", "not_a_number"),
        (b"\x00", "not_a_number"),
        (b"2" * 1_000_000, "line_too_long"),
        (b"2" * 4000, "not_a_number"),
        (b"2" * 4096, "line_too_long"),
        (b"2" * 8192, "line_too_long"),
        ("\u20ac".encode() * 2000, "line_too_long"),
        (b"1.5555E+10", "spreadsheet_damage"),
    ],
)
def test_a_hostile_line_is_refused_alone(line: bytes, reason: str) -> None:
    said = document(b"\r\n".join([GOOD, line, GOOD]))
    assert [row["reason"] for row in said["numbers"]] == [None, reason, None]
    assert [row["line"] for row in said["numbers"]] == [1, 2, 3]


def test_a_mark_before_the_first_number_is_no_part_of_it() -> None:
    assert document(b"\xef\xbb\xbf" + GOOD)["counts"]["accepted"] == 1


@given(content=st.lists(st.binary(max_size=30) | st.just(GOOD), max_size=8).map(b"\n".join))
def test_every_line_is_answered_or_blank_and_the_counts_agree(content: bytes) -> None:
    said = document(content)
    counts = said["counts"]
    assert counts["accepted"] + counts["refused"] + counts["blank"] == counts["lines"]
    assert len(said["numbers"]) == counts["lines"] - counts["blank"]
    assert counts["refused"] == sum(counts["reasons"].values())
    assert counts["lines"] == len(content.removesuffix(b"\n").split(b"\n")) * bool(content)


def test_a_long_file_is_never_held(tmp_path: Path) -> None:
    file = tmp_path / "numbers"
    file.write_bytes(b"2" * 30_000_000 + b"\n" + GOOD)
    tracemalloc.start()
    said = CliRunner().invoke(phone, ["check", str(file)])
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert said.stdout.splitlines()[1].startswith("2:  +12125552123")
    assert peak < 8_000_000
