"""`demand archive merge`, `ls` and `verify`: the archive's files as they stand."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click
from attrs import frozen

from demand_adapters.wire.converters import instant
from demand_adapters.wire.keys import ARCHIVED
from demand_core.domain.merges import MergeState, is_closed
from demand_core.errors import Permanent, Transient
from demand_core.ports.clock import Clock
from demand_core.ports.file_store import FileStore
from entrypoints.cli.archive import FOLDER, JSON, archive
from entrypoints.cli.options import Given, given
from entrypoints.profiles import beside

if TYPE_CHECKING:
    from demand_adapters.archive.listing import Part
    from demand_adapters.archive.merging import Merged, Merger
    from demand_adapters.archive.summaries import DaySummary
    from demand_adapters.archive.verifying import Verified

SCHEMA_VERSION: Final = 1

_DAY: Final = click.DateTime(formats=["%Y-%m-%d"])
_TYPE = click.option(
    "--type",
    "only",
    type=click.Choice(sorted(ARCHIVED)),
    help="One type of rows.  [default: all]",
)
_FROM = click.option("--from", "since", type=_DAY, help="The first day.  [default: the first]")
_TO = click.option("--to", "until", type=_DAY, help="The last day.  [default: the last]")


@contextmanager
def _files(options: Given, folder: Path | None) -> Iterator[tuple[FileStore, Clock]]:
    """The files in *folder*, or the profile's own; nobody's key is needed to look at them."""
    if folder is None:
        with beside(options.complete()) as ports:
            yield ports.files, ports.clock
        return
    from demand_adapters.local.clock import WallClock
    from demand_adapters.local.file_store import FolderFileStore

    yield FolderFileStore(folder), WallClock()


@frozen
class _Failed:
    """A day of which a merge could not be done, and why."""

    place: str
    error: Transient | Permanent


@archive.command()
@_TYPE
@click.option("--day", type=_DAY, help="This day alone, closed or not.")
@click.option(
    "--before",
    type=_DAY,
    help="All days before this one.  [default: those that are closed]",
)
@click.option(
    "--at-least",
    type=click.IntRange(2),
    default=2,
    show_default=True,
    help="Only days of so many objects: a day of one late object may wait for more.",
)
@FOLDER
@click.option("--dry-run", is_flag=True, help="Say what would be, and change nothing.")
@JSON
@given
@click.pass_context
def merge(  # noqa: PLR0913  # one for each option
    ctx: click.Context,
    options: Given,
    only: str | None,
    day: datetime | None,
    before: datetime | None,
    folder: Path | None,
    *,
    at_least: int,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Make one object of the many of each day that is over.

    Queries count every row once all the while. A merge that was stopped goes on where it was,
    and doing it again changes nothing. Exits with 1 where an object could not be read or was
    written again too late, and with 4 where the store failed.
    """
    from demand_adapters.archive.merging import Merger

    if day and before:
        raise click.UsageError("--day says one day, --before all days before one: give either")
    after = timedelta(days=options.settings().archive_merge_after_d)
    with _files(options, folder) as (files, clock):
        of_days = partial(_is_chosen, day=day, before=before, now=clock.now(), after=after)

        def chosen(part: "Part") -> bool:
            return part.may_be_merged(at_least) and of_days(part.place.part)

        merger = Merger(files=files, clock=clock)
        answers = [*_merged(merger, _types(only), chosen, dry_run=dry_run)]
    if not _told(answers, as_json=as_json):
        ctx.exit(1)


def _told(answers: "Sequence[Merged | _Failed]", *, as_json: bool) -> bool:
    """Print what became of each day; false where somebody has to look at one."""
    done = [answer for answer in answers if not isinstance(answer, _Failed)]
    failed = [answer for answer in answers if isinstance(answer, _Failed)]
    if as_json:
        told = [_merge_document(answer) for answer in done]
        errors = {one.place: str(one.error) for one in failed}
        document = {"schemaVersion": SCHEMA_VERSION, "parts": told, "failed": errors}
        click.echo(json.dumps(document, indent=1))
    else:
        _print(line for answer in done for line in _merge_lines(answer))
    for one in failed:
        click.echo(f"{one.place}: {one.error}", err=True)
    if any(isinstance(one.error, Transient) for one in failed):
        raise Transient("not all days could be merged: merge again")
    return not failed and not any(answer.unreadable or answer.changed for answer in done)


def _print(lines: Iterable[str]) -> None:
    for line in lines:
        click.echo(line)


def _types(only: str | None) -> Sequence[str]:
    return [only] if only else sorted(ARCHIVED)


def _is_chosen(
    part: str,
    *,
    day: datetime | None,
    before: datetime | None,
    now: datetime,
    after: timedelta,
) -> bool:
    try:
        of = date.fromisoformat(part)
    except ValueError:
        return False
    if day:
        return of == day.date()
    return of < before.date() if before else is_closed(of, now, after)


