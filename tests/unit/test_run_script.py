"""The bootstrap script, on a copy whose environment the tests write: no network, no pip."""

import ast
import os
import shutil
import signal
import subprocess
import sys
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from itertools import pairwise
from pathlib import Path
from types import ModuleType

import pytest
from attrs import frozen

HERE = Path(__file__).parents[2]
REAL = os.path.realpath(sys.executable)
LOCKS = ["demo", "demand", "test", "check", "e2e", "lock"]
INSTALL = "-m pip install --require-hashes --only-binary :all: --no-deps -r"
LOGS = 'echo "$@" >> "$0.log"'

pytestmark = pytest.mark.skipif(os.name != "posix", reason="stands in shell scripts for Python")


@frozen
class Project:
    root: Path
    script: ModuleType

    def run(self, *words: str, folder: Path | None = None) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, self.root / "run", *words],
            cwd=folder or self.root,
            capture_output=True,
            text=True,
            check=False,
        )

    def environment(self, stamp: str, python: str = "", name: str = ".venv") -> Path:
        """An environment whose Python is this one, or a shell script that plays its part."""
        folder = self.root / name
        (folder / "bin").mkdir(parents=True)
        if python:
            executable(folder / "bin" / "python", python)
        else:
            (folder / "bin" / "python").symlink_to(REAL)
        (folder / "installed").write_text(stamp)
        return folder

    def command_line(self, source: str) -> None:
        package = self.root / "src" / "entrypoints"
        package.mkdir(parents=True)
        (package / "cli.py").write_text(source)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    for name in ("run", "pyproject.toml"):
        shutil.copy(HERE / name, tmp_path)
    shutil.copytree(HERE / "locks", tmp_path / "locks")
    loader = SourceFileLoader("run_script", str(tmp_path / "run"))
    spec = spec_from_loader(loader.name, loader)
    assert spec
    script = module_from_spec(spec)
    loader.exec_module(script)
    return Project(tmp_path, script)


def executable(path: Path, shell: str) -> None:
    path.write_text(f"#!/bin/sh\n{shell}\n")
    path.chmod(0o755)


# An old Python


def test_the_script_parses_on_python_3_6_and_quotes_types_unknown_there() -> None:
    tree = ast.parse((HERE / "run").read_text(encoding="utf-8"), feature_version=(3, 6))
    types = [
        annotation
        for node in ast.walk(tree)
        for annotation in (getattr(node, "annotation", None), getattr(node, "returns", None))
        if annotation
    ]
    assert types
    assert all(isinstance(kind, ast.Name | ast.Constant) for kind in types)


def test_a_python_that_is_new_enough_goes_on_itself(project: Project) -> None:
    assert project.script.successor((3, 11), []) is None


def test_an_old_python_hands_over_to_the_newest_that_really_starts(
    project: Project, tmp_path: Path
) -> None:
    executable(tmp_path / "python3.14", "exit 127")
    executable(tmp_path / "python3.13", f'exec "{REAL}" "$@"')
    executable(tmp_path / "python3.12", f'exec "{REAL}" "$@"')
    found = project.script.successor((3, 8), ["/nowhere", str(tmp_path)])
    assert found == str(tmp_path / "python3.13")


def test_an_old_python_alone_says_what_is_missing(project: Project, tmp_path: Path) -> None:
    with pytest.raises(
        project.script.Stop, match=r"needs Python 3\.11 .* is Python 3\.8"
    ) as stop:
        project.script.successor((3, 8), [str(tmp_path)])
    assert stop.value.code == 5


# Words on the command line


@pytest.mark.parametrize("words", [[], ["help"], ["--help"], ["--show"]])
def test_help_lists_every_command(project: Project, words: list[str]) -> None:
    told = project.run(*words)
    assert told.returncode == 0
    for name in project.script.COMMANDS:
        assert f"\n  {name} " in told.stdout


def test_an_unknown_command_is_refused_with_the_list(project: Project) -> None:
    told = project.run("tset")
    assert told.returncode == 2
    assert told.stderr.startswith("run: there is no command 'tset'\n")
    assert "\n  test " in told.stderr


@pytest.mark.parametrize("words", [["check", "src"], ["bench", "nothing"], ["bench"]])
def test_a_misused_command_is_refused_before_anything_is_made(
    project: Project, words: list[str]
) -> None:
    told = project.run(*words)
    assert told.returncode == 2
    assert len(told.stderr.splitlines()) == 1
    assert not (project.root / ".venv").exists()


