"""The files in memory keep what every FileStore promises."""

from contextlib import AbstractContextManager, nullcontext

from demand_adapters.memory.file_store import MemoryFileStore
from demand_adapters.testing.file_store import FileStoreContract, FileStoreProperties
from demand_core.ports.file_store import FileStore


class TestMemoryFileStore(FileStoreContract, FileStoreProperties):
    engine = "memory"

    def fresh(self) -> AbstractContextManager[FileStore]:
        return nullcontext(MemoryFileStore())
