"""Objects of the archive as text that DuckDB reads, made when it opens them and not before.

DuckDB decides by the names which days a query needs; what it does not open is not read.
"""

import json
from collections.abc import Mapping
from io import FileIO
from pathlib import Path
from threading import Lock
from typing import Any, Final

from fsspec import AbstractFileSystem

from demand_adapters.archive.listing import Listed, listed, opened
from demand_adapters.wire.avro.flaws import Malformed
from demand_adapters.wire.avro.reading import read
from demand_core.domain.ids import digest
from demand_core.errors import DemandError, Permanent
from demand_core.ports.file_store import FileStore

PROTOCOL: Final = "archive"
SUFFIX: Final = ".ndjson"

_ENCODE: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


class _Opened(FileIO):
    """DuckDB lets go of files and does not close them."""

    def __del__(self) -> None:
        self.close()


class RowsAsText(AbstractFileSystem):  # type: ignore[misc]  # it comes without types
    """The files under `archive://{type}/`, as they were when somebody looked first.

    Times stand in them as they are stored, in milliseconds since 1970: that costs a third less.
    One is text in *folder* from its first opening, a look at how it begins, until it is opened
    to be read. *flaw* is what went wrong meanwhile: DuckDB has its own words for what others
    raise.
    """

    protocol = PROTOCOL
    cachable = False

    def __init__(self, files: FileStore, folder: Path) -> None:
        """Look at nothing yet."""
        super().__init__()
        self._files = files
        self._folder = folder
        self._listed: dict[str, dict[str, Listed]] = {}
        self._sizes: dict[str, int] = {}
        self._making = Lock()
        self.flaw: DemandError | None = None

    def listed(self, record_type: str) -> list[str]:
        """The objects of one type that count, whatever is being merged."""
        if record_type not in self._listed:
            found = listed(self._files, record_type)
            self._listed[record_type] = {_path(one.key): one for one in found}
        return [f"{PROTOCOL}://{path}" for path in self._listed[record_type]]

    def glob(self, path: str, **_: Any) -> list[str]:
        """All of the type that *path* begins with."""
        return self.listed(self._strip_protocol(path).partition("/")[0])

    def info(self, path: str, **_: Any) -> Mapping[str, Any]:
        """How long it is as text, which only its rows can tell."""
        one = self._one(path)
        with self._making:
            if one.key not in self._sizes:
                self._sizes[one.key] = self._text(one).stat().st_size
        return {"name": path, "size": self._sizes[one.key], "type": "file"}

    def _open(self, path: str, *_: Any, **__: Any) -> FileIO:
        one = self._one(path)
        with self._making:
            text = self._text(one)
            reading = _Opened(text)
            # Whoever knows how long it is reads it now, to its end.
            if one.key in self._sizes:
                text.unlink()
        return reading

    def _one(self, path: str) -> Listed:
        bare: str = self._strip_protocol(path)
        record_type = bare.partition("/")[0]
        self.listed(record_type)
        if bare not in self._listed[record_type]:
            raise FileNotFoundError(path)
        return self._listed[record_type][bare]

    def _text(self, one: Listed) -> Path:
        text = self._folder / digest("demand.text/1", one.key)
        if text.exists():
            return text
        try:
            rows = read(opened(self._files, one), bare=True)
            with text.open("wb") as made:
                made.writelines(_ENCODE(row).encode() + b"\n" for row in rows)
        except Malformed as flaw:
            self.flaw = Permanent("bad_object", f"{one.key}: {flaw}")
            raise
        except DemandError as flaw:
            self.flaw = flaw
            raise
        return text


def _path(key: str) -> str:
    return f"{key.removeprefix('data/').removesuffix('.avro')}{SUFFIX}"
