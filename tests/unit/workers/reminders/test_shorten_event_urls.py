"""How an event comes to its short link, and all that can come between."""

from collections.abc import Callable
from datetime import datetime, timedelta
from random import Random
from typing import Final

import pytest
from attrs import define, evolve, field
from hypothesis import given
from hypothesis import strategies as st

from demand_adapters.deliveries import Delivery
from demand_adapters.memory.announcer import MemoryAnnouncer
from demand_adapters.memory.clock import MemoryClock
from demand_adapters.memory.file_store import MemoryFileStore
from demand_adapters.memory.item_table import MemoryItemTable
from demand_adapters.memory.url_shortener import MemoryUrlShortener
from demand_adapters.stores.event_cache import TableEventCache
from demand_adapters.stores.pace import TablePace
from demand_adapters.stores.quarantine import Quarantine
from demand_adapters.testing.strategies import NOON, an_event
from demand_adapters.wire.bodies import encode
from demand_core.batch import Outcome, Record, tally
from demand_core.domain.alerts import Alert
from demand_core.domain.events import Event
from demand_core.domain.ids import EventId
from demand_core.domain.links import SHORTENER, LinkPolicy, LinkRequest, LinkState, link_state
from demand_core.errors import Permanent, Transient, Unknown
from demand_core.topology import TOPOLOGY
from demand_core.workers.reminders.shorten_event_urls import ShortenEventUrls
from entrypoints.engines.memory import MemoryEngines
from entrypoints.running import Runner
from entrypoints.settings import Settings
from entrypoints.simulation.world import START, World

SECOND: Final = timedelta(seconds=1)
BUSY: Final = Transient("busy")
SILENT: Final = Unknown("no answer")
REFUSED: Final = Permanent("bad_url", "a blank in it")


def nothing(_: str) -> None:
    """What happens during most calls."""


@define
class Shortener:
    """Answers as the real one unless *wrong* says otherwise; *during* happens in each call."""

    real: MemoryUrlShortener
    wrong: dict[str, Exception] = field(factory=dict)
    during: Callable[[str], object] = nothing
    called: list[str] = field(factory=list)

    def shorten(self, url: str, /) -> str:
        self.called.append(url)
        self.during(url)
        if fault := self.wrong.get(url):
            raise fault
        return self.real.shorten(url)


@define
class Speaker:
    """An announcer that may be down."""

    real: MemoryAnnouncer
    down: bool = False

    def announce(self, alert: Alert, /) -> None:
        if self.down:
            raise Transient("nobody can be told")
        self.real.announce(alert)


class Desk:
    """A worker at its ports, and what can be seen of its work."""

    def __init__(self, *cached: Event, per_second: int = 100) -> None:
        self.clock = MemoryClock(NOON)
        self.table = MemoryItemTable(self.clock, Random(1))
        self.cache = TableEventCache(table=self.table, clock=self.clock)
        self.shortener = Shortener(MemoryUrlShortener(self.clock))
        self.speaker = Speaker(MemoryAnnouncer())
        self.told = self.speaker.real.told
        self.worker = ShortenEventUrls(
            clock=self.clock,
            events=self.cache,
            shortener=self.shortener,
            pace=TablePace(
                table=self.table, clock=self.clock, per_second={SHORTENER: per_second}
            ),
            announcer=self.speaker,
            links=LinkPolicy(calls_max=3),
        )
        self.cache.refresh(cached)

    def run(self, *numbers: int) -> Outcome:
        """One delivery of requests for these events, after time enough for any gate."""
        self.clock.advance(SECOND)
        return self.worker(
            [Record(f"r{n}", LinkRequest(EventId(f"E{e}"))) for n, e in enumerate(numbers)]
        )

    def event(self, number: int = 1) -> Event:
        return self.cache.get_many([EventId(f"E{number}")])[EventId(f"E{number}")]

    def state(self, number: int = 1) -> LinkState:
        return link_state(self.event(number))

    def moves(self, number: int = 1) -> None:
        """Somebody looks the event up, and it has another url."""
        self.cache.refresh([an_event(number, url=f"https://new.example/{number}")])

    def goes(self, number: int = 1) -> None:
        """The event is removed."""
        self.table.delete([i for i in self.table.items() if i.body.get("id") == f"E{number}"])


def url(number: int = 1) -> str:
    return an_event(number).url


def has_link(number: int) -> Event:
    return an_event(number, short_url="https://sho.rt/old", short_url_for=url(number))


