"""The `demand` command: nouns, then verbs.

Data goes to stdout, everything else to stderr. Exit codes: 0 done, 1 some of it failed, 2 wrong
usage, 3 refused by a rule, 4 a service is unavailable, 5 wrong configuration, 130 interrupted.
"""

import sys
import zoneinfo
from pathlib import Path
from typing import Final

import click

from demand_core.errors import DemandError, Permanent, Transient
from entrypoints.cli import archive_files, archive_queries  # noqa: F401  # they add to archive
from entrypoints.cli.archive import archive
from entrypoints.cli.checks import checks
from entrypoints.cli.config import config
from entrypoints.cli.demo import demo
from entrypoints.cli.doctor import doctor
from entrypoints.cli.event import event
from entrypoints.cli.message import message
from entrypoints.cli.options import Given
from entrypoints.cli.phone import phone
from entrypoints.cli.privacy import privacy
from entrypoints.cli.reminder import reminder
from entrypoints.cli.run import run
from entrypoints.cli.schema import schema
from entrypoints.cli.sim import sim
from entrypoints.cli.topology import topology
from entrypoints.cli.trace import trace
from entrypoints.cli.twin import twin_command
from entrypoints.settings import PROFILES

CODES: Final[tuple[tuple[type[DemandError], int], ...]] = (
    (Permanent, 3),
    (Transient, 4),
    (DemandError, 5),
)


class _Commands(click.Group):
    """Turns what `demand` raises on purpose into one sentence and an exit code."""

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except DemandError as error:
            click.echo(f"demand: {error}", err=True)
            sys.exit(next(code for kind, code in CODES if isinstance(error, kind)))
        except KeyboardInterrupt:
            sys.exit(130)


@click.group(cls=_Commands)
@click.option(
    "--config",
    "file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A TOML file with settings.  [default: $DEMAND_CONFIG, else ./demand.toml if there]",
)
@click.option("--profile", type=click.Choice(PROFILES), help="Which engines to run on.")
@click.pass_context
def main(ctx: click.Context, file: Path | None, profile: str | None) -> None:
    """Reminders, presale draws, access codes and the archive of a ticket sale."""
    # Rules of zones change every year, and a machine's own may be older than those we brought.
    zoneinfo.reset_tzpath(to=())
    ctx.obj = Given(file, profile)


for command in (
    archive,
    checks,
    config,
    demo,
    doctor,
    event,
    message,
    phone,
    privacy,
    reminder,
    run,
    schema,
    sim,
    topology,
    trace,
    twin_command,
):
    main.add_command(command)
