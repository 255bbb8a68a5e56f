"""Values of every type, for properties: one strategy a type; `an_event` where any will do."""

import string
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from hypothesis import strategies as st

from demand_adapters.item_table import Body, Change, Item, Key, Value
from demand_adapters.wire.books import Guard, Rate
from demand_core.domain.alerts import Alert
from demand_core.domain.answers import Accepted, Answer, Doubted, Faulted, Refused, Returned
from demand_core.domain.artists import Artist
from demand_core.domain.changes import ChangeKind, RemovedBy
from demand_core.domain.contacts import Email, Phone
from demand_core.domain.delivery import Capability, Keyed, Queryable, Silent
from demand_core.domain.demands import Demand, DemandDates, any_sale
from demand_core.domain.events import Event, EventCached, EventDate, EventDates, EventStart
from demand_core.domain.ids import SHARDS, DemandSaleId, EventId, FanId, SaleId
from demand_core.domain.links import LinkPolicy, LinkRequest
from demand_core.domain.notifications import (
    Channel,
    Claim,
    DeliveryError,
    ErrorKind,
    MessageBody,
    Notification,
    NotificationKind,
    Timeline,
    send_key,
)
from demand_core.domain.opt_outs import Consent, ConsentSource, OptOut
from demand_core.domain.reports import SIGNALS, Report
from demand_core.domain.sale_kinds import SaleKind
from demand_core.domain.sales import (
    Generation,
    GenerationState,
    Sale,
    SaleDates,
    presale_id,
    public_id,
)
from demand_core.domain.segments import Segment
from demand_core.domain.sms_news import Inbound, SmsNews, StatusReport
from demand_core.domain.statuses import OPEN, Status
from demand_core.domain.venues import Venue

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

event_starts: st.SearchStrategy[EventStart] = st.builds(
    EventStart,
    date_time=st.none() | instants,
    local_date=st.none() | st.dates().map(str),
    local_time=st.none() | st.times().map(str),
    date_tba=st.booleans(),
    time_tba=st.booleans(),
)

venues: st.SearchStrategy[Venue] = st.builds(
    Venue,
    venue_id=st.none() | texts,
    name=st.none() | texts,
    city=st.none() | texts,
    region=st.none() | texts,
    country=st.none() | texts,
)

artists: st.SearchStrategy[Artist] = st.builds(
    Artist, artist_id=st.none() | texts, name=st.none() | texts
)

segments: st.SearchStrategy[Segment] = st.builds(
    Segment, segment_id=st.none() | texts, name=st.none() | texts
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
    event_date=st.builds(EventDate, start=event_starts),
    venue=venues,
    artists=st.lists(artists, max_size=3).map(tuple),
    segment=segments,
    image_url=st.none() | texts,
    is_test=st.booleans(),
    has_demand=st.booleans(),
    refresh_at=st.none() | instants,
    short_url=st.none() | texts,
    short_url_for=st.none() | texts,
    link_attempts=st.integers(0, 9),
    link_failed_at=st.none() | instants,
    dates=event_dates,
)

generations: st.SearchStrategy[Generation] = st.builds(
    Generation,
    start_at=instants,
    ordered_at=instants,
    state=st.sampled_from(GenerationState),
    shards=st.lists(st.sampled_from(SHARDS), unique=True, max_size=3).map(tuple),
)

