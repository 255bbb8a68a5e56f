"""The commands answer on stdout, complain on stderr, and say by their exit code how it went."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from attrs import evolve
from click.testing import CliRunner, Result

from demand_core.errors import DemandError, Permanent, Transient, WiringError
from demand_core.topology import TOPOLOGY
from demand_core.topology.shapes import Worker
from entrypoints import diagram
from entrypoints.cli import main
from entrypoints.simulation.scenarios import SCENARIOS, Report, play

ROOT = Path(__file__).parents[3]


def demand(*arguments: str) -> Result:
    return CliRunner().invoke(main, arguments)


def a_copy(tmp_path: Path) -> Path:
    (tmp_path / "docs").mkdir()
    for name in (diagram.DOCUMENT, diagram.README):
        (tmp_path / name).write_text(
            (ROOT / name).read_text(encoding="utf-8"), encoding="utf-8"
        )
    return tmp_path


def test_every_command_has_its_help() -> None:
    for arguments in ([], ["sim"], ["sim", "run"], ["topology"], ["checks"], ["demo"]):
        done = demand(*arguments, "--help")
        assert done.exit_code == 0
        assert "Usage: main" in done.output


def test_a_run_is_one_json_document() -> None:
    done = demand("sim", "run", "short-links", "--scale", "0.02", "--faults", "mild", "--json")
    document = json.loads(done.stdout)
    said = {"scenario", "seed", "expected", "observed", "ok", "virtual_s", "wall_s"}
    assert said | {"port_calls", "faults"} <= document.keys()
    assert (document["schemaVersion"], document["ok"], done.exit_code) == (1, True, 0)


def test_a_run_for_people_stands_expected_beside_observed() -> None:
    done = demand("sim", "run", "short-links", "--scale", "0.02")
    assert done.exit_code == 0
    assert "expected  observed" in done.output
    assert "differs" not in done.output


def test_a_run_that_does_not_end_as_it_must_exits_with_1(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def played(name: str, **options: object) -> Report:
        report = play(name, scale=0.005)
        return evolve(report, expected={**report.expected, "linked": 99}, ok=False)

    monkeypatch.setattr(sys.modules["entrypoints.cli.sim"], "play", played)
    done = demand("sim", "run", "short-links")
    assert done.exit_code == 1
    assert [line.split() for line in done.output.splitlines() if "differs" in line] == [
        ["linked", "99", "5", "<-", "differs"]
    ]


@pytest.mark.parametrize(
    "wrong",
    [
        ["sim", "run", "no-such-story"],
        ["sim", "run", "short-links", "--seed", "-1"],
        ["sim", "run", "short-links", "--seed", "seven"],
        ["sim", "run", "short-links", "--scale", "0"],
        ["sim", "run", "short-links", "--scale", "nan"],
        ["sim", "run", "short-links", "--faults", "cruel"],
        ["topology", "write", "--root", "no/such/folder"],
        ["no-such-noun"],
    ],
    ids=" ".join,
)
def test_wrong_usage_exits_with_2_and_one_sentence(wrong: Sequence[str]) -> None:
    done = demand(*wrong)
    assert done.exit_code == 2
    assert "Error: " in done.stderr
    assert "Traceback" not in done.output


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (Permanent("closed", "the campaign is over"), 3),
        (Transient("the store is away"), 4),
        (WiringError("DEMAND_X is no setting"), 5),
        (KeyboardInterrupt(), 130),
    ],
    ids=["refused", "away", "configuration", "interrupted"],
)
def test_what_is_raised_on_purpose_becomes_a_sentence_and_a_code(
    error: BaseException, code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(name: str, **options: object) -> Report:
        raise error

    monkeypatch.setattr(sys.modules["entrypoints.cli.sim"], "play", fails)
    done = demand("sim", "run", "short-links")
    assert done.exit_code == code
    assert done.stderr == (f"demand: {error}\n" if isinstance(error, DemandError) else "")


def test_the_scenarios_are_listed_by_name() -> None:
    assert demand("sim", "list").output.split() == list(SCENARIOS)


def test_the_topology_is_printed_row_by_row() -> None:
    done = demand("topology")
    assert done.exit_code == 0
    for row in TOPOLOGY:
        assert row.name in done.output
        assert row.about in done.output


def test_the_laws_of_the_table_are_checked() -> None:
    done = demand("topology", "check")
    assert done.exit_code == 0
    assert f"{len(TOPOLOGY)} workers" in done.output


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        ((TOPOLOGY[0],), "nobody reads shortUrlQueue"),
        ((*TOPOLOGY, TOPOLOGY[0]), "queue_short_urls stands twice"),
        ((evolve(TOPOLOGY[0], batch_max=11), TOPOLOGY[1]), "takes 11 at once, of at most 10"),
    ],
    ids=["a row gone", "a row twice", "a batch too large"],
)
def test_a_broken_row_fails_the_check(
    broken: tuple[Worker, ...], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.modules["entrypoints.cli.topology"], "TOPOLOGY", broken)
    done = demand("topology", "check")
    assert done.exit_code == 1
    assert said in done.stderr


def test_a_row_without_a_situation_fails_the_check(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("entrypoints.simulation.stories.stories", list)
    done = demand("topology", "check")
    assert done.exit_code == 1
    assert "queue_short_urls has nothing to do in any scenario" in done.stderr


def test_a_generated_file_that_was_edited_is_named_and_mended(tmp_path: Path) -> None:
    root = a_copy(tmp_path)
    assert demand("topology", "verify", "--root", str(root)).exit_code == 0
    for name in (diagram.DOCUMENT, diagram.README):
        path = root / name
        path.write_text(path.read_text(encoding="utf-8").replace("short link", "long link"))
        done = demand("topology", "verify", "--root", str(root))
        assert (done.exit_code, name in done.stderr) == (1, True)
        demand("topology", "write", "--root", str(root))
        assert demand("topology", "verify", "--root", str(root)).exit_code == 0


def test_a_readme_without_a_place_for_the_topology_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("# demand\n")
    done = demand("topology", "write", "--root", str(tmp_path))
    assert done.exit_code == 5
    assert done.stderr.startswith("demand: README.md has no place for the topology")


def test_settings_are_taken_from_the_environment() -> None:
    run = ["sim", "run", "short-links", "--scale", "0.005", "--json"]
    calls = []
    for calls_max in ("1", "5"):
        done = CliRunner().invoke(main, run, env={"DEMAND_LINK_CALLS_MAX": calls_max})
        calls.append(json.loads(done.stdout)["observed"]["shortener_calls"])
    assert calls[1] - calls[0] == 4


def test_every_setting_that_is_wrong_is_named_at_once() -> None:
    wrong = {"DEMAND_LINK_CALLS_MAX": "many", "DEMAND_SHORTENER_PER_SEC": "5"}
    done = CliRunner().invoke(main, ["sim", "run", "short-links"], env=wrong)
    assert done.exit_code == 5
    assert (
        "DEMAND_SHORTENER_PER_SEC is no setting: is DEMAND_SHORTENER_PER_S meant?"
        in done.stderr
    )
    assert "DEMAND_LINK_CALLS_MAX takes a whole number from 1 to 10" in done.stderr
