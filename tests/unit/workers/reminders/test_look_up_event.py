"""What an app is told of an event, and what it costs to tell."""

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any, Final

import pytest
from attrs import define
from hypothesis import given
from hypothesis import strategies as st

from demand_adapters.event_source import SparingEventSource
from demand_adapters.testing.strategies import NOON
from demand_adapters.wire.bodies import decode, encode
from demand_core.domain.event_details import (
    EventAnswer,
    EventDetails,
    EventProblem,
    EventQuery,
    LookUpPolicy,
)
from demand_core.domain.events import Event
from demand_core.domain.ids import EventId
from demand_core.domain.listings import Listing
from demand_core.domain.refreshing import EVENT_SOURCE
from demand_core.errors import Permanent, Transient
from demand_core.ports.event_source import EventSource
from entrypoints.metering import Meter, MeteredProfile
from entrypoints.settings import Settings
from entrypoints.simulation.discovery_documents import Described, document
from tests.unit.workers.reminders.desk import Desk

SHOW: Final = EventId("vvG1IZ9YbnT3qA")
NOBODY: Final = EventId("vvG1IZ9Ybnnone")
HUSHED: Final = "K8vZ917Hush"
SHORT: Final = "https://sho.rt/1"
SECOND: Final = timedelta(seconds=1)
MINUTE: Final = timedelta(minutes=1)
POLICY: Final = LookUpPolicy()

# What is published: `*` stands there whatever the event is like.
EVENT_SHAPE: Final = {
    *("*id", "*name", "*url", "shortUrl", "*marketId", "*status", "eventDate", "timeZone"),
    *("venue", "artists", "imageUrl", "sales", "*isSuppressed", "suppression"),
    *("*cachedAt", "*stale"),
}
SALE_SHAPE: Final = {
    *("*id", "*name", "*kind", "startAt", "endAt", "*isSuppressed", "suppression"),
}


class AppDesk(Desk):
    """The worker, a show that its source knows, and the app that asks."""

    def __init__(self, settings: Settings | None = None, **instead: object) -> None:
        super().__init__(settings or Settings(suppressed_artists=HUSHED), start=NOON, **instead)
        self.source = self.engines.event_source
        self.meter = Meter()
        self.show()

    def measured(self, around: Callable[["AppDesk"], EventSource]) -> "AppDesk":
        """With stores and services measured, and another way to the source."""
        ports = MeteredProfile(self.ports.settings, self.engines, self.meter)
        vars(ports)["event_source"] = ports.around("event_source", around(self))
        self.ports = ports
        return self

    def show(self, **differing: Any) -> None:
        plain: dict[str, Any] = {
            "event_id": SHOW,
            "artist": "Lanterns at Low Tide",
            "artist_id": "K8vZ917Lantern",
            "public": NOON + timedelta(days=3),
            "presales": [("Fan Club", NOON + timedelta(days=2))],
        }
        self.source.put(SHOW, document(Described(**plain | differing)))

    def ask(self, event_id: str = SHOW, **more: str) -> EventAnswer:
        answer = self.worker("look_up_event")(EventQuery(event_id=event_id, **more))
        assert isinstance(answer, EventAnswer)
        return answer

    def told(self, event_id: str = SHOW, **more: str) -> EventDetails:
        answer = self.ask(event_id, **more)
        assert answer.problem is None
        assert answer.event is not None
        return answer.event

    def known(self, event_id: EventId = SHOW) -> Event | None:
        return self.ports.events.get_many([event_id]).get(event_id)

    def down(self) -> None:
        self.source.goes_down(datetime.max.replace(tzinfo=NOON.tzinfo))


def fits(shape: set[str], document: dict[str, Any]) -> bool:
    needed = {name[1:] for name in shape if name.startswith("*")}
    return needed <= document.keys() <= {name.lstrip("*") for name in shape}


def assert_published(answer: EventAnswer) -> None:
    sent = json.loads(encode(answer))
    assert decode(EventAnswer, encode(answer)) == answer
    if answer.problem:
        assert sent == {"problem": answer.problem.value}
        return
    assert sent.keys() == {"event"}
    assert fits(EVENT_SHAPE, sent["event"])
    assert all(fits(SALE_SHAPE, sale) for sale in sent["event"]["sales"])


# What is told


