"""A query in Athena, on moto: waited for, read by its types, cancelled, and cleared away."""

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import count
from random import Random
from typing import Any, Final

import httpcore
import pytest
from attrs import frozen

from demand_adapters.archive.merge_log import every
from demand_adapters.aws.athena import AthenaQueries
from demand_adapters.aws.calls import Access, Aws
from demand_adapters.memory.clock import MemoryClock
from demand_adapters.query_engine import QueryEngine
from demand_adapters.testing.strategies import NOON
from demand_core.errors import Permanent, Transient, WiringError
from demand_core.ports.file_store import FileStore
from tests.contract.aws.channels import a_bucket
from tests.contract.aws.serial_moto import serial_moto
from tests.contract.aws.unhurried_athena import UnhurriedAthena

_TOKENS: Final = count(1)
TOP: Final = (
    "SELECT eventid, COUNT(*) as demand_count FROM demand WHERE partition_date >= '2025-01-01' "
    "AND isdeleted = false GROUP BY eventid ORDER BY demand_count DESC LIMIT 10"
)
AUDIT: Final = (
    "SELECT fanid, eventid, date.requested, date.deleted FROM demand WHERE isdeleted = true "
    "AND partition_date >= '2024-10-01' AND partition_date < '2025-01-01'"
)
LAG: Final = (
    "SELECT AVG(UNIX_TIMESTAMP(date.notified) - UNIX_TIMESTAMP(date.requested)) as lag "
    "FROM demand WHERE date.notified IS NOT NULL AND partition_date >= '2025-01-01'"
)
RUNNING: Final = {"State": "RUNNING"}
QUEUED: Final = {"State": "QUEUED"}


@frozen
class AtHand:
    """An engine, what lies below it, and moto's address."""

    engine: AthenaQueries
    app: UnhurriedAthena
    files: FileStore
    clock: MemoryClock
    url: str

    def queue(self, columns: Sequence[tuple[str, str]], rows: Sequence[Sequence[Any]]) -> None:
        """What the next query will find."""
        cells = [[{"VarCharValue": c} if c is not None else {} for c in row] for row in rows]
        head = [{"VarCharValue": name} for name, _ in columns]
        result = {
            "rows": [{"Data": row} for row in [head, *cells]],
            "column_info": [
                {
                    "CatalogName": "hive",
                    "SchemaName": "",
                    "TableName": "",
                    "Name": name,
                    "Label": name,
                    "Type": kind,
                    "Precision": 0,
                    "Scale": 0,
                    "Nullable": "UNKNOWN",
                    "CaseSensitive": False,
                }
                for name, kind in columns
            ],
        }
        body = json.dumps(
            {"account_id": "123456789012", "region": "us-east-1", "results": [result]}
        ).encode()
        queued = httpcore.request(
            "POST",
            f"{self.url}/moto-api/static/athena/query-results",
            headers={"Content-Type": "application/json"},
            content=body,
        )
        assert queued.status == 201

    def left(self) -> list[str]:
        """What lies where queries put what they found."""
        return [found.key for found in every(self.files, "athena-output/")]


@pytest.fixture(scope="module")
def app() -> UnhurriedAthena:
    return UnhurriedAthena()


@pytest.fixture(scope="module")
def url(account: None, app: UnhurriedAthena) -> Iterator[str]:
    with serial_moto(app) as address:
        yield address


@pytest.fixture
def at(url: str, app: UnhurriedAthena) -> Iterator[AtHand]:
    clock = MemoryClock(NOON)
    aws = Aws(
        clock=clock,
        sleep=lambda seconds: clock.advance(timedelta(seconds=seconds)),
        chance=Random(7),
        access=Access(region="us-east-1", endpoint_url=url),
    )
    app.states.clear()
    app.asked.clear()
    with a_bucket(aws) as files:
        engine = AthenaQueries(
            aws=aws,
            files=files,
            bucket=files.bucket,
            database="demand",
            fresh_id=lambda: f"{next(_TOKENS):032x}",
        )
        yield AtHand(engine, app, files, clock, url)
    aws.close()


def found(at: AtHand, sql: str = "SELECT 1") -> tuple[list[str], list[tuple[Any, ...]]]:
    engine: QueryEngine = at.engine
    with engine.ask(sql) as answer:
        return [*answer.columns], [*answer.rows]


def test_what_was_found_is_read_by_its_types(at: AtHand) -> None:
    columns = [
        ("eventid", "varchar"),
        ("wishes", "bigint"),
        ("isdeleted", "boolean"),
        ("seconds", "double"),
        ("requested", "timestamp"),
        ("day", "date"),
    ]
    at.queue(
        columns,
        [
            ["E1", "7", "false", "1.5", "2025-02-14 12:00:00.250", "2025-02-14"],
            ["E2", None, "true", None, None, None],
        ],
    )
    names, rows = found(at)
    assert names == [name for name, _ in columns]
    at_noon = datetime(2025, 2, 14, 12, 0, 0, 250_000, tzinfo=UTC)
    assert rows == [
        ("E1", 7, False, 1.5, at_noon, date(2025, 2, 14)),
        ("E2", None, True, None, None, None),
    ]


