"""A local run that is killed again and again still gives every event its one link."""

import signal
import subprocess
import sys
from collections import defaultdict
from contextlib import closing, suppress
from pathlib import Path
from random import Random
from typing import Final

from demand_adapters.item_table import Change
from demand_adapters.local.clock import WallClock
from demand_adapters.local.database import Database
from demand_adapters.local.item_table import LocalItemTable
from demand_adapters.memory.url_shortener import MemoryUrlShortener
from demand_adapters.stores.event_cache import TableEventCache
from demand_core.domain.events import Event
from demand_core.domain.links import LinkState, link_state
from entrypoints.engines.local import LocalEngines
from entrypoints.profiles import Profile
from entrypoints.setting_places import variable
from entrypoints.settings import FIELDS, Settings
from entrypoints.simulation.scenarios import an_event
from entrypoints.twins.serving import Served
from entrypoints.twins.shortener import ShortenerTwin

SRC: Final = Path(__file__).parents[2] / "src"
KILLS: Final = 50
EVENTS_EACH: Final = 100
# It takes about 0.4 seconds until the first batch.
UNTIL_KILLED: Final = (0.3, 1.0)
PATIENCE: Final = 300


def event(number: int) -> Event:
    at = WallClock().now()
    return an_event(f"E{number:06d}", url=f"https://tickets.example/{number}", at=at)


def started(settings: Settings, **environment: str) -> subprocess.Popen[bytes]:
    """`demand run` as a process of its own, with what an account needs in its *environment*."""
    given = {name: getattr(settings, name) for name in FIELDS}
    said = {variable(name): str(value) for name, value in given.items() if value != ""}
    return subprocess.Popen(
        [sys.executable, "-m", "entrypoints.cli", "run"],
        env={"PYTHONPATH": str(SRC), **said, **environment},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )


def killed(process: subprocess.Popen[bytes], after: float) -> None:
    """Let it work for a while, then kill it; it must not have ended by itself."""
    try:
        process.wait(after)
    except subprocess.TimeoutExpired:
        process.kill()
    _, complaints = process.communicate()
    assert process.returncode == -signal.SIGKILL, complaints.decode()


def seeded(settings: Settings, numbers: range) -> None:
    """Somebody caches events while nothing runs."""
    with LocalEngines.opened(settings) as engines:
        cached = [event(number) for number in numbers]
        assert not Profile(settings, engines).events.refresh(cached)


def unsettled(folder: Path, total: int) -> int:
    """How many events wait for their link, seen from beside the running process."""
    with closing(Database(folder)) as database:
        table = LocalItemTable(database, WallClock())
        cache = TableEventCache(table=table, clock=WallClock())
        known = cache.get_many([event(number).event_id for number in range(total)])
    return total - sum(link_state(found) is LinkState.LINKED for found in known.values())


def held(folder: Path) -> int:
    """How many messages were in the hands of the process that was killed."""
    with closing(Database(folder)) as database, database.read() as cursor:
        (count,) = cursor.execute("SELECT count(*) FROM messages WHERE held").fetchone()
    return int(count)


def worked_off(process: subprocess.Popen[bytes], folder: Path, total: int) -> None:
    """Wait until nothing is left to do, and stop it as an operator would."""
    for _ in range(PATIENCE):
        with suppress(subprocess.TimeoutExpired):
            process.wait(0.2)
        if process.returncode is not None or not unsettled(folder, total):
            break
    process.send_signal(signal.SIGTERM)
    _, complaints = process.communicate(timeout=30)
    assert process.returncode == 0, complaints.decode()
    assert not unsettled(folder, total)


def history(engines: LocalEngines) -> list[Change]:
    """All that was ever written, from the feed."""
    told, after = list[Change](), None
    while page := engines.feed.read("0", after, 1000):
        told += page
        after = page[-1].sequence
    return told


def test_a_run_that_is_killed_fifty_times_loses_nothing_and_links_once(tmp_path: Path) -> None:
    chance, clock = Random(7), WallClock()
    shortener = MemoryUrlShortener(clock)
    with Served(ShortenerTwin(shortener, clock)) as served:
        settings = Settings(
            state=tmp_path / "state",
            shortener_url=served.url,
            shortener_domain="sho.rt",
            shortener_per_s=1000,
            event_source_url=served.url,
            sms_url=served.url,
        )
        at_work = 0
        for kill in range(KILLS):
            seeded(settings, range(kill * EVENTS_EACH, (kill + 1) * EVENTS_EACH))
            killed(started(settings), chance.uniform(*UNTIL_KILLED))
            at_work += held(settings.state) > 0
        assert at_work >= KILLS / 5, "most were killed before or after their work"
        total = KILLS * EVENTS_EACH
        worked_off(started(settings), settings.state, total)
        given = {call.url: call.answer for call in shortener.history}
    with LocalEngines.opened(settings) as engines:
        told = history(engines)
        links = defaultdict[str, list[str]](list)
        for change in told:
            if change.key[0].startswith("event:") and change.new:
                link = change.new.body.get("shortUrl")
                if link not in (None, *links[change.key[0]]):
                    links[change.key[0]].append(str(link))
        wanted = {f"event:{event(n).event_id}": [given[event(n).url]] for n in range(total)}
        assert links == wanted
        standing = {change.key: change.new for change in told}
        assert engines.table.get_many(list(standing)) == standing
        with engines.database.read() as cursor:
            assert cursor.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
            assert cursor.execute("SELECT count(*) FROM messages").fetchone() == (0,)
        assert not [stored.key for stored in engines.files.list("quarantine/")]