@pytest.mark.check("W-N8")
def test_a_new_a_cached_a_silent_and_no_event_are_all_told_in_the_published_shape() -> None:
    desk = AppDesk()
    new, cached = desk.ask(), desk.ask()
    assert new == cached
    assert len(desk.source.calls) == 1
    desk.show(artist_id=HUSHED)
    desk.clock.advance(POLICY.good_for + SECOND)
    silent = desk.ask()
    assert [answer.event and answer.event.is_suppressed for answer in (cached, silent)] == [
        False,
        True,
    ]
    desk.clock.advance(SECOND)
    invalid, unknown = desk.ask("no id"), desk.ask(NOBODY)
    assert (invalid.problem, unknown.problem) == (
        EventProblem.INVALID_ID,
        EventProblem.NOT_FOUND,
    )
    for answer in (new, cached, silent, invalid, unknown):
        assert_published(answer)


def test_everything_that_is_known_of_an_event_is_told() -> None:
    desk = AppDesk()
    url = desk.told().url
    desk.ports.events.link(SHOW, url, SHORT)
    answer = desk.ask()
    assert_published(answer)
    sent = json.loads(encode(answer))["event"]
    assert sent.keys() == {name.lstrip("*") for name in EVENT_SHAPE} - {"suppression"}
    assert (sent["id"], sent["url"], sent["shortUrl"]) == (SHOW, url, SHORT)
    assert sent["artists"] == [{"id": "K8vZ917Lantern", "name": "Lanterns at Low Tide"}]
    assert (sent["venue"]["name"], sent["timeZone"]) == (
        "The Breakwater",
        "America/Los_Angeles",
    )
    assert [(sale["name"], sale["kind"], sale["startAt"]) for sale in sent["sales"]] == [
        ("Fan Club", "PRESALE", "2025-02-16T12:00:00.000Z"),
        ("Public sale", "PUBLIC", "2025-02-17T12:00:00.000Z"),
    ]


def test_a_sale_that_is_no_longer_listed_is_not_told() -> None:
    desk = AppDesk()
    assert {sale.name for sale in desk.told().sales} == {"Fan Club", "Public sale"}
    desk.show(presales=[])
    desk.clock.advance(POLICY.good_for + SECOND)
    assert {sale.name for sale in desk.told().sales} == {"Public sale"}


def test_a_wish_for_a_sale_that_was_told_names_a_sale_that_there_is() -> None:
    desk = AppDesk()
    ids = [sale.sale_id for sale in desk.told().sales]
    assert [*desk.ports.sales.get_many(ids)] == ids


@pytest.mark.check("N-UC6-default")
def test_who_names_no_market_is_told_for_the_one_in_the_us() -> None:
    desk = AppDesk()
    asked = decode(EventQuery, json.dumps({"eventId": SHOW}).encode())
    answer = desk.worker("look_up_event")(asked)
    assert answer.event.market_id == "TM_US"
    assert desk.told(market_id="TM_CA").market_id == "TM_CA"


@pytest.mark.check("N-UC6-supp")
@pytest.mark.parametrize("when", ["new", "cached", "stale"])
@pytest.mark.parametrize(
    ("show", "reasons"),
    [
        ({}, []),
        ({"artist_id": HUSHED}, ["artist"]),
        ({"country": "MX"}, ["country"]),
        ({"segment": "Sports"}, ["segment"]),
        ({"status": "canceled"}, ["status"]),
        ({"artist_id": HUSHED, "segment": "Sports"}, ["artist", "segment"]),
    ],
    ids=lambda given: " ".join(given) or "none",
)
def test_every_event_is_told_with_whether_and_why_we_are_silent_about_it(
    show: dict[str, str], reasons: list[str], when: str
) -> None:
    desk = AppDesk()
    desk.show(**show)
    if when != "new":
        desk.ask()
    if when == "stale":
        desk.down()
        desk.clock.advance(POLICY.at_most)
    sent = json.loads(encode(desk.ask()))["event"]
    assert sent["stale"] is (when == "stale")
    assert sent["isSuppressed"] is bool(reasons)
    assert sent.get("suppression", []) == reasons
    assert [sale["isSuppressed"] for sale in sent["sales"]] == [bool(reasons)] * 2


def test_a_new_rule_holds_for_what_is_long_cached() -> None:
    desk = AppDesk(Settings())
    desk.show(artist_id=HUSHED)
    assert not desk.told().is_suppressed
    desk.ports = type(desk.ports)(Settings(suppressed_artists=HUSHED), desk.engines)
    assert desk.told().is_suppressed
    assert len(desk.source.calls) == 1