def _merged(
    merger: "Merger", types: Sequence[str], chosen: "Callable[[Part], bool]", *, dry_run: bool
) -> "Iterator[Merged | _Failed]":
    from demand_adapters.archive.listing import parts

    for name in types:
        for part in filter(chosen, parts(merger.files, name)):
            try:
                yield merger.foreseen(part.place) if dry_run else merger.merge(part.place)
            except (Transient, Permanent) as error:
                yield _Failed(str(part.place), error)


def _merge_document(answer: "Merged") -> Mapping[str, object]:
    return {
        "type": answer.place.record_type,
        "day": answer.place.part,
        "merges": [
            {
                "key": manifest.merged.key,
                "objects": len(manifest.sources),
                "rows": manifest.merged.records,
                "bytes": manifest.merged.size,
            }
            for manifest in answer.done
        ],
        "begunAnew": len(answer.dropped),
        "left": answer.left,
        "changed": answer.changed,
    }


def _merge_lines(answer: "Merged") -> Iterator[str]:
    for manifest in answer.done:
        done = "merged" if manifest.state is MergeState.MOVED else "would merge"
        made = f"{len(manifest.sources)} objects of {manifest.merged.records} rows"
        yield f"{answer.place}  {done} {made} into {manifest.merged.key}"
    for key, why in answer.left.items():
        yield f"{answer.place}  left {key}: {why}"
    for key in answer.changed:
        yield f"{answer.place}  too late to be merged as it is now: {key}"


@archive.command()
@_TYPE
@_FROM
@_TO
@FOLDER
@JSON
@given
@click.pass_context
def ls(  # noqa: PLR0913  # one for each option
    ctx: click.Context,
    options: Given,
    only: str | None,
    since: datetime | None,
    until: datetime | None,
    folder: Path | None,
    *,
    as_json: bool,
) -> None:
    """List what there is of each type and day. Exits with 1 where some can't be read."""
    from demand_adapters.archive.summaries import summaries

    with _files(options, folder) as (files, _):
        days = [
            one
            for name in _types(only)
            for one in summaries(files, name, **_between(since, until))
        ]
    if as_json:
        told = [_day_document(one) for one in days]
        click.echo(json.dumps({"schemaVersion": SCHEMA_VERSION, "days": told}, indent=1))
    else:
        _print(map(_day_line, days))
    if any(one.unreadable for one in days):
        ctx.exit(1)


def _between(since: datetime | None, until: datetime | None) -> Mapping[str, str]:
    given_days = {"since": since, "until": until}
    return {name: at.date().isoformat() for name, at in given_days.items() if at}


def _day_document(one: "DaySummary") -> Mapping[str, object]:
    return {
        "type": one.record_type,
        "day": one.day,
        "objects": one.objects,
        "unreadable": one.unreadable,
        "rows": one.rows,
        "bytes": one.size,
        "earliest": one.earliest and instant(one.earliest),
        "latest": one.latest and instant(one.latest),
        "standing": one.standing,
    }


def _day_line(one: "DaySummary") -> str:
    span = " - ".join(instant(at) for at in (one.earliest, one.latest) if at)
    counts = f"{one.objects:>6} objects {one.rows:>9} rows {one.size:>12} bytes"
    unreadable = f"  {one.unreadable} can't be read" if one.unreadable else ""
    return f"{one.record_type:<12} {one.day} {counts}  {span}  {one.standing}{unreadable}"


@archive.command()
@_TYPE
@_FROM
@_TO
@FOLDER
@JSON
@given
@click.pass_context
def verify(  # noqa: PLR0913  # one for each option
    ctx: click.Context,
    options: Given,
    only: str | None,
    since: datetime | None,
    until: datetime | None,
    folder: Path | None,
    *,
    as_json: bool,
) -> None:
    """Read every object and manifest, and say what is not as it should be, a line each.

    Exits with 1 when anything is wrong. Changes that stand in two objects are only counted: a
    batch came twice with other boundaries, and queries count changes.
    """
    from demand_adapters.archive.verifying import Verifier

    with _files(options, folder) as (files, _):
        verifier = Verifier(files=files)
        found = [verifier.verify(name, **_between(since, until)) for name in _types(only)]
    if as_json:
        told = [_verify_document(one) for one in found]
        click.echo(json.dumps({"schemaVersion": SCHEMA_VERSION, "types": told}, indent=1))
    else:
        _print(line for one in found for line in _verify_lines(one))
    if any(finding.wrong for one in found for finding in one.findings):
        ctx.exit(1)


def _verify_document(one: "Verified") -> Mapping[str, Any]:
    return {
        "type": one.record_type,
        "objects": one.objects,
        "rows": one.rows,
        "repeated": one.repeated,
        "elsewhere": one.elsewhere,
        "findings": [
            {"key": finding.key, "what": finding.what, "wrong": finding.wrong}
            for finding in one.findings
        ],
    }


def _verify_lines(one: "Verified") -> Iterator[str]:
    for finding in one.findings:
        yield f"{'WRONG' if finding.wrong else 'note '} {finding.key}: {finding.what}"
    repeated = f"{one.repeated} repeated in their object, {one.elsewhere} in another"
    yield f"{one.record_type:<12} {one.objects} objects, {one.rows} rows, {repeated}"
