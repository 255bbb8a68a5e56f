"""Takes fans out of one file of the archive, whatever kind of file it is."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Final

from attrs import define, field, frozen

from demand_adapters.archive.subject_indexes import INDEXES, naming, objects_of, without
from demand_adapters.wire.archive_columns import Row
from demand_adapters.wire.archive_contents import Hashed
from demand_adapters.wire.archive_errors import ERRORS
from demand_adapters.wire.avro.rewriting import Rewriting
from demand_adapters.wire.erased_events import (
    asked_in_event,
    names_in_event,
    redacted,
    unpacked,
    without_events,
    without_texts,
)
from demand_adapters.wire.erased_rows import asked_at, erased, names_in
from demand_core.domain.contacts import ContactKey
from demand_core.domain.erasures import Forgotten
from demand_core.domain.subjects import Name, subject_hash
from demand_core.domain.traces import Traces
from demand_core.ports.file_store import FileStore

OBJECTS: Final = ("data/", "merged/")
# Files of text that were kept as they came, or say something about one fan.
TEXTS: Final = ("quarantine/", "alerts/")
# What an id of anything ends with: no contact stands there.
ID: Final = "id"


@frozen(kw_only=True)
class Look:
    """What one file says of forgotten fans, and how often each.

    *after* is the digest that it has without them; None where nobody knows how to take them
    out. *learned* are names that stood beside those that were known.
    """

    key: str
    size: int
    before: str
    after: str | None
    told: Mapping[Name, int] = field(repr=False)
    learned: frozenset[Name] = field(repr=False)

    @property
    def store(self) -> str:
        """Which part of the archive it is of."""
        return self.key.partition("/")[0]


@frozen(kw_only=True, slots=False)
class Forgetting:
    """For the fans who are *known*, and until when each is."""

    files: FileStore
    keys: Sequence[ContactKey]
    known: Mapping[Name, Forgotten] = field(repr=False)

    @cached_property
    def traces(self) -> Traces:
        """What tells of them."""
        return Traces(frozenset(self.known))

    @cached_property
    def hashes(self) -> Mapping[bytes, Name]:
        """What stands for each in indexes, under whatever key they were written."""
        return {subject_hash(*name, key): name for name in self.known for key in self.keys}

    def named_by_indexes(self) -> Iterator[str]:
        """The objects that say they are about them, and after each its index."""
        for key in [*naming(self.files, frozenset(self.hashes))]:
            yield from objects_of(self.files, key)
            yield key

    def look(self, key: str) -> Look | None:
        """What the file under *key* says; None when there is none.

        Raises Permanent for one that can't be read.
        """
        pieces = self.files.read(key)
        if pieces is None:
            return None
        passing, seen = Hashed(pieces), _Seen(self)
        if key.startswith(OBJECTS):
            made = self._rewriting(passing, seen)
            after: str | None = _digest(made)
            size = made.inflated
        else:
            content = b"".join(passing)
            fresh = self._without(key, content, seen)
            after, size = None if fresh is None else _digest([fresh]), len(content)
        return Look(
            key=key,
            size=size,
            before=passing.sha256,
            after=after,
            told=seen.told,
            learned=frozenset(seen.learned - self.known.keys()),
        )

    def clean(self, key: str) -> None:
        """Write the file without them; nothing where it is gone."""
        pieces = self.files.read(key)
        if pieces is None:
            return
        if key.startswith(OBJECTS):
            self.files.put(key, self._rewriting(pieces, _Seen(self)))
            return
        fresh = self._without(key, b"".join(pieces), _Seen(self))
        if fresh is not None:
            self.files.put(key, [fresh])

    def _rewriting(self, pieces: Iterable[bytes], seen: "_Seen") -> Rewriting:
        concerns = self.traces.may_stand_in
        return Rewriting(source=pieces, change=seen.row, concerns=concerns)

    def _without(self, key: str, content: bytes, seen: "_Seen") -> bytes | None:
        if key.startswith(INDEXES):
            fresh = without(content, frozenset(self.hashes))
            seen.told.update(name for hashed, name in self.hashes.items() if hashed in content)
            return fresh
        if key.startswith(ERRORS):
            return without_events(content, seen.event)[0]
        if not self.traces.told_by(content):
            return content
        if key.startswith(TEXTS):
            return without_texts(content, seen.text)[0]
        seen.text(content)
        return None


@define
class _Seen:
    """What passes of one file: each part is judged, and counted for whom it is about."""

    _by: Forgetting
    told: Counter[Name] = field(factory=Counter, repr=False)
    learned: set[Name] = field(factory=set, repr=False)

    def row(self, row: Row) -> Row:
        """A row as it shall be."""
        since, known = asked_at(row), self._by.known
        names = [*names_in(row)]
        fresh = erased(row, since, known)
        if fresh is not row:
            mine = [name for name in names if name in known]
            self.told.update(mine)
            if any(named_by == "fan" for named_by, _ in mine):
                self.learned.update(names)
        if not any(forgotten.covers(since) for forgotten in known.values()):
            return fresh
        places = {c: part for c, part in fresh.items() if not c.endswith(ID)}
        hidden, count = redacted(places, self._contact)
        return fresh | hidden if count else fresh

    def event(self, original: bytes) -> bool:
        """Whether an event goes as a whole."""
        told = self._by.traces.told_by(unpacked(original))
        asked = asked_in_event(original)
        mine = [name for name in told if self._by.known[name].covers(asked)]
        self.told.update(mine)
        if any(named_by == "fan" for named_by, _ in mine):
            self.learned.update(names_in_event(original))
        return bool(mine)

    def text(self, text: bytes) -> bool:
        """Whether a text goes."""
        told = self._by.traces.told_by(text)
        self.told.update(told)
        return bool(told)

    def _contact(self, text: bytes) -> bool:
        told = self._by.traces.contacts.told_by(text)
        self.told.update(told)
        return bool(told)


def _digest(pieces: Iterable[bytes]) -> str:
    passing = Hashed(pieces)
    for _ in passing:
        pass
    return passing.sha256
