"""Our own source, held against the habits that no linter knows.

Each rule is a function from one parsed module to what it finds there, with a sample that breaks
it and no other. Samples are text, so that this file may show what it forbids.
"""

import ast
import builtins
import io
import re
import tokenize
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Final, TypeAlias

import pytest
from attrs import define

PROJECT: Final = Path(__file__).parents[2]
FOLDERS: Final = ("src", "tests", "benchmarks")

CORE: Final = "src/demand_core/"
WORKERS: Final = f"{CORE}workers/"
PORTS: Final = f"{CORE}ports/"
# The contracts are tests too, which others run.
TESTS: Final = ("tests/", "src/demand_adapters/testing/")
TYPED: Final = (WORKERS, PORTS, f"{CORE}domain/")

CODE_LINES_MAX: Final = 300
LINES_MAX: Final[Mapping[str, int]] = {WORKERS: 90, PORTS: 65, CORE: 250}
FUNCTION_LINES_MAX: Final = 40

INSTEAD: Final[Mapping[str, str]] = {
    "datetime.datetime.now": "ask the Clock port",
    "datetime.datetime.utcnow": "ask the Clock port",
    "datetime.datetime.today": "ask the Clock port",
    "datetime.date.today": "ask the Clock port",
    "time": "ask the Clock port",
    "uuid": "take Entropy.fresh_id",
    "secrets": "take Entropy.fresh_id",
    "random": "draw from Entropy.stream",
    "os.environ": "take a policy that is made of the Settings",
    "os.getenv": "take a policy that is made of the Settings",
    "print": "answer an outcome; the entry point speaks",
    "logging": "answer a reason; the entry point reports it",
    "open": "take a FileStore",
}
HOMES: Final[Mapping[str, str]] = {
    "boto3": "src/demand_adapters/aws/",
    "botocore": "src/demand_adapters/aws/",
    "fastavro": "src/demand_adapters/wire/avro/",
    "httpcore": "src/demand_adapters/http/",
    "httpx": "src/demand_adapters/http/",
}
NO_NOUNS: Final = frozenset({"manager", "managers", "helper", "helpers", "util", "utils"})
NO_FILES: Final = NO_NOUNS | {"common", "misc", "base"}
LEFT_OVER: Final = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")
BARE_IGNORE: Final = re.compile(r"#\s*type:\s*ignore(?!\[)")
WORD: Final = re.compile(r"[A-Z]?[a-z0-9]+|[A-Z]+")
DEFINITION: Final = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
SETS: Final = frozenset({"set", "frozenset"})


@define(slots=False)
class Module:
    """One file: *path* is seen from the project's folder."""

    path: str
    text: str

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text)

    @cached_property
    def nodes(self) -> list[ast.AST]:
        return list(ast.walk(self.tree))

    @cached_property
    def tokens(self) -> list[tokenize.TokenInfo]:
        return list(tokenize.generate_tokens(io.StringIO(self.text).readline))

    @cached_property
    def comments(self) -> list[tokenize.TokenInfo]:
        return [token for token in self.tokens if token.type == tokenize.COMMENT]

    @cached_property
    def docstrings(self) -> list[ast.Constant]:
        kinds = (ast.Module, *DEFINITION)
        holders = [node for node in self.nodes if isinstance(node, kinds) and node.body]
        firsts = (holder.body[0] for holder in holders)
        values = [first.value for first in firsts if isinstance(first, ast.Expr)]
        return [v for v in values if isinstance(v, ast.Constant) and isinstance(v.value, str)]

    @cached_property
    def functions(self) -> list[ast.FunctionDef]:
        return [node for node in self.nodes if isinstance(node, ast.FunctionDef)]

    @cached_property
    def imported(self) -> dict[str, str]:
        """What each imported name stands for, in full."""
        names = dict[str, str]()
        for node in self.nodes:
            match node:
                case ast.Import():
                    for alias in node.names:
                        full = alias.name if alias.asname else alias.name.partition(".")[0]
                        names[alias.asname or full] = full
                case ast.ImportFrom(module=str(module)):
                    for alias in node.names:
                        names[alias.asname or alias.name] = f"{module}.{alias.name}"
        return names

    @cached_property
    def mentioned(self) -> list[tuple[int, str]]:
        """Every name that is imported or used, in full, with its line."""
        found = list[tuple[int, str]]()
        for node in self.nodes:
            match node:
                case ast.Import():
                    found += [(node.lineno, alias.name) for alias in node.names]
                case ast.ImportFrom(module=str(module)):
                    found += [(node.lineno, f"{module}.{alias.name}") for alias in node.names]
                case ast.Attribute() | ast.Name():
                    first, dot, rest = ast.unparse(node).partition(".")
                    full = self.imported.get(first, first)
                    if first in self.imported or hasattr(builtins, first):
                        found.append((node.lineno, full + dot + rest))
        return found

    @property
    def is_test(self) -> bool:
        return self.path.startswith(TESTS)


