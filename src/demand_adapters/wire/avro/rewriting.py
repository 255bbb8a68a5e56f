"""Makes a container of another in which some rows are others; all else keeps its bytes."""

from collections.abc import Callable, Iterator
from io import BytesIO

import fastavro
from attrs import define, field

from demand_adapters.wire.avro.frames import NULL, Header, Source, header_bytes, long_bytes
from demand_adapters.wire.avro.limits import LIMITS, Limits
from demand_adapters.wire.avro.reading import Block, Row, read
from demand_adapters.wire.avro.writing import deflated


@define(kw_only=True)
class Rewriting:
    """The pieces of the new file, once; beside them what was seen so far.

    *change* answers each row as it shall be: the very same one where nothing changes. It is
    asked only in blocks that *concerns* says yes of, given what stands in them.
    """

    _source: Source
    _change: Callable[[Row], Row]
    _concerns: Callable[[bytes], bool]
    _limits: Limits = LIMITS
    rows: int = field(default=0, init=False)
    changed: int = field(default=0, init=False)
    inflated: int = field(default=0, init=False)

    def __iter__(self) -> Iterator[bytes]:
        """Raise Malformed where the file makes no sense. At most one block is held."""
        container = read(self._source, limits=self._limits)
        head = container.header
        yield header_bytes(head.spelled, head.codec, head.metadata, head.sync, self._limits)
        for block in container.blocks:
            self.rows += block.count
            self.inflated += len(block.content)
            fresh = self._rewritten(block, head) if self._concerns(block.content) else None
            if fresh is None:
                yield b"".join((block.stored.head, block.stored.payload, head.sync))
            else:
                yield b"".join(
                    (long_bytes(block.count), long_bytes(len(fresh)), fresh, head.sync)
                )

    def look(self) -> int:
        """How many rows would be changed; nothing is kept of it."""
        for _ in self:
            pass
        return self.changed

    def _rewritten(self, block: Block, head: Header) -> bytes | None:
        content, before = BytesIO(), self.changed
        for row, encoded in block.encoded:
            changed = self._change(row)
            if changed is row:
                content.write(encoded)
                continue
            self.changed += 1
            parsed = head.schema.parsed
            fastavro.schemaless_writer(content, parsed, changed, disable_tuple_notation=True)
        if self.changed == before:
            return None
        whole = content.getvalue()
        return whole if head.codec == NULL else deflated(whole, self._limits)
