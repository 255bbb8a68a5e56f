"""The workers that tell fans of a sale."""

from datetime import timedelta
from typing import Final

from demand_core.domain.changes import ChangeKind
from demand_core.domain.events import EventCached
from demand_core.topology.channels import SHORT_URLS
from demand_core.topology.shapes import Changes, Queue, Retry, Worker

ROWS: Final = (
    Worker(
        name="queue_short_urls",
        subsystem="reminders",
        origin="demandStreamToSqs",
        triggers=(
            Changes(
                kind="event",
                on=frozenset({ChangeKind.INSERT, ChangeKind.MODIFY}),
                # A refresh always moves it, the link's own writes never do.
                watching=("cached_at",),
                body=EventCached,
            ),
        ),
        timeout=timedelta(seconds=60),
        # Ten receives within a minute each would be over before a table is back.
        retry=Retry(max_receive=100, backoff=timedelta(minutes=5)),
        outputs={"requests": SHORT_URLS},
        about="asks for a short link for each event that was cached without one",
    ),
    Worker(
        name="shorten_event_urls",
        subsystem="reminders",
        origin="shortenEventUrl",
        triggers=(Queue(SHORT_URLS),),
        timeout=timedelta(seconds=60),
        # Most receives find the shortener's gate shut, so they say nothing of the message.
        retry=Retry(max_receive=100, backoff=timedelta(minutes=5)),
        about="fills the short link in, slowly enough for the shortener",
    ),
)
