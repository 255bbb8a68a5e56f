"""`demand checks`: what is promised, and which tests prove it."""

import json
import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final

import click

from entrypoints.checks import Report, Unreadable, promises, proofs, report, sentences

DOCUMENT: Final = "docs/checks.md"
# The contracts are tests too, which every engine inherits.
TESTS: Final = ("src/demand_adapters/testing", "tests")
SCHEMA_VERSION: Final = 1
UNKNOWN_IDS: Final = 1


class Refused(click.ClickException):
    """No report can be made; the message says what is missing or broken."""

    exit_code = 5


@click.command
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@click.option(
    "--unproven", "only_unproven", is_flag=True, help="List only what no test proves."
)
@click.option(
    "--root",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="The project's folder. Default: the nearest one upwards with a pyproject.toml.",
)
@click.pass_context
def checks(
    context: click.Context, *, as_json: bool, only_unproven: bool, root: Path | None
) -> None:
    """List every promise with the tests that prove it.

    Exits with 1 if a test is marked with an id that is not promised, and with 5 if the
    list of promises or a test cannot be read.
    """
    promised, found = _read(root or _project_above(Path.cwd()))
    if as_json:
        _print([json.dumps(_document(found, only_unproven=only_unproven), indent=2)])
    else:
        _print(_lines(promised, found, only_unproven=only_unproven))
        _print(_complaints(found.unknown), err=True)
    context.exit(UNKNOWN_IDS if found.unknown else 0)


def _project_above(folder: Path) -> Path:
    for candidate in (folder, *folder.parents):
        if (candidate / "pyproject.toml").is_file():
            return candidate
    raise Refused(
        f"There is no pyproject.toml in {folder} or above: name the project by --root."
    )


def _read(root: Path) -> tuple[Mapping[str, str], Report]:
    try:
        text = (root / DOCUMENT).read_text(encoding="utf-8")
        promised, waits = promises(text), sentences(text)
    except FileNotFoundError as error:
        raise Refused(f"There is no {DOCUMENT} in {root}.") from error
    except OSError as error:
        raise Refused(f"{DOCUMENT} in {root} cannot be read: {error.strerror}.") from error
    except (Unreadable, UnicodeDecodeError) as error:
        raise Refused(f"{DOCUMENT}: {error}.") from error
    found = (path for folder in TESTS for path in (root / folder).rglob("*.py"))
    sources = sorted(path for path in found if path.is_file())
    try:
        return promised, report(promised, proofs(sources, root=root), waits)
    except Unreadable as error:
        raise Refused(f"{error}.") from error


def _document(found: Report, *, only_unproven: bool) -> dict[str, object]:
    proven = {} if only_unproven else {"proven": dict(found.proven)}
    return {
        "schemaVersion": SCHEMA_VERSION,
        "counts": {
            "promised": len(found.proven) + len(found.waiting) + len(found.unproven),
            "proven": len(found.proven),
            "waiting": len(found.waiting),
            "unproven": len(found.unproven),
            "unknown": len(found.unknown),
        },
        **proven,
        "waiting": dict(found.waiting),
        "unproven": found.unproven,
        "unknown": dict(found.unknown),
    }


def _lines(promised: Mapping[str, str], found: Report, *, only_unproven: bool) -> Iterator[str]:
    width = max(map(len, promised), default=0)
    for check in found.unproven if only_unproven else promised:
        yield f"{check:{width}}  {_state(check, found):8}  {promised[check]}"
        if check in found.waiting:
            yield f"    for {found.waiting[check]}"
        yield from (f"    {test}" for test in found.proven.get(check, ()))
    yield (
        f"{len(found.proven)} of {len(promised)} promises proven, {len(found.waiting)} wait, "
        f"{len(found.unproven)} unproven, {len(found.unknown)} unknown."
    )


def _state(check: str, found: Report) -> str:
    if check in found.proven:
        return "proven"
    return "waits" if check in found.waiting else "unproven"


def _complaints(unknown: Mapping[str, Iterable[str]]) -> Iterator[str]:
    for check, tests in unknown.items():
        yield f"{check} is not promised in {DOCUMENT}, yet these tests claim to prove it:"
        yield from (f"    {test}" for test in tests)


def _print(lines: Iterable[str], *, err: bool = False) -> None:
    """Print *lines* for as long as somebody reads them, as `| head` does not."""
    try:
        for line in lines:
            click.echo(line, err=err)
    except BrokenPipeError:
        # What is still buffered needs a place to go when the interpreter ends.
        stream = sys.stderr if err else sys.stdout
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
