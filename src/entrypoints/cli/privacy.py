"""`demand privacy`: what we hold of one fan, how it is forgotten, and the account of it."""

import getpass
import json
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click
from attrs import frozen

from demand_adapters.wire.converters import instant
from demand_adapters.wire.receipts import receipt_key
from demand_core.domain.contacts import ContactKey
from demand_core.domain.erasures import Erasure, ErasureState
from demand_core.domain.ids import checked
from demand_core.errors import Transient
from demand_core.ports.clock import Clock
from demand_core.ports.entropy import Entropy
from demand_core.ports.erasure_book import ErasureBook
from demand_core.ports.file_store import FileStore
from entrypoints.cli.archive import FOLDER, JSON, in_folder
from entrypoints.cli.options import Given, given
from entrypoints.profiles import beside

if TYPE_CHECKING:
    from demand_adapters.archive.deletions import Audit
    from demand_adapters.archive.finding import Found

SCHEMA_VERSION: Final = 1
_DAY: Final = click.DateTime(formats=["%Y-%m-%d"])


@click.group()
def privacy() -> None:
    """Find what is held of a fan, forget him, and give account of it."""


@frozen(kw_only=True)
class _Books:
    """Whatever a fan may stand in."""

    files: FileStore
    clock: Clock
    entropy: Entropy
    book: ErasureBook
    keys: Sequence[ContactKey]


@contextmanager
def _books(options: Given, folder: Path | None) -> Iterator[_Books]:
    if folder is None:
        with beside(options.complete()) as ports:
            yield _Books(
                files=ports.files,
                clock=ports.clock,
                entropy=ports.entropy,
                book=ports.erasures,
                keys=ports.engines.contact_keys,
            )
        return
    from demand_adapters.local.entropy import SystemEntropy

    with in_folder(folder) as (files, book):
        yield _Books(
            files=files, clock=book.clock, entropy=SystemEntropy(), book=book, keys=book.keys
        )


