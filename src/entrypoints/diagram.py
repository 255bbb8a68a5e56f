"""The topology as people read it: a picture and a table, derived and never drawn."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from demand_core.errors import WiringError
from demand_core.topology import TOPOLOGY
from demand_core.topology.shapes import (
    Changes,
    Every,
    Queue,
    Request,
    Stream,
    Trigger,
    Upload,
    Worker,
)

BEGIN: Final = "<!-- the topology, generated: `./run demand topology write` -->"
END: Final = "<!-- end of the topology -->"
HEAD: Final = (
    "# Who is woken by what",
    "",
    "Derived from the tables in `src/demand_core/topology`. `./run check` fails when this file",
    "says something else.",
    "",
)
DOCUMENT: Final = "docs/topology.md"
README: Final = "README.md"


def woken_by(trigger: Trigger) -> str:
    """What wakes a row, in a few words."""
    match trigger:
        case Queue() | Stream():
            return f"{trigger.channel.kind.value} {trigger.channel.name}"
        case Changes():
            on = " or ".join(sorted(kind.value for kind in trigger.on))
            watching = f" of {', '.join(trigger.watching)}" if trigger.watching else ""
            return f"{on}{watching} in {trigger.kind} items"
        case Every():
            return f"every {trigger.period}"
        case Upload():
            return f"files under {trigger.prefix}"
        case Request():
            return f"a request {trigger.body.__name__}"


def mermaid(rows: Iterable[Worker]) -> Iterator[str]:
    """Who wakes whom."""
    yield "```mermaid"
    yield "flowchart LR"
    for row in rows:
        for trigger in row.triggers:
            yield f"  {_node(trigger)} --> {row.name}"
        for channel in row.outputs.values():
            yield f"  {row.name} --> {channel.name}[/{channel.name}/]"
    yield "```"


def table(rows: Iterable[Worker]) -> Iterator[str]:
    """One line for each worker."""
    yield "| worker | what it does | woken by | sends to |"
    yield "|---|---|---|---|"
    for row in rows:
        triggers = "; ".join(map(woken_by, row.triggers))
        outputs = ", ".join(channel.name for channel in row.outputs.values()) or "-"
        yield f"| `{row.name}` | {row.about} | {triggers} | {outputs} |"


def document(rows: Iterable[Worker]) -> str:
    """The whole of docs/topology.md."""
    rows = tuple(rows)
    return "\n".join([*HEAD, *mermaid(rows), "", *table(rows), "", *limits(rows), ""])


def limits(rows: Iterable[Worker]) -> Iterator[str]:
    """How much at once, how long, and what its queue does meanwhile."""
    yield "| worker | required name | at once | time | hidden | given up after | back within |"
    yield "|---|---|---|---|---|---|---|"
    for row in rows:
        retry = f"{row.retry.max_receive} receives | {row.retry.backoff}"
        took = f"{row.batch_max} | {row.timeout} | {row.visibility}"
        yield f"| `{row.name}` | `{row.origin}` | {took} | {retry} |"


def files(root: Path) -> dict[Path, str]:
    """Every generated file under *root*, as it should be."""
    readme = root / README
    return {
        root / DOCUMENT: document(TOPOLOGY),
        readme: _between(readme.read_text(encoding="utf-8"), "\n".join(table(TOPOLOGY))),
    }


def outdated(root: Path) -> list[str]:
    """The generated files that are not what they should be."""
    return [
        str(path.relative_to(root))
        for path, text in files(root).items()
        if not path.is_file() or path.read_text(encoding="utf-8") != text
    ]


def _node(trigger: Trigger) -> str:
    match trigger:
        case Queue() | Stream():
            return f"{trigger.channel.name}[/{trigger.channel.name}/]"
        case Changes():
            return f"changes_{trigger.kind}[({trigger.kind} items)]"
        case Every():
            return f"every_{int(trigger.period.total_seconds())}s((every {trigger.period}))"
        case Upload():
            return f"files_{trigger.prefix.strip('/')}[{trigger.prefix}]"
        case Request():
            return f"request_{trigger.body.__name__}>{trigger.body.__name__}]"


def _between(text: str, generated: str) -> str:
    head, begin, rest = text.partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not begin or not end:
        raise WiringError(f"{README} has no place for the topology: {BEGIN}")
    return f"{head}{BEGIN}\n{generated}\n{END}{tail}"