Rule: TypeAlias = Callable[[Module], Iterator[str]]


def within(name: str, banned: str) -> bool:
    return name == banned or name.startswith(f"{banned}.")


def no_outside_in_the_core(module: Module) -> Iterator[str]:
    """No clock, chance, environment, file or output: each is a port, a policy or an answer."""
    if not module.path.startswith(CORE):
        return
    for line, name in module.mentioned:
        for banned, instead in INSTEAD.items():
            # The generator's type is what a port gives; making one takes a seed from outside.
            if within(name, banned) and name not in {"random.Random", "random"}:
                yield f"{line}: {name}: {instead}"


def no_seedless_chance_in_the_core(module: Module) -> Iterator[str]:
    if not module.path.startswith(CORE):
        return
    for node in module.nodes:
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("Random"):
            yield f"{node.lineno}: a generator of its own: {INSTEAD['random']}"


def no_client_away_from_home(module: Module) -> Iterator[str]:
    for line, name in module.mentioned:
        for client, home in HOMES.items():
            away = module.path.startswith("src/") and not module.path.startswith(home)
            if away and within(name, client):
                yield f"{line}: {client} belongs to {home}"


def no_mocks(module: Module) -> Iterator[str]:
    for line, name in module.mentioned:
        if within(name, "unittest.mock") or within(name, "mock"):
            yield f"{line}: {name}: write a small class that does what the port promises"


def no_sleep_in_tests(module: Module) -> Iterator[str]:
    for line, name in module.mentioned:
        if module.is_test and within(name, "time.sleep"):
            yield f"{line}: move a MemoryClock, or wait for what you wait for"


def no_any_where_types_matter(module: Module) -> Iterator[str]:
    for line, name in module.mentioned:
        if name == "typing.Any" and module.path.startswith(TYPED):
            yield f"{line}: name the type, or use object"


def no_ignore_without_a_code(module: Module) -> Iterator[str]:
    for comment in module.comments:
        if BARE_IGNORE.search(comment.string):
            yield f"{comment.start[0]}: say which error is ignored: `type: ignore[code]`"


def no_hints_as_text(module: Module) -> Iterator[str]:
    """The wiring and the laws read the hints of workers and ports at run time."""
    for line, name in module.mentioned:
        if name == "__future__.annotations" and module.path.startswith((WORKERS, PORTS)):
            yield f"{line}: the wiring reads annotations: quote the one that needs it"


def no_handler_for_everything(module: Module) -> Iterator[str]:
    for node in module.nodes:
        if isinstance(node, ast.ExceptHandler):
            caught = ast.unparse(node.type) if node.type else "BaseException"
            if "BaseException" in caught:
                yield f"{node.lineno}: catch what you can answer: Transient or Permanent"
            elif "Exception" in re.findall(r"\w+", caught) and _silent(node.body):
                yield f"{node.lineno}: a bug must fly: catch Transient or Permanent"


