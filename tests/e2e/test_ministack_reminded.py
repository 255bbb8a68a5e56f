"""On AWS too a run that is killed again and again tells every fan, and nobody twice."""

import os
from collections import Counter
from collections.abc import Mapping
from datetime import timedelta
from random import Random
from typing import Final

import pytest

from demand_adapters.aws.calls import Aws
from demand_adapters.aws.stream import KinesisStream
from demand_adapters.local.clock import WallClock
from demand_adapters.memory.sms_sender import AcceptedText, MemorySmsSender
from demand_adapters.memory.url_shortener import MemoryUrlShortener
from demand_adapters.wire.bodies import encode
from demand_core.domain.statuses import Status
from demand_core.topology.channels import SMS_NEWS
from entrypoints.settings import Settings
from entrypoints.twins.discovery import DiscoveryTwin
from entrypoints.twins.serving import Served
from entrypoints.twins.shortener import ShortenerTwin
from entrypoints.twins.sms import SmsTwin
from entrypoints.twins.together import TogetherTwin
from tests.e2e.test_killed import killed, started
from tests.e2e.test_reminded import ask, told, worked_off
from tests.provisioned import provision

KILLS: Final = 10
FANS_EACH: Final = 6
# Its libraries take longer to load, and its queues to answer, than those of a folder.
UNTIL_KILLED: Final = (2.0, 5.0)
KEY: Final = "E2E_CONTACT_KEY"


class Reporting:
    """A provider that reports on each text as it takes it: late, and now and then twice."""

    def __init__(self, gateway: MemorySmsSender, stream: KinesisStream, chance: Random) -> None:
        self.gateway, self.stream, self.chance = gateway, stream, chance
        gateway.on_accepted = self.report

    def report(self, text: AcceptedText) -> None:
        told = [report for _, report in self.gateway.reports_of(text, self.chance)]
        told += self.chance.sample(told, self.chance.randint(0, 2))
        self.chance.shuffle(told)
        assert not self.stream.put([(one.message_id, encode(one)) for one in told])


def account_of(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> Mapping[str, str]:
    """What a process needs to know to work on the account that this one works on."""
    monkeypatch.setenv(KEY, "k1:only-for-this-test-of-ours")
    return {name: text for name, text in os.environ.items() if name.startswith(("AWS_", KEY))}


@pytest.mark.check("REQ-007", "N-UC7", "N-R12")
def test_a_run_on_aws_that_is_killed_ten_times_tells_every_fan_once(
    aws: Aws, monkeypatch: pytest.MonkeyPatch
) -> None:
    chance, clock = Random(7), WallClock()
    gateway = MemorySmsSender(clock)
    twins = TogetherTwin(
        {
            "/v4/": ShortenerTwin(MemoryUrlShortener(clock), clock),
            "/discovery/": DiscoveryTwin(clock, opens_in=timedelta(minutes=28)),
            "/": SmsTwin(gateway, clock),
        }
    )
    environment = account_of(aws, monkeypatch)
    with Served(twins) as served:
        settings = Settings(
            profile="aws",
            table="reminded",
            bucket="reminded",
            channel_prefix="reminded-",
            aws_region="us-east-1",
            aws_endpoint=aws.access.endpoint_url or "",
            contact_key_variable=KEY,
            shortener_url=served.url,
            shortener_domain="sho.rt",
            event_source_url=served.url,
            sms_url=served.url,
        )
        provision(aws, settings)
        reports = KinesisStream(aws=aws, name=settings.channel_prefix + SMS_NEWS.name)
        Reporting(gateway, reports, chance)
        total = KILLS * FANS_EACH
        for kill in range(KILLS):
            ask(settings, range(kill * FANS_EACH, (kill + 1) * FANS_EACH))
            killed(started(settings, **environment), chance.uniform(*UNTIL_KILLED))
        worked_off(started(settings, **environment), settings, total, Status.DELIVERED)
    texted = Counter(text.order.to.reveal() for text in gateway.history)
    assert texted == Counter(f"+1212{2_000_000 + n}" for n in range(total))
    assert told(settings) == {Status.DELIVERED.value: total}
