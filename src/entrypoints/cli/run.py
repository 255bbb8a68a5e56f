"""`demand run`: the rows of the topology as one process on this machine."""

import json
import logging
from collections.abc import Iterator, Mapping

import attrs
import click

from demand_core.batch import Tally
from demand_core.topology import TOPOLOGY
from entrypoints.cli.options import Given, given
from entrypoints.metering import Meter
from entrypoints.profiles import opened, own_ports
from entrypoints.serving import Service
from entrypoints.stopping import signalled


@click.command()
@click.option(
    "--for",
    "seconds",
    type=click.FloatRange(0, 10**9, min_open=True),
    help="Stop after so many seconds.  [default: when told to]",
)
@click.option("--json", "as_json", is_flag=True, help="One document at the end.")
@given
def run(options: Given, seconds: float | None, *, as_json: bool) -> None:
    """Run all workers until told to stop, by a signal or by ctrl-c.

    It stops when the batches under way are done. A second signal ends it at once: what was
    under way then comes again at the next start, as after `kill -9`.
    """
    settings = options.complete()
    logging.basicConfig(format="%(asctime)s %(levelname)s %(name)s %(message)s")
    logging.getLogger("demand").setLevel(logging.INFO)
    with opened(settings) as engines, signalled() as stop:
        service = Service(settings, engines, instead=own_ports(settings, engines))
        click.echo(f"{len(TOPOLOGY)} workers run on {engines}; ctrl-c stops them", err=True)
        service.run(stop, seconds)
    if as_json:
        click.echo(json.dumps(_document(service), indent=1))
    else:
        click.echo("\n".join([*_lines(service.tallies), "", *_measured(service.meter)]))
    if service.crashes:
        raise SystemExit(1)


def _document(service: Service) -> Mapping[str, object]:
    workers = {
        row: {"records": counted.records, **attrs.asdict(counted)}
        for row, counted in sorted(service.tallies.items())
    }
    services = service.meter.document()
    return {"workers": workers, "services": services, "crashes": service.crashes}


def _measured(meter: Meter) -> Iterator[str]:
    """Each store and service in a line: how available it was, and what it answered."""
    for name, measured in sorted(meter.measured.items()):
        told = measured.document()
        answers = ", ".join(f"{n} {outcome}" for outcome, n in measured.outcomes.items())
        yield f"{name:<14}{told['availability']:>9}  {told['p95Ms']:>6} ms  {answers}"


def _lines(tallies: Mapping[str, Tally]) -> Iterator[str]:
    width = max(map(len, tallies), default=0)
    yield f"{'':{width}}  records  done  retried  dropped  quarantined"
    for row, counted in sorted(tallies.items()):
        dropped = sum(counted.dropped.values())
        yield (
            f"{row:{width}}  {counted.records:>7}  {counted.done:>4}  {counted.retried:>7}"
            f"  {dropped:>7}  {counted.quarantined:>11}"
        )
        if counted.noted:
            noted = ", ".join(f"{n} {code}" for code, n in sorted(counted.noted.items()))
            yield f"{'':{width}}  noted: {noted}"