def _silent(body: list[ast.stmt]) -> bool:
    return all(
        isinstance(s, ast.Pass | ast.Continue)
        or (isinstance(s, ast.Expr) and isinstance(s.value, ast.Constant))
        for s in body
    )


def no_set_at_a_port(module: Module) -> Iterator[str]:
    """A set comes in another order in every process: the same seed, another world."""
    if not module.path.startswith(WORKERS):
        return
    for function in module.functions:
        named = _names_of_sets(function)
        for node in ast.walk(function):
            if isinstance(node, ast.Call) and _is_port_call(node.func):
                given = [*node.args, *(keyword.value for keyword in node.keywords)]
                if any(_shows_a_set(part, named) for part in given):
                    asked = ast.unparse(node.func)
                    yield f"{node.lineno}: {asked}: tuple(dict.fromkeys(...)) keeps the order"


def _is_port_call(node: ast.expr) -> bool:
    """Whether it is `self.field.method`."""
    match node:
        case ast.Attribute(value=ast.Attribute(value=ast.Name(id="self"))):
            return True
    return False


def _is_set(node: ast.AST, named: set[str]) -> bool:
    match node:
        case ast.Set() | ast.SetComp():
            return True
        case (
            ast.Call(func=ast.Name(id=name))
            | ast.Call(func=ast.Subscript(value=ast.Name(id=name)))
        ):
            return name in SETS
        case ast.Name(id=name):
            return name in named
    return False


def _names_of_sets(function: ast.FunctionDef) -> set[str]:
    found = set[str]()
    for node in ast.walk(function):
        match node:
            case (
                ast.Assign(targets=[ast.Name(id=name)], value=ast.expr() as value)
                | ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value)
            ) if _is_set(value, set()):
                found.add(name)
    return found


def _shows_a_set(node: ast.AST, named: set[str]) -> bool:
    """Whether a set, or a list made of one, is passed on; what only asks it does no harm."""
    if _is_set(node, named):
        return True
    match node:
        case ast.Call(func=ast.Name(id="sorted" | "len" | "sum" | "min" | "max")):
            return False
        case ast.Compare():
            return False
    return any(_shows_a_set(part, named) for part in ast.iter_child_nodes(node))


def no_long_module(module: Module) -> Iterator[str]:
    """The core by all that one sees; elsewhere comments and docstrings are free."""
    if module.is_test or not module.path.startswith("src/"):
        return
    lines = len(module.text.splitlines())
    for folder, most in LINES_MAX.items():
        if module.path.startswith(folder):
            if lines > most:
                yield f"{lines} lines, of at most {most}: one file, one thing"
            return
    code = _lines_of_code(module)
    if code > CODE_LINES_MAX:
        yield f"{code} lines of code, of at most {CODE_LINES_MAX}: one file, one thing"


def _lines_of_code(module: Module) -> int:
    blank = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT}
    lines = set[int]()
    for token in module.tokens:
        if token.type not in blank | {tokenize.ENDMARKER}:
            lines.update(range(token.start[0], token.end[0] + 1))
    for text in module.docstrings:
        lines.difference_update(range(text.lineno, (text.end_lineno or text.lineno) + 1))
    return len(lines)


def no_long_function(module: Module) -> Iterator[str]:
    for function in module.functions:
        lines = (function.end_lineno or 0) - function.lineno + 1
        if lines > FUNCTION_LINES_MAX:
            yield f"{function.lineno}: {function.name} has {lines} lines: name its parts"


def no_file_for_anything(module: Module) -> Iterator[str]:
    if NO_FILES & set(_words(Path(module.path).stem)):
        yield "say what is in there"


def no_name_for_anything(module: Module) -> Iterator[str]:
    for node in module.nodes:
        if isinstance(node, DEFINITION) and NO_NOUNS & set(_words(node.name)):
            yield f"{node.lineno}: {node.name}: say what it does"


