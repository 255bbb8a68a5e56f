"""What a row says of itself, and that its class is loaded on use and not before."""

import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from types import ModuleType
from typing import Final

import pytest
from attrs import evolve

from demand_core.domain.links import LinkRequest
from demand_core.errors import WiringError
from demand_core.topology import TOPOLOGY
from demand_core.topology.channels import SHORT_URLS
from demand_core.topology.shapes import Queue, Retry, Stream, Worker

SRC: Final = Path(__file__).parents[3] / "src"

ROW: Final = Worker(
    name="shorten_event_urls",
    subsystem="reminders",
    origin="shortenEventUrl",
    triggers=(Queue(SHORT_URLS),),
    about="fills the short link in",
)


@pytest.mark.parametrize("row", TOPOLOGY, ids=lambda row: row.name)
def test_every_row_finds_its_class_by_its_name(row: Worker) -> None:
    work = row.load()
    assert work.__name__.casefold() == row.name.replace("_", "")
    assert work.__module__ == f"demand_core.workers.{row.subsystem}.{row.name}" == row.module


def test_a_row_whose_module_is_missing_says_which_it_is() -> None:
    with pytest.raises(WiringError) as refusal:
        evolve(ROW, subsystem="archive").load()
    assert str(refusal.value) == (
        "shorten_event_urls: no module demand_core.workers.archive.shorten_event_urls"
    )


@pytest.mark.parametrize("found", [{}, {"ShortenIt": print}, {"Shortenit": int}])
def test_a_row_whose_class_is_missing_says_which_it_is(
    found: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    row = evolve(ROW, name="shorten_it")
    module = ModuleType(row.module)
    vars(module).update(found)
    monkeypatch.setitem(sys.modules, row.module, module)
    with pytest.raises(WiringError) as refusal:
        row.load()
    assert str(refusal.value) == f"shorten_it: no class ShortenIt in {row.module}"


def test_a_mistake_inside_a_worker_is_not_taken_for_its_absence(tmp_path: Path) -> None:
    (tmp_path / "shorten_it.py").write_text("1 / 0\n", encoding="utf-8")
    command = (
        "import demand_core.workers.reminders as r; from attrs import evolve;"
        f"from demand_core.topology import TOPOLOGY; r.__path__.append({str(tmp_path)!r});"
        "evolve(TOPOLOGY[0], name='shorten_it').load()"
    )
    assert "ZeroDivisionError" in run(command).stderr


def test_reading_the_table_loads_no_worker() -> None:
    command = (
        "import sys, demand_core.topology;"
        "print([name for name in sys.modules if name.startswith('demand_core.workers')])"
    )
    assert run(command).stdout == "[]\n"


def run(command: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-c", command],
        env={"PYTHONPATH": str(SRC)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_a_queue_hides_a_message_for_six_times_as_long_as_its_worker_may_take() -> None:
    row = evolve(ROW, timeout=timedelta(seconds=50))
    assert row.visibility == timedelta(minutes=5)


@pytest.mark.parametrize("trigger", [Queue(SHORT_URLS), Stream(SHORT_URLS)])
def test_a_trigger_holds_what_its_channel_carries(trigger: Queue | Stream) -> None:
    assert trigger.body is LinkRequest


def test_a_message_is_given_up_late_unless_a_row_says_otherwise() -> None:
    assert ROW.retry == Retry()
    assert ROW.retry.max_receive >= 10
    assert ROW.retry.backoff > timedelta(0)
