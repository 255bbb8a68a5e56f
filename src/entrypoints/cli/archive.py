"""`demand archive`: changes into files, and what was set aside on the way."""

import json
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click
from attrs import frozen

from demand_core.domain.archive import Fate, Filed
from demand_core.errors import Transient, WiringError
from demand_core.ports.file_store import FileStore
from demand_core.topology.channels import CHANGES
from entrypoints.cli.options import Given, given
from entrypoints.profiles import beside
from entrypoints.running import told_change

if TYPE_CHECKING:
    from demand_adapters.archive.delivery import FileArchive
    from demand_adapters.archive.errors import ErrorFiles, Replayed
    from demand_adapters.stores.erasure_book import TableErasureBook

SCHEMA_VERSION: Final = 1
# Beside the files of a folder: whom it is about and who is forgotten is asked here.
BOOKS: Final = "books"

# Between the parts of a document any blank is as good as another.
_ONE_LINE: Final = bytes.maketrans(b"\r\n", b"  ")
_PATHS: Final = click.Path(exists=True, dir_okay=False, path_type=Path)
FOLDER = click.option(
    "--archive",
    "folder",
    type=click.Path(file_okay=False, path_type=Path),
    help="A folder that holds the archive.  [default: the files of the profile]",
)
JSON = click.option("--json", "as_json", is_flag=True, help="One document instead of text.")


@click.group()
def archive() -> None:
    """Keep changes as files, ask them, and mend what could not be kept."""


@frozen
class Opened:
    """An archive at hand, and the files in which it is."""

    files: FileStore
    archive: "FileArchive"

    @property
    def errors(self) -> "ErrorFiles":
        """What it set aside."""
        from demand_adapters.archive.errors import ErrorFiles

        return ErrorFiles(files=self.files, archive=self.archive)


@contextmanager
def opened(options: Given, folder: Path | None) -> Iterator[Opened]:
    """The archive in *folder*, or the profile's own."""
    from demand_adapters.archive.delivery import FileArchive

    if folder is not None:
        with in_folder(folder) as (files, book):
            key = book.keys[0]
            made = FileArchive(
                files=files,
                clock=book.clock,
                erasures=book,
                key=key,
                stream=CHANGES.name,
                system=options.settings().system,
            )
            yield Opened(files, made)
        return
    with beside(options.complete()) as ports:
        archive = ports.archive
        if not isinstance(archive, FileArchive):
            raise WiringError("DEMAND_PORTS names an archive that only its owner can open")
        yield Opened(ports.files, archive)


@contextmanager
def in_folder(folder: Path) -> Iterator[tuple[FileStore, "TableErasureBook"]]:
    """The files of an archive of one's own, and who is forgotten there."""
    from demand_adapters.local.clock import WallClock
    from demand_adapters.local.contact_key import contact_key
    from demand_adapters.local.database import Database
    from demand_adapters.local.file_store import FolderFileStore
    from demand_adapters.local.item_table import LocalItemTable
    from demand_adapters.stores.erasure_book import TableErasureBook

    files, clock, key = FolderFileStore(folder), WallClock(), contact_key(folder)
    with closing(Database(folder / BOOKS)) as database:
        # Nobody reads this feed, in which names stand that are to be forgotten.
        table = LocalItemTable(database, clock, told_for=timedelta(0))
        yield files, TableErasureBook(table=table, clock=clock, keys=[key])
        while table.trim(sys.maxsize):
            pass


@archive.command()
@click.argument("event_files", nargs=-1, required=True, type=_PATHS, metavar="EVENTFILE...")
@FOLDER
@JSON
@given
@click.pass_context
def deliver(
    ctx: click.Context,
    options: Given,
    event_files: tuple[Path, ...],
    folder: Path | None,
    *,
    as_json: bool,
) -> None:
    """Keep the changes in EVENTFILEs, each as Lambda is given a batch of a stream.

    The same file again changes nothing. Exits with 1 where something was set aside, and with 4
    where something could not be stored.
    """
    from demand_adapters.wire.kinesis_events import records_in

    filed = dict[str, Sequence[Filed]]()
    with opened(options, folder) as at:
        for path in event_files:
            records = records_in(path.read_bytes())
            told = [told_change(record.delivered()) for record in records]
            filed[str(path)] = at.archive.deliver(told)
    told_of = [{"file": name, **_counts(became)} for name, became in filed.items()]
    if as_json:
        click.echo(json.dumps({"schemaVersion": SCHEMA_VERSION, "files": told_of}, indent=1))
    else:
        for name, became in filed.items():
            click.echo("\n".join(_lines(name, became)))
    fates = {one.fate for became in filed.values() for one in became}
    if Fate.WAITS in fates:
        raise Transient("not everything could be stored: deliver it again")
    if Fate.SET_ASIDE in fates:
        ctx.exit(1)


