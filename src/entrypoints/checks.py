"""Which promises are proven: the ids of `docs/checks.md` beside the marks in the tests.

Everything is read from text. No test is imported or run, so a promise counts as proven
when a test *says* that it proves it; whether that test passes is pytest's business.
"""

import ast
import re
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Final

from attrs import frozen

from demand_core.errors import DemandError

HEADER: Final = ["id", "promise"]
RULE: Final = re.compile(r":?-+:?")
WAITS: Final = re.compile(r"- (\S+) waits for (.+)")
CELL_BORDER: Final = re.compile(r"(?<!\\)\|")

FUNCTION: Final = (ast.FunctionDef, ast.AsyncFunctionDef)


class Unreadable(DemandError):
    """A document or a test source that cannot be understood; the message says where."""


@frozen
class Report:
    """What the tests prove. Promises stand in the document's order, tests in the sources'.

    Of those without a proof some wait for what is still to come, each with a sentence.
    """

    proven: Mapping[str, Sequence[str]]
    waiting: Mapping[str, str]
    unproven: Sequence[str]
    unknown: Mapping[str, Sequence[str]]


def report(
    promised: Iterable[str],
    proved: Mapping[str, Sequence[str]],
    waits: Mapping[str, str] = MappingProxyType({}),
) -> Report:
    """Sort every id that is promised or marked into exactly one of the four groups.

    Raises Unreadable for a sentence about what is not promised, or has its proof.
    """
    ids = tuple(promised)
    known = frozenset(ids)
    for check in waits:
        if check not in known or check in proved:
            why = "is proven" if check in proved else "is not promised"
            raise Unreadable(f"{check} {why}, yet a sentence says what it waits for")
    return Report(
        proven={check: proved[check] for check in ids if check in proved},
        waiting={check: waits[check] for check in ids if check in waits},
        unproven=tuple(check for check in ids if check not in proved and check not in waits),
        unknown={check: proved[check] for check in sorted(proved) if check not in known},
    )


def sentences(text: str) -> dict[str, str]:
    """What each promise waits for, by id, from the lines of *text* that say so."""
    found = map(WAITS.fullmatch, text.splitlines())
    return {line[1]: line[2] for line in found if line}


def promises(text: str) -> dict[str, str]:
    """Promise by id, from the tables of *text*, in their order.

    Raises Unreadable for a row that is not `| id | promise |` and for an id that stands
    twice: a row that were passed over would be a promise that nobody misses.
    """
    found: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.lstrip().startswith("|"):
            continue
        cells = _cells(line)
        if cells == HEADER or all(RULE.fullmatch(cell) for cell in cells):
            continue
        if len(cells) != len(HEADER) or not all(cells):
            raise Unreadable(f"line {number} is not a row of the form | id | promise |")
        check, promise = cells
        if check in found:
            raise Unreadable(f"line {number} promises {check} a second time")
        found[check] = promise
    return found


def _cells(line: str) -> list[str]:
    row = line.strip().removeprefix("|")
    cells = [cell.strip().replace(r"\|", "|") for cell in CELL_BORDER.split(row)]
    return cells if cells[-1] else cells[:-1]


def proofs(paths: Iterable[Path], *, root: Path = Path()) -> dict[str, list[str]]:
    """Names of the tests that carry each id, as `path::Class::test` with paths from *root*.

    Raises Unreadable for a source that is not Python, and for a mark whose ids are not
    plain strings, since such a mark would be lost without a word.
    """
    found: dict[str, list[str]] = {}
    for path in paths:
        name = (path.relative_to(root) if path.is_relative_to(root) else path).as_posix()
        for check, test in _marked(_parsed(path, name), name):
            tests = found.setdefault(check, [])
            if test not in tests:
                tests.append(test)
    return found


def _parsed(path: Path, name: str) -> ast.Module:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # an odd escape is the linter's business
            return ast.parse(path.read_bytes(), filename=name)
    except SyntaxError as error:
        raise Unreadable(f"{name}:{error.lineno or 1} is not Python: {error.msg}") from error
    except OSError as error:
        raise Unreadable(f"{name} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise Unreadable(f"{name} cannot be parsed: {error}") from error
    except (RecursionError, MemoryError) as error:
        raise Unreadable(f"{name} is nested too deeply to be parsed") from error


def _marked(
    scope: ast.Module | ast.ClassDef, name: str, outer: Sequence[str] = ()
) -> Iterator[tuple[str, str]]:
    """Pairs of id and test in *scope*, whose tests all carry its marks and the *outer* ones."""
    ids = (*outer, *_scope_ids(scope, name))
    tested = False
    for part in _statements(scope):
        if isinstance(part, FUNCTION) and part.name.startswith("test"):
            tested = True
            own = _ids(part.decorator_list, name)
            yield from ((check, f"{name}::{part.name}") for check in (*ids, *own))
        elif isinstance(part, ast.ClassDef):
            yield from _marked(part, f"{name}::{part.name}", ids)
    if isinstance(scope, ast.ClassDef) and not tested and _inherits_tests(scope):
        yield from ((check, name) for check in ids)


def _inherits_tests(scope: ast.ClassDef) -> bool:
    """Whether pytest will find tests of a parent here: a contract on one more adapter."""
    return scope.name.startswith("Test") and bool(scope.bases)


def _statements(node: ast.AST) -> Iterator[ast.stmt]:
    """Statements of *node* itself, those under an `if`, `try` or `with` among them."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.stmt):
            yield child
        if not isinstance(child, (ast.expr, ast.ClassDef, *FUNCTION)):
            yield from _statements(child)


def _scope_ids(scope: ast.Module | ast.ClassDef, name: str) -> Iterator[str]:
    """Ids that a class or a module gives to each of its tests."""
    if isinstance(scope, ast.ClassDef):
        yield from _ids(scope.decorator_list, name)
    for part in _statements(scope):
        match part:
            case (
                ast.Assign(targets=[ast.Name(id="pytestmark")], value=marks)
                | ast.AnnAssign(target=ast.Name(id="pytestmark"), value=ast.expr() as marks)
            ):
                yield from _ids([marks], name)


def _ids(expressions: Iterable[ast.expr], name: str) -> Iterator[str]:
    """Ids of the check marks anywhere in *expressions*, `pytest.param(marks=...)` included."""
    nodes = [node for expression in expressions for node in ast.walk(expression)]
    call_by_mark = {node.func: node for node in nodes if isinstance(node, ast.Call)}
    for mark in nodes:
        if isinstance(mark, ast.Attribute) and _is_check_mark(mark):
            ids = _plain_strings(call_by_mark.get(mark))
            if not ids:
                source = name.partition("::")[0]
                raise Unreadable(
                    f"{source}:{mark.lineno}: a check mark takes ids as plain strings"
                )
            yield from ids


def _plain_strings(call: ast.Call | None) -> list[str]:
    """Arguments of *call*, or none of them unless each one is a string literal."""
    if call is None or call.keywords:
        return []
    values = [arg.value for arg in call.args if isinstance(arg, ast.Constant)]
    ids = [value for value in values if isinstance(value, str)]
    return ids if len(ids) == len(call.args) else []


def _is_check_mark(node: ast.Attribute) -> bool:
    """Whether *node* is `pytest.mark.check`, or `mark.check` after an import of `mark`."""
    return node.attr == "check" and ast.unparse(node.value) in {"pytest.mark", "mark"}
