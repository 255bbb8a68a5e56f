"""Fans of a run that is killed again and again are told, and nobody is told twice."""

from collections import Counter
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from random import Random
from subprocess import Popen, TimeoutExpired
from typing import Final

import pytest

from demand_adapters.local.clock import WallClock
from demand_adapters.memory.sms_sender import MemorySmsSender
from demand_adapters.memory.url_shortener import MemoryUrlShortener
from demand_core.domain.contacts import Phone
from demand_core.domain.demands import Demand, DemandDates, any_sale
from demand_core.domain.ids import EventId, FanId
from demand_core.domain.notifications import Channel
from demand_core.domain.statuses import Status
from entrypoints.ledger import totals
from entrypoints.profiles import beside
from entrypoints.settings import Settings
from entrypoints.twins.discovery import DiscoveryTwin
from entrypoints.twins.serving import Served
from entrypoints.twins.shortener import ShortenerTwin
from entrypoints.twins.sms import SmsTwin
from entrypoints.twins.together import TogetherTwin
from tests.e2e.test_killed import killed, started

KILLS: Final = 20
FANS_EACH: Final = 10
# It takes about a second until the first wish is followed.
UNTIL_KILLED: Final = (0.8, 2.5)
# A killed sender's claim lasts a minute and a half, and once a minute somebody looks.
PATIENCE: Final = 260
SHOW: Final = EventId("vvG1IZ9YbnT3qA")


def wish(number: int) -> Demand:
    return Demand(
        fan_id=FanId(f"F{number:06d}"),
        event_id=SHOW,
        sale_id=any_sale(SHOW),
        channels=(Channel.SMS,),
        phone_number=Phone(f"+1212{2_000_000 + number}"),
        date=DemandDates(requested=WallClock().now()),
    )


def ask(settings: Settings, numbers: range) -> None:
    """Fans ask while nothing runs."""
    with beside(settings) as ports:
        assert not ports.demands.ask([wish(number) for number in numbers])


def told(settings: Settings) -> Counter[str]:
    """How far the messages are, seen from beside the running process."""
    with beside(settings) as ports:
        found = totals(ports.notifications, f"{SHOW}.public").by_status
        return Counter({status.value: count for status, count in found.items()})


def worked_off(
    process: Popen[bytes], settings: Settings, total: int, status: Status = Status.TRIGGERED
) -> None:
    """Wait until all messages came so far, and stop it as an operator would."""
    for _ in range(PATIENCE):
        with suppress(TimeoutExpired):
            process.wait(1)
        if process.returncode is not None or told(settings)[status.value] == total:
            break
    process.terminate()
    _, complaints = process.communicate(timeout=60)
    assert process.returncode == 0, complaints.decode()


@pytest.mark.check("REQ-007")
def test_a_run_that_is_killed_twenty_times_tells_every_fan_once(tmp_path: Path) -> None:
    chance, clock = Random(7), WallClock()
    gateway = MemorySmsSender(clock)
    twins = TogetherTwin(
        {
            "/v4/": ShortenerTwin(MemoryUrlShortener(clock), clock),
            # Its reminders are due already, so that who asks is told at once.
            "/discovery/": DiscoveryTwin(clock, opens_in=timedelta(minutes=28)),
            "/": SmsTwin(gateway, clock),
        }
    )
    with Served(twins) as served:
        settings = Settings(
            state=tmp_path / "state",
            shortener_url=served.url,
            shortener_domain="sho.rt",
            event_source_url=served.url,
            sms_url=served.url,
        )
        total = KILLS * FANS_EACH
        for kill in range(KILLS):
            ask(settings, range(kill * FANS_EACH, (kill + 1) * FANS_EACH))
            killed(started(settings), chance.uniform(*UNTIL_KILLED))
        worked_off(started(settings), settings, total)
    texted = Counter(text.order.to.reveal() for text in gateway.history)
    assert texted == Counter(f"+1212{2_000_000 + n}" for n in range(total))
    assert told(settings) == {Status.TRIGGERED.value: total}
    with beside(settings) as ports:
        assert not [stored.key for stored in ports.files.list("quarantine/")]
