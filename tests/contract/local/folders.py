"""Where engines of one machine keep what a test gives them."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from demand_adapters.local.database import Database

# Hundreds of fresh databases mostly wait for the disk. Here syncing is for free, if there is
# such a place; those who test what survives on a disk take a folder of pytest's.
IN_MEMORY: Final = Path("/dev/shm")  # noqa: S108  # a name of its own is made in it


@contextmanager
def passing_folder() -> Iterator[Path]:
    """An empty one, gone in the end."""
    with TemporaryDirectory(dir=IN_MEMORY if IN_MEMORY.is_dir() else None) as folder:
        yield Path(folder)


@contextmanager
def passing_database() -> Iterator[Database]:
    """An empty one, gone in the end."""
    with passing_folder() as folder, closing(Database(folder)) as database:
        yield database