@pytest.mark.check("W-N4")
def test_a_request_leaves_its_link_beside_the_original_and_fails_only_for_itself() -> None:
    desk = Desk(an_event(1), has_link(2), an_event(3), an_event(4), an_event(5))
    desk.shortener.wrong = {url(3): BUSY, url(4): REFUSED}
    untouched = desk.event(2)
    wanted = Outcome(retry=frozenset({"r2"}), dropped={"r3": "link_failed"})
    assert desk.run(1, 2, 3, 4, 5) == wanted
    for number in (1, 5):
        event = desk.event(number)
        assert event == evolve(
            an_event(number),
            short_url=MemoryUrlShortener(desk.clock).shorten(url(number)),
            short_url_for=url(number),
        )
        assert event.url == url(number)
    assert desk.event(2) == untouched
    assert url(2) not in desk.shortener.called


def test_a_linked_event_costs_no_call_and_no_write() -> None:
    desk = Desk(has_link(1))
    before = desk.table.sequence
    assert desk.run(1, 1) == Outcome()
    assert (desk.shortener.called, desk.table.sequence) == ([], before)


def test_an_event_that_nobody_knows_is_dropped_with_its_reason() -> None:
    desk = Desk(an_event(1))
    assert desk.run(9, 1) == Outcome(dropped={"r0": "event_unknown"})
    assert desk.state() is LinkState.LINKED


def test_two_requests_for_one_event_make_one_call() -> None:
    desk = Desk(an_event(1), an_event(2))
    assert desk.run(1, 2, 1, 1) == Outcome()
    assert desk.shortener.called == [url(1), url(2)]


@pytest.mark.parametrize("fault", [BUSY, SILENT], ids=["did nothing", "no answer"])
def test_a_call_that_failed_sends_back_its_own_record_alone(fault: Transient) -> None:
    desk = Desk(an_event(1), an_event(2), an_event(3))
    desk.shortener.wrong = {url(2): fault}
    assert desk.run(1, 2, 3) == Outcome(retry=frozenset({"r1"}))
    assert [desk.state(n) for n in (1, 3)] == [LinkState.LINKED] * 2
    assert desk.event(2).link_attempts == 1
    desk.shortener.wrong = {}
    assert desk.run(2) == Outcome()
    assert desk.state(2) is LinkState.LINKED


@pytest.mark.check("N-UC5-retry")
@pytest.mark.parametrize("fault", [BUSY, SILENT], ids=["did nothing", "no answer"])
def test_after_three_failed_calls_the_url_is_given_up_and_people_are_told_once(
    fault: Transient,
) -> None:
    desk = Desk(an_event(1))
    desk.shortener.wrong = {url(): fault}
    for _ in range(2):
        assert desk.run(1) == Outcome(retry=frozenset({"r0"}))
        assert (desk.state(), desk.told) == (LinkState.WANTED, {})
    for _ in range(3):
        assert desk.run(1) == Outcome(dropped={"r0": "link_failed"})
    assert len(desk.shortener.called) == 3
    assert desk.state() is LinkState.FAILED
    (alert,) = desk.told.values()
    assert "event E1 after 3 calls" in alert.summary


def test_a_refusal_for_good_gives_the_url_up_at_once() -> None:
    desk = Desk(an_event(1))
    desk.shortener.wrong = {url(): REFUSED}
    assert desk.run(1, 1) == Outcome(dropped=dict.fromkeys(["r0", "r1"], "link_failed"))
    assert desk.state() is LinkState.FAILED
    assert len(desk.told) == len(desk.shortener.called) == 1


def test_a_shut_gate_sends_the_whole_batch_back_without_a_call() -> None:
    desk = Desk(an_event(1), has_link(2), an_event(3))
    opens = NOON + 10 * SECOND
    desk.worker.pace.hold(SHORTENER, opens)
    before = desk.table.sequence
    with pytest.raises(Transient) as fault:
        desk.run(1, 2, 3)
    assert fault.value.retry_at == opens
    assert (desk.shortener.called, desk.table.sequence) == ([], before)


def test_a_batch_that_needs_no_call_passes_a_shut_gate() -> None:
    desk = Desk(has_link(1))
    desk.worker.pace.hold(SHORTENER, NOON + 10 * SECOND)
    assert desk.run(1, 9) == Outcome(dropped={"r1": "event_unknown"})


