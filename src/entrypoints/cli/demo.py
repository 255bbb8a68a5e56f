"""`demand demo`: the main job on this machine, with every remote service simulated."""

from collections.abc import Iterator
from pathlib import Path

import click

from entrypoints.cli.sim import kinds
from entrypoints.simulation.report import html
from entrypoints.simulation.scenarios import Report, play


@click.command()
@click.option("--seed", type=click.IntRange(0), default=7, show_default=True)
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("out/demo"),
    show_default=True,
    help="Where the report goes.",
)
def demo(seed: int, out: Path) -> None:
    """Play a day of sales: fans ask, sales open, and everybody is told once, whatever fails."""
    report = play("day", seed=seed, faults="mild")
    for line in story(report):
        click.echo(line)
    out.mkdir(parents=True, exist_ok=True)
    path = out / "report.html"
    path.write_text(html(report), encoding="utf-8")
    click.echo(f"report      {path}")
    if not report.ok:
        raise SystemExit(1)


def story(report: Report) -> Iterator[str]:
    """What happened, in a few lines."""
    seen, injected = report.observed, sum(report.faults.values())
    yield "reminders for a day of sales, while 3 % of all calls to anything fail"
    yield (
        f"messages    {seen['total']} made   {seen['delivered']} delivered   "
        f"{seen['failed']} failed   {seen['expired']} too late   {seen['unknown']} unknown"
    )
    yield f"numbers     {seen['bad_numbers']} of them do not exist"
    yield f"events      {seen['discovery_fetches']} look-ups   {seen['links']} short links"
    yield f"calls       {report.port_calls}, of which {injected} went wrong"
    yield f"            {kinds(report.faults)}"
    yield (
        f"promises    {seen['duplicates']} told twice   {seen['too_late']} told after the start"
        f"   {seen['unsettled']} forgotten   {seen['false_beliefs']} false beliefs"
    )
    wrong = ", ".join(report.differences)
    verdict = f"NOT AS IT MUST BE: {wrong}" if wrong else "as it must be"
    yield f"seed {report.seed:<6} {verdict}"
