"""Looks through files for fans who are to be forgotten, and takes them out."""

from collections.abc import Callable, Iterable
from typing import Final

from attrs import Factory, define, frozen

from demand_adapters.archive.forgetting import OBJECTS, TEXTS, Forgetting, Look
from demand_adapters.archive.merge_log import every
from demand_adapters.archive.subject_indexes import INDEXES
from demand_adapters.wire.archive_errors import ERRORS
from demand_core.errors import Permanent

# Every part of the files in which a fan may stand; whoever makes another one adds it here. What
# Athena found is left only by a query that was killed: people remove it.
PARTS: Final = (
    *(*OBJECTS, INDEXES, ERRORS, *TEXTS),
    *("manifests/", "receipts/", "athena-output/"),
)


@define
class Swept:
    """What was found; *stuck* are files that nobody can read or change, and why."""

    forms: int
    objects: int = 0
    size: int = 0
    changed: int = 0
    stuck: dict[str, str] = Factory(dict)


@frozen(kw_only=True)
class Sweep:
    """Whoever wants to know what is *found* hears of it before it is taken out."""

    forgetting: Forgetting
    found: Callable[[Look], None]

    def indexed(self) -> Swept:
        """Only what indexes say is about them; each index comes after its objects."""
        return self._through(self.forgetting.named_by_indexes())

    def whole(self) -> Swept:
        """Everything."""
        files = self.forgetting.files
        return self._through(found.key for part in PARTS for found in every(files, part))

    def _through(self, keys: Iterable[str]) -> Swept:
        swept = Swept(forms=len(self.forgetting.traces.every))
        for key in keys:
            try:
                look = self.forgetting.look(key)
            except Permanent as flaw:
                swept.stuck[key] = str(flaw)
                continue
            if look is None:
                continue
            swept.objects += 1
            swept.size += look.size
            if look.told and look.after is None:
                swept.stuck[key] = "it tells of whom is forgotten, and nobody can change it"
            elif look.told:
                swept.changed += 1
                self.found(look)
                self.forgetting.clean(key)
        return swept
