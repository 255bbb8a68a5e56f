import json
import os
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st

from entrypoints.checks import Unreadable, promises, proofs, report
from entrypoints.cli.checks import checks

PROJECT = Path(__file__).parents[3]
DOCUMENT = """\
# Checks

| id | promise |
| --- | --- |
| A-1 | A fan is told. |
| A-2 | A fan is told once. |
"""
ids = st.from_regex(r"[A-Z]{1,4}-[A-Z]{0,2}[0-9]{1,3}", fullmatch=True)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "pyproject.toml").touch()
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs/checks.md").write_text(DOCUMENT, encoding="utf-8")
    (tmp_path / "tests").mkdir()
    return tmp_path


def write(project: Path, source: str, name: str = "test_it.py") -> Path:
    path = project / "tests" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(dedent(source), encoding="utf-8")
    return path


def run(project: Path, *arguments: str) -> Result:
    return CliRunner().invoke(checks, ["--root", str(project), *arguments])


def proofs_in(project: Path, source: str) -> dict[str, list[str]]:
    return proofs([write(project, source)], root=project)


def test_every_promise_of_this_project_has_an_id_of_its_own_and_says_something_new() -> None:
    text = (PROJECT / "docs/checks.md").read_text(encoding="utf-8")
    promised = promises(text)
    rows = [line for line in text.splitlines() if line.startswith("| ")]
    headings = [line for line in rows if line in {"| id | promise |", "| --- | --- |"}]
    assert len(promised) == len(rows) - len(headings) > 0
    assert len(set(promised.values())) == len(promised)


def test_no_test_of_this_project_claims_to_prove_what_is_not_promised() -> None:
    result = run(PROJECT, "--json")
    assert json.loads(result.stdout)["unknown"] == {}
    assert result.exit_code == 0


@given(st.dictionaries(ids, st.from_regex(r"[A-Z][a-z| ]{0,30}\.", fullmatch=True)))
def test_whatever_promises_are_written_down_are_read_back_in_their_order(
    written: dict[str, str],
) -> None:
    cells = [(check, promise.replace("|", r"\|")) for check, promise in written.items()]
    rows = ["| id | promise |", "|:---|---:|", *(f"| {a} | {b} |" for a, b in cells)]
    text = "\n".join(["Some words.", "", *rows])
    assert list(promises(text).items()) == list(written.items())


@pytest.mark.parametrize("row", ["| A-3 |", "| A-3 | |", "| | No id. |", "| A-3 | 1 | 2 |"])
def test_a_row_that_cannot_be_taken_as_a_promise_is_an_error(row: str) -> None:
    with pytest.raises(Unreadable, match="line 7 is not a row"):
        promises(f"{DOCUMENT}{row}\n")


def test_an_id_that_is_promised_twice_is_an_error() -> None:
    with pytest.raises(Unreadable, match="line 7 promises A-1 a second time"):
        promises(f"{DOCUMENT}| A-1 | Again. |\n")


def test_a_mark_on_a_function_is_a_proof_for_each_id_it_names(project: Path) -> None:
    source = """
        @pytest.mark.check("A-1", "A-2")
        @pytest.mark.check("A-1")
        async def test_a_fan_is_told(): ...
    """
    name = "tests/test_it.py::test_a_fan_is_told"
    assert proofs_in(project, source) == {"A-1": [name], "A-2": [name]}


def test_a_mark_on_a_class_covers_its_test_methods_and_nothing_else(project: Path) -> None:
    source = """
        @pytest.mark.check("A-1")
        class TestReminders:
            def test_once(self): ...
            def helper(self): ...
            @pytest.mark.check("A-2")
            def test_twice(self): ...
            class TestLate:
                def test_never(self): ...

        def test_elsewhere(): ...
    """
    name = "tests/test_it.py::TestReminders"
    assert proofs_in(project, source) == {
        "A-1": [f"{name}::test_once", f"{name}::test_twice", f"{name}::TestLate::test_never"],
        "A-2": [f"{name}::test_twice"],
    }


@pytest.mark.parametrize(
    "line",
    [
        'pytestmark = pytest.mark.check("A-1")',
        'pytestmark = [pytest.mark.slow, pytest.mark.check("A-1")]',
        'pytestmark: object = (mark.check("A-1"),)',
    ],
)
def test_a_mark_on_a_module_covers_every_test_in_it(project: Path, line: str) -> None:
    source = f"{line}\ndef test_one(): ...\nclass TestMore:\n    def test_two(self): ...\n"
    assert proofs_in(project, source) == {
        "A-1": ["tests/test_it.py::test_one", "tests/test_it.py::TestMore::test_two"]
    }


