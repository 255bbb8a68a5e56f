"""SQL over the archive in Athena: started once, waited for, cancelled when nobody waits."""

import logging
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

from attrs import field, frozen

from demand_adapters.aws.calls import Aws, part
from demand_adapters.query_engine import Answer
from demand_core.domain.ids import whole
from demand_core.errors import Permanent, Transient, WiringError
from demand_core.ports.file_store import FileStore

OUTPUT: Final = "athena-output/"
DEADLINE: Final = timedelta(minutes=5)
FIRST_LOOK: Final = timedelta(milliseconds=200)
LONGEST_PAUSE: Final = timedelta(seconds=5)
PAGE: Final = 1000
SQL_BYTES_MAX: Final = 262_144
_NAME: Final = whole("[a-z0-9_]{1,64}")
_BUCKET: Final = whole("[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
# Texts and comments stand as they are; of what is between them some words are Hive's.
_PARTS: Final = re.compile(r"('(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|--[^\n]*)")
_SECONDS: Final = re.compile(r"\bunix_timestamp(?=\s*\()", re.IGNORECASE)
_READS: Final = re.compile(r"\s*(?:select|with|explain|msck\s+repair\s+table)\b", re.IGNORECASE)

_LOG: Final = logging.getLogger("demand.archive")


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text.removesuffix(" UTC")).replace(tzinfo=UTC)


# What Athena writes as text; anything else stays one.
_VALUES: Final[Mapping[str, Callable[[str], Any]]] = {
    "bigint": int,
    "boolean": "true".__eq__,
    "date": date.fromisoformat,
    "decimal": float,
    "double": float,
    "float": float,
    "integer": int,
    "real": float,
    "smallint": int,
    "timestamp": _instant,
    "tinyint": int,
}


@frozen(kw_only=True)
class AthenaQueries:
    """Asks the tables that `demand archive ddl` makes in *database*.

    *files* is *bucket*: what Athena leaves there of a query is removed at its end.
    """

    aws: Aws
    files: FileStore = field(repr=False)
    bucket: str
    database: str
    fresh_id: Callable[[], str] = field(repr=False)
    workgroup: str = "primary"
    deadline: timedelta = DEADLINE

    def __attrs_post_init__(self) -> None:
        """Raise WiringError for names that are none."""
        if not (_NAME.match(self.database) and _BUCKET.match(self.bucket)):
            raise WiringError("Athena needs the names of a database and of a bucket")

    @contextmanager
    def ask(self, sql: str) -> Iterator[Answer]:
        """Run one query; whatever happens it is over afterwards, and nothing of it is left."""
        query, token = _checked(sql), self.fresh_id()
        where = f"{OUTPUT}{token}/"
        try:
            execution = self._started(query, token, where)
            ended = False
            try:
                self._wait(execution)
                ended = True
            finally:
                if not ended:
                    self.aws.call("athena", "stop_query_execution", QueryExecutionId=execution)
            yield Answer(*self._found(execution))
        finally:
            self._remove(where)

    def _started(self, query: str, token: str, where: str) -> str:
        """Started again with the same token it is the same query."""
        started = self.aws.call(
            "athena",
            "start_query_execution",
            QueryString=query,
            ClientRequestToken=token,
            QueryExecutionContext={"Database": self.database},
            ResultConfiguration={"OutputLocation": f"s3://{self.bucket}/{where}"},
            WorkGroup=self.workgroup,
        )
        return str(part(started, "QueryExecutionId"))

    def _wait(self, execution: str) -> None:
        until, pause = self.aws.clock.now() + self.deadline, FIRST_LOOK
        while True:
            told = self.aws.call("athena", "get_query_execution", QueryExecutionId=execution)
            status = part(part(told, "QueryExecution"), "Status")
            match status["State"]:
                case "SUCCEEDED":
                    return
                case "FAILED" | "CANCELLED" as state:
                    raise _why(state, status)
            if self.aws.clock.now() + pause > until:
                raise Transient("the query took too long: ask for fewer days")
            self.aws.sleep(pause.total_seconds())
            pause = min(2 * pause, LONGEST_PAUSE)

    def _found(self, execution: str) -> tuple[Sequence[str], Iterator[tuple[Any, ...]]]:
        """The columns, and rows by pages; the first row of all repeats the columns' names."""
        first = self._page(execution, None)
        about = first["ResultSet"].get("ResultSetMetadata", {}).get("ColumnInfo", [])
        columns = [column["Name"] for column in about]
        reads = [_VALUES.get(column["Type"], str) for column in about]

        def rows() -> Iterator[tuple[Any, ...]]:
            page, skipped = first, 1
            while True:
                for row in page["ResultSet"]["Rows"][skipped:]:
                    yield tuple(map(_read, reads, row["Data"]))
                if not page.get("NextToken"):
                    return
                page, skipped = self._page(execution, page["NextToken"]), 0

        return columns, rows()

    def _page(self, execution: str, token: str | None) -> Mapping[str, Any]:
        more = {"NextToken": token} if token else {}
        return self.aws.call(
            "athena",
            "get_query_results",
            QueryExecutionId=execution,
            MaxResults=PAGE,
            **more,
        )

    def _remove(self, where: str) -> None:
        """What can't be removed is told: it may hold what only the asker should see."""
        left = False
        try:
            while (page := self.files.list(where)) and not left:
                left = bool(self.files.delete([found.key for found in page]))
        except Transient:
            left = True
        if left:
            _LOG.warning("what a query found is left in s3://%s/%s", self.bucket, where)


def _checked(sql: str) -> str:
    """One query that only reads, with Hive's words as Athena knows them."""
    query = sql.strip().removesuffix(";")
    pieces = _PARTS.split(query)
    if not _READS.match(query):
        raise Permanent("bad_query", "the archive is only read: ask with SELECT or WITH")
    if any(";" in piece for piece in pieces[::2]):
        raise Permanent("bad_query", "several statements: one query at a time")
    if len(query.encode(errors="replace")) > SQL_BYTES_MAX:
        raise Permanent("bad_query", f"more than {SQL_BYTES_MAX} bytes")
    pieces[::2] = [_SECONDS.sub("to_unixtime", piece) for piece in pieces[::2]]
    return "".join(pieces)


def _why(state: str, status: Mapping[str, Any]) -> Permanent | Transient:
    reason = str(status.get("StateChangeReason", state)).partition("\n")[0]
    if state == "CANCELLED" or status.get("AthenaError", {}).get("Retryable"):
        return Transient(f"Athena gave the query up: {reason}")
    return Permanent("bad_query", reason)


def _read(read: Callable[[str], Any], cell: Mapping[str, str]) -> Any:
    text = cell.get("VarCharValue")
    return None if text is None else read(text)
