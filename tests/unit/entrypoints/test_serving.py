"""The rows as one process: every source is turned, and nothing that fails stops the others."""

import logging
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from threading import active_count
from types import ModuleType
from typing import Final

import pytest
from attrs import define, evolve, field

from demand_adapters.item_table import Item
from demand_adapters.memory.url_shortener import MemoryUrlShortener
from demand_adapters.testing.strategies import an_event
from demand_adapters.wire.bodies import encode
from demand_core.batch import Tally
from demand_core.domain.alerts import Alert
from demand_core.domain.ids import EventId
from demand_core.domain.links import LinkRequest
from demand_core.errors import Transient, WiringError
from demand_core.topology.shapes import Upload
from entrypoints.engines.local import LocalEngines
from entrypoints.engines.memory import MemoryEngines
from entrypoints.loops import Chores, Loop, Records, Router
from entrypoints.profiles import Profile, opened, own_ports
from entrypoints.serving import Service
from entrypoints.settings import Settings
from entrypoints.simulation.world import START
from entrypoints.stopping import Stop
from tests.scratch import FLOWS, NOTES, POSTS, READS, TICKS

pytestmark = pytest.mark.usefixtures("scratch_rows")

HERE: Final = "http://127.0.0.1:1"
SETTINGS: Final = Settings(
    shortener_url=HERE, event_source_url=HERE, sms_url=HERE, shortener_per_s=1000
)
MINUTE: Final = timedelta(minutes=1)


@pytest.fixture
def engines() -> MemoryEngines:
    return MemoryEngines.new(7, START)


def notes(*names: str) -> list[bytes]:
    return [encode(LinkRequest(EventId(name))) for name in names]


def posts(*names: str) -> list[tuple[str, bytes]]:
    return [("p", note) for note in notes(*names)]


def the_loop(service: Service, name: str) -> Loop:
    (found,) = (loop for loop in service.loops() if loop.name == name)
    return found


def test_a_message_is_worked_on_and_gone(engines: MemoryEngines) -> None:
    service = Service(SETTINGS, engines, [READS])
    loop = the_loop(service, READS.name)
    assert not loop.step()
    queue = engines.queues["notes"]
    queue.put(notes("a", "b"))
    assert loop.step()
    assert list(engines.announcer.told) == ["a", "b"]
    assert (queue.waiting(), service.tallies[READS.name]) == (0, Tally(done=2))


def test_a_message_that_failed_comes_again_within_the_back_off(engines: MemoryEngines) -> None:
    service = Service(SETTINGS, engines, [READS], instead={"announcer": Deaf()})
    loop = the_loop(service, READS.name)
    queue = engines.queues["notes"]
    queue.put(notes("a"))
    assert loop.step()
    due = queue.next_at()
    assert due is not None
    assert START <= due <= START + READS.retry.backoff
    engines.clock.move_to(due)
    assert loop.step()
    assert queue.waiting() == 1


def test_a_stream_is_read_on_from_where_the_process_before_came(
    engines: MemoryEngines,
) -> None:
    stream = engines.stream(POSTS.name)
    stream.put(posts("a", "b"))
    assert the_loop(Service(SETTINGS, engines, [FLOWS]), FLOWS.name).step()
    stream.put(posts("c"))
    again = the_loop(Service(SETTINGS, engines, [FLOWS]), FLOWS.name)
    assert again.step()
    assert not again.step()
    assert [alert.key for alert in engines.announcer.history] == ["a", "b", "c"]


def test_a_record_that_is_tried_too_often_is_set_aside_as_it_came(
    engines: MemoryEngines,
) -> None:
    service = Service(SETTINGS, engines, [FLOWS])
    loop = the_loop(service, FLOWS.name)
    engines.stream(POSTS.name).put(posts("a", "poison", "b"))
    for _ in range(100):
        loop.step()
        engines.clock.advance(MINUTE)
    assert set(engines.announcer.told) == {"a", "b"}
    (aside,) = engines.files.list("quarantine/posts/")
    assert b"tried_too_often" in b"".join(engines.files.read(aside.key) or ())


def test_records_that_were_lost_are_an_incident(engines: MemoryEngines) -> None:
    service = Service(SETTINGS, engines, [FLOWS])
    for name in (FLOWS.name, "route_changes"):
        loop = the_loop(service, name)
        assert isinstance(loop, Records | Router)
        loop.trimmed("3")
        loop.trimmed("3")
    assert list(engines.announcer.told) == [
        "trimmed:read_flow:3",
        "trimmed:route_changes:3",
    ]


