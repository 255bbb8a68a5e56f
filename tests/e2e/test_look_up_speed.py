"""An app that asks for a cached event does not wait, on the files of one machine."""

from pathlib import Path
from typing import Final

import pytest
from attrs import evolve

from demand_adapters.local.clock import WallClock
from demand_adapters.testing.strategies import an_event
from demand_core.domain.event_details import EventAnswer, EventQuery
from demand_core.domain.sales import ListedSale, public_sale
from demand_core.topology import TOPOLOGY
from entrypoints.engines.local import LocalEngines
from entrypoints.metering import Meter
from entrypoints.profiles import Profile
from entrypoints.settings import Settings
from entrypoints.wiring import assemble

EVENTS: Final = 300
ASKED: Final = 3000
HERE: Final = "http://127.0.0.1:1"


class LookUps:
    """The worker, so that its calls can be measured like those of any service."""

    def __init__(self, ports: Profile) -> None:
        (row,) = (row for row in TOPOLOGY if row.name == "look_up_event")
        self._work = assemble(row, ports, lambda channel: pytest.fail(channel.name))

    def ask(self, query: EventQuery) -> EventAnswer:
        answer = self._work(query)
        assert isinstance(answer, EventAnswer)
        return answer


@pytest.mark.check("N-UC6", "N-S6")
def test_a_cached_event_is_answered_within_half_a_second_at_p95(tmp_path: Path) -> None:
    now, meter = WallClock().now(), Meter()
    settings = Settings(state=tmp_path, shortener_url=HERE, event_source_url=HERE, sms_url=HERE)
    with LocalEngines.opened(settings) as engines:
        ports = Profile(settings, engines)
        events = [evolve(an_event(n), cached_at=now) for n in range(EVENTS)]
        assert not ports.events.refresh(events)
        for event in events:
            sale = public_sale(event.event_id, ListedSale(start_at=now))
            ports.sales.relist(event.event_id, [sale], now)
        asking = meter.around("look_up_event", LookUps(ports))
        for n in range(ASKED):
            query = EventQuery(event_id=f"E{n % EVENTS}", market_id="TM_US")
            answer = asking.ask(query)
            assert answer.event
            assert (answer.event.event_id, answer.event.stale) == (query.event_id, False)
    told = meter.measured["look_up_event"].document()
    assert told["outcomes"] == {"done": ASKED}
    p95 = told["p95Ms"]
    assert isinstance(p95, int)
    assert p95 < 500