sales: st.SearchStrategy[Sale] = st.builds(
    lambda event_id, key, **others: Sale(
        sale_id=presale_id(event_id, key), event_id=event_id, name_key=key, **others
    ),
    event_ids,
    texts,
    name=texts,
    kind=st.sampled_from(SaleKind),
    aliases=st.lists(texts, max_size=2, unique=True).map(tuple),
    told_by=st.none() | texts,
    start_at=st.none() | instants,
    end_at=st.none() | instants,
    url=st.none() | texts,
    withdrawn_at=st.none() | instants,
    generation=st.none() | generations,
    date=st.builds(SaleDates, first_seen=st.none() | instants, updated=st.none() | instants),
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


capabilities: st.SearchStrategy[Capability] = st.sampled_from([Keyed(), Queryable(), Silent()])

# Around noon, so that all that can happen to one message does.
_moments: st.SearchStrategy[datetime] = st.integers(-3_600_000, 3_600_000).map(
    lambda n: NOON + n * MILLISECOND
)

timelines: st.SearchStrategy[Timeline] = st.builds(
    Timeline,
    created=_moments,
    triggered=st.none() | _moments,
    queued=st.none() | _moments,
    sent=st.none() | _moments,
    delivered=st.none() | _moments,
    failed=st.none() | _moments,
)

delivery_errors: st.SearchStrategy[DeliveryError] = st.builds(
    DeliveryError,
    at=_moments,
    attempt=st.integers(0, 3),
    kind=st.sampled_from(ErrorKind),
    code=texts,
    detail=texts,
)

claims: st.SearchStrategy[Claim] = st.builds(
    Claim, by=texts, until=_moments, number=st.integers(1, 9)
)


def _notifications_at(status: Status) -> st.SearchStrategy[Notification]:
    """What is in doubt is either open or UNKNOWN, and all that is claimed has a claim."""
    in_doubt = st.none() | _moments if status in OPEN else st.none()
    return st.builds(
        a_notification,
        st.integers(1, 99),
        status=st.just(status),
        reason=st.none() | texts,
        send_attempts=st.integers(1, 2),
        replays=st.integers(0, 9),
        errors=st.lists(delivery_errors, max_size=2, unique=True).map(tuple),
        wait_until=st.none() | _moments,
        claim=claims if status is Status.CLAIMED else st.none() | claims,
        outcome_unknown_since=_moments if status is Status.UNKNOWN else in_doubt,
        first_handover_at=st.none() | _moments,
        date=timelines,
        seen=timelines,
    )


def a_demand(n: int = 1, /, **differing: Any) -> Demand:
    """Any wish to be texted will do, or any but for what is *differing*."""
    plain: dict[str, Any] = {
        "fan_id": FanId(f"F{n}"),
        "event_id": EventId("E1"),
        "sale_id": DemandSaleId("E1.public"),
        "channels": (Channel.SMS,),
        "phone_number": Phone(f"+1212555{n:04}"),
        "date": DemandDates(requested=NOON),
    }
    return Demand(**plain | differing)


def a_notification(n: int = 1, /, **differing: Any) -> Notification:
    """Any reminder by SMS will do, or any but for what is *differing*."""
    fan, sale = FanId(f"F{n}"), SaleId("E1.public")
    plain: dict[str, Any] = {
        "notification_id": send_key(NotificationKind.REMINDER, fan, sale, Channel.SMS),
        "kind": NotificationKind.REMINDER,
        "channel": Channel.SMS,
        "fan_id": fan,
        "event_id": EventId("E1"),
        "sale_id": sale,
        "phone_number": Phone(f"+1212555{n:04}"),
        "message_body": MessageBody("Ticketmaster: Show 1 goes on sale in 30 minutes"),
        "not_before": NOON,
        "not_after": NOON + timedelta(minutes=28),
    }
    return Notification(**plain | differing)


notifications: st.SearchStrategy[Notification] = st.sampled_from(Status).flatmap(
    _notifications_at
)

answers: st.SearchStrategy[Answer] = st.one_of(
    st.builds(Accepted, provider=texts, message_id=texts),
    st.builds(Refused, code=st.just("expired") | texts, detail=texts),
    st.builds(Faulted, code=texts, detail=texts, jitter=st.floats(0, 1)),
    st.builds(Doubted, code=texts, detail=texts),
    st.builds(Returned, look_again=_moments),
)

# All of one message, as its provider numbers it.
reports: st.SearchStrategy[Report] = st.builds(
    Report,
    status=st.sampled_from(list(SIGNALS)),
    occurred_at=_moments,
    arrived_at=_moments,
    provider=st.just("twin"),
    message_id=st.just("m1"),
    code=st.none() | texts,
    detail=texts,
)

message_ids: st.SearchStrategy[str] = st.text(
    string.ascii_letters + string.digits + "._:=@+/-", min_size=1, max_size=128
)

phones: st.SearchStrategy[Phone] = st.from_regex(r"\+[1-9][0-9]{1,14}", fullmatch=True).map(
    Phone
)

sms_news: st.SearchStrategy[SmsNews] = st.builds(
    StatusReport,
    provider=st.sampled_from(["twin", "other-2"]),
    message_id=message_ids,
    reference=st.none() | st.integers(1, 99).map(lambda n: a_notification(n).notification_id),
    status=st.sampled_from(list(SIGNALS)),
    occurred_at=instants,
    error_code=st.none() | texts,
    error_text=st.none() | texts,
) | st.builds(
    Inbound,
    provider=st.sampled_from(["twin", "other-2"]),
    message_id=message_ids,
    sender=phones,
    recipient=texts,
    text=st.none() | texts.map(MessageBody),
    received_at=instants,
)


def a_sale(n: int = 1, /, **differing: Any) -> Sale:
    """Any presale of E1 will do, or any but for what is *differing*."""
    plain: dict[str, Any] = {
        "sale_id": presale_id(EventId("E1"), f"presale {n}"),
        "event_id": EventId("E1"),
        "name": f"Presale {n}",
        "name_key": f"presale {n}",
        "kind": SaleKind.PRESALE,
        "start_at": NOON,
    }
    return Sale(**plain | differing)


emails: st.SearchStrategy[Email] = st.from_regex(
    r"[A-Za-z0-9+_-]{1,9}(\.[A-Za-z]{1,9})?@[a-z]{1,9}\.(com|ca|example)", fullmatch=True
).map(Email)

demand_sale_ids: st.SearchStrategy[DemandSaleId] = event_ids.flatmap(
    lambda event_id: st.sampled_from(
        [any_sale(event_id), public_id(event_id), presale_id(event_id, "fan club")]
    )
).map(DemandSaleId)

demands: st.SearchStrategy[Demand] = st.builds(
    lambda sale_id, contacts, **others: Demand(
        event_id=EventId(sale_id.partition(".")[0]),
        sale_id=sale_id,
        channels=tuple(ch for ch, to in zip(Channel, contacts, strict=True) if to),
        phone_number=contacts[0],
        email=contacts[1],
        **others,
    ),
    demand_sale_ids,
    contacts=st.tuples(phones, st.none() | emails) | st.tuples(st.none(), emails),
    fan_id=event_ids.map(FanId),
    locale=st.none() | texts,
    time_zone=st.none() | texts,
    consent_at=st.none() | instants,
    consent_source=st.none() | texts,
    date=st.builds(
        DemandDates,
        requested=instants,
        updated=st.none() | instants,
        triggered=st.none() | instants,
        notified=st.none() | instants,
    ),
)

# Around noon, so that two may be of one moment.
opt_outs: st.SearchStrategy[OptOut] = st.builds(
    OptOut,
    state=st.sampled_from(Consent),
    at=st.integers(-3, 3).map(lambda n: NOON + n * MILLISECOND),
    source=st.sampled_from(ConsentSource),
    word=st.none() | st.sampled_from(["stop", "start"]),
    brand=st.none() | texts,
    evidence=st.none() | texts,
)

guards: st.SearchStrategy[Guard] = st.builds(
    Guard,
    owner=st.integers(1, 99).map(lambda n: a_notification(n).notification_id),
    until=instants,
)
