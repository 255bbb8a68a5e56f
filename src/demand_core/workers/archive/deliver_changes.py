"""Keep every change of the table as rows of files."""

from collections import Counter
from collections.abc import Sequence

from attrs import frozen

from demand_core.batch import Outcome, Record
from demand_core.domain.alerts import set_aside
from demand_core.domain.archive import Fate, ToldChange, freshness
from demand_core.ports.announcer import Announcer
from demand_core.ports.archive import Archive
from demand_core.ports.clock import Clock


@frozen(kw_only=True)
class DeliverChanges:
    """What makes no row is set aside and done with; what could not be written comes again."""

    archive: Archive
    announcer: Announcer
    clock: Clock

    def __call__(self, batch: Sequence[Record[ToldChange]]) -> Outcome:
        """All of one shard at once: what belongs together becomes one file."""
        filed = self.archive.deliver([record.body for record in batch])
        retry, dropped, ages = set[str](), dict[str, str](), Counter[str]()
        now = self.clock.now()
        for record, became in zip(batch, filed, strict=True):
            if became.fate is Fate.WAITS:
                retry.add(record.record_id)
            elif became.fate is Fate.KEPT:
                ages[freshness(now - record.body.at)] += 1
            else:
                dropped[record.record_id] = became.reason
            if became.fate is Fate.SET_ASIDE:
                self.announcer.announce(set_aside(became.reason, record.body.at))
        return Outcome(retry=frozenset(retry), dropped=dropped, noted=ages)
