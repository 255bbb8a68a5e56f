"""Ask for a short link for each event that wants one."""

from collections.abc import Sequence

from attrs import frozen

from demand_core.batch import Outcome, Record
from demand_core.domain.events import EventCached
from demand_core.domain.links import LinkRequest, LinkState, link_state
from demand_core.ports.event_cache import EventCache
from demand_core.ports.outlet import Outlet


@frozen(kw_only=True)
class QueueShortUrls:
    """What woke us is a hint: whether an event wants a link is read from the cache."""

    events: EventCache
    requests: Outlet[LinkRequest]

    def __call__(self, batch: Sequence[Record[EventCached]]) -> Outcome:
        """One request for each event, however often it was cached."""
        ids = tuple(dict.fromkeys(record.body.event_id for record in batch))
        known = self.events.get_many(ids)
        wanting = [
            LinkRequest(event.event_id)
            for event in known.values()
            if link_state(event) is LinkState.WANTED
        ]
        untaken = {wanting[position].event_id for position in self.requests.send(wanting)}
        return Outcome(
            retry=frozenset(r.record_id for r in batch if r.body.event_id in untaken),
            dropped={
                r.record_id: "event_unknown" for r in batch if r.body.event_id not in known
            },
        )
