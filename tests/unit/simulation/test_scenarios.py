"""Each scenario, by name: it ends as it must, whatever goes wrong, and always the same way."""

import json
import os
import subprocess
import sys
from typing import Final

import pytest

from demand_core.errors import WiringError
from entrypoints.simulation.scenarios import SCENARIOS, play
from entrypoints.simulation.world import WEATHERS

# As large as they are still quick.
SCALES: Final = {
    "short-links": 0.2,
    "bulk": 0.004,
    "surge": 0.1,
    "deletion-audit": 0.1,
}


@pytest.mark.check("N-UC5", "N-WF4")
@pytest.mark.parametrize("faults", WEATHERS)
@pytest.mark.parametrize("name", SCENARIOS)
def test_a_scenario_ends_as_it_must_whatever_goes_wrong(name: str, faults: str) -> None:
    report = play(name, seed=3, scale=SCALES.get(name, 1), faults=faults)
    assert report.differences == []
    assert report.ok


@pytest.mark.parametrize("seed", range(20))
def test_many_small_harsh_worlds_end_as_they_must(seed: int) -> None:
    report = play("short-links", seed=seed, scale=0.03, faults="harsh")
    assert report.differences == []


def test_harsh_faults_are_of_all_seven_kinds_and_many() -> None:
    report = play("short-links", seed=7, scale=0.3, faults="harsh")
    assert len(report.faults) == 7
    assert 0.1 < sum(report.faults.values()) / report.port_calls < 0.2


def test_without_faults_none_is_injected() -> None:
    assert play("short-links", scale=0.05).faults == {}


def test_another_seed_is_another_world() -> None:
    first, second = (play("short-links", seed=n, scale=0.05, faults="mild") for n in (1, 2))
    assert first.digest != second.digest


def test_a_name_that_is_no_scenario_is_refused() -> None:
    with pytest.raises(WiringError, match="no scenario"):
        play("bulk-mail")


def test_one_seed_gives_one_world_in_every_process() -> None:
    documents = [_in_a_process_of_its_own(hash_seed) for hash_seed in ("0", "1", "4242")]
    assert documents[0] == documents[1] == documents[2]
    assert documents[0]["ok"]


def _in_a_process_of_its_own(hash_seed: str) -> dict[str, object]:
    command = [sys.executable, "-m", "entrypoints.cli", "sim", "run", "short-links"]
    options = ["--seed", "7", "--scale", "0.1", "--faults", "harsh", "--json"]
    environment = {
        **os.environ,
        "PYTHONHASHSEED": hash_seed,
        "PYTHONPATH": os.pathsep.join(sys.path),
    }
    done = subprocess.run(
        [*command, *options], env=environment, capture_output=True, check=True, text=True
    )
    document: dict[str, object] = json.loads(done.stdout)
    del document["wall_s"]
    return document
