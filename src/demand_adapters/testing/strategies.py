"""Values of every type, for properties: one strategy a type; `an_event` where any will do."""

import string
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from hypothesis import strategies as st

from demand_adapters.item_table import Body, Change, Item, Key, Value
from demand_adapters.wire.items import Rate
from demand_core.domain.alerts import Alert
from demand_core.domain.changes import ChangeKind, RemovedBy
from demand_core.domain.events import Event, EventCached, EventDates
from demand_core.domain.ids import EventId
from demand_core.domain.links import LinkPolicy, LinkRequest

NOON: Final = datetime(2025, 2, 14, 12, tzinfo=UTC)
MILLISECOND: Final = timedelta(milliseconds=1)

# Every sign that UTF-8 has: other scripts, astral ones, quotes, controls; no half surrogates.
texts: st.SearchStrategy[str] = st.text(
    st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12
)

# As the clock gives them.
instants: st.SearchStrategy[datetime] = st.integers(
    -(25 * 365 * 86_400_000), 75 * 365 * 86_400_000
).map(lambda n: NOON + n * MILLISECOND)

event_ids: st.SearchStrategy[EventId] = st.text(
    string.ascii_letters + string.digits + "_-", min_size=1, max_size=64
).map(EventId)

event_dates: st.SearchStrategy[EventDates] = st.builds(
    EventDates, first_seen=st.none() | instants, updated=st.none() | instants
)

events: st.SearchStrategy[Event] = st.builds(
    Event,
    event_id=event_ids,
    name=texts,
    url=texts,
    brand=texts,
    country=texts,
    storefront=texts,
    locale=texts,
    status=texts,
    cached_at=instants,
    time_zone=st.none() | texts,
    refresh_at=st.none() | instants,
    short_url=st.none() | texts,
    short_url_for=st.none() | texts,
    link_attempts=st.integers(0, 9),
    link_failed_at=st.none() | instants,
    dates=event_dates,
)

cached_events: st.SearchStrategy[EventCached] = st.builds(EventCached, event_ids)

link_requests: st.SearchStrategy[LinkRequest] = st.builds(LinkRequest, event_ids)

link_policies: st.SearchStrategy[LinkPolicy] = st.builds(
    LinkPolicy, calls_max=st.integers(1, 5)
)

alerts: st.SearchStrategy[Alert] = st.builds(Alert, key=texts, summary=texts)

rates: st.SearchStrategy[Rate] = st.builds(
    Rate, next_free_at=instants, per_second=st.integers(1, 5000)
)

values: st.SearchStrategy[Value] = st.recursive(
    st.none() | st.booleans() | st.integers(1 - 10**38, 10**38 - 1) | st.just("") | texts,
    lambda parts: st.lists(parts, max_size=3) | st.dictionaries(texts, parts, max_size=3),
    max_leaves=8,
)

bodies: st.SearchStrategy[Body] = st.dictionaries(texts, values, max_size=4)

keys: st.SearchStrategy[Key] = st.tuples(texts, texts)

# The two indexes whose range anybody may choose; the others take the item's own sort key.
items: st.SearchStrategy[Item] = st.builds(
    Item,
    key=keys,
    body=bodies,
    index=st.dictionaries(st.sampled_from(["byTime", "byGroup"]), keys),
    expires_at=st.none() | st.integers(0, 2**32),
)

changes: st.SearchStrategy[Change] = st.builds(
    Change,
    change_id=st.text(string.printable[:95], min_size=1, max_size=128),
    sequence=st.integers(1, 2**63 - 1),
    at=instants,
    kind=st.sampled_from(ChangeKind),
    key=keys,
    old=st.none() | items,
    new=st.none() | items,
    removed_by=st.none() | st.sampled_from(RemovedBy),
)


def an_event(n: int = 1, /, **differing: Any) -> Event:
    """Any event will do, or any but for what is *differing*."""
    plain: dict[str, Any] = {
        "event_id": EventId(f"E{n}"),
        "name": f"Show {n}",
        "url": f"https://www.ticketmaster.com/event/E{n}",
        "brand": "ticketmaster",
        "country": "US",
        "storefront": "TM_US",
        "locale": "en-us",
        "status": "onsale",
        "cached_at": NOON,
    }
    return Event(**plain | differing)