def _you() -> str:
    """Containers run as users who have no name."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "somebody"


@privacy.command()
@click.argument("fans", nargs=-1, metavar="[FAN]...")
@click.option("--by", default=_you, help="Who asks for it.  [default: you]")
@click.option(
    "--settled",
    is_flag=True,
    help="Finish at once: you know that no change of theirs is still under way.",
)
@click.option("--wait", is_flag=True, help="Stay until it has settled, and finish then.")
@FOLDER
@JSON
@given
def erase(  # noqa: PLR0913  # one for each option
    options: Given,
    fans: tuple[str, ...],
    by: str,
    folder: Path | None,
    *,
    settled: bool,
    wait: bool,
    as_json: bool,
) -> None:
    """Forget each FAN wherever anything of them is kept, and show that they are.

    What they asked for is removed, every file that tells of them is rewritten, and all files
    are read until nothing is found. Changes that were under way arrive without them; once those
    have settled a receipt is written, and nobody can say any more whose the rows were. Until
    then the exit code is 4: say it again, without a FAN for all that is unfinished.
    """
    from demand_adapters.archive.erasing import Eraser

    ids = [checked("fanId", fan) for fan in fans]
    with _books(options, folder) as at:
        eraser = Eraser(
            files=at.files, clock=at.clock, entropy=at.entropy, book=at.book, keys=at.keys
        )
        asked = [eraser.ask(fan, by).erasure_id for fan in ids]
        erasures = eraser.go_on(asked, settled=settled)
        if wait and (late := [e.settled_at for e in erasures if not e.finished]):
            _stay(at.clock, max(late))
            erasures = eraser.go_on(asked)
    _tell_erasures(erasures, as_json=as_json)
    failed = [erasure for erasure in erasures if erasure.state is ErasureState.FAILED]
    if failed:
        sys.exit(1)
    if waiting := [erasure.settled_at for erasure in erasures if not erasure.finished]:
        raise Transient(f"changes may be under way until {instant(max(waiting))}: say it again")


def _stay(clock: Clock, until: datetime) -> None:
    while (left := until - clock.now()) > timedelta(0):
        click.echo(f"settles in {left.total_seconds():.0f} s", err=True)
        time.sleep(min(left.total_seconds(), 30.0))


def _tell_erasures(erasures: Sequence[Erasure], *, as_json: bool) -> None:
    if as_json:
        _print({"erasures": [_erasure(erasure) for erasure in erasures]})
        return
    if not erasures:
        click.echo("nothing is unfinished", err=True)
    for erasure in erasures:
        told = {
            ErasureState.DONE: f"done   {receipt_key(erasure.erasure_id)}",
            ErasureState.FAILED: f"failed   {erasure.reason}",
        }
        verified = f"nothing is found any more   settles at {instant(erasure.settled_at)}"
        click.echo(f"{erasure.erasure_id}   {told.get(erasure.state, verified)}")


def _erasure(erasure: Erasure) -> Mapping[str, object]:
    receipt = receipt_key(erasure.erasure_id) if erasure.finished else None
    return {
        "erasureId": erasure.erasure_id,
        "subjectHash": erasure.subject,
        "requestedAt": instant(erasure.requested_at),
        "state": erasure.state.value,
        "reason": erasure.reason,
        "settlesAt": instant(erasure.settled_at),
        "receipt": receipt,
    }


@privacy.command()
@click.argument("fan")
@FOLDER
@JSON
@given
def find(options: Given, fan: str, folder: Path | None, *, as_json: bool) -> None:
    """List what is held of FAN: items, and files with how often each tells of them.

    Files are found by their indexes; nothing personal is shown.
    """
    from demand_adapters.archive.finding import Finder

    with _books(options, folder) as at:
        found = Finder(files=at.files, clock=at.clock, book=at.book, keys=at.keys).find(fan)
    if as_json:
        _print(_found(found))
        return
    for look in found.files:
        click.echo(f"{max(look.told.values()):>6}  {look.key}")
    for key in found.unread:
        click.echo(f"     ?  {key}: it can't be read")
    click.echo(
        f"{found.items} items, {len(found.files)} files, {found.names} names"
        + (f"; {_last(found.erasure)}" if found.erasure else ""),
        err=True,
    )


def _last(erasure: Erasure) -> str:
    return f"to be forgotten since {instant(erasure.requested_at)}: {erasure.state.value}"


def _found(found: "Found") -> Mapping[str, object]:
    return {
        "items": found.items,
        "names": found.names,
        "files": [{"key": one.key, "records": max(one.told.values())} for one in found.files],
        "unread": list(found.unread),
        "erasure": _erasure(found.erasure) if found.erasure else None,
    }


@privacy.command()
@click.option("--from", "since", type=_DAY, required=True, help="The first day, in UTC.")
@click.option("--to", "until", type=_DAY, required=True, help="The last day, in UTC.")
@FOLDER
@JSON
@given
@click.pass_context
def audit(
    ctx: click.Context,
    options: Given,
    since: datetime,
    until: datetime,
    folder: Path | None,
    *,
    as_json: bool,
) -> None:
    """Give account of what was deleted in these days, and whether any contact is left of it.

    Every row of the archive is read. The digest at the end is made with the contact key: who
    has it can tell that nobody changed the account. Exits with 1 where something is left, can't
    be read or is unfinished.
    """
    from demand_adapters.archive.deletions import Auditor

    if until < since:
        raise click.BadParameter("it is before --from", param_hint="--to")
    end = until.replace(tzinfo=UTC) + timedelta(days=1)
    with _books(options, folder) as at:
        made = Auditor(files=at.files, book=at.book).audit(since.replace(tzinfo=UTC), end)
        document = made.document(at.keys[0])
    if as_json:
        _print(document)
    else:
        click.echo("\n".join(_account(made, document)))
    if not made.passed:
        ctx.exit(1)


def _account(made: "Audit", document: Mapping[str, object]) -> Iterator[str]:
    for (kind, day, reason), times in sorted(made.deleted.items()):
        yield f"{day}  {kind:<13} {reason:<8} {times:>7}"
    done = sum(erasure.finished for erasure in made.erased)
    left = sum(made.unscrubbed.values())
    yield f"{made.total} deleted, {left} of them say more than they may"
    yield f"{len(made.erased)} fans to be forgotten, {done} are"
    yield from (f"{key}: {times} rows" for key, times in sorted(made.unscrubbed.items()))
    yield from (f"{key}: {why}" for key, why in sorted(made.unread.items()))
    yield from (f"{one.erasure_id}: {one.state.value}" for one in made.unfinished)
    yield f"digest {document['digest']}"


def _print(told: Mapping[str, Any]) -> None:
    click.echo(json.dumps({"schemaVersion": SCHEMA_VERSION, **told}, indent=1))
