"""What is well and what is not, of all that a profile stands on. Looking changes nothing."""

import os
import shutil
import socket
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from functools import partial
from typing import TYPE_CHECKING, Final, TypeAlias
from urllib.parse import urlsplit

from attrs import frozen

from demand_core.errors import DemandError, Transient, WiringError
from demand_core.ports.clock import Clock
from demand_core.ports.file_store import FileStore
from demand_core.topology import TOPOLOGY
from demand_core.topology.shapes import Changes, Queue, Stream, Worker
from entrypoints.needs import called, lacking
from entrypoints.running import source_name
from entrypoints.settings import Settings

if TYPE_CHECKING:
    from demand_adapters.item_table import ItemTable
    from demand_adapters.local.database import Database
    from entrypoints.engines.aws import AwsEngines

# As the commands exit.
WELL, WANTS_A_LOOK, UNAVAILABLE, WRONG = 0, 1, 4, 5

FREE_BYTES_MIN: Final = 2**30
CONNECT_S: Final = 5.0
COUNTED_MAX: Final = 1000


@frozen
class Finding:
    """What somebody who looked at *what* has to say, and how bad it is."""

    what: str
    says: str
    code: int = WELL


# What is there, and what somebody should look at.
Look: TypeAlias = Callable[[], tuple[str, Iterable[str]]]


def examine(settings: Settings, environment: Mapping[str, str]) -> Iterator[Finding]:
    """Look at everything, whatever is found on the way."""
    if missing := lacking(settings, environment):
        yield from (Finding("settings", line, WRONG) for line in missing)
        return
    if settings.profile == "memory":
        yield Finding("memory", "begins empty, and needs nothing")
        return
    yield from _local(settings) if settings.profile == "local" else _aws(settings)
    for service in called(settings):
        name, url = service.removesuffix("_url"), getattr(settings, service)
        yield _found(name, partial(_reached, url))


def _found(what: str, look: Look) -> Finding:
    try:
        there, doubts = look()
        doubts = list(doubts)
    except DemandError as error:
        return Finding(what, str(error), UNAVAILABLE if isinstance(error, Transient) else WRONG)
    return Finding(what, "; ".join([there, *doubts]), WANTS_A_LOOK if doubts else WELL)


def _reached(url: str) -> tuple[str, Iterable[str]]:
    parts = urlsplit(url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    try:
        socket.create_connection((parts.hostname, port), CONNECT_S).close()
    except OSError as error:
        raise Transient(f"{parts.hostname} port {port} does not answer: {error}") from error
    return f"{parts.hostname} port {port} answers", ()


def _set_aside(files: FileStore) -> tuple[str, Iterable[str]]:
    return "answers", [*_lying(files, "quarantine/"), *_lying(files, "errors/")]


def _lying(files: FileStore, where: str) -> Iterator[str]:
    """How many files wait for somebody; what was replayed waits no more."""
    page = files.list(where, limit=COUNTED_MAX)
    found = sum("/replayed/" not in file.key for file in page)
    more = " or more" if len(page) == COUNTED_MAX else ""
    if found:
        yield f"{found}{more} files lie in {where}"


def _unfinished(table: "ItemTable", clock: Clock) -> tuple[str, Iterable[str]]:
    """Who waits to be forgotten, longer than it takes."""
    from demand_adapters.stores.erasure_book import TableErasureBook

    erasures = [*TableErasureBook(table=table, clock=clock, keys=()).all()]
    open_ = [one for one in erasures if not one.finished]
    late = [one for one in open_ if one.settled_at < clock.now()]
    told = [f"{one.erasure_id} is not finished: `demand privacy erase` goes on" for one in late]
    return f"{len(erasures)} asked for, {len(open_)} under way", told


# One folder


def _local(settings: Settings) -> Iterator[Finding]:
    from demand_adapters.local.clock import WallClock
    from demand_adapters.local.database import FILE, Database
    from demand_adapters.local.file_store import FolderFileStore
    from demand_adapters.local.item_table import LocalItemTable

    yield _found("state", partial(_room, settings))
    if not (settings.state / FILE).exists():
        yield Finding("database", f"none in {settings.state} yet: `demand run` makes it")
        return
    try:
        database = Database(settings.state)
    except DemandError as error:
        yield Finding("database", str(error), WRONG)
        return
    with closing(database):
        yield _found("database", partial(_sound, database))
        yield _found("queues", partial(_counted, database))
        clock = WallClock()
        yield _found("erasures", partial(_unfinished, LocalItemTable(database, clock), clock))
    yield _found("files", lambda: _set_aside(FolderFileStore(settings.state / "files")))


def _room(settings: Settings) -> tuple[str, Iterable[str]]:
    folder = settings.state.absolute()
    there = next(path for path in (folder, *folder.parents) if path.exists())
    if not (there.is_dir() and os.access(there, os.W_OK)):
        raise WiringError(f"{there} is no folder that can be written to: name another")
    free = shutil.disk_usage(there).free
    doubts = ["that is little"] if free < FREE_BYTES_MIN else []
    return f"{settings.state}, {free / 2**30:.1f} GiB free", doubts


def _sound(database: "Database") -> tuple[str, Iterable[str]]:
    with database.read() as cursor:
        (version,) = cursor.execute("PRAGMA user_version").fetchone()
        told = [line for (line,) in cursor.execute("PRAGMA quick_check(3)")]
    if told != ["ok"]:
        raise WiringError(f"the file is damaged, put a copy back: {told[0]}")
    return f"schema {version}, sound", ()


def _counted(database: "Database") -> tuple[str, Iterable[str]]:
    from demand_adapters.local.queue import counted

    counts = counted(database)
    waiting = sum(wait for wait, _ in counts.values())
    dead = [f"{dead} dead letters in {name}" for name, (_, dead) in counts.items() if dead]
    return f"{waiting} messages wait", dead


# One account


def _aws(settings: Settings) -> Iterator[Finding]:
    from demand_adapters.aws.deployed import queue_flaws, stream_flaws, table_flaws
    from entrypoints.engines.aws import AwsEngines

    def queue(engines: "AwsEngines", row: Worker, name: str) -> tuple[str, Iterable[str]]:
        url = engines.queue_url(name)
        flaws = queue_flaws(engines.aws, url, row.visibility, row.retry.max_receive)
        return f"{settings.channel_prefix}{name} is there", flaws

    def stream(engines: "AwsEngines", name: str) -> tuple[str, Iterable[str]]:
        named = settings.channel_prefix + name
        return f"{named} is there", stream_flaws(engines.aws, named)

    with AwsEngines.opened(settings) as engines:
        flaws = partial(table_flaws, engines.aws, settings.table)
        yield _found("table", lambda: (f"{settings.table} is there", flaws()))
        for row in TOPOLOGY:
            for trigger in row.triggers:
                if isinstance(trigger, Queue | Changes):
                    name = source_name(row.name, trigger)
                    yield _found("queue", partial(queue, engines, row, name))
        for name in _streams():
            yield _found("stream", partial(stream, engines, name))
        yield _found("bucket", lambda: _set_aside(engines.files))
        yield _found("erasures", lambda: _unfinished(engines.table, engines.clock))


def _streams() -> Sequence[str]:
    triggers = (trigger for row in TOPOLOGY for trigger in row.triggers)
    return sorted({t.channel.name for t in triggers if isinstance(t, Stream)})
