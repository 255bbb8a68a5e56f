"""How properties are tried, and what the laws have to report in the end."""

import os
from collections.abc import Callable, Mapping

import pytest
from hypothesis import settings

pytest_plugins = ["demand_adapters.testing.plugin", "tests.scratch"]

settings.register_profile("dev", max_examples=50, deadline=None)
settings.register_profile("ci", max_examples=100, deadline=None, derandomize=True)
settings.register_profile("thorough", max_examples=5000, deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))

LAW = "law"


@pytest.fixture
def tried(request: pytest.FixtureRequest) -> Callable[[str, Mapping[str, int]], None]:
    """What a test tells how often a law was tried on each row; printed at the end."""

    def note(law: str, rows: Mapping[str, int]) -> None:
        request.node.user_properties.append((LAW, (law, dict(rows))))

    return note


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """One line a law: how often, on which rows."""
    reports = terminalreporter.getreports("passed") + terminalreporter.getreports("failed")
    noted = [
        note
        for report in reports
        for name, note in getattr(report, "user_properties", ())
        if name == LAW
    ]
    if not noted:
        return
    terminalreporter.section("laws on every row")
    for law, rows in sorted(noted):
        told = ", ".join(f"{row} {count}" for row, count in sorted(rows.items()))
        terminalreporter.write_line(f"{law}: {sum(rows.values())} tries ({told})")
