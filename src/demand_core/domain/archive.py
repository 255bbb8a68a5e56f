"""What the archive calls a stored thing, and on which day it is filed."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from enum import Enum
from typing import Final, NamedTuple, TypeAlias

from attrs import field, frozen

from demand_core.domain.demands import Demand
from demand_core.domain.events import Event
from demand_core.domain.notifications import Notification
from demand_core.domain.sales import Sale
from demand_core.errors import Permanent

Archivable: TypeAlias = Demand | Event | Notification | Sale

# Ticket sales that we could have been asked about, and those that anybody announces by now.
EARLIEST: Final = datetime(2010, 1, 1, tzinfo=UTC)
AHEAD_MAX: Final = timedelta(days=5 * 365)
# What was set aside holds whatever came: until then somebody has mended it, or nobody will.
ERRORS_KEPT: Final = timedelta(days=30)


@frozen(kw_only=True)
class ToldChange:
    """A change of the table as it arrived, not understood yet: *position* grows in its *shard*.

    Kinesis says where it stood; what it says itself may be anything.
    """

    shard: str
    position: int
    at: datetime
    payload: bytes = field(repr=False)


# How long a change may take until it can be asked for, and what is said of one that took less.
FRESHNESS: Final[Mapping[timedelta, str]] = {
    timedelta(seconds=seconds): f"kept within {seconds} s" for seconds in (10, 30, 60, 300)
}
STALE: Final = "kept later"


def freshness(age: timedelta) -> str:
    """What is counted of a change that could be asked for at this *age*."""
    return next((word for most, word in FRESHNESS.items() if age <= most), STALE)


class Fate(Enum):
    """What the archive did with a change."""

    KEPT = "kept"
    # Of a type of item that is none of the archive's business.
    LEFT_OUT = "left out"
    # It makes no row, and is kept as it came until somebody mends it.
    SET_ASIDE = "set aside"
    # Where it belongs could not be written: nothing else says that it is safe.
    WAITS = "waits"


class Filed(NamedTuple):
    """What became of one change: why it is in no table, and in which file it is."""

    fate: Fate
    reason: str = ""
    file: str = ""


def filed_on(since: datetime | None, changed_at: datetime) -> date:
    """The day, in UTC, under which every change is filed of what there is *since* then.

    The time of the change only counts where nothing else is known. Raises Permanent for a day
    that is no day of ours.
    """
    at = since or changed_at
    if not EARLIEST <= at <= changed_at + AHEAD_MAX:
        raise Permanent("implausible_date", "before 2010, or more than five years ahead")
    return at.astimezone(UTC).date()
