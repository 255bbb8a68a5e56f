"""`demand schema`: the schemas under which the archive's rows are written."""

import click


@click.group()
def schema() -> None:
    """Show schemas, and hold them against those of files that exist."""


@schema.command()
@click.argument("record_type", metavar="TYPE")
def avro(record_type: str) -> None:
    """Print the schema of the archive's rows of TYPE: demand, event, sale or notification."""
    from demand_adapters.wire.archive import RECORD_TYPES

    if record_type not in RECORD_TYPES:
        raise click.BadParameter(f"one of {', '.join(RECORD_TYPES)}", param_hint="TYPE")
    click.echo(RECORD_TYPES[record_type].schema.json)


@schema.command()
def check() -> None:
    """Say what would keep a reader of older files from reading those of today."""
    from demand_adapters.wire.archive import RECORD_TYPES

    found = [flaw for kept in RECORD_TYPES.values() for flaw in kept.flaws()]
    for line in found:
        click.echo(line, err=True)
    if found:
        raise SystemExit(1)
    click.echo(f"{len(RECORD_TYPES)} schemas read all that was written")