def test_show_prints_plain_commands_and_makes_nothing(project: Project) -> None:
    told = project.run("--show", "test", "-k", "two words")
    assert told.stdout.splitlines() == [
        "python3 -m venv .venv",
        f".venv/bin/python {INSTALL} locks/test.txt",
        "env PYTHONPATH=src PYTHONUTF8=1 .venv/bin/python -m pytest -k 'two words'",
    ]
    assert not (project.root / ".venv").exists()


# Locks


@pytest.mark.parametrize("lock", LOCKS)
def test_every_requirement_is_pinned_and_hashed_and_names_no_address(lock: str) -> None:
    text = (HERE / "locks" / f"{lock}.txt").read_text(encoding="utf-8")
    assert "://" not in text
    requirements = text.replace("\\\n", "").splitlines()
    assert requirements
    for requirement in requirements:
        assert "==" in requirement
        assert "--hash=sha256:" in requirement


def test_each_lock_holds_all_of_the_smaller_one_in_the_same_versions(project: Project) -> None:
    def pins(lock: str) -> set[str]:
        lines = (HERE / "locks" / f"{lock}.txt").read_text(encoding="utf-8").splitlines()
        return {line.split()[0] for line in lines if not line.startswith(" ")}

    held = list(map(pins, project.script.LOCKS))
    assert all(smaller < larger for smaller, larger in pairwise(held))


def test_a_lock_that_would_hold_an_address_changes_none(project: Project) -> None:
    before = (project.root / "locks" / "demo.txt").read_text()
    writes = 'for last; do :; done; echo "a @ at://b" > "$last"'
    project.environment(project.script.stamp_of("lock"), writes, name=".venv-lock")
    told = project.run("lock")
    assert told.returncode == 5
    assert "would hold an address" in told.stderr
    assert (project.root / "locks" / "demo.txt").read_text() == before


# What is already there


@pytest.mark.parametrize(
    ("wanted", "there", "ready"),
    [
        ("demo", "demo", True),
        ("demo", "check", True),
        ("test", "check", True),
        ("test", "demo", False),
        ("check", "test", False),
        ("check", "lock", False),
    ],
)
def test_a_larger_lock_serves_for_a_smaller_one(
    project: Project, wanted: str, there: str, ready: bool
) -> None:
    folder = project.environment(project.script.stamp_of(there))
    assert project.script.is_ready(folder, wanted) is ready


def test_an_environment_in_place_is_used_without_a_second_look(project: Project) -> None:
    folder = project.environment(project.script.stamp_of("check"), "exit 1")
    assert project.script.prepared(folder, "demo") == str(folder / "bin" / "python")
    assert not Path(f"{folder}.guard").exists()


def test_a_changed_lock_is_installed_into_the_same_environment(project: Project) -> None:
    folder = project.environment(project.script.stamp_of("demo"), LOGS)
    (project.root / "locks" / "demo.txt").write_text("changed")
    project.script.prepared(folder, "demo")
    assert (folder / "installed").read_text() == project.script.stamp_of("demo")
    assert (folder / "bin" / "python.log").read_text().splitlines() == [
        "-m pip --version",
        f"{INSTALL} {project.root}/locks/demo.txt",
    ]


def test_of_two_at_once_the_second_waits_and_finds_the_work_done(project: Project) -> None:
    folder = project.environment(project.script.stamp_of("demo"), LOGS)
    with project.script.alone(folder):
        command = [sys.executable, str(project.root / "run"), "test"]
        second = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        assert second.stderr
        assert second.stderr.readline().startswith("run: waiting for another ./run")
        (folder / "installed").write_text(project.script.stamp_of("test"))
    second.communicate()
    assert (folder / "bin" / "python.log").read_text() == "-m pytest --numprocesses auto\n"


@pytest.mark.parametrize("stamp", ["", "cpython-27 0123", "half of a sta"])
def test_an_environment_of_another_python_or_cut_off_is_not_ours(
    project: Project, stamp: str
) -> None:
    assert not project.script.is_ours(project.environment(stamp))


def test_an_environment_whose_python_was_removed_is_not_ours(project: Project) -> None:
    folder = project.environment(project.script.stamp_of("demo"))
    (folder / "bin" / "python").unlink()
    (folder / "bin" / "python").symlink_to("/nowhere/python3")
    assert not project.script.is_ours(folder)


def test_what_was_half_made_is_made_again(project: Project) -> None:
    folder = project.environment("")
    leftover = folder / "leftover"
    leftover.touch()
    project.script.make(folder)
    assert not leftover.exists()
    assert project.script.works(str(folder / "bin" / "python"), "-c", "import venv")


