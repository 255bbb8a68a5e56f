"""`demand archive query` and `ddl`: the archive's tables, here and in Athena."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from demand_adapters.wire.converters import instant
from demand_core.errors import WiringError
from entrypoints.cli.archive import FOLDER, JSON, archive, opened
from entrypoints.cli.options import Given, given

if TYPE_CHECKING:
    from demand_adapters.query_engine import Answer, QueryEngine

SCHEMA_VERSION: Final = 1


@contextmanager
def _engine(options: Given, folder: Path | None, *, in_athena: bool) -> Iterator["QueryEngine"]:
    """Whoever answers: this machine, or Athena beside the aws profile's bucket."""
    from demand_adapters.archive.queries import ArchiveQueries

    if not in_athena:
        with opened(options, folder) as at:
            yield ArchiveQueries(files=at.files)
        return
    from demand_adapters.aws.athena import AthenaQueries
    from entrypoints.engines.aws import AwsEngines

    settings = options.complete()
    if folder or settings.profile != "aws":
        raise WiringError("Athena asks the bucket of the aws profile, and nothing else")
    with AwsEngines.opened(settings) as engines:
        yield AthenaQueries(
            aws=engines.aws,
            files=engines.files,
            bucket=settings.bucket,
            database=settings.athena_database,
            fresh_id=engines.entropy.fresh_id,
            workgroup=settings.athena_workgroup,
        )


@archive.command()
@click.argument("sql")
@click.option("--athena", "in_athena", is_flag=True, help="Ask in Athena, not on this machine.")
@FOLDER
@JSON
@given
def query(
    options: Given, sql: str, folder: Path | None, *, in_athena: bool, as_json: bool
) -> None:
    """Ask the archive: SQL over the tables of docs/archive.md.

    Prints a line a row, its columns apart by tabs. Days that are not asked for are not read.
    Contacts of those who are not gone are shown as they are: whoever asks for them gets them.
    """
    with (
        _engine(options, folder, in_athena=in_athena) as engine,
        engine.ask(sql) as answer,
    ):
        if as_json:
            _document(answer)
            return
        if answer.columns:
            click.echo("\t".join(answer.columns))
        for row in answer.rows:
            click.echo("\t".join(map(_text, row)))


@archive.command()
@click.option("--bucket", help="Where the archive is.  [default: the bucket of the settings]")
@given
def ddl(options: Given, bucket: str | None) -> None:
    """Print the statements that make the same tables in Athena."""
    from demand_adapters.wire.archive_tables import athena

    where = bucket or options.settings().bucket
    if not where:
        raise WiringError("say which --bucket the archive is in, or set DEMAND_BUCKET")
    for statement in athena(where):
        click.echo(f"{statement};\n")


def _document(answer: "Answer") -> None:
    """One row after the other, for there may be many."""
    about = {"schemaVersion": SCHEMA_VERSION, "columns": answer.columns}
    click.echo(f'{json.dumps(about)[:-1]}, "rows": [', nl=False)
    comma = ""
    for row in answer.rows:
        click.echo(f"{comma}\n {json.dumps(row, default=_value)}", nl=False)
        comma = ","
    click.echo("\n]}")


def _text(value: object) -> str:
    if isinstance(value, str):
        return value.replace("\t", " ").replace("\n", " ")
    return "" if value is None else json.dumps(value, default=_value, ensure_ascii=False)


def _value(value: Any) -> str | Sequence[object] | float:
    if isinstance(value, datetime):
        return instant(value if value.tzinfo else value.replace(tzinfo=UTC))
    if isinstance(value, date):
        return value.isoformat()
    return float(value)
