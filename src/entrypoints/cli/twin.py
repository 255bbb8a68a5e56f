"""`demand twin`: what stands in for remote services, with all that goes wrong with them."""

import json
from ipaddress import ip_address

import click

from entrypoints.setting_places import variable
from entrypoints.simulation.world import WEATHERS
from entrypoints.stopping import signalled
from entrypoints.twins import TWINS
from entrypoints.twins.serving import Served, seeded

SCHEMA_VERSION = 1


@click.group(name="twin")
def twin_command() -> None:
    """Serve what stands in for a remote service."""


@twin_command.command()
@click.argument("name", type=click.Choice(list(TWINS)))
@click.option("--host", default="127.0.0.1", show_default=True, help="Where to listen.")
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="Default: any free one.")
@click.option("--exposed", is_flag=True, help="Let others reach it, if HOST is for them.")
@click.option("--seed", type=click.IntRange(0), default=7, show_default=True)
@click.option("--faults", type=click.Choice(list(WEATHERS)), default="none", show_default=True)
@click.option("--calls-per-s", type=click.IntRange(1), help="What is above is throttled.")
@click.option("--json", "as_json", is_flag=True, help="One document in each line.")
def serve(  # noqa: PLR0913  # one for each option
    name: str,
    host: str,
    port: int,
    *,
    exposed: bool,
    seed: int,
    faults: str,
    calls_per_s: int | None,
    as_json: bool,
) -> None:
    """Answer as NAME does, until interrupted or told to end.

    The first line says where, the next ones what a run must be told to call it. Anybody who
    can reach it may use it: it asks for no secret.
    """
    from demand_adapters.local.clock import WallClock

    if not (exposed or _is_loopback(host)):
        raise click.BadParameter("others can reach that: say --exposed", param_hint="--host")
    twin = TWINS[name](WallClock(), calls_per_s)
    served = Served(
        twin,
        plan=seeded(seed, WEATHERS[faults].fault_rate),
        host=host,
        port=port,
    )
    with served, signalled() as stop:
        wanted = {variable(key): text for key, text in twin.settings(served.url).items()}
        lines = [f"{name} at {served.url}", *(f"{key}={text}" for key, text in wanted.items())]
        where: dict[str, object] = {"name": name, "url": served.url, "settings": wanted}
        _say("\n".join(lines), as_json=as_json, **where)
        stop.wait()
    wrong = {fault.name.lower(): count for fault, count in served.faults.items()}
    told = f"{served.calls} calls, of which {sum(wrong.values())} went wrong"
    _say(told, as_json=as_json, calls=served.calls, faults=wrong)


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        raise click.BadParameter("no address in digits", param_hint="--host") from None


def _say(line: str, *, as_json: bool, **document: object) -> None:
    versioned = {"schemaVersion": SCHEMA_VERSION, **document}
    click.echo(json.dumps(versioned) if as_json else line)