def _words(name: str) -> list[str]:
    return [word.casefold() for word in WORD.findall(name)]


def no_left_over(module: Module) -> Iterator[str]:
    for comment in module.comments:
        if LEFT_OVER.search(comment.string):
            yield f"{comment.start[0]}: do it, or write it down where it is planned"
    for text in module.docstrings:
        if LEFT_OVER.search(str(text.value)):
            yield f"{text.lineno}: do it, or write it down where it is planned"


def _tests(module: Module) -> list[ast.FunctionDef]:
    named = [f for f in module.functions if f.name.startswith("test_")]
    return named if module.is_test else []


def no_test_without_a_check(module: Module) -> Iterator[str]:
    for test in _tests(module):
        if not any(_checks(node) for node in ast.walk(test)):
            yield f"{test.lineno}: {test.name} could never fail"


def _checks(node: ast.AST) -> bool:
    match node:
        case ast.Assert():
            return True
        case ast.Call(func=ast.Attribute(attr=name)) | ast.Call(func=ast.Name(id=name)):
            return name in {"raises", "warns"} or name.startswith(("check", "assert"))
    return False


def no_test_without_a_sentence(module: Module) -> Iterator[str]:
    for test in _tests(module):
        if len(_words(test.name)) < 4:
            yield f"{test.lineno}: {test.name}: say what must hold, as a sentence"
        if test.returns is None or ast.unparse(test.returns) != "None":
            yield f"{test.lineno}: {test.name} answers None: say so, or mypy passes it over"


RULES: Final[tuple[Rule, ...]] = (
    no_outside_in_the_core,
    no_seedless_chance_in_the_core,
    no_client_away_from_home,
    no_mocks,
    no_sleep_in_tests,
    no_any_where_types_matter,
    no_ignore_without_a_code,
    no_hints_as_text,
    no_handler_for_everything,
    no_set_at_a_port,
    no_long_module,
    no_long_function,
    no_file_for_anything,
    no_name_for_anything,
    no_left_over,
    no_test_without_a_check,
    no_test_without_a_sentence,
)


def findings(module: Module) -> dict[str, list[str]]:
    """What each rule finds in *module*; rules that find nothing are left out."""
    found = {rule.__name__: list(rule(module)) for rule in RULES}
    return {name: lines for name, lines in found.items() if lines}


WORKER: Final = f"{WORKERS}reminders/shorten.py"
STORE: Final = "src/demand_adapters/stores/pace.py"
TEST: Final = "tests/unit/test_it.py"
CONTRACT: Final = "src/demand_adapters/testing/pace.py"

CALLED: Final = """\
class Work:
    def __call__(self, batch, away):
        ids = {{record.body for record in batch}}
        more: list = set[str]()
        return {}
"""

