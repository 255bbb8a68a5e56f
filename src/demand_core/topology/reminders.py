"""The workers that tell fans of a sale."""

from datetime import timedelta
from typing import Final

from demand_core.domain.changes import ChangeKind
from demand_core.domain.demands import DemandRef
from demand_core.domain.event_details import EventAnswer, EventQuery
from demand_core.domain.events import EventCached
from demand_core.domain.notifications import DuePage
from demand_core.domain.sales import SaleRef
from demand_core.topology.channels import (
    EMAILS,
    EVENTS,
    GENERATION,
    PARKED_NEWS,
    SEND,
    SHORT_URLS,
    SMS_NEWS,
)
from demand_core.topology.shapes import (
    Changes,
    Every,
    Queue,
    Request,
    Retry,
    Stream,
    Worker,
)

_APPEARS: Final = frozenset({ChangeKind.INSERT})
_STANDS: Final = frozenset({ChangeKind.INSERT, ChangeKind.MODIFY})
# Ten receives within a minute each would be over before a table is back; where a gate is often
# shut most receives say nothing of the message.
_PATIENT: Final = Retry(max_receive=100, backoff=timedelta(minutes=5))
# A sale is near: what comes back comes back soon, and a page that is given up is found again.
# What died under way is hidden for six times as long, and a sale does not wait.
_BRIEF: Final = timedelta(seconds=60)
_HURRIED: Final = Retry(max_receive=100, backoff=timedelta(seconds=30))

ROWS: Final = (
    Worker(
        name="queue_short_urls",
        subsystem="reminders",
        origin="demandStreamToSqs",
        triggers=(
            Changes(
                kind="event",
                on=_STANDS,
                # A refresh always moves it, the link's own writes never do.
                watching=("cached_at",),
                body=EventCached,
            ),
        ),
        timeout=_BRIEF,
        retry=_PATIENT,
        outputs={"requests": SHORT_URLS},
        about="asks for a short link for each event that was cached without one",
    ),
    Worker(
        name="shorten_event_urls",
        subsystem="reminders",
        origin="shortenEventUrl",
        triggers=(Queue(SHORT_URLS),),
        timeout=_BRIEF,
        retry=_PATIENT,
        about="fills the short link in, slowly enough for the shortener",
    ),
    Worker(
        name="follow_demand",
        subsystem="reminders",
        origin="followDemand",
        triggers=(
            Changes(
                kind="demand",
                on=_STANDS,
                # Marks of ours are no new wish.
                watching=("channels", "phone_number", "email"),
                body=DemandRef,
            ),
        ),
        timeout=_BRIEF,
        retry=_HURRIED,
        outputs={"events_wanted": EVENTS, "orders": GENERATION},
        about="has the event of a new wish cached, and reminds at once who asks late",
    ),
    Worker(
        name="follow_sales",
        subsystem="reminders",
        origin="followSales",
        triggers=(
            Changes(
                kind="sale", on=_STANDS, watching=("start_at", "withdrawn_at"), body=SaleRef
            ),
        ),
        timeout=_BRIEF,
        retry=_HURRIED,
        outputs={"orders": GENERATION},
        about="has the reminders of a sale made again that moved after its tick",
    ),
    Worker(
        name="refresh_events",
        subsystem="reminders",
        origin="refreshEvents",
        triggers=(Every(period=timedelta(minutes=15)),),
        outputs={"orders": EVENTS},
        about="has events looked up again that somebody wants to be told of",
    ),
    Worker(
        name="cache_event",
        subsystem="reminders",
        origin="GetAndCacheEventDetails",
        triggers=(Queue(EVENTS),),
        timeout=_BRIEF,
        retry=_PATIENT,
        about="keeps what the source says of an event and its sales",
    ),
    Worker(
        name="schedule_notifications",
        subsystem="reminders",
        origin="notificationScheduler",
        # Its windows are half hours. In between it catches up what an earlier tick left undone.
        triggers=(Every(period=timedelta(minutes=5)),),
        outputs={"orders": GENERATION},
        about="orders the reminders of every sale that opens soon",
    ),
    Worker(
        name="generate_notifications",
        subsystem="reminders",
        origin="notificationGenerator",
        triggers=(Queue(GENERATION),),
        timeout=_BRIEF,
        retry=_HURRIED,
        outputs={"orders": GENERATION},
        loops=True,
        about="makes one message for each fan and channel that asked",
    ),
    Worker(
        name="wake_due_notifications",
        subsystem="reminders",
        origin="wakeDueNotifications",
        triggers=(Every(period=timedelta(minutes=1)),),
        outputs={"pages": SEND},
        about="finds the messages that somebody must look at by now",
    ),
    Worker(
        name="send_notifications",
        subsystem="reminders",
        origin="notificationSend",
        triggers=(
            Queue(SEND),
            Changes(kind="notification", on=_APPEARS, body=DuePage),
        ),
        retry=_HURRIED,
        outputs={"emails": EMAILS},
        about="checks, claims, hands over and records each due message, at most once",
    ),
    Worker(
        name="track_sms_status",
        subsystem="reminders",
        origin="smsStatusConsumer",
        triggers=(Stream(SMS_NEWS), Queue(PARKED_NEWS)),
        timeout=_BRIEF,
        retry=Retry(max_receive=100, backoff=timedelta(minutes=1)),
        outputs={"parked": PARKED_NEWS},
        loops=True,
        about="merges delivery reports into the messages that they are about",
    ),
    Worker(
        name="mark_demand",
        subsystem="reminders",
        origin="markDemand",
        triggers=(
            Changes(
                kind="notification",
                on=_STANDS,
                watching=("status",),
                becoming=frozenset({"TRIGGERED", "SENT", "DELIVERED", "FAILED"}),
                body=DuePage,
            ),
        ),
        timeout=_BRIEF,
        retry=_PATIENT,
        about="notes on a wish when it was answered and when the answer arrived",
    ),
    Worker(
        name="record_opt_outs",
        subsystem="reminders",
        origin="recordOptOuts",
        triggers=(Stream(SMS_NEWS),),
        timeout=_BRIEF,
        retry=_PATIENT,
        about="notes who texts back that he wants no more, or wants to hear from us again",
    ),
    Worker(
        name="look_up_event",
        subsystem="reminders",
        origin="eventDetails",
        triggers=(Request(body=EventQuery, reply=EventAnswer),),
        timeout=timedelta(seconds=10),
        about="answers what an app asks of an event, from the cache first",
    ),
)
