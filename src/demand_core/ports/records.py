"""The ports of what is kept for good, and of who must not be in it."""

from typing import Protocol

from demand_core.ports.archive import Archive
from demand_core.ports.erasure_book import ErasureBook
from demand_core.ports.file_store import FileStore


class Records(Protocol):
    """Each by the name that workers call it."""

    @property
    def archive(self) -> Archive:
        """Every change there ever was."""
        ...

    @property
    def erasures(self) -> ErasureBook:
        """Who is to be forgotten."""
        ...

    @property
    def files(self) -> FileStore:
        """The bucket that quarantine and exports live in."""
        ...
