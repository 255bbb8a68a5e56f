"""What we hold of one fan, found by the indexes; nothing is changed, and no value is shown."""

from collections.abc import Iterator, Sequence
from itertools import chain

from attrs import field, frozen

from demand_adapters.archive.forgetting import TEXTS, Forgetting, Look
from demand_adapters.archive.merge_log import every
from demand_adapters.archive.subject_indexes import INDEXES
from demand_adapters.wire.archive_errors import ERRORS
from demand_core.domain.contacts import ContactKey
from demand_core.domain.erasures import Erasure, Forgotten
from demand_core.domain.ids import FanId, checked
from demand_core.domain.subjects import Name
from demand_core.errors import Permanent
from demand_core.ports.clock import Clock
from demand_core.ports.erasure_book import ErasureBook
from demand_core.ports.file_store import FileStore


@frozen(kw_only=True)
class Found:
    """Items of the table and files that tell of a fan, and by how many names he is known.

    *unread* are files that nobody can look into; *erasure* is the last one of this fan.
    """

    items: int
    files: Sequence[Look]
    names: int
    unread: Sequence[str]
    erasure: Erasure | None


@frozen(kw_only=True)
class Finder:
    """Looks where an index, or a part that has none, may tell of a fan."""

    files: FileStore
    clock: Clock
    book: ErasureBook
    keys: Sequence[ContactKey] = field(repr=False)

    def find(self, fan_id: str) -> Found:
        """Look under his names, and again under those that stand beside them."""
        fan = FanId(checked("fanId", fan_id))
        now = self.clock.now()
        held = self.book.held(fan, now)
        names = {*held.names}
        while True:
            looks, unread = dict[str, Look](), set[str]()
            for key, look in self._looks(names, Forgotten(at=now, salt=b"")):
                if look is None:
                    unread.add(key)
                elif look.told:
                    looks[key] = look
            beside = {name for look in looks.values() for name in look.learned} - names
            if not beside:
                break
            names |= beside
        return Found(
            items=held.items,
            files=[looks[key] for key in sorted(looks)],
            names=len(names),
            unread=sorted(unread),
            erasure=self.book.last(("fan", fan)),
        )

    def _looks(self, names: set[Name], so: Forgotten) -> Iterator[tuple[str, Look | None]]:
        by = Forgetting(files=self.files, keys=self.keys, known=dict.fromkeys(names, so))
        kept = (found.key for part in (ERRORS, *TEXTS) for found in every(self.files, part))
        for key in chain(by.named_by_indexes(), kept):
            if not key.startswith(INDEXES):
                try:
                    if look := by.look(key):
                        yield key, look
                except Permanent:
                    yield key, None