def test_a_gate_lets_no_batch_through_before_the_one_ahead_is_paid_for() -> None:
    desk = Desk(*map(an_event, range(8)), per_second=2)
    desk.run(0, 1, 2, 3, 4, 5)
    with pytest.raises(Transient) as fault:
        desk.run(6, 7)
    assert fault.value.retry_at == NOON + 4 * SECOND
    desk.clock.advance(2 * SECOND)
    assert desk.run(6, 7) == Outcome()


def throttled(desk: Desk) -> tuple[Transient, datetime]:
    opens = desk.clock.now() + 60 * SECOND
    return Transient("too many calls", retry_at=opens), opens


def test_a_throttled_call_holds_the_gate_and_leaves_the_rest_untried() -> None:
    desk = Desk(*map(an_event, range(1, 5)))
    fault, opens = throttled(desk)
    desk.shortener.wrong = {url(2): fault}
    assert desk.run(1, 2, 3, 4) == Outcome(retry=frozenset({"r1", "r2", "r3"}))
    assert desk.shortener.called == [url(1), url(2)]
    desk.shortener.wrong = {}
    desk.clock.move_to(opens - SECOND - timedelta(milliseconds=1))
    with pytest.raises(Transient):
        desk.run(2, 3, 4)
    assert len(desk.shortener.called) == 2
    assert desk.run(2, 3, 4) == Outcome()
    assert len(desk.shortener.called) == 5


@pytest.mark.check("N-UC5-delay")
def test_no_call_follows_a_throttled_answer_before_its_time_even_if_that_was_the_last() -> None:
    desk = Desk(an_event(1, link_attempts=2), an_event(2), an_event(3))
    fault, opens = throttled(desk)
    desk.shortener.wrong = {url(1): fault}
    outcome = desk.run(1, 2, 3)
    assert desk.shortener.called == [url(1)]
    assert {"r1", "r2"} <= outcome.retry
    assert desk.state(1) is LinkState.FAILED
    assert len(desk.told) == 1
    desk.clock.move_to(opens)
    assert desk.run(1, 2, 3) == Outcome(dropped={"r0": "link_failed"})
    assert [desk.state(n) for n in (2, 3)] == [LinkState.LINKED] * 2


def test_a_link_made_for_an_old_url_is_not_stored() -> None:
    desk = Desk(an_event(1))
    desk.shortener.during = lambda _: desk.moves()
    assert desk.run(1) == Outcome()
    event = desk.event()
    assert (event.url, event.short_url) == ("https://new.example/1", None)
    assert desk.state() is LinkState.WANTED


@pytest.mark.parametrize(
    ("fault", "outcome"),
    [
        (BUSY, Outcome(retry=frozenset({"r0"}))),
        (REFUSED, Outcome(dropped={"r0": "bad_url"})),
    ],
    ids=["failed", "refused"],
)
def test_a_failed_call_for_an_old_url_says_nothing_of_the_new_one(
    fault: Exception, outcome: Outcome
) -> None:
    desk = Desk(an_event(1, link_attempts=2))
    desk.shortener.wrong = {url(): fault}
    desk.shortener.during = lambda _: desk.moves()
    assert desk.run(1) == outcome
    assert (desk.state(), desk.event().link_attempts) == (LinkState.WANTED, 0)
    assert desk.told == {}


@pytest.mark.parametrize(
    ("fault", "outcome"),
    [
        (None, Outcome()),
        (BUSY, Outcome(retry=frozenset({"r0"}))),
        (REFUSED, Outcome(dropped={"r0": "bad_url"})),
    ],
    ids=["answered", "failed", "refused"],
)
def test_an_event_that_goes_during_the_call_stays_gone(
    fault: Exception | None, outcome: Outcome
) -> None:
    desk = Desk(an_event(1), an_event(2))
    desk.shortener.wrong = {url(): fault} if fault else {}
    desk.shortener.during = lambda called: desk.goes() if called == url() else None
    assert desk.run(1, 2) == outcome
    assert desk.cache.get_many([EventId("E1")]) == {}
    assert desk.state(2) is LinkState.LINKED
    assert desk.told == {}
    assert desk.run(1) == Outcome(dropped={"r0": "event_unknown"})


def test_a_link_that_somebody_stored_during_the_call_stays() -> None:
    desk = Desk(an_event(1))
    desk.shortener.during = lambda called: desk.cache.link(
        EventId("E1"), called, "https://sho.rt/1st"
    )
    assert desk.run(1) == Outcome()
    assert desk.event().short_url == "https://sho.rt/1st"


