"""`demand doctor`: look at everything that a run would stand on."""

import json
import os

import attrs
import click

from entrypoints.cli.options import Given, given
from entrypoints.doctor import WELL, examine


@click.command()
@click.option("--json", "as_json", is_flag=True, help="One document instead of a list.")
@given
def doctor(options: Given, *, as_json: bool) -> None:
    """Say what is well and what is not, and what to do about it.

    Exits with 0 when all is well, 1 when something wants a look, 4 when something does not
    answer and 5 when something is set up wrongly.
    """
    settings = options.settings()
    found = list(examine(settings, os.environ))
    worst = max(finding.code for finding in found)
    if as_json:
        listed = [attrs.asdict(finding) for finding in found]
        document = {"profile": settings.profile, "ok": worst == WELL, "findings": listed}
        click.echo(json.dumps(document, indent=1))
    for finding in () if as_json else found:
        word = "ok" if finding.code == WELL else "LOOK"
        click.echo(f"{word:4}  {finding.what:10}  {finding.says}")
    if worst != WELL:
        raise SystemExit(worst)
