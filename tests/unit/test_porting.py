"""The guide for a store of one's own: its code runs, and its slips are caught as it says."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import Final, get_args, get_type_hints

import pytest

import demand_adapters.testing
from demand_adapters.testing.contract import Contract
from demand_adapters.testing.fault_plans import Kind

ROOT: Final = Path(__file__).parents[2]
PAGE: Final = (ROOT / "docs/porting.md").read_text(encoding="utf-8")
FILES: Final[dict[str, str]] = dict(
    re.findall(r"^```python\n# (\S+)\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
)
STORE: Final = "text_table.py"


def table(caption: str) -> list[list[str]]:
    """The rows under a caption of the page, without their backticks."""
    _, _, below = PAGE.partition(f"*{caption}:*\n\n")
    lines = below.partition("\n\n")[0].splitlines()[2:]
    return [[cell.strip().strip("`") for cell in line.split("|")[1:-1]] for line in lines]


def tried(folder: Path, *arguments: str, **changed: str) -> subprocess.CompletedProcess[str]:
    """The page's files, the store *changed*, run as its reader would run them."""
    for name, text in FILES.items():
        folder.joinpath(name).write_text(changed.get(name, text), encoding="utf-8")
    options = ["-q", "-W", "error", "--hypothesis-seed=0", *arguments]
    env = os.environ | {"PYTHONPATH": str(ROOT / "src")}
    return subprocess.run(
        [sys.executable, "-m", "pytest", *options],
        cwd=folder,
        env=env,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )


def test_the_store_of_the_page_keeps_every_promise(tmp_path: Path) -> None:
    done = tried(tmp_path)
    assert done.returncode == 0, done.stdout
    assert re.search(r"^ItemTable +\d+$", done.stdout, re.MULTILINE)
    assert re.search(r"^ItemTable, any calls +\d+$", done.stdout, re.MULTILINE)


@pytest.mark.parametrize(("right", "wrong", "promise"), table("Slips, tried"))
def test_a_slip_is_caught_by_the_promise_that_the_page_names(
    tmp_path: Path, right: str, wrong: str, promise: str
) -> None:
    assert FILES[STORE].count(right) == 1
    changed = {STORE: FILES[STORE].replace(right, wrong)}
    done = tried(tmp_path, "-k", promise, **changed)
    assert f"::{promise}" in done.stdout
    assert re.search(r"^ItemTable +0, 1 failed$", done.stdout, re.MULTILINE), done.stdout


def test_every_kind_of_fault_is_explained() -> None:
    assert [name for name, _ in table("Kinds of fault, checked")] == [k.value for k in Kind]


def contracts() -> Iterator[Sequence[str]]:
    """Module, class and what it is tried on, of all that can be inherited."""
    for found in iter_modules(demand_adapters.testing.__path__):
        module = import_module(f"{demand_adapters.testing.__name__}.{found.name}")
        for name, kind in vars(module).items():
            ours = isinstance(kind, type) and kind.__module__ == module.__name__
            if ours and issubclass(kind, Contract) and "port" in vars(kind):
                yield found.name, name, hand(kind)


def hand(kind: type[Contract[object]]) -> str:
    if hasattr(kind, "fresh_table"):
        given = get_type_hints(kind.fresh_table)["return"]
    else:
        (given,) = vars(kind)["__orig_bases__"]
    return str(get_args(given)[0].__name__)


def test_every_contract_is_listed_with_what_it_is_tried_on() -> None:
    assert table("Contracts, checked") == [*map(list, contracts())]
