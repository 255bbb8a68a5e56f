"""How properties are tried, and what the laws have to report in the end."""

import os
from collections import Counter

import pytest
from hypothesis import settings

pytest_plugins = ["demand_adapters.testing.plugin", "tests.scratch"]

settings.register_profile("dev", max_examples=50, deadline=None)
settings.register_profile("ci", max_examples=100, deadline=None, derandomize=True)
settings.register_profile("thorough", max_examples=5000, deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))

TRIED = pytest.StashKey[dict[str, Counter[str]]]()


@pytest.fixture
def tried(request: pytest.FixtureRequest) -> dict[str, Counter[str]]:
    """Where a test notes how often a law was tried on each row; printed at the end."""
    return request.config.stash.setdefault(TRIED, {})


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """One line a law: how often, on which rows."""
    noted = terminalreporter.config.stash.get(TRIED, {})
    if not noted:
        return
    terminalreporter.section("laws on every row")
    for law, rows in noted.items():
        told = ", ".join(f"{row} {count}" for row, count in sorted(rows.items()))
        terminalreporter.write_line(f"{law}: {sum(rows.values())} tries ({told})")
