"""What must hold of messages, read from what the gateway took and the mail service sent.

A row of ours only says what we believe: each belief is held against the outside.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Final

from demand_adapters.wire.converters import structured
from demand_core.domain.delivery import DeliveryPolicy
from demand_core.domain.notifications import Channel, ErrorKind, Notification
from demand_core.domain.statuses import NOT_SENT, Status
from entrypoints.simulation.world import World

SECOND: Final = timedelta(seconds=1)
# What a row with one of these states claims: that the fan has it.
SENT: Final = frozenset({Status.TRIGGERED, Status.QUEUED, Status.SENT, Status.DELIVERED})


def rows(world: World) -> Mapping[str, Notification]:
    """The messages as they stand, by id."""
    found = (item.body for item in world.engines.table.items())
    read = (structured(Notification, b) for b in found if b["type"] == "notification")
    return {row.notification_id: row for row in read}


def accepted(world: World) -> Counter[str]:
    """How often each message went out, whoever believes what."""
    texts = [text.order.reference for text in world.engines.sms.history]
    mails = [mail.order.message_id for mail in world.engines.emails.history]
    return Counter([*texts, *mails])


def duplicates(world: World) -> list[str]:
    """Messages that a fan got twice."""
    return [reference for reference, times in accepted(world).items() if times > 1]


def too_late(world: World) -> list[str]:
    """Messages that went out when they were of no more use."""
    texts = [
        t.order.reference for t in world.engines.sms.history if t.at >= t.order.valid_until
    ]
    mails = [mail.message_id for mail in world.engines.emails.late]
    return [*texts, *mails]


def unsettled(world: World) -> list[str]:
    """Messages that somebody would still have to look at."""
    return [reference for reference, row in rows(world).items() if not row.settled]


def false_beliefs(world: World) -> list[str]:
    """Messages that are said not to be sent and were, or the other way round."""
    out = accepted(world)
    return [
        reference
        for reference, row in rows(world).items()
        if (row.status in SENT and not out[reference]) or _denies(row, out[reference])
    ]


def _denies(row: Notification, times: int) -> bool:
    """A failure that was reported is one of a message that was taken."""
    reported = row.status is Status.FAILED and row.date.triggered
    return row.status in NOT_SENT and not reported and times > 0


def unexplained(world: World) -> list[str]:
    """Messages that nobody got, without what would excuse it."""
    out = accepted(world)
    return [
        reference
        for reference, row in rows(world).items()
        if not out[reference] and not _excused(row)
    ]


def _excused(row: Notification) -> bool:
    known = sum(error.kind is ErrorKind.KNOWN for error in row.errors)
    refused = any(error.kind is ErrorKind.PERMANENT for error in row.errors)
    match row.status:
        case Status.FAILED:
            return refused or known >= DeliveryPolicy().failures_max
        case Status.UNKNOWN | Status.EXPIRED:
            return bool(row.reason)
        case Status.DROPPED | Status.SUPPRESSED:
            return bool(row.reason)
    return False


def hurried(world: World) -> list[str]:
    """Senders whose gate let more through in some second than it may."""
    allowed = world.settings.sms_per_s + SLAB
    times = [text.at for text in world.engines.sms.history]
    first = 0
    for last, at in enumerate(times):
        while (at - times[first]).total_seconds() >= 1:
            first += 1
        if last - first + 1 > allowed:
            return [world.engines.sms.sender]
    return []


def spare(world: World) -> Iterator[tuple[str, int]]:
    """Seconds from the last message that was made, or handed over, to the end of its use."""
    found = rows(world).values()
    for name, status in (("spare_made_s", "created"), ("spare_told_s", "triggered")):
        left = [row.not_after - at for row in found if (at := getattr(row.date, status))]
        yield name, min(left) // SECOND if left else 0


# One slab may meet the next at an edge of a second.
SLAB: Final = 100


def counts(world: World) -> Iterator[tuple[str, int]]:
    """How many messages came to which end."""
    found = list(rows(world).values())
    ends = Counter(row.status for row in found)
    mails = sum(row.channel is Channel.EMAIL and row.status is Status.SENT for row in found)
    yield "total", len(found)
    yield "delivered", ends[Status.DELIVERED] + mails
    yield "failed", ends[Status.FAILED]
    yield "expired", ends[Status.EXPIRED]
    yield "unknown", ends[Status.UNKNOWN]
    yield "skipped", ends[Status.DROPPED] + ends[Status.SUPPRESSED]
    yield "underway", ends[Status.TRIGGERED] + ends[Status.QUEUED] + ends[Status.SENT] - mails
