"""Objects of the archive as text that DuckDB reads, made when it opens them and not before.

DuckDB decides by the names which days a query needs; what it does not open is not read.
"""

import json
from collections.abc import Iterator, Mapping
from io import FileIO
from pathlib import Path
from threading import Lock
from typing import Any, Final

from fsspec import AbstractFileSystem

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
        self._listed: dict[str, list[str]] = {}
        self._sizes: dict[str, int] = {}
        self._making = Lock()
        self.flaw: DemandError | None = None

    def listed(self, record_type: str) -> list[str]:
        """The objects of one type."""
        if record_type not in self._listed:
            keys = _keys(self._files, f"data/{record_type}/")
            self._listed[record_type] = [_path(key) for key in keys if key.endswith(".avro")]
        return self._listed[record_type]

    def glob(self, path: str, **_: Any) -> list[str]:
        """All of the type that *path* begins with."""
        return self.listed(self._strip_protocol(path).partition("/")[0])

    def info(self, path: str, **_: Any) -> Mapping[str, Any]:
        """How long it is as text, which only its rows can tell."""
        key = _key(self._strip_protocol(path))
        with self._making:
            if key not in self._sizes:
                self._sizes[key] = self._text(key).stat().st_size
        return {"name": path, "size": self._sizes[key], "type": "file"}

    def _open(self, path: str, *_: Any, **__: Any) -> FileIO:
        key = _key(path)
        with self._making:
            text = self._text(key)
            opened = _Opened(text)
            # Whoever knows how long it is reads it now, to its end.
            if key in self._sizes:
                text.unlink()
        return opened

    def _text(self, key: str) -> Path:
        text = self._folder / digest("demand.text/1", key)
        if text.exists():
            return text
        try:
            pieces = self._files.read(key)
            if pieces is None:
                raise Permanent("object_gone", f"{key} went away while it was asked for")
            with text.open("wb") as made:
                made.writelines(
                    _ENCODE(row).encode() + b"\n" for row in read(pieces, bare=True)
                )
        except Malformed as flaw:
            self.flaw = Permanent("bad_object", f"{key}: {flaw}")
            raise
        except DemandError as flaw:
            self.flaw = flaw
            raise
        return text


def _path(key: str) -> str:
    return f"{PROTOCOL}://{key.removeprefix('data/').removesuffix('.avro')}{SUFFIX}"


def _key(path: str) -> str:
    return f"data/{path.removesuffix(SUFFIX)}.avro"


def _keys(files: FileStore, prefix: str) -> Iterator[str]:
    after = ""
    while page := files.list(prefix, after=after):
        after = page[-1].key
        yield from (found.key for found in page)
