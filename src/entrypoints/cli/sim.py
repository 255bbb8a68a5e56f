"""`demand sim`: scenarios, played on one seed."""

import json
import math
from collections.abc import Mapping

import attrs
import click

from entrypoints.cli.options import Given, given
from entrypoints.simulation.scenarios import SCENARIOS, Report, play
from entrypoints.simulation.world import WEATHERS

SCHEMA_VERSION = 1


def _number(_: click.Context, __: click.Parameter, value: float) -> float:
    if math.isnan(value):
        raise click.BadParameter("not a number")
    return value


@click.group()
def sim() -> None:
    """Play what could happen, in virtual time."""


@sim.command(name="list")
def listed() -> None:
    """Name the scenarios."""
    for name in SCENARIOS:
        click.echo(name)


@sim.command()
@click.argument("name", type=click.Choice(list(SCENARIOS)))
@click.option("--seed", type=click.IntRange(0), default=7, show_default=True)
@click.option(
    "--scale",
    type=click.FloatRange(0, 1000, min_open=True),
    default=1.0,
    show_default=True,
    callback=_number,
    help="How many times as large as usual.",
)
@click.option("--faults", type=click.Choice(list(WEATHERS)), default="none", show_default=True)
@click.option("--json", "as_json", is_flag=True, help="One document instead of a table.")
@given
def run(
    options: Given, name: str, seed: int, scale: float, faults: str, *, as_json: bool
) -> None:
    """Play NAME and hold what came of it against what must.

    The same seed and settings give the same run, byte for byte but for `wall_s`.
    """
    settings = options.settings()
    report = play(name, seed=seed, scale=scale, faults=faults, settings=settings)
    if as_json:
        document = {"schemaVersion": SCHEMA_VERSION, **attrs.asdict(report)}
        click.echo(json.dumps(document, indent=1))
    else:
        click.echo("\n".join(lines(report)))
    if not report.ok:
        raise SystemExit(1)


def lines(report: Report) -> list[str]:
    """Expected beside observed, and what it took."""
    width = max(map(len, report.observed))
    told = [f"{'':{width}}  expected  observed"]
    for name, observed in report.observed.items():
        expected = report.expected.get(name)
        wrong = "  <- differs" if name in report.differences else ""
        shown = "" if expected is None else str(expected)
        told.append(f"{name:{width}}  {shown:>8}  {observed:>8}{wrong}")
    told.append(f"faults: {kinds(report.faults)}")
    told.append(f"{report.port_calls} calls of drivers in {report.virtual_s} virtual seconds")
    return told


def kinds(faults: Mapping[str, int]) -> str:
    """How many faults of each kind."""
    return ", ".join(f"{count} {kind}" for kind, count in faults.items()) or "none"