def test_one_sale_may_be_silent_and_the_other_not() -> None:
    desk = AppDesk()
    desk.show(presales=[("Registration", NOON + timedelta(days=1))])
    silent = {sale.name: sale.is_suppressed for sale in desk.told().sales}
    assert silent == {"Registration": True, "Public sale": False}
    assert not desk.told().is_suppressed


# What is no event

NO_IDS: Final = [
    "",
    " ",
    "x" * 65,
    "x" * 10_240,
    "a\0b",
    "' OR 1=1",
    '{"$ne":null}',
    "../../etc",
    "E1\n",
    " E1",
    "E1#sale",
    "E1?apikey=x",
    "É1",
    "١٢",
    "\u202eE1",
    "e\u200b1",
    "\ud800",
    "%00",
    "${jndi:ldap://x}",
]


@pytest.mark.check("N-UC6-err")
@pytest.mark.parametrize("event_id", NO_IDS, ids=ascii)
def test_what_is_no_id_gets_its_own_error_and_costs_nothing(event_id: str) -> None:
    desk = AppDesk()
    before = desk.engines.table.sequence
    assert desk.ask(event_id) == EventAnswer(problem=EventProblem.INVALID_ID)
    assert (desk.source.calls, desk.engines.table.sequence) == ([], before)


@pytest.mark.parametrize(
    "event_id", [None, 7, 1.5, True, {"$ne": None}, ["E1"], {}], ids=json.dumps
)
def test_an_id_of_another_type_is_not_even_asked_for(event_id: object) -> None:
    with pytest.raises(Permanent) as refusal:
        decode(EventQuery, json.dumps({"eventId": event_id}).encode())
    assert refusal.value.code in {"wrong_type", "missing_field"}


@pytest.mark.check("N-UC6-err")
def test_an_id_that_nobody_has_is_not_cached_and_for_a_minute_not_asked_for_again() -> None:
    desk = AppDesk().measured(
        lambda desk: SparingEventSource(source=desk.source, clock=desk.clock)
    )
    not_found = EventAnswer(problem=EventProblem.NOT_FOUND)
    for _ in range(60):
        assert desk.ask(NOBODY) == not_found
        desk.clock.advance(SECOND)
    assert len(desk.source.calls) == 1
    assert desk.known(NOBODY) is None
    assert desk.ask(NOBODY) == not_found
    assert len(desk.source.calls) == 2


def test_an_event_that_its_source_forgets_is_not_shown_and_not_thrown_away() -> None:
    desk = AppDesk()
    desk.ask()
    known = desk.known()
    desk.source.remove(SHOW)
    desk.clock.advance(POLICY.good_for + SECOND)
    assert desk.ask() == EventAnswer(problem=EventProblem.NOT_FOUND)
    assert desk.known() == known is not None


# What it costs


@pytest.mark.check("N-S6")
def test_what_is_fresh_costs_no_call_and_one_read_of_the_store() -> None:
    desk = AppDesk().measured(lambda desk: desk.source)
    desk.ask()
    calls, written = len(desk.source.calls), desk.engines.table.sequence
    table = desk.meter.measured["table"].outcomes
    before = table.total()
    desk.clock.advance(POLICY.good_for)
    assert not desk.told().stale
    assert table.total() - before == 1
    assert desk.engines.table.sequence == written
    assert len(desk.source.calls) == calls == 1
    assert desk.meter.measured["event_source"].outcomes.total() == 1


def test_what_is_no_longer_fresh_is_asked_for_once() -> None:
    desk = AppDesk()
    desk.ask()
    desk.clock.advance(POLICY.good_for + timedelta(milliseconds=1))
    for _ in range(3):
        assert desk.told().cached_at == desk.clock.now()
    assert len(desk.source.calls) == 2