# Failures


def test_a_failed_install_is_one_sentence_and_leaves_the_old_state(project: Project) -> None:
    stamp = project.script.stamp_of("demo")
    fails = 'case "$*" in *install*) echo first; echo "no index"; exit 1;; esac'
    folder = project.environment(stamp, fails)
    told = project.run("test")
    assert told.returncode == 4
    _, sentence = told.stderr.splitlines()
    assert sentence.startswith("run: could not install locks/test.txt")
    assert sentence.endswith("pip's last word: no index")
    assert (folder / "installed").read_text() == stamp


@pytest.mark.skipif(
    signal.getsignal(signal.SIGINT) is signal.SIG_IGN, reason="started with Ctrl-C switched off"
)
def test_an_interrupted_install_ends_quietly_and_is_not_trusted(project: Project) -> None:
    interrupts = 'case "$*" in *install*) kill -INT $PPID;; esac'
    folder = project.environment(project.script.stamp_of("demo"), interrupts)
    told = project.run("test")
    assert told.returncode == 130
    assert "Traceback" not in told.stderr
    assert not project.script.is_ours(folder)


# Pip from elsewhere


def test_the_pinned_pip_is_found_on_the_page_of_an_index(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wheel = project.script.PINNED_PIP
    (tmp_path / "pip").mkdir()
    (tmp_path / "pip" / "index.html").write_text(
        f'<a href="../files/pip-1.0.whl">old</a> <a href="../files/{wheel}#sha256=0">new</a>'
    )
    for setting in ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL"):
        monkeypatch.setenv(setting, tmp_path.as_uri())
    assert f"{tmp_path.as_uri()}/files/{wheel}" in set(project.script.addresses())


def test_a_wheel_of_another_digest_is_not_taken_for_pip(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / project.script.PINNED_PIP).write_bytes(b"not what was pinned")
    for setting in ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL"):
        monkeypatch.setenv(setting, (tmp_path / "empty").as_uri())
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    assert not project.script.fetched(tmp_path / "fetched.whl")
    assert not (tmp_path / "fetched.whl").exists()


# Running


def test_a_command_runs_from_the_sources_and_its_exit_code_is_the_scripts(
    project: Project,
) -> None:
    project.environment(project.script.stamp_of("check"))
    project.command_line("import sys; print(sys.argv[1:], sys.flags.utf8_mode); sys.exit(3)")
    told = project.run("demo", "--seed", "7")
    assert (told.returncode, told.stdout) == (3, "['demo', '--seed', '7'] 1\n")
    assert project.run("demand", "doctor").stdout == "['doctor'] 1\n"


def test_tests_run_in_the_projects_folder_and_the_command_line_in_the_callers(
    project: Project, tmp_path: Path
) -> None:
    project.environment(project.script.stamp_of("check"), "pwd")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    assert project.run("test", folder=elsewhere).stdout == f"{project.root}\n"
    assert project.run("demand", folder=elsewhere).stdout == f"{elsewhere}\n"


def test_a_file_of_the_callers_does_not_pass_for_a_module(
    project: Project, tmp_path: Path
) -> None:
    project.environment(project.script.stamp_of("check"))
    project.command_line("import json; print(json.dumps(1))")
    (tmp_path / "json.py").write_text("raise SystemExit('the wrong one')")
    assert project.run("demand").stdout == "1\n"


def test_check_goes_on_after_a_failure_and_reports_each_step(project: Project) -> None:
    project.environment(project.script.stamp_of("check"))
    project.command_line("")
    told = project.run("check")
    assert told.returncode == 1
    verdicts = [
        line[:40] for line in told.stdout.splitlines() if line[:6] in ("FAILED", "ok    ")
    ]
    assert [" ".join(verdict.split()) for verdict in verdicts] == [
        "FAILED ruff format --check .",
        "FAILED ruff check .",
        "FAILED mypy",
        "FAILED lint-imports",
        "ok entrypoints.cli topology check",
        "ok entrypoints.cli topology verify",
        "ok entrypoints.cli schema check",
    ]


def test_several_benchmarks_all_run_and_one_failure_counts(project: Project) -> None:
    project.environment(project.script.stamp_of("check"))
    (project.root / "benchmarks").mkdir()
    (project.root / "benchmarks" / "bench_first.py").write_text("raise SystemExit(7)")
    (project.root / "benchmarks" / "bench_second.py").write_text("print('second')")
    everything, one = project.run("bench"), project.run("bench", "first")
    assert (everything.returncode, everything.stdout) == (1, "second\n")
    assert one.returncode == 7