def test_a_class_that_only_inherits_its_tests_is_a_proof_by_its_own_name(project: Path) -> None:
    source = """
        @pytest.mark.check("A-1")
        class TestMemoryTable(TableContract):
            @pytest.fixture
            def table(self): ...

        @pytest.mark.check("A-2")
        class TestLocalTable(TableContract):
            def test_more(self): ...

        @pytest.mark.check("A-3")
        class TestNothing: ...
    """
    assert proofs_in(project, source) == {
        "A-1": ["tests/test_it.py::TestMemoryTable"],
        "A-2": ["tests/test_it.py::TestLocalTable::test_more"],
    }


def test_a_mark_on_a_single_case_of_a_table_is_a_proof(project: Path) -> None:
    source = """
        @pytest.mark.parametrize("n", [1, pytest.param(2, marks=pytest.mark.check("A-2"))])
        def test_cases(n): ...
    """
    assert proofs_in(project, source) == {"A-2": ["tests/test_it.py::test_cases"]}


def test_a_test_that_exists_only_on_some_machines_is_found(project: Path) -> None:
    source = """
        try:
            import boto3
        except ImportError:
            if True:
                @pytest.mark.check("A-1")
                def test_without_boto3(): ...
    """
    assert proofs_in(project, source) == {"A-1": ["tests/test_it.py::test_without_boto3"]}


def test_marks_on_what_is_no_test_prove_nothing(project: Path) -> None:
    source = '''
        """@pytest.mark.check("A-1")"""
        @pytest.mark.check("A-1")
        def a_fan(): ...
        @pytest.mark.other("A-1")
        def test_it():
            @pytest.mark.check("A-1")
            def test_inside(): ...
    '''
    assert proofs_in(project, source) == {}


@pytest.mark.parametrize(
    "mark", ["check", "check()", "check(ID)", 'check("A-1", 2)', 'check(id="A-1")']
)
def test_a_mark_without_plain_ids_is_an_error_that_names_file_and_line(
    project: Path, mark: str
) -> None:
    source = f"class TestIt:\n    @pytest.mark.{mark}\n    def test_it(self): ...\n"
    with pytest.raises(Unreadable, match=r"^tests/test_it\.py:2: a check mark takes ids"):
        proofs_in(project, source)


@given(promised=st.sets(ids), marked=st.sets(ids))
def test_every_id_ends_in_exactly_one_group(promised: set[str], marked: set[str]) -> None:
    found = report(sorted(promised), {check: ["test"] for check in marked})
    assert sorted([*found.proven, *found.unproven]) == sorted(promised)
    assert {*found.proven, *found.unknown} == marked
    assert not {*found.unknown} & promised


def test_each_promise_is_listed_with_its_tests_beneath_and_a_total(project: Path) -> None:
    write(project, '@pytest.mark.check("A-2")\ndef test_once(): ...\n', "unit/test_b.py")
    result = run(project)
    assert result.exit_code == 0
    assert result.stdout.splitlines() == [
        "A-1  unproven  A fan is told.",
        "A-2  proven    A fan is told once.",
        "    tests/unit/test_b.py::test_once",
        "1 of 2 promises proven, 0 wait, 1 unproven, 0 unknown.",
    ]


def test_a_mark_in_a_contract_counts_as_one_in_a_test(project: Path) -> None:
    source = """
        class TableContract:
            @pytest.mark.check("A-2")
            def test_it_keeps_what_it_has(self): ...
        """
    write(project, source, "../src/demand_adapters/testing/item_table.py")
    contract = "src/demand_adapters/testing/item_table.py::TableContract"
    assert f"{contract}::test_it_keeps_what_it_has" in run(project).stdout


def test_on_request_only_the_unproven_promises_are_listed(project: Path) -> None:
    write(project, '@pytest.mark.check("A-2")\ndef test_once(): ...\n')
    listed = run(project, "--unproven").stdout.splitlines()
    assert [line.split()[0] for line in listed[:-1]] == ["A-1"]
    assert "proven" not in json.loads(run(project, "--unproven", "--json").stdout)


def test_a_mark_for_an_unknown_id_is_reported_and_fails_the_command(project: Path) -> None:
    write(project, '@pytest.mark.check("A-9")\ndef test_it(): ...\n')
    for arguments in ([], ["--unproven"]):
        result = run(project, *arguments)
        assert result.exit_code == 1
        assert "A-9 is not promised" in result.stderr
        assert "tests/test_it.py::test_it" in result.stderr


