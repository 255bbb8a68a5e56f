"""Engines of one AWS account."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from datetime import timedelta
from time import sleep
from typing import Final

from attrs import frozen

from demand_adapters.aws.calls import Access, Aws
from demand_adapters.aws.change_feed import AwsChangeFeed
from demand_adapters.aws.file_store import S3FileStore
from demand_adapters.aws.item_table import AwsItemTable
from demand_adapters.aws.queue import SqsQueue
from demand_adapters.aws.sms_sender import AwsSmsSender
from demand_adapters.aws.stream import KinesisStream
from demand_adapters.deliveries import StreamSource
from demand_adapters.item_table import ChangeFeed, ItemTable
from demand_adapters.local.clock import WallClock
from demand_adapters.local.entropy import SystemEntropy
from demand_adapters.shard_reader import Reading
from demand_adapters.stores.announcer import FileAnnouncer
from demand_core.domain.contacts import ContactKey
from demand_core.ports.announcer import Announcer
from demand_core.ports.clock import Clock
from demand_core.ports.event_source import EventSource
from demand_core.ports.file_store import FileStore
from demand_core.ports.sms_sender import SmsSender
from demand_core.ports.url_shortener import UrlShortener
from entrypoints.engines import MessageQueue, RecordStream
from entrypoints.engines.remote import Services, contact_keys, remote
from entrypoints.settings import Settings

WAIT: Final = timedelta(seconds=1)


@frozen(kw_only=True)
class AwsEngines:
    """Services of one account, each of them called when it is needed first."""

    settings: Settings
    clock: Clock
    entropy: SystemEntropy
    aws: Aws
    services: Services
    wait: timedelta

    @classmethod
    @contextmanager
    def opened(
        cls, settings: Settings, clock: Clock | None = None, *, wait: timedelta = WAIT
    ) -> Iterator["AwsEngines"]:
        """Call nobody yet. A queue that is empty is asked again after *wait*, by itself."""
        clock, entropy = clock or WallClock(), SystemEntropy()
        access = Access(region=settings.aws_region, endpoint_url=settings.aws_endpoint or None)
        chance = entropy.stream("pauses")
        with (
            closing(Aws(clock=clock, sleep=sleep, chance=chance, access=access)) as aws,
            remote(settings, clock) as services,
        ):
            yield cls(
                settings=settings,
                clock=clock,
                entropy=entropy,
                aws=aws,
                services=services,
                wait=wait,
            )

    def __str__(self) -> str:
        """Where it is."""
        at = self.settings.aws_endpoint or self.settings.aws_region
        return f"aws engines at {at}, table {self.settings.table}"

    @property
    def shortener(self) -> UrlShortener:
        """Short links."""
        return self.services.shortener

    @property
    def event_source(self) -> EventSource:
        """Where events come from."""
        return self.services.event_source

    @property
    def sms(self) -> SmsSender:
        """Whoever brings texts to phones: a gateway, or this account itself."""
        settings = self.settings
        if settings.sms_service == "http":
            return self.services.sms
        return AwsSmsSender(
            aws=self.aws,
            sender=settings.sms_sender,
            configuration_set=settings.sms_configuration_set or None,
        )

    @property
    def table(self) -> ItemTable:
        """The table of the settings."""
        return AwsItemTable(
            aws=self.aws, name=self.settings.table, fresh_id=self.entropy.fresh_id
        )

    @property
    def feed(self) -> ChangeFeed:
        """Its stream."""
        return AwsChangeFeed(aws=self.aws, name=self.settings.table)

    @property
    def files(self) -> FileStore:
        """The bucket of the settings."""
        return S3FileStore(aws=self.aws, bucket=self.settings.bucket)

    @property
    def contact_keys(self) -> Sequence[ContactKey]:
        """Those of the environment."""
        return contact_keys(self.settings)

    @property
    def announcer(self) -> Announcer:
        """Files of the bucket, and the log."""
        return FileAnnouncer(files=self.files)

    def queue(self, name: str, *, visibility: timedelta, max_receive: int) -> MessageQueue:
        """What hides and how often stands at the queue itself, as it was deployed."""
        del visibility, max_receive
        return SqsQueue(aws=self.aws, url=self.queue_url(name), wait=self.wait)

    def queue_url(self, name: str) -> str:
        """Ask for it."""
        named = self.settings.channel_prefix + name
        return str(self.aws.call("sqs", "get_queue_url", QueueName=named)["QueueUrl"])

    def stream(self, name: str) -> RecordStream:
        """The stream of that name, behind the prefix."""
        return KinesisStream(aws=self.aws, name=self.settings.channel_prefix + name)

    def records(self, name: str) -> StreamSource:
        """The same; DynamoDB writes the table's changes into theirs."""
        return self.stream(name)

    def tidy(
        self,
        feed: Mapping[str, Reading],
        streams: Mapping[str, Mapping[str, Reading]],
    ) -> None:
        """AWS does it."""
        del feed, streams
