"""SQL over the archive on one machine: DuckDB, which reads the files that a query needs."""

import re
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Timer
from typing import TYPE_CHECKING, Any, Final

from attrs import frozen

from demand_adapters.query_engine import Answer
from demand_adapters.wire.archive import RECORD_TYPES
from demand_adapters.wire.archive_tables import as_of, local_log, views
from demand_core.errors import DemandError, Permanent, Transient, WiringError
from demand_core.ports.file_store import FileStore

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from demand_adapters.archive.rows_as_text import RowsAsText

DEADLINE_S: Final = 300.0
PAGE: Final = 1000
MISSING: Final = "queries need duckdb and fsspec: install demand[sql]"
# Of Hive and Athena; here days are found by looking.
_REPAIR: Final = re.compile(r"\s*MSCK\s+REPAIR\s+TABLE\s+\w+\s*;?\s*", re.IGNORECASE)


@frozen(kw_only=True)
class ArchiveQueries:
    """Asks the files of an archive; a query sees those that were there when it began."""

    files: FileStore
    deadline_s: float = DEADLINE_S

    @contextmanager
    def ask(self, sql: str) -> Iterator[Answer]:
        """Run one query, whose rows can be taken inside.

        Raises Permanent for what is no query, cannot be read or reaches beyond the archive,
        Transient for one that takes longer than the deadline.
        """
        if _REPAIR.fullmatch(sql):
            yield Answer((), iter(()))
            return
        with self._tables() as (tables, rows), _explained(rows):
            _check(tables, sql)
            overdue = Timer(self.deadline_s, tables.interrupt)
            overdue.start()
            try:
                found = tables.execute(sql)
                columns = [column[0] for column in found.description or ()]
                yield Answer(columns, _paged(found))
            finally:
                overdue.cancel()

    @contextmanager
    def _tables(self) -> Iterator[tuple["DuckDBPyConnection", "RowsAsText"]]:
        try:
            import duckdb

            from demand_adapters.archive.rows_as_text import PROTOCOL, RowsAsText
        except ImportError:
            raise WiringError(MISSING) from None
        settings: Any = {
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
        }
        with (
            TemporaryDirectory(prefix="demand-query-") as folder,
            closing(duckdb.connect(config=settings)) as tables,
        ):
            rows = RowsAsText(self.files, Path(folder))
            tables.register_filesystem(rows)
            tables.execute(f"SET allowed_directories = ['{PROTOCOL}://']")
            # What a query may reach is the archive, whoever wrote it.
            tables.execute("SET enable_external_access = false")
            tables.execute("SET TimeZone = 'UTC'")
            tables.execute("CREATE MACRO unix_timestamp(moment) AS epoch(moment)::BIGINT")
            for name in RECORD_TYPES:
                _make(tables, rows, name)
            tables.execute("SET lock_configuration = true")
            yield tables, rows


def _make(tables: "DuckDBPyConnection", rows: "RowsAsText", name: str) -> None:
    there = f"{rows.protocol}://{name}/*/*.ndjson" if rows.listed(name) else None
    tables.execute(f"CREATE VIEW {name}_log AS {local_log(RECORD_TYPES[name], there)}")
    for view, query in views(name):
        tables.execute(f"CREATE VIEW {view} AS {query}")
    tables.execute(f"CREATE MACRO {name}_as_of(moment) AS TABLE {as_of(name, 'moment')}")


def _check(tables: "DuckDBPyConnection", sql: str) -> None:
    """Refuse all but one query that only reads."""
    from duckdb import StatementType

    statements = tables.extract_statements(sql)
    if len(statements) != 1:
        raise Permanent("bad_query", f"{len(statements)} statements: one query at a time")
    if statements[0].type not in {StatementType.SELECT, StatementType.EXPLAIN}:
        raise Permanent("bad_query", "the archive is only read: ask with SELECT or WITH")


@contextmanager
def _explained(rows: "RowsAsText") -> Iterator[None]:
    """Say what DuckDB raises in our own terms."""
    import duckdb

    try:
        yield
    except duckdb.InterruptException:
        raise Transient("the query took too long: ask for fewer days") from None
    except duckdb.Error as error:
        flaw: DemandError = rows.flaw or Permanent("bad_query", _first_line(error))
        raise flaw from None


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0]


def _paged(found: "DuckDBPyConnection") -> Iterator[tuple[Any, ...]]:
    while page := found.fetchmany(PAGE):
        yield from page