def _counts(filed: Sequence[Filed]) -> Mapping[str, object]:
    fates = Counter(became.fate for became in filed)
    aside = (became.reason for became in filed if became.fate is Fate.SET_ASIDE)
    return {
        "records": len(filed),
        "kept": fates[Fate.KEPT],
        "leftOut": fates[Fate.LEFT_OUT],
        "setAside": dict(sorted(Counter(aside).items())),
        "waits": fates[Fate.WAITS],
        "objects": sorted({became.file for became in filed if became.fate is Fate.KEPT}),
        "errors": sorted({became.file for became in filed if became.fate is Fate.SET_ASIDE}),
    }


def _lines(path: str, filed: Sequence[Filed]) -> Iterator[str]:
    fates = Counter(became.fate for became in filed)
    counted = "   ".join(f"{times} {fate.value}" for fate, times in fates.items())
    yield f"{path}: {len(filed)} records   {counted}"
    files = Counter(became.file for became in filed if became.file)
    yield from (f"  {times:>5} in {file}" for file, times in sorted(files.items()))


@archive.group()
def errors() -> None:
    """What was set aside: list it, look at it, and deliver it again."""


@errors.command("ls")
@FOLDER
@JSON
@given
def list_errors(options: Given, folder: Path | None, *, as_json: bool) -> None:
    """List the files that wait for somebody, each with what is wrong in it."""
    with opened(options, folder) as at:
        found = {key: at.errors.document(key) for key in at.errors.waiting()}
    if as_json:
        files = [
            {"key": key, "timestamp": told.timestamp, "error": told.error}
            for key, told in found.items()
        ]
        click.echo(json.dumps({"schemaVersion": SCHEMA_VERSION, "files": files}, indent=1))
        return
    for key, told in found.items():
        click.echo(f"{key}  {told.error}")
    click.echo(f"{len(found)} files wait", err=True)


@errors.command()
@click.argument("key")
@FOLDER
@click.option("--events", is_flag=True, help="Print the events as they came, one a line.")
@JSON
@given
def show(options: Given, key: str, folder: Path | None, *, events: bool, as_json: bool) -> None:
    """Tell what is wrong in the file KEY; nothing personal is shown unless --events asks.

    What --events prints can be mended and given back: `archive errors replay KEY --with FILE`.
    """
    with opened(options, folder) as at:
        document = at.errors.document(key)
    if events:
        for original in document.originals:
            click.echo(original.translate(_ONE_LINE))
        return
    faults = [
        {
            "sequence": str(fault.sequence),
            "changeId": fault.change_id,
            "reason": fault.reason,
            "path": fault.path,
        }
        for fault in document.faults
    ]
    if as_json:
        about = {"key": key, "error": document.error, "source": str(document.source)}
        told = {"schemaVersion": SCHEMA_VERSION, **about, "faults": faults}
        click.echo(json.dumps(told, indent=1))
        return
    click.echo(f"{document.error}\nfrom {document.source}")
    for fault in document.faults:
        click.echo(f"  {fault.sequence}  {fault.change_id or '-'}  {fault.message}")


@errors.command()
@click.argument("keys", nargs=-1, metavar="[KEY]...")
@FOLDER
@click.option(
    "--with",
    "mended",
    type=_PATHS,
    help="Events to deliver instead, one a line, in the order of the one KEY's own.",
)
@click.option("--dry-run", is_flag=True, help="Say what would be, and change nothing.")
@JSON
@given
@click.pass_context
def replay(  # noqa: PLR0913  # one for each option
    ctx: click.Context,
    options: Given,
    keys: tuple[str, ...],
    folder: Path | None,
    mended: Path | None,
    *,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Deliver what was set aside again: the files KEY, or all that wait.

    A file moves away once its changes are in the archive; what is still wrong stays as a file
    of its own, and then the exit code is 1. Replaying twice adds nothing.
    """
    if mended is not None and len(keys) != 1:
        raise click.UsageError("--with mends the events of one KEY: name it")
    instead = mended.read_bytes().splitlines() if mended else None
    with opened(options, folder) as at:
        chosen = keys or tuple(at.errors.waiting())
        answers = [at.errors.replay(key, instead, dry_run=dry_run) for key in chosen]
    _told(answers, as_json=as_json)
    if any(answer.left for answer in answers):
        ctx.exit(1)


def _told(answers: "Sequence[Replayed]", *, as_json: bool) -> None:
    if as_json:
        files = [
            {"key": answer.key, "mended": answer.mended, "left": list(answer.left)}
            for answer in answers
        ]
        click.echo(json.dumps({"schemaVersion": SCHEMA_VERSION, "files": files}, indent=1))
        return
    for answer in answers:
        wrong = Counter(answer.left).items()
        left = "".join(f"   {times} still wrong: {why}" for why, times in sorted(wrong))
        click.echo(f"{answer.key}  {answer.mended} mended{left}")
