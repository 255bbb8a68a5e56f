"""Three profiles, one archive: the table's changes become the same rows everywhere."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import pytest
from attrs import evolve

from demand_adapters.archive.queries import ArchiveQueries
from demand_adapters.aws.change_feed import AwsChangeFeed
from demand_adapters.memory.clock import MemoryClock
from demand_adapters.wire.avro.reading import read
from demand_adapters.wire.change_records import encode_record
from demand_core.domain.contacts import ContactKey
from demand_core.ports.file_store import FileStore
from demand_core.topology.archive import ROWS
from demand_core.topology.channels import CHANGES
from entrypoints.engines import RunningEngines
from entrypoints.engines.aws import AwsEngines
from entrypoints.engines.local import LocalEngines
from entrypoints.engines.memory import MemoryEngines
from entrypoints.profiles import Profile
from entrypoints.serving import Service
from entrypoints.simulation.archiving import wish
from entrypoints.simulation.world import START
from tests.unit.simulation import test_replay
from tests.unit.simulation.on_aws import an_account

# Emulators of one process are one account.
SETTINGS: Final = evolve(
    test_replay.SETTINGS, table="archived", bucket="archived", channel_prefix="archived-"
)
WISHES: Final = 6
LEAVE: Final = 2
ROW: Final = ("recordtype", "referenceid", "changekind", "isdeleted", "phonenumber")


def archived(
    engines: RunningEngines,
    pass_time: Callable[[timedelta], None],
    forward: Callable[[], None] = lambda: None,
) -> list[tuple[object, ...]]:
    """What stands in the archive after some asked, some changed their mind and some left."""
    ports = Profile(SETTINGS, engines)
    wishes = [wish(n, START) for n in range(WISHES)]
    assert not ports.demands.ask(wishes)
    pass_time(timedelta(seconds=1))
    assert not ports.demands.withdraw([asked.ref for asked in wishes[:LEAVE]])
    forward()
    service = Service(SETTINGS, engines, ROWS)
    (loop,) = (loop for loop in service.loops() if loop.name == ROWS[0].name)
    for _ in range(5):
        pass_time(timedelta(seconds=31))
        loop.step()
    assert service.tallies[ROWS[0].name].done == WISHES + LEAVE
    return rows(engines.files)


def rows(files: FileStore) -> list[tuple[object, ...]]:
    stored = [found.key for found in files.list("data/")]
    found: list[dict[str, Any]] = [
        row for key in stored for row in read(b"".join(files.read(key) or ()))
    ]
    return sorted(tuple(row[name] for name in ROW) for row in found)


@pytest.fixture(scope="module")
def in_memory() -> list[tuple[object, ...]]:
    engines = MemoryEngines.new(7, START)
    return archived(engines, engines.clock.advance)


def test_each_change_is_a_row(in_memory: list[tuple[object, ...]]) -> None:
    assert len(in_memory) == WISHES + LEAVE
    assert [row[4] for row in in_memory if row[3]] == ["[redacted]"] * LEAVE


def test_a_folder_keeps_the_same_rows(
    in_memory: list[tuple[object, ...]], tmp_path: Path
) -> None:
    clock = MemoryClock(START)
    with LocalEngines.opened(evolve(SETTINGS, state=tmp_path), clock) as engines:
        assert archived(engines, clock.advance) == in_memory


@pytest.mark.check("P-J1")
def test_aws_keeps_the_same_rows_that_come_over_kinesis_and_answers_with_them(
    in_memory: list[tuple[object, ...]], monkeypatch: pytest.MonkeyPatch
) -> None:
    with an_account(SETTINGS, monkeypatch, ROWS) as (engines, _, pass_time):
        keyed = _Keyed(engines)
        assert archived(keyed, pass_time, lambda: forward(engines)) == in_memory
        counted = "SELECT COUNT(*) FROM demand WHERE NOT isdeleted"
        with ArchiveQueries(files=engines.files).ask(counted) as answer:
            assert [*answer.rows] == [(WISHES - LEAVE,)]


class _Keyed:
    """The engines of an account with a contact key that is in no environment."""

    contact_keys = (ContactKey("test", b"sixteen bytes at least"),)

    def __init__(self, engines: AwsEngines) -> None:
        self._engines = engines

    def __getattr__(self, name: str) -> Any:
        return getattr(self._engines, name)


def forward(engines: AwsEngines) -> None:
    """What DynamoDB does for a table with a stream of Kinesis, and no emulator here does."""
    feed = AwsChangeFeed(aws=engines.aws, name=SETTINGS.table)
    changes = [c for s in feed.shards() for c in feed.read(s.name, None, 1000)]
    stream = engines.stream(CHANGES.name)
    for change in changes:
        assert not stream.put([(change.key[0], encode_record(change))])
