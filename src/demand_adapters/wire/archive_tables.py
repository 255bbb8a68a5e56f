"""The archive's tables: one definition of each, for a laptop and for Athena.

A log shows what is stored, where a change may stand twice; a history shows each change once.
The table itself shows the latest state of each thing, also of one that is gone, and is silent
of expiry: nobody took back what only grew old. All windows hold the day, so that a filter on it
reaches the files.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from demand_adapters.wire.archive import RECORD_TYPES, RecordType

DAY: Final = "partition_date"
# How each orders what it says of one thing: the last is how the thing is.
LATEST: Final = "version DESC, changedat DESC, isdeleted DESC, changeid DESC"
_EXPIRED: Final = "isdeleted AND coalesce(deletionreason, '') = 'expiry'"

_LOCAL: Final[Mapping[str, str]] = {
    "string": "VARCHAR",
    "int": "INTEGER",
    "long": "BIGINT",
    "boolean": "BOOLEAN",
    # As it stands in the text; the log shows it as a time.
    "timestamp-millis": "BIGINT",
}
_HIVE: Final[Mapping[str, str]] = {
    "string": "string",
    "int": "int",
    "long": "bigint",
    "boolean": "boolean",
    "timestamp-millis": "timestamp",
}
# Events are filed under the day of their start, years ahead; all others under a day that was.
AHEAD: Final[Mapping[str, str]] = {"event": "NOW+5YEARS"}
_TODAY: Final = "NOW+1DAYS"
_FIRST_DAY: Final = "2010-01-01"


def columns(kept: RecordType[Any]) -> list[str]:
    """The columns of its tables, the day last."""
    return [field["name"] for field in kept.schema.tree["fields"]] + [DAY]


def local_log(kept: RecordType[Any], files: str | None) -> str:
    """The query of its log in DuckDB, over rows as text in *files*, if there are any."""
    fields = kept.schema.tree["fields"]
    types = {field["name"]: _local(field["type"]) for field in fields}
    shown = ", ".join(
        f"{_shown(field['type'], _quoted(field['name']))} AS {_quoted(field['name'])}"
        for field in fields
    )
    if files is None:
        nothing = ", ".join(f"NULL::{kind} AS {_quoted(name)}" for name, kind in types.items())
        rows = f"(SELECT {nothing}, NULL::DATE AS {DAY} WHERE false)"
    else:
        spelled = ", ".join(f"'{name}': '{kind}'" for name, kind in types.items())
        rows = (
            f"read_json('{files}', format = 'newline_delimited', columns = {{{spelled}}}, "
            f"hive_partitioning = true, hive_types = {{'{DAY}': DATE}})"
        )
    return f"SELECT {shown}, {DAY} FROM {rows}"


def views(name: str) -> Iterator[tuple[str, str]]:
    """The tables over `{name}_log`, each with its query, in the order of their making."""
    shown = ", ".join(f'"{column}"' for column in columns(RECORD_TYPES[name]))
    yield f"{name}_history", _first(shown, f"{name}_log", "changeid", "changedat")
    known = f"(SELECT {shown} FROM {name}_history WHERE NOT ({_EXPIRED}))"
    yield name, _first(shown, known, "referenceid", LATEST)
    yield f"{name}_current", f"SELECT {shown} FROM {name} WHERE NOT isdeleted"
    yield (
        f"{name}_deletions",
        f"SELECT {shown} FROM {name}_history WHERE isdeleted AND NOT ({_EXPIRED})",
    )
    if name == "event":
        yield "events", f"SELECT {shown} FROM event_history"


def as_of(name: str, at: str) -> str:
    """The query for the states of a type at the time that the expression *at* gives."""
    shown = ", ".join(f'"{column}"' for column in columns(RECORD_TYPES[name]))
    known = f"(SELECT {shown} FROM {name}_history WHERE NOT ({_EXPIRED}) AND changedat <= {at})"
    return _first(shown, known, "referenceid", LATEST)


def athena(bucket: str) -> Iterator[str]:
    """Every statement that makes the tables in Athena, over the files in *bucket*."""
    for name, kept in RECORD_TYPES.items():
        yield _external(name, kept, f"s3://{bucket}/data/{name}/")
    for name in RECORD_TYPES:
        for view, query in views(name):
            yield f"CREATE OR REPLACE VIEW {view} AS\n{query}"


def _first(shown: str, source: str, of: str, order: str) -> str:
    """Of all rows of *source* about the same, the first."""
    numbered = (
        f"SELECT {shown}, row_number() OVER (PARTITION BY {DAY}, {of} ORDER BY {order}) AS nth "
        f"FROM {source} AS every_row"
    )
    return f"SELECT {shown} FROM ({numbered}) AS numbered WHERE nth = 1"


def _external(name: str, kept: RecordType[Any], where: str) -> str:
    fields = kept.schema.tree["fields"]
    listed = ",\n  ".join(f"`{field['name']}` {_hive(field['type'])}" for field in fields)
    literal = kept.schema.json.replace("'", "''")
    properties = {
        "projection.enabled": "true",
        f"projection.{DAY}.type": "date",
        f"projection.{DAY}.format": "yyyy-MM-dd",
        f"projection.{DAY}.range": f"{_FIRST_DAY},{AHEAD.get(name, _TODAY)}",
        f"projection.{DAY}.interval": "1",
        f"projection.{DAY}.interval.unit": "DAYS",
        "storage.location.template": f"{where}{DAY}=${{{DAY}}}/",
    }
    said = ",\n  ".join(f"'{key}' = '{value}'" for key, value in properties.items())
    return (
        f"CREATE EXTERNAL TABLE IF NOT EXISTS {name}_log (\n  {listed}\n)\n"
        f"PARTITIONED BY ({DAY} string)\n"
        "ROW FORMAT SERDE 'org.apache.hadoop.hive.serde2.avro.AvroSerDe'\n"
        f"WITH SERDEPROPERTIES ('avro.schema.literal' = '{literal}')\n"
        f"STORED AS AVRO\nLOCATION '{where}'\nTBLPROPERTIES (\n  {said}\n)"
    )


def _local(tree: Any) -> str:
    match _bare(tree):
        case {"type": "array", "items": items}:
            return f"{_local(items)}[]"
        case {"type": "record", "fields": fields}:
            inside = ", ".join(f'"{field["name"]}" {_local(field["type"])}' for field in fields)
            return f"STRUCT({inside})"
        case {"logicalType": logical}:
            return _LOCAL[logical]
        case str(plain):
            return _LOCAL[plain]
    raise AssertionError(tree)


def _shown(tree: Any, value: str) -> str:
    """*value* with its times as times."""
    match _bare(tree):
        case {"logicalType": _}:
            return f"epoch_ms({value})"
        case {"type": "record", "fields": fields} as record if _has_times(record):
            parts = ", ".join(
                f"{_quoted(part['name'])} := "
                + _shown(part["type"], f"{value}.{_quoted(part['name'])}")
                for part in fields
            )
            return f"CASE WHEN {value} IS NULL THEN NULL ELSE struct_pack({parts}) END"
    return value


def _has_times(tree: Any) -> bool:
    match _bare(tree):
        case {"logicalType": _}:
            return True
        case {"type": "record", "fields": fields}:
            return any(_has_times(part["type"]) for part in fields)
    return False


def _quoted(name: str) -> str:
    return f'"{name}"'


def _hive(tree: Any) -> str:
    match _bare(tree):
        case {"type": "array", "items": items}:
            return f"array<{_hive(items)}>"
        case {"type": "record", "fields": fields}:
            inside = ",".join(f"{field['name']}:{_hive(field['type'])}" for field in fields)
            return f"struct<{inside}>"
        case {"logicalType": logical}:
            return _HIVE[logical]
        case str(plain):
            return _HIVE[plain]
    raise AssertionError(tree)


def _bare(tree: Any) -> Any:
    """The type of a value that is there."""
    return next(part for part in tree if part != "null") if isinstance(tree, list) else tree