@pytest.mark.parametrize("fault", [BUSY, REFUSED], ids=["third call", "refused"])
def test_people_are_told_later_when_they_cannot_be_told_now(fault: Exception) -> None:
    desk = Desk(an_event(1, link_attempts=2), an_event(2))
    desk.shortener.wrong = {url(): fault}
    desk.speaker.down = True
    for _ in range(2):
        assert desk.run(1, 2) == Outcome(retry=frozenset({"r0"}))
    assert (desk.state(), desk.told) == (LinkState.FAILED, {})
    desk.speaker.down = False
    assert desk.run(1, 2) == Outcome(dropped={"r0": "link_failed"})
    assert len(desk.told) == 1
    assert desk.shortener.called == [url(1), url(2)]


@given(
    wrong=st.lists(
        st.sampled_from([None, "linked", "gone", BUSY, SILENT, REFUSED]), max_size=6
    ),
    order=st.data(),
)
def test_every_request_is_accounted_for_and_every_url_is_called_at_most_once(
    wrong: list[Exception | str | None], order: st.DataObject
) -> None:
    numbers = range(len(wrong))
    there = [n for n in numbers if wrong[n] != "gone"]
    desk = Desk(*(has_link(n) if wrong[n] == "linked" else an_event(n) for n in there))
    faults = ((n, fault) for n, fault in enumerate(wrong) if isinstance(fault, Exception))
    desk.shortener.wrong = {url(n): fault for n, fault in faults}
    sent = order.draw(st.permutations([*numbers] * 2))
    outcome = desk.run(*sent)
    back = {sent[int(record_id[1:])] for record_id in outcome.retry}
    dropped = {sent[int(record_id[1:])] for record_id in outcome.dropped}
    assert back == {n for n in numbers if wrong[n] in (BUSY, SILENT)}
    assert dropped == {n for n in numbers if wrong[n] in ("gone", REFUSED)}
    assert len(outcome.retry) + len(outcome.dropped) == 2 * len(back | dropped)
    assert tally([f"r{n}" for n in range(len(sent))], outcome).records == len(sent)
    called = [n for n in numbers if wrong[n] not in ("gone", "linked")]
    assert sorted(desk.shortener.called) == [url(n) for n in called]


@pytest.mark.check("N-IN5")
def test_of_ten_requests_in_one_delivery_only_the_failed_ones_come_back() -> None:
    desk = Desk(*map(an_event, range(10)))
    desk.shortener.wrong = {url(3): BUSY, url(7): SILENT, url(8): REFUSED}
    given = [
        Delivery(record_id=f"m{n}", payload=encode(LinkRequest(EventId(f"E{n}"))))
        for n in range(10)
    ]
    runner = Runner(clock=desk.clock, quarantine=Quarantine(files=MemoryFileStore()))
    ran = runner.batch(desk.worker, TOPOLOGY[1].triggers[0], "shortUrlQueue", given)
    assert ran.back == {"m3", "m7"}
    assert (ran.tally.done, ran.tally.dropped) == (7, {"link_failed": 1})


@pytest.mark.check("N-UC5")
def test_a_newly_cached_event_comes_to_its_link_without_help() -> None:
    world = World(7)
    world.at(START, lambda: world.outside.events.refresh([an_event(1)]))
    world.run_until(START + timedelta(minutes=1))
    event = world.outside.events.get_many([EventId("E1")])[EventId("E1")]
    (call,) = world.engines.shortener.history
    assert link_state(event) is LinkState.LINKED
    assert (event.url, event.short_url) == (call.url, call.answer)
    assert world.quiet()


@pytest.mark.check("N-UC5-delay")
@pytest.mark.parametrize("allowed", [None, 5, 1])
def test_calls_keep_their_distance_and_wait_as_long_as_the_service_asks(
    allowed: int | None,
) -> None:
    engines = MemoryEngines.new(7, START)
    shortener = MemoryUrlShortener(engines.clock, calls_per_s=allowed)
    settings = Settings(shortener_per_s=4, link_calls_max=10)
    world = World(7, settings=settings, engines=evolve(engines, shortener=shortener))
    events = [an_event(n, cached_at=START) for n in range(40)]
    world.at(START, lambda: world.outside.events.refresh(events))
    world.run_until(START + timedelta(hours=2))
    calls = shortener.history
    assert {call.url for call in calls if "://" in call.answer} == {e.url for e in events}
    for n, first in enumerate(calls):
        waits_until = first.at.replace(microsecond=0) + SECOND
        for distance, second in enumerate(calls[n + 1 :], start=1):
            assert distance <= 10 + 4 * ((second.at - first.at) / SECOND)
            assert first.answer != "throttled" or second.at >= waits_until
