"""The table of promises and engines tells what became of each promise, not of each example."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Final

SRC: Final = Path(__file__).parents[3] / "src"

CONFTEST: Final = 'pytest_plugins = ["demand_adapters.testing.plugin"]\n'
GATES: Final = """\
from contextlib import nullcontext

import pytest

from demand_adapters.testing.contract import Contract


class GateContract(Contract[int]):
    port = "Gate"

    @pytest.mark.parametrize("n", [1, 2, 3])
    def test_a_gate_lets_pass_what_it_should(self, hand, n):
        assert hand != n

    def test_a_gate_is_a_number(self, hand):
        assert hand + 1

    def test_a_gate_of_stone_is_hard(self, hand):
        if hand == 5:
            pytest.skip("made of wood")
        if hand == 6:
            pytest.xfail("the emulator's is soft")


class ShutGateContract(GateContract):
    port = "Gate that is shut"

    def test_a_shut_gate_is_odd(self, hand):
        assert hand % 2


class TestWood(ShutGateContract):
    engine = "wood"

    def fresh(self):
        return nullcontext(5)

    def test_wood_burns(self):
        assert True


class TestIron(GateContract):
    engine = "iron"

    def fresh(self):
        return nullcontext(2)


class TestSoft(GateContract):
    engine = "soft"

    def fresh(self):
        return nullcontext(6)


class TestLost(GateContract):
    engine = "lost"

    def fresh(self):
        raise OSError("it is gone")


def test_what_is_no_promise_is_not_counted():
    assert True
"""


def test_each_promise_counts_once_by_the_worst_that_became_of_it(tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text(CONFTEST, encoding="utf-8")
    (tmp_path / "test_gates.py").write_text(GATES, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-W", "error"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(SRC)},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    shown = done.stdout.partition("promises x engines ")[2].splitlines()[1:4]
    assert [line.split("  ") for line in map(columns, shown)] == [
        ["", "iron", "lost", "soft", "wood"],
        ["Gate", "2, 1 failed", "0, 3 error", "2, 1 xfailed", "2, 1 skipped"],
        ["Gate that is shut", "-", "-", "-", "1"],
    ]


def columns(line: str) -> str:
    """With two blanks between one cell and the next."""
    while "   " in line:
        line = line.replace("   ", "  ")
    return line
