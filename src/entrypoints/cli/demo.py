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
    """Give every event of a season its short link while everything around it fails.

    Reminders come later; until then the demo runs the one chain there is.
    """
    report = play("short-links", seed=seed, faults="harsh")
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
    yield "short links for a season of events, while 15 % of all calls to anything fail"
    yield (
        f"events      {seen['events']} cached   {seen['linked']} got their link   "
        f"{seen['failed']} given up after three calls, {seen['alerts']} alerts"
    )
    yield f"calls       {report.port_calls}, of which {injected} went wrong"
    yield f"            {kinds(report.faults)}"
    yield (
        f"promises    {seen['changed_links']} links changed   {seen['late_calls']} calls wasted"
        f"   {seen['unsettled']} events lost   {seen['dead_letters']} dead letters"
    )
    wrong = ", ".join(report.differences)
    verdict = f"NOT AS IT MUST BE: {wrong}" if wrong else "as it must be"
    yield f"seed {report.seed:<6} {verdict}"
