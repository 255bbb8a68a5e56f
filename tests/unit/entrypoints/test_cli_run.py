"""`demand run` as its user sees it: a process that works, is told to stop, and reports."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from demand_adapters.memory.clock import MemoryClock
from demand_adapters.memory.url_shortener import MemoryUrlShortener
from demand_adapters.testing.strategies import NOON, an_event
from demand_core.topology import TOPOLOGY
from entrypoints.engines.local import LocalEngines
from entrypoints.profiles import Profile
from entrypoints.settings import Settings
from entrypoints.twins.serving import Served
from entrypoints.twins.shortener import ShortenerTwin

SRC: Final = Path(__file__).parents[3] / "src"


@pytest.fixture
def environment(tmp_path: Path) -> Iterator[dict[str, str]]:
    """A folder with two events in it, and a shortener."""
    clock = MemoryClock(NOON)
    with Served(ShortenerTwin(MemoryUrlShortener(clock), clock)) as served:
        settings = Settings(state=tmp_path, shortener_url=served.url)
        with LocalEngines.opened(settings) as engines:
            assert not Profile(settings, engines).events.refresh([an_event(1), an_event(2)])
        yield {
            "PYTHONPATH": str(SRC),
            "DEMAND_STATE": str(tmp_path),
            "DEMAND_SHORTENER_URL": served.url,
            "DEMAND_EVENT_SOURCE_URL": served.url,
            "DEMAND_SMS_URL": served.url,
            "DEMAND_SHORTENER_DOMAIN": "sho.rt",
        }


def started(environment: dict[str, str], *words: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "entrypoints.cli", "run", *words],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_signal_stops_it_and_it_reports(
    environment: dict[str, str], number: signal.Signals
) -> None:
    with started(environment, "--json") as process:
        assert process.stderr
        assert f"{len(TOPOLOGY)} workers run on local engines" in process.stderr.readline()
        os.kill(process.pid, number)
        told, complaints = process.communicate(timeout=30)
    assert process.returncode == 0, complaints
    assert "stopping when the batches under way are done" in complaints
    assert json.loads(told)["crashes"] == 0


@pytest.mark.check("M-09")
def test_it_works_as_long_as_it_is_told_to(environment: dict[str, str]) -> None:
    with started(environment, "--for", "1.5") as process:
        told, complaints = process.communicate(timeout=30)
    assert process.returncode == 0, complaints
    workers, _, services = told.partition("\n\n")
    assert [line.split()[:2] for line in services.splitlines()][:1] == [["files", "1.0"]]
    rows = {line.split()[0]: line.split()[1:] for line in workers.splitlines()[1:]}
    assert rows["shorten_event_urls"] == ["2", "2", "0", "0", "0"]
    assert rows["queue_short_urls"] == ["2", "2", "0", "0", "0"]


def test_a_second_one_is_told_who_has_the_folder(environment: dict[str, str]) -> None:
    with started(environment) as first:
        assert first.stderr
        first.stderr.readline()
        with started(environment) as second:
            _, complaints = second.communicate(timeout=30)
        first.terminate()
        first.communicate(timeout=30)
    assert second.returncode == 5
    assert f"in use by process {first.pid}" in complaints


@pytest.mark.parametrize(
    ("change", "code", "says"),
    [
        ({"DEMAND_PROFILE": "memory"}, 5, "forgets all"),
        ({"DEMAND_PROFILE": "aws"}, 5, "DEMAND_BUCKET is needed"),
        ({"DEMAND_SHORTENER_URL": "https://links.example"}, 5, "KEY_VARIABLE is needed"),
        ({"DEMAND_STATE": "/dev/null/x"}, 5, "no state can be kept"),
    ],
)
def test_what_cannot_be_run_is_said_in_one_sentence(
    environment: dict[str, str], change: dict[str, str], code: int, says: str
) -> None:
    with started({**environment, **change}) as process:
        told, complaints = process.communicate(timeout=30)
    assert (process.returncode, told) == (code, "")
    assert says in complaints
    assert len(complaints.splitlines()) == 1
