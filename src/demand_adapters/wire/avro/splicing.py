"""Makes one container of several by copying their blocks: no row is decoded."""

from collections.abc import Iterable, Iterator, Mapping

from attrs import define, field

from demand_adapters.wire.avro.flaws import Malformed
from demand_adapters.wire.avro.frames import (
    Cursor,
    Header,
    Source,
    frames,
    header,
    header_bytes,
    pieces,
)
from demand_adapters.wire.avro.limits import LIMITS, Limits
from demand_core.errors import Permanent


@define(kw_only=True)
class Splice:
    """The pieces of the new file, once; what it was made of so far is counted beside.

    Each source is opened when its turn comes, and at most one block is held.
    """

    _files: Iterable[Source]
    _sync: bytes
    _metadata: Mapping[str, str | bytes]
    _limits: Limits
    sources: int = field(default=0, init=False)
    blocks: int = field(default=0, init=False)
    records: int = field(default=0, init=False)

    def __iter__(self) -> Iterator[bytes]:
        """Raise Malformed, with the number of the source, where one is not as the first."""
        first: Header | None = None
        for source in self._files:
            self.sources += 1
            cursor = Cursor(pieces(source), source=self.sources)
            head = header(cursor, self._limits)
            if first is None:
                first = head
                yield header_bytes(
                    head.spelled, head.codec, self._metadata, self._sync, self._limits
                )
            _same(head, first, self.sources)
            for frame in frames(cursor, head.sync, self._limits):
                self.blocks += 1
                self.records += frame.count
                yield b"".join((frame.head, frame.payload, self._sync))
        if first is None:
            raise Permanent("no_source", "nothing to splice")


def splice(
    sources: Iterable[Source],
    *,
    sync: bytes,
    metadata: Mapping[str, str | bytes],
    limits: Limits = LIMITS,
) -> Splice:
    """One container of the blocks of *sources*, whose schema and codec are the same bytes.

    Counts, sizes and payloads stay as they are, only the sync marker becomes *sync*. The
    frames are held to *limits* as when they are read; what the payloads inflate to is seen
    when somebody reads the rows. The metadata of the sources are left behind.
    """
    return Splice(files=sources, sync=sync, metadata=metadata, limits=limits)


def _same(head: Header, first: Header, source: int) -> None:
    if head.spelled != first.spelled:
        why = "its schema is not spelled as the one of the first source"
        raise Malformed("other_schema", why, source=source)
    if head.codec != first.codec:
        raise Malformed("other_codec", "its codec is not the one of the first", source=source)