def test_the_json_document_holds_all_groups_and_their_counts(project: Path) -> None:
    write(project, '@pytest.mark.check("A-1", "A-9")\ndef test_it(): ...\n')
    result = run(project, "--json")
    assert result.exit_code == 1
    assert json.loads(result.stdout) == {
        "schemaVersion": 1,
        "counts": {"promised": 2, "proven": 1, "waiting": 0, "unproven": 1, "unknown": 1},
        "waiting": {},
        "proven": {"A-1": ["tests/test_it.py::test_it"]},
        "unproven": ["A-2"],
        "unknown": {"A-9": ["tests/test_it.py::test_it"]},
    }


@pytest.mark.parametrize(
    "content", [b"def f(:", b"'\0'", b"# coding: nonsense", b"'\xff'", b"-" * 99999 + b"1"]
)
def test_a_test_file_that_is_not_python_is_named_without_a_traceback(
    project: Path, content: bytes
) -> None:
    write(project, "").write_bytes(content)
    result = run(project)
    assert result.exit_code == 5
    assert result.stderr.startswith("Error: tests/test_it.py")
    assert len(result.stderr.splitlines()) == 1


def test_an_odd_escape_in_a_test_file_is_not_our_business(project: Path) -> None:
    write(project, "def test_it():\n    '\\d'\n")
    result = run(project)
    assert (result.exit_code, result.stderr) == (0, "")


@pytest.mark.parametrize("content", [b"| A-1 | One. |\n| A-1 | Two. |\n", b"\xff\xfe"])
def test_a_document_that_cannot_be_understood_is_named(project: Path, content: bytes) -> None:
    (project / "docs/checks.md").write_bytes(content)
    result = run(project)
    assert (result.exit_code, result.stdout) == (5, "")
    assert result.stderr.startswith("Error: docs/checks.md: ")


def test_a_missing_document_is_one_sentence_and_its_own_exit_code(project: Path) -> None:
    (project / "docs/checks.md").unlink()
    result = run(project)
    assert (result.exit_code, result.stdout) == (5, "")
    assert result.stderr == f"Error: There is no docs/checks.md in {project}.\n"


def test_a_root_that_is_no_folder_is_a_usage_error(project: Path) -> None:
    assert run(project / "nowhere").exit_code == 2


def test_the_project_is_found_from_any_folder_inside_it(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(project / "tests")
    assert "0 of 2 promises proven" in CliRunner().invoke(checks, []).stdout
    (project / "pyproject.toml").unlink()
    outside = CliRunner().invoke(checks, [])
    assert outside.exit_code == 5
    assert "--root" in outside.stderr


def test_a_reader_who_stops_early_causes_no_complaint(project: Path) -> None:
    rows = "".join(f"| B-{n} | {'Long. ' * 50}|\n" for n in range(2000))
    (project / "docs/checks.md").write_text(DOCUMENT + rows, encoding="utf-8")
    command = "from entrypoints.cli.checks import checks; checks()"
    with subprocess.Popen(
        [sys.executable, "-c", command, "--root", str(project)],
        env={**os.environ, "PYTHONPATH": str(PROJECT / "src"), "PYTHONUNBUFFERED": ""},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline().startswith(b"A-1")
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait() == 0


SENTENCE = "- A-2 waits for the second fan: there is one only.\n"


def test_what_waits_is_told_with_its_sentence_and_is_neither_proven_nor_missing(
    project: Path,
) -> None:
    (project / "docs/checks.md").write_text(f"{DOCUMENT}\n{SENTENCE}", encoding="utf-8")
    write(project, '@pytest.mark.check("A-1")\ndef test_it(): ...\n')
    told = run(project).stdout.splitlines()
    assert told[-3:] == [
        "A-2  waits     A fan is told once.",
        "    for the second fan: there is one only.",
        "1 of 2 promises proven, 1 wait, 0 unproven, 0 unknown.",
    ]
    found = json.loads(run(project, "--json").stdout)
    assert found["waiting"] == {"A-2": "the second fan: there is one only."}
    assert found["unproven"] == []


@pytest.mark.parametrize(("waits", "why"), [("A-1", "is proven"), ("A-9", "is not promised")])
def test_a_sentence_about_what_is_shown_or_was_never_promised_is_an_error(
    project: Path, waits: str, why: str
) -> None:
    sentence = SENTENCE.replace("A-2", waits)
    (project / "docs/checks.md").write_text(f"{DOCUMENT}\n{sentence}", encoding="utf-8")
    write(project, '@pytest.mark.check("A-1")\ndef test_it(): ...\n')
    result = run(project)
    assert result.exit_code == 5
    assert f"{waits} {why}, yet a sentence says what it waits for" in result.stderr