# What breaks each rule: the file and its text.
PLANTED: Final[Mapping[str, list[tuple[str, str]]]] = {
    "no_outside_in_the_core": [
        (WORKER, "from datetime import datetime\nat = datetime.now()\n"),
        (WORKER, "from datetime import datetime as dt\nat = dt.utcnow()\n"),
        (WORKER, "import datetime\nat = datetime.datetime.today()\n"),
        (WORKER, "from datetime import date\nday = date.today\n"),
        (WORKER, "import time\n"),
        (WORKER, "from time import monotonic\n"),
        (WORKER, "from uuid import uuid4\n"),
        (WORKER, "import secrets\n"),
        (WORKER, "import random\nn = random.random()\n"),
        (WORKER, "from random import choice\n"),
        (WORKER, "import os\nkey = os.environ['KEY']\n"),
        (WORKER, "from os import getenv\n"),
        (WORKER, "import logging\n"),
        (WORKER, "print('done')\n"),
        (f"{CORE}batch.py", "text = open('a').read()\n"),
    ],
    "no_seedless_chance_in_the_core": [
        (WORKER, "from random import Random\nchance = Random()\n"),
        (WORKER, "import random\nchance = random.Random(7)\n"),
    ],
    "no_client_away_from_home": [
        (STORE, "import boto3\n"),
        (STORE, "from botocore.config import Config\n"),
        ("src/demand_adapters/aws/calls.py", "from httpx import Client\n"),
        ("src/demand_adapters/wire/bodies.py", "import fastavro\n"),
    ],
    "no_mocks": [
        (TEST, "from unittest.mock import Mock\n"),
        (TEST, "from unittest import mock\n"),
        (STORE, "import unittest.mock as m\n"),
    ],
    "no_sleep_in_tests": [
        (TEST, "import time\ntime.sleep(1)\n"),
        (TEST, "from time import sleep as wait\n"),
        (CONTRACT, "import time\ntime.sleep(1)\n"),
    ],
    "no_any_where_types_matter": [
        (WORKER, "from typing import Any\n"),
        (f"{PORTS}clock.py", "import typing\ndef f(x: typing.Any) -> None: ...\n"),
    ],
    "no_ignore_without_a_code": [
        (STORE, "x = 1  # type: ignore\n"),
        (TEST, "x = 1  # type:ignore  # because\n"),
    ],
    "no_hints_as_text": [(WORKER, "from __future__ import annotations\n")],
    "no_handler_for_everything": [
        (STORE, "try:\n    x = 1\nexcept:\n    x = 2\n"),
        (STORE, "try:\n    x = 1\nexcept BaseException:\n    raise\n"),
        (STORE, "try:\n    x = 1\nexcept (ValueError, BaseException) as e:\n    x = e\n"),
        (STORE, "try:\n    x = 1\nexcept Exception:\n    pass\n"),
        (
            TEST,
            "for _ in ():\n    try:\n        x = 1\n    except Exception:\n        continue\n",
        ),
        (STORE, "try:\n    x = 1\nexcept Exception:\n    ...\n"),
    ],
    "no_set_at_a_port": [
        (WORKER, CALLED.format(call))
        for call in (
            "self.events.get_many({r.body for r in batch})",
            "self.events.get_many({'E1', 'E2'})",
            "self.requests.send(set(batch))",
            "self.requests.send(frozenset[str](batch))",
            "self.requests.send(bodies={'E1'})",
            "self.requests.send(*{'E1'})",
            "self.events.get_many(tuple({r.body for r in batch}))",
            "self.events.get_many([EventId(e) for e in set(batch)])",
            "self.events.get_many(ids)",
            "self.events.get_many(list(more))",
        )
    ],
    "no_long_module": [
        (WORKER, "x = 1\n" * 91),
        (f"{PORTS}clock.py", '"""One."""\n' + "\n" * 65),
        (f"{CORE}domain/events.py", "# a word\n" * 251),
        (STORE, "x = 1\n" * 301),
    ],
    "no_long_function": [
        (STORE, "def f() -> None:\n" + "    x = 1\n" * 40),
        (TEST, "class A:\n    def f(self) -> None:\n" + "        x = 1\n" * 40),
    ],
    "no_file_for_anything": [
        ("src/demand_adapters/utils.py", ""),
        ("src/demand_core/domain/event_helpers.py", ""),
        ("tests/unit/common.py", ""),
    ],
    "no_name_for_anything": [
        (STORE, "class PaceManager: ...\n"),
        (STORE, "def pace_helper() -> None: ...\n"),
        (TEST, "class A:\n    def utilsFor(self) -> None: ...\n"),
    ],
    "no_left_over": [
        (STORE, "x = 1  # TODO: more\n"),
        (STORE, "def f() -> None:\n    '''Do it. FIXME'''\n"),
        (TEST, "# XXX\n"),
    ],
    "no_test_without_a_check": [
        (TEST, "def test_nothing_goes_wrong() -> None:\n    print(1)\n"),
        (TEST, "class TestIt:\n    def test_it_is_there(self) -> None: ...\n"),
    ],
    "no_test_without_a_sentence": [
        (TEST, "def test_pace_take() -> None:\n    assert 1\n"),
        (TEST, "def test_a_gate_opens_again():\n    assert 1\n"),
    ],
}

