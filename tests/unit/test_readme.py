"""The README says what is true: its commands, its output and its code are run here."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from demand_core.topology import TOPOLOGY
from entrypoints.cli import main
from entrypoints.diagram import files

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_demo_prints_what_the_readme_shows(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(main, ["demo"], catch_exceptions=False)
    (shown,) = re.findall(
        r"<!-- what `./run demo` prints -->\n```\n(.*?)```", README, re.DOTALL
    )
    assert done.output == shown
    assert (tmp_path / "out/demo/report.html").read_text().startswith("<!doctype html>")


def test_the_code_of_the_readme_prints_what_it_says(capsys: pytest.CaptureFixture[str]) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    (promised,) = re.findall(r"which prints `(.*?)`", README)
    exec(compile(code, "README.md", "exec"), {})  # noqa: S102  # our own text
    assert capsys.readouterr().out.strip() == promised


def test_every_command_that_the_readme_names_is_there() -> None:
    commands = re.findall(r"`\./run demand ([^`]+)`", README)
    assert len(commands) > 3
    for command in commands:
        done = CliRunner().invoke(
            main, [*shlex.split(command), "--help"], catch_exceptions=False
        )
        assert done.exit_code == 0, command


def test_the_generated_files_are_what_the_topology_says() -> None:
    for path, text in files(ROOT).items():
        assert path.read_text(encoding="utf-8") == text


def test_what_the_readme_says_of_a_run_on_one_machine_works(tmp_path: Path) -> None:
    serve, work = (
        block.replace("./run demand", f"{shlex.quote(sys.executable)} -m entrypoints.cli")
        for block in re.findall(r"```shell\n(.*?)```", README, re.DOTALL)
    )
    environment = {"PYTHONPATH": str(ROOT / "src"), "PATH": os.environ["PATH"]}
    with subprocess.Popen(
        shlex.split(serve.replace("4999", "0")),
        cwd=tmp_path,
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
    ) as twin:
        assert twin.stdout
        url = twin.stdout.readline().split()[-1]
        told = subprocess.run(
            [
                "/bin/sh",
                "-ec",
                work.strip().replace("http://127.0.0.1:4999", url) + " --for 0.5",
            ],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        twin.terminate()
    assert told.returncode == 0, told.stderr
    assert [line.split()[0] for line in told.stdout.splitlines()[:3]] == ["ok", "ok", "ok"]
    assert f"{len(TOPOLOGY)} workers run on local engines in state" in told.stderr
