"""`demand topology`: the table of all workers, its laws, and the documents derived from it."""

from pathlib import Path

import click

from demand_core.topology import TOPOLOGY
from demand_core.topology.checks import LAWS, problems
from entrypoints.diagram import files, outdated, woken_by

ROOT = click.option(
    "--root",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    default=Path(),
    help="Where README.md and docs/ stand.  [default: here]",
)


@click.group(invoke_without_command=True)
@click.pass_context
def topology(ctx: click.Context) -> None:
    """Who is woken by what."""
    if ctx.invoked_subcommand:
        return
    for row in TOPOLOGY:
        click.echo(f"{row.name}  ({row.subsystem}, {row.origin})")
        click.echo(f"  {row.about}")
        for trigger in row.triggers:
            click.echo(f"  woken by {woken_by(trigger)}, {row.batch_max} at once")
        for field, channel in row.outputs.items():
            click.echo(f"  {field} -> {channel.name}")


@topology.command()
def check() -> None:
    """Hold the table against its laws."""
    from entrypoints.simulation.stories import stories, uncovered

    found = problems(TOPOLOGY)
    found += found or [
        f"{row} has nothing to do in any scenario" for row in uncovered(stories())
    ]
    for line in found:
        click.echo(line, err=True)
    if found:
        raise SystemExit(1)
    click.echo(f"{len(TOPOLOGY)} workers, {len(LAWS)} laws of the table hold")


@topology.command()
@ROOT
def verify(root: Path) -> None:
    """Say which generated files are out of date."""
    stale = outdated(root)
    for name in stale:
        click.echo(
            f"{name} is not what the topology says: ./run demand topology write", err=True
        )
    if stale:
        raise SystemExit(1)
    click.echo("the generated files are what the topology says")


@topology.command()
@ROOT
def write(root: Path) -> None:
    """Write the generated files."""
    for path, text in files(root).items():
        path.write_text(text, encoding="utf-8")
        click.echo(path)