# What comes near and is right.
INNOCENT: Final = [
    (WORKER, "from datetime import datetime\ndef f(now: datetime) -> None: ...\n"),
    (WORKER, "from random import Random\ndef f(chance: Random) -> None: ...\n"),
    (WORKER, "def f(time: Time) -> int:\n    return time.now + reopen(print_of(time))\n"),
    (STORE, "import time\nat = time.time()\nprint(at)\n"),
    (TEST, "from typing import Any\nimport time\nat = time.monotonic()\n"),
    ("src/demand_adapters/aws/calls.py", "import boto3\n"),
    (STORE, "x = 1  # type: ignore[misc]  # why\ny = '# type: ignore, TODO'\n"),
    (STORE, "try:\n    x = 1\nexcept Exception as error:\n    raise ValueError from error\n"),
    (STORE, "class S:\n    def f(self) -> None:\n        self.table.get({1})\n"),
    (WORKER, CALLED.format("self.events.get_many(tuple(dict.fromkeys(batch)))")),
    (WORKER, CALLED.format("self.events.get_many([r for r in batch if r.body in ids])")),
    (WORKER, CALLED.format("self.events.get_many(sorted(ids))")),
    (WORKER, CALLED.format("Outcome(retry=frozenset(batch))")),
    (STORE, '"""Many words."""\n' + "# a word\n\n" * 300 + "x = 1\n" * 300),
    (WORKER, "x = 1\n" * 90),
    (STORE, "def f() -> None:\n" + "    x = 1\n" * 39),
    ("src/demand_core/domain/basement.py", "class Utility: ...\ndef manage() -> None: ...\n"),
    (TEST, "def test_it_is_refused() -> None:\n    with pytest.raises(E):\n        f()\n"),
    (TEST, "def test_it_is_checked() -> None:\n    check_everything()\n"),
]

TREE: Final = sorted(
    path.relative_to(PROJECT).as_posix()
    for folder in FOLDERS
    for path in (PROJECT / folder).rglob("*.py")
)


@pytest.mark.parametrize(
    ("rule", "path", "text"),
    [(rule, path, text) for rule, samples in PLANTED.items() for path, text in samples],
)
def test_what_breaks_a_rule_is_found_by_that_rule_alone(
    rule: str, path: str, text: str
) -> None:
    assert findings(Module(path, text)).keys() == {rule}


@pytest.mark.parametrize(("path", "text"), INNOCENT)
def test_what_only_looks_like_it_is_let_pass(path: str, text: str) -> None:
    assert findings(Module(path, text)) == {}


def test_no_rule_is_without_a_sample_that_breaks_it() -> None:
    assert PLANTED.keys() == {rule.__name__ for rule in RULES}
    assert all(PLANTED.values())


def test_a_finding_says_where_it_is_and_what_to_do_instead() -> None:
    for banned, instead in INSTEAD.items():
        used = "random.choice" if banned == "random" else banned
        text = f"import datetime, os, {banned.partition('.')[0]}\nx = {used}\n"
        found = findings(Module(WORKER, text))["no_outside_in_the_core"]
        assert f"2: {used}: {instead}" in found


def test_the_whole_tree_is_looked_at() -> None:
    assert {"src/demand_core/batch.py", "tests/unit/test_tidy.py"} <= set(TREE)
    assert len(TREE) > 80


@pytest.mark.parametrize("path", TREE)
def test_our_own_source_keeps_every_rule(path: str) -> None:
    assert findings(Module(path, (PROJECT / path).read_text(encoding="utf-8"))) == {}