def test_a_tick_is_run_once_and_late_rather_than_never(engines: MemoryEngines) -> None:
    loop = the_loop(Service(SETTINGS, engines, [TICKS]), TICKS.name)
    assert not loop.step()
    engines.clock.advance(MINUTE)
    assert [loop.step(), loop.step()] == [True, False]
    engines.clock.advance(5 * MINUTE + timedelta(seconds=7))
    assert [loop.step(), loop.step()] == [True, False]
    times = [START + MINUTE, START + 6 * MINUTE]
    assert list(engines.announcer.told) == [at.isoformat() for at in times]


def test_a_tick_that_failed_is_tried_again(engines: MemoryEngines) -> None:
    deaf = Deaf()
    service = Service(SETTINGS, engines, [TICKS], instead={"announcer": deaf})
    loop = the_loop(service, TICKS.name)
    engines.clock.advance(MINUTE)
    for _ in range(2):
        with pytest.raises(Transient):
            loop.step()
    assert deaf.asked == 2


def test_chores_are_done_now_and_then(engines: MemoryEngines) -> None:
    service = Service(SETTINGS, engines, [READS])
    engines.table.put_new([Item(key=("p", "a"), body={}, expires_at=0)])
    chores = the_loop(service, "chores")
    assert isinstance(chores, Chores)
    chores.step()
    assert not engines.table.get_many([("p", "a")])
    engines.table.put_new([Item(key=("p", "a"), body={}, expires_at=0)])
    chores.step()
    assert engines.table.get_many([("p", "a")])
    engines.clock.advance(chores.every)
    chores.step()
    assert not engines.table.get_many([("p", "a")])


def test_a_trigger_that_nothing_here_wakes_is_named(engines: MemoryEngines) -> None:
    row = evolve(READS, triggers=(Upload(prefix="in/", body=LinkRequest),))
    with pytest.raises(WiringError, match="pass_note: nothing here wakes it by Upload"):
        Service(SETTINGS, engines, [row]).loops()


def test_a_channel_that_nobody_reads_is_named(engines: MemoryEngines) -> None:
    asks = Service(SETTINGS, engines).rows[0]
    with pytest.raises(WiringError, match="nobody here reads shortUrlQueue"):
        Service(SETTINGS, engines, [asks]).loops()


# In threads


@define
class Deaf:
    """An announcer that cannot be reached."""

    asked: int = 0

    def announce(self, alert: Alert, /) -> None:
        self.asked += 1
        raise Transient("nobody listens")


@define
class Shortener:
    """Does with each call what it is told, and says when it was asked often enough."""

    answer: Callable[[str], str]
    enough: int
    stop: Stop
    asked: list[str] = field(factory=list)

    def shorten(self, url: str, /) -> str:
        self.asked.append(url)
        if len(self.asked) >= self.enough:
            self.stop.tell()
        return self.answer(url)


def cached(engines: LocalEngines, *numbers: int) -> None:
    events = [an_event(number, cached_at=engines.clock.now()) for number in numbers]
    assert not Profile(SETTINGS, engines).events.refresh(events)


def run(tmp_path: Path, answer: Callable[[str], str], enough: int) -> tuple[Service, Shortener]:
    """Run the real rows in a folder until the shortener was asked often enough."""
    stop = Stop()
    shortener = Shortener(answer, enough, stop)
    with LocalEngines.opened(evolve(SETTINGS, state=tmp_path)) as engines:
        cached(engines, 1, 2)
        service = Service(SETTINGS, engines, instead={"shortener": shortener})
        threads = active_count()
        service.run(stop)
        assert active_count() == threads
    return service, shortener


def test_what_was_begun_is_ended_before_it_stops(tmp_path: Path) -> None:
    service, shortener = run(tmp_path, lambda url: "https://s/" + url[-1], enough=1)
    assert len(shortener.asked) == 2
    assert service.tallies["shorten_event_urls"] == Tally(done=2)
    assert service.crashes == 0