def test_nothing_of_it_is_left_in_the_bucket(at: AtHand) -> None:
    at.queue([("n", "bigint")], [["1"]])
    with at.engine.ask("SELECT 1") as answer:
        assert at.left() != []
        assert [*answer.rows] == [(1,)]
    assert at.left() == []


def test_a_query_that_waits_is_looked_at_ever_more_seldom(at: AtHand) -> None:
    at.queue([("n", "bigint")], [["1"]])
    at.app.states.extend([QUEUED, QUEUED, *[RUNNING] * 10])
    assert found(at)[1] == [(1,)]
    assert at.app.asked.count("GetQueryExecution") == 13
    assert timedelta(seconds=30) < at.clock.now() - NOON < timedelta(seconds=60)
    assert "StopQueryExecution" not in at.app.asked


def test_one_that_takes_too_long_is_cancelled(at: AtHand) -> None:
    at.app.states.extend([RUNNING] * 1000)
    with pytest.raises(Transient, match="too long"):
        found(at)
    assert at.app.asked.count("StopQueryExecution") == 1
    assert at.clock.now() - NOON <= at.engine.deadline
    assert at.left() == []


@pytest.mark.parametrize(
    ("status", "error"),
    [
        ({"State": "FAILED", "StateChangeReason": "line 1:8: no such column"}, Permanent),
        ({"State": "FAILED", "AthenaError": {"Retryable": False}}, Permanent),
        ({"State": "FAILED", "AthenaError": {"Retryable": True}}, Transient),
        ({"State": "CANCELLED"}, Transient),
    ],
)
def test_one_that_failed_says_why_and_whether_to_ask_again(
    at: AtHand, status: dict[str, Any], error: type[Exception]
) -> None:
    at.app.states.append(status)
    with pytest.raises(error) as raised:
        found(at)
    assert status.get("StateChangeReason", status["State"]) in str(raised.value)
    assert at.left() == []


def test_whoever_stops_listening_leaves_nothing_behind(at: AtHand) -> None:
    at.queue([("n", "bigint")], [["1"], ["2"]])
    with pytest.raises(KeyError), at.engine.ask("SELECT 1") as answer:
        raise KeyError(next(answer.rows))
    assert at.left() == []


@pytest.mark.parametrize(
    "sql",
    ["", "DROP TABLE demand", "SELECT 1; SELECT 2", "INSERT INTO demand SELECT 1", "x" * 9],
)
def test_what_is_no_query_is_refused_before_anybody_is_asked(at: AtHand, sql: str) -> None:
    with pytest.raises(Permanent, match="bad_query"):
        found(at, sql)
    assert at.app.asked == []


@pytest.mark.parametrize(
    ("sql", "sent"),
    [
        (
            "SELECT UNIX_TIMESTAMP(date.notified) FROM demand;",
            "SELECT to_unixtime(date.notified) FROM demand",
        ),
        ("SELECT 'unix_timestamp(x); y'", "SELECT 'unix_timestamp(x); y'"),
        (
            "SELECT unix_timestamps -- UNIX_TIMESTAMP(x)",
            "SELECT unix_timestamps -- UNIX_TIMESTAMP(x)",
        ),
        (
            'with a as (select 1) select "unix_timestamp(" from a',
            'with a as (select 1) select "unix_timestamp(" from a',
        ),
        ("MSCK REPAIR TABLE demand_log", "MSCK REPAIR TABLE demand_log"),
    ],
)
def test_hives_words_are_athenas_and_texts_stay_as_they_are(
    at: AtHand, sql: str, sent: str
) -> None:
    found(at, sql)
    told = at.engine.aws.call("athena", "list_query_executions")
    asked = [
        at.engine.aws.call("athena", "get_query_execution", QueryExecutionId=one)
        for one in told["QueryExecutionIds"]
    ]
    assert sent in [one["QueryExecution"]["Query"] for one in asked]


@pytest.mark.parametrize("sql", [TOP, AUDIT, LAG, "MSCK REPAIR TABLE demand"])
def test_the_queries_of_the_requirements_are_taken_as_they_stand(at: AtHand, sql: str) -> None:
    found(at, sql)
    assert at.app.asked[0] == "StartQueryExecution"


def test_a_database_has_a_name_that_can_be_no_sql(at: AtHand) -> None:
    with pytest.raises(WiringError):
        AthenaQueries(
            aws=at.engine.aws,
            files=at.files,
            bucket="bucket",
            database="demand; drop",
            fresh_id=str,
        )
