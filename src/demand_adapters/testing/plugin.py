"""For pytest: which promises were kept on which engine, as a table at the end.

One line in a conftest.py is all: `pytest_plugins = ["demand_adapters.testing.plugin"]`.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from pkgutil import iter_modules
from typing import Final, TypeAlias

import pytest

# The worst that happened to any example of a promise stands for it.
WORST_FIRST: Final = ("error", "failed", "xpassed", "xfailed", "skipped", "passed")
PROMISE: Final = "promise"

Outcomes: TypeAlias = Mapping[tuple[str, str], Sequence[str]]
"""How each promise of a port ended, by port and engine."""

# A failure of a contract shows both sides, as it does in a test of one's own.
pytest.register_assert_rewrite(
    *(f"{__package__}.{module.name}" for module in iter_modules([str(Path(__file__).parent)]))
)


def pytest_configure(config: pytest.Config) -> None:
    """Name the marker that the contracts use."""
    config.addinivalue_line("markers", "check(id): the requirement id this test proves")


def pytest_itemcollected(item: pytest.Item) -> None:
    """Note on a test whose promise it is; what is noted there comes back with its report."""
    if isinstance(item, pytest.Function) and item.cls:
        for declaring in item.cls.__mro__:
            if {item.originalname, "port"} <= vars(declaring).keys():
                noted = (declaring.port, item.cls.engine, item.originalname)
                item.user_properties.append((PROMISE, noted))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """One row a port, one column an engine."""
    outcomes = kept(terminalreporter)
    if outcomes:
        terminalreporter.section("promises x engines")
        for line in lines(outcomes):
            terminalreporter.write_line(line)


def kept(reporter: pytest.TerminalReporter) -> Outcomes:
    """What became of each promise that was tried."""
    worst = dict[tuple[str, str, str], str]()
    for outcome in WORST_FIRST:
        for report in reporter.stats.get(outcome, []):
            # A file that can't be collected has none.
            for name, noted in getattr(report, "user_properties", ()):
                if name == PROMISE:
                    worst.setdefault(tuple(noted), outcome)
    outcomes = defaultdict[tuple[str, str], list[str]](list)
    for (port, engine, _), outcome in worst.items():
        outcomes[port, engine].append(outcome)
    return outcomes


def lines(outcomes: Outcomes) -> Sequence[str]:
    """The table, as text."""
    ports = sorted({port for port, _ in outcomes})
    engines = sorted({engine for _, engine in outcomes})
    rows = [["", *engines]]
    rows += [[port, *(cell(outcomes.get((port, e), ())) for e in engines)] for port in ports]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]


def cell(outcomes: Sequence[str]) -> str:
    """How many promises were kept, and what became of the others."""
    others = [
        f"{outcomes.count(outcome)} {outcome}"
        for outcome in WORST_FIRST[:-1]
        if outcome in outcomes
    ]
    return ", ".join([str(outcomes.count("passed")), *others]) if outcomes else "-"