def test_a_bug_in_one_row_is_logged_without_its_words_and_stops_no_other(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def crash(url: str) -> str:
        raise ValueError(f"canary {url}")

    with caplog.at_level(logging.ERROR):
        service, _ = run(tmp_path, crash, enough=1)
    assert service.crashes == 1
    assert service.tallies["queue_short_urls"] == Tally(done=2)
    (record,) = caplog.records
    assert record.getMessage().startswith("shorten_event_urls: ValueError at test_serving.py:")
    assert "canary" not in caplog.text


def test_a_mistake_in_the_wiring_stops_everything(tmp_path: Path) -> None:
    def refuse(url: str) -> str:
        raise WiringError("the key is wrong")

    with pytest.raises(WiringError, match="the key is wrong"):
        run(tmp_path, refuse, enough=100)


def test_what_was_under_way_when_the_process_died_is_shown_at_the_next_start(
    tmp_path: Path,
) -> None:
    settings = evolve(SETTINGS, state=tmp_path)
    with LocalEngines.opened(settings) as engines:
        queue = engines.queue(NOTES.name, visibility=timedelta(hours=1), max_receive=10)
        queue.put(notes("held", "put off"))
        for delivery in queue.receive(10):
            if b"put off" in delivery.payload:
                queue.release([delivery.receipt], timedelta(hours=1))
        assert not queue.receive(10)
    with LocalEngines.opened(settings) as engines:
        queue = engines.queue(NOTES.name, visibility=timedelta(hours=1), max_receive=10)
        (again,) = queue.receive(10)
        assert (b"held" in again.payload, again.received) == (True, 2)


def test_a_second_process_is_told_who_has_the_folder(tmp_path: Path) -> None:
    settings = evolve(SETTINGS, state=tmp_path)
    with (
        LocalEngines.opened(settings),
        pytest.raises(WiringError, match="in use by process"),
        opened(settings),
    ):
        pytest.fail("two have it")


def test_memory_is_no_profile_to_run() -> None:
    with pytest.raises(WiringError, match="forgets all"):
        opened(evolve(SETTINGS, profile="memory"))


def make_shortener(settings: Settings, engines: MemoryEngines) -> MemoryUrlShortener:
    """What somebody else's module holds."""
    return MemoryUrlShortener(engines.clock, host=f"own.{settings.link_calls_max}")


def test_a_port_of_ones_own_can_be_named_in_the_settings(
    engines: MemoryEngines, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = ModuleType("ours.links")
    vars(module)["make"] = make_shortener
    monkeypatch.setitem(sys.modules, "ours", ModuleType("ours"))
    monkeypatch.setitem(sys.modules, "ours.links", module)
    settings = evolve(SETTINGS, ports="shortener=ours.links:make")
    own = own_ports(settings, engines)
    assert own.keys() == {"shortener"}
    ports = Profile(settings, engines, **own)
    assert ports.shortener.shorten("https://a.example/1").startswith("https://own.3/")
    assert own_ports(SETTINGS, engines) == {}


@pytest.mark.parametrize(
    ("where", "says"),
    [
        (
            "entrypoints.setting_places:read",
            "entrypoints.setting_places:read made no shortener",
        ),
        ("nowhere.at_all:make", "nowhere.at_all:make: No module named 'nowhere'"),
        (
            "entrypoints.settings:nothing",
            "entrypoints.settings has no nothing to be called",
        ),
        (
            "entrypoints.settings:KEY",
            "entrypoints.settings has no KEY to be called",
        ),
    ],
)
def test_a_factory_that_makes_nothing_is_named(
    engines: MemoryEngines, where: str, says: str
) -> None:
    with pytest.raises(WiringError, match=says):
        own_ports(evolve(SETTINGS, ports=f"shortener={where}"), engines)


def test_a_port_that_there_is_not_is_named_before_anything_is_made(
    engines: MemoryEngines,
) -> None:
    with pytest.raises(WiringError, match="no port has the name shortner"):
        own_ports(evolve(SETTINGS, ports="shortner=nowhere:make"), engines)


def test_any_port_may_be_replaced_and_no_other_name(engines: MemoryEngines) -> None:
    mine = MemoryUrlShortener(engines.clock)
    assert Profile(SETTINGS, engines, shortener=mine).shortener is mine
    assert Profile(SETTINGS, engines).shortener is engines.shortener
    for name in ("shortner", "settings", "around"):
        with pytest.raises(WiringError, match=f"no port has the name {name}"):
            Profile(SETTINGS, engines, **{name: mine})