@given(st.lists(st.tuples(st.integers(1, 3600), st.booleans()), max_size=40))
def test_what_is_told_is_fresh_or_flagged_and_never_too_old(
    asks: list[tuple[int, bool]],
) -> None:
    desk, fetched = AppDesk(), list[datetime]()
    for seconds, up in asks:
        desk.clock.advance(seconds * SECOND)
        now = desk.clock.now()
        desk.source.goes_down(now if up else now + SECOND)
        before, known = len(desk.source.calls), desk.known()
        answer = desk.ask()
        if answer.event is None:
            assert not up
            assert answer.problem is EventProblem.UNAVAILABLE
            assert known is None or now - known.cached_at > POLICY.at_most
            continue
        age = now - answer.event.cached_at
        assert age <= (POLICY.at_most if answer.event.stale else POLICY.good_for)
        assert not (answer.event.stale and up)
        if known and now - known.cached_at <= POLICY.good_for:
            assert len(desk.source.calls) == before
        if up and len(desk.source.calls) > before:
            fetched.append(now)
    assert all(then + POLICY.good_for < now for then, now in pairwise(fetched))


# When the source does not answer


@pytest.mark.parametrize(
    ("age", "stale", "problem"),
    [
        (timedelta(0), False, None),
        (POLICY.good_for, False, None),
        (POLICY.good_for + SECOND, True, None),
        (POLICY.at_most, True, None),
        (POLICY.at_most + SECOND, None, EventProblem.UNAVAILABLE),
    ],
)
def test_a_source_that_is_down_costs_freshness_for_a_day_and_then_the_answer(
    age: timedelta, stale: bool | None, problem: EventProblem | None
) -> None:
    desk = AppDesk()
    desk.ask()
    desk.down()
    desk.clock.advance(age)
    answer = desk.ask()
    assert answer.problem is problem
    assert (answer.event and answer.event.stale) is stale
    if answer.event:
        assert answer.event.cached_at == NOON


def test_while_it_is_down_nobody_says_that_there_is_no_such_event() -> None:
    desk = AppDesk()
    desk.down()
    for event_id in (SHOW, NOBODY):
        assert desk.ask(event_id) == EventAnswer(problem=EventProblem.UNAVAILABLE)
        assert desk.known(event_id) is None


def test_when_it_is_back_what_it_says_is_told_and_nothing_is_flagged() -> None:
    desk = AppDesk()
    desk.ask()
    desk.source.goes_down(NOON + timedelta(hours=1))
    desk.show(status="postponed")
    desk.clock.move_to(NOON + timedelta(hours=1) - SECOND)
    assert (desk.told().stale, desk.told().status) == (True, "offsale")
    desk.clock.advance(SECOND)
    assert (desk.told().stale, desk.told().status) == (False, "postponed")


@pytest.mark.parametrize(
    "garbage",
    [
        b"<html>",
        b"{}",
        b'{"errors": [{"code": "DIS0000"}]}',
        document(Described(event_id="E2", artist="x", artist_id="y")),
    ],
    ids=["page", "nothing", "an error", "another event"],
)
def test_an_answer_that_is_no_event_leaves_what_is_known(garbage: bytes) -> None:
    desk = AppDesk()
    desk.ask()
    known = desk.known()
    desk.source.put(SHOW, garbage)
    desk.clock.advance(POLICY.good_for + SECOND)
    assert desk.told().stale
    assert desk.known() == known
    desk.source.put(NOBODY, garbage)
    assert desk.ask(NOBODY) == EventAnswer(problem=EventProblem.UNAVAILABLE)


@define
class Busy:
    """A source that asks all of us to stay away."""

    until: datetime
    calls: int = 0

    def look_up(self, event_id: EventId, /) -> Listing | None:
        self.calls += 1
        raise Transient("too many calls", retry_at=self.until)


def test_a_source_that_puts_us_off_is_left_alone_for_so_long_by_all_who_ask() -> None:
    busy = Busy(until=NOON + MINUTE)
    desk = AppDesk(event_source=busy)
    for _ in range(60):
        assert desk.ask() == EventAnswer(problem=EventProblem.UNAVAILABLE)
        assert desk.ask(NOBODY) == EventAnswer(problem=EventProblem.UNAVAILABLE)
        desk.clock.advance(SECOND)
    assert busy.calls == 1
    desk.ask()
    assert busy.calls == 2


def test_while_the_gate_is_shut_what_is_known_is_told_and_flagged() -> None:
    desk = AppDesk()
    desk.ask()
    desk.clock.advance(POLICY.good_for + SECOND)
    desk.ports.pace.hold(EVENT_SOURCE, desk.clock.now() + MINUTE)
    assert desk.told().stale
    assert desk.ask(NOBODY) == EventAnswer(problem=EventProblem.UNAVAILABLE)
    assert len(desk.source.calls) == 1
    desk.clock.advance(MINUTE)
    assert not desk.told().stale
