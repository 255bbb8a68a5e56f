"""Every queue, stream and topic: its name and the type of its bodies."""

from typing import Final

from demand_core.domain.archive import ToldChange
from demand_core.domain.generation import GenerationOrder
from demand_core.domain.links import LinkRequest
from demand_core.domain.notifications import DuePage
from demand_core.domain.orders import EmailOrder
from demand_core.domain.refreshing import EventOrder
from demand_core.domain.sms_news import SmsNews
from demand_core.topology.shapes import Channel, ChannelKind

SHORT_URLS: Final = Channel(name="shortUrlQueue", kind=ChannelKind.QUEUE, body=LinkRequest)
EVENTS: Final = Channel(name="eventQueue", kind=ChannelKind.QUEUE, body=EventOrder)
GENERATION: Final = Channel(
    name="generationQueue", kind=ChannelKind.QUEUE, body=GenerationOrder
)
SEND: Final = Channel(name="sendQueue", kind=ChannelKind.QUEUE, body=DuePage)
EMAILS: Final = Channel(
    name="emailQueue", kind=ChannelKind.QUEUE, body=EmailOrder, read_outside=True
)
SMS_NEWS: Final = Channel(
    name="smsStatusStream",
    kind=ChannelKind.STREAM,
    body=SmsNews,
    partition="message_id",
    written_outside=True,
)
PARKED_NEWS: Final = Channel(name="parkedReportQueue", kind=ChannelKind.QUEUE, body=SmsNews)
# The table's own: every change of it, as DynamoDB tells Kinesis.
CHANGES: Final = Channel(
    name="changeStream",
    kind=ChannelKind.STREAM,
    body=ToldChange,
    partition="shard",
    written_outside=True,
)
