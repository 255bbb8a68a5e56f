"""Fill in the short link, slowly enough for the shortener."""

from collections.abc import Mapping, Sequence
from functools import partial

from attrs import frozen

from demand_core.batch import Outcome, Record, one_by_one
from demand_core.domain.events import Event
from demand_core.domain.ids import EventId
from demand_core.domain.links import (
    SHORTENER,
    LinkPolicy,
    LinkRequest,
    LinkState,
    given_up,
    link_state,
)
from demand_core.errors import Permanent, Transient
from demand_core.ports.announcer import Announcer
from demand_core.ports.clock import Clock
from demand_core.ports.event_cache import EventCache
from demand_core.ports.pace import Pace
from demand_core.ports.url_shortener import UrlShortener


@frozen(kw_only=True)
class ShortenEventUrls:
    """Give each cached event a link that fits into one SMS.

    A call may be repeated: the shortener answers the same link for the same url. So what a
    crash left open is simply done again, and only calls that came back without a link count.
    """

    clock: Clock
    events: EventCache
    shortener: UrlShortener
    pace: Pace
    announcer: Announcer
    links: LinkPolicy

    def __call__(self, batch: Sequence[Record[LinkRequest]]) -> Outcome:
        """Pass the gate once for all calls of the batch, then do one event after the other."""
        known = self.events.get_many(tuple(dict.fromkeys(r.body.event_id for r in batch)))
        calls = sum(link_state(event) is LinkState.WANTED for event in known.values())
        now = self.clock.now()
        if calls and (opens := self.pace.take(SHORTENER, calls, now)) > now:
            raise Transient("the shortener's gate is shut", retry_at=opens)
        return one_by_one(batch, partial(self._settle, known))

    def _settle(self, known: Mapping[EventId, Event], request: LinkRequest) -> str | None:
        event = known.get(request.event_id)
        if event is None:
            return "event_unknown"
        match link_state(event):
            case LinkState.LINKED:
                return None
            case LinkState.FAILED:
                return self._give_up(event)
            case LinkState.WANTED:
                return self._call(event)

    def _call(self, event: Event) -> str | None:
        try:
            short_url = self.shortener.shorten(event.url)
        except Transient as fault:
            if fault.retry_at is None:
                return self._failed(event, self.links.calls_max, fault)
            self.pace.hold(SHORTENER, fault.retry_at)
            self._failed(event, self.links.calls_max, fault)
            raise
        except Permanent as refusal:
            return self._failed(event, 1, refusal)
        self.events.link(event.event_id, event.url, short_url)
        return None

    def _failed(self, event: Event, calls_max: int, fault: Transient | Permanent) -> str | None:
        """Count the call; it is the event that knows when to give up, not the queue."""
        after = self.events.link_failed(event.event_id, event.url, self.clock.now(), calls_max)
        if after and after.url == event.url and link_state(after) is LinkState.FAILED:
            return self._give_up(after)
        raise fault

    def _give_up(self, event: Event) -> str:
        """Told after it is stored, and again with every delivery: one key is told once."""
        self.announcer.announce(given_up(event))
        return "link_failed"
