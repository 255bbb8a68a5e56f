"""The worker, its stores and the shortener over a bad wire, together."""

from datetime import timedelta
from random import Random
from typing import Final

from demand_adapters.memory.announcer import MemoryAnnouncer
from demand_adapters.memory.item_table import MemoryItemTable
from demand_adapters.memory.url_shortener import MemoryUrlShortener
from demand_adapters.stores.event_cache import TableEventCache
from demand_adapters.stores.pace import TablePace
from demand_adapters.testing.strategies import an_event
from demand_core.batch import Record
from demand_core.domain.links import SHORTENER, LinkPolicy, LinkRequest, LinkState, link_state
from demand_core.errors import Transient
from demand_core.workers.reminders.shorten_event_urls import ShortenEventUrls
from entrypoints.twins.serving import seeded
from tests.served import RESTLESS, desk

EVENTS: Final = [an_event(n) for n in range(12)]
SOUR: Final = EVENTS[0].url


def test_on_a_bad_wire_an_event_gets_its_one_link_or_three_recorded_failures() -> None:
    with desk(endless=seeded(7, 0.4), sour=frozenset({SOUR}), patience=RESTLESS) as both:
        table = MemoryItemTable(both.clock, Random(1))
        cache = TableEventCache(table=table, clock=both.clock)
        cache.refresh(EVENTS)
        announcer = MemoryAnnouncer()
        worker = ShortenEventUrls(
            clock=both.clock,
            events=cache,
            shortener=both.shortener,
            pace=TablePace(table=table, clock=both.clock, per_second={SHORTENER: 100}),
            announcer=announcer,
            links=LinkPolicy(calls_max=3),
        )
        ids = [event.event_id for event in EVENTS]
        left = [Record(str(event_id), LinkRequest(event_id)) for event_id in ids]
        while left:
            both.clock.advance(timedelta(seconds=2))
            try:
                back = worker(left).retry
            except Transient:
                continue
            left = [record for record in left if record.record_id in back]
        stored = cache.get_many(ids)
        service = MemoryUrlShortener(both.clock)
        for event in stored.values():
            if link_state(event) is LinkState.LINKED:
                assert event.short_url == service.shorten(event.url)
            else:
                assert (link_state(event), event.link_attempts) == (LinkState.FAILED, 3)
        failed = [e for e in stored.values() if link_state(e) is LinkState.FAILED]
        assert SOUR in {event.url for event in failed}
        assert len(failed) < len(EVENTS)
        assert len(announcer.told) == len(failed)
        attempts = sum(event.link_attempts for event in stored.values())
        assert both.served.calls == attempts + len(EVENTS) - len(failed)
        assert sum(both.served.faults.values()) > 0
