"""Every queue, stream and topic: its name and the type of its bodies."""

from typing import Final

from demand_core.domain.links import LinkRequest
from demand_core.topology.shapes import Channel, ChannelKind

SHORT_URLS: Final = Channel(name="shortUrlQueue", kind=ChannelKind.QUEUE, body=LinkRequest)
