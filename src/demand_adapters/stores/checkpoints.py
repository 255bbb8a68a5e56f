"""How far readers came, as small files: writing them into the table would make changes."""

from collections.abc import Mapping

from attrs import frozen

from demand_adapters.shard_reader import Reading
from demand_adapters.wire import bodies
from demand_core.ports.file_store import FileStore


@frozen(kw_only=True)
class FileCheckpoints:
    """One file a shard, replaced as a whole: what is read is never half of one."""

    files: FileStore

    def load(self, reader: str, /) -> Mapping[str, Reading]:
        """List them and read each; a reader does it once."""
        found, folder, after = dict[str, Reading](), _key(reader, ""), ""
        while page := self.files.list(folder, after=after):
            after = page[-1].key
            for key in (stored.key for stored in page):
                if pieces := self.files.read(key):
                    shard = key.removeprefix(folder).removesuffix(".json")
                    found[shard] = bodies.decode(Reading, b"".join(pieces))
        return found

    def save(self, reader: str, shard: str, reading: Reading, /) -> None:
        """Replace what there was."""
        self.files.put(_key(reader, f"{shard}.json"), [bodies.encode(reading)])

    def forget(self, reader: str, shard: str, /) -> None:
        """Delete it; what remains of it is forgotten the next time."""
        self.files.delete([_key(reader, f"{shard}.json")])


def _key(reader: str, name: str) -> str:
    return f"checkpoints/{reader}/{name}"
