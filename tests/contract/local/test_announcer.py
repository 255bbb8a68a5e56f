"""Alerts as files in a folder keep what every Announcer promises, over a restart too."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from demand_adapters.local.file_store import FolderFileStore
from demand_adapters.stores.announcer import FileAnnouncer
from demand_adapters.testing.announcer import AnnouncerAtHand, AnnouncerContract, alert
from tests.contract.local.folders import passing_folder


class TestFolderAnnouncer(AnnouncerContract):
    engine = "local"

    @contextmanager
    def fresh(self) -> Iterator[AnnouncerAtHand]:
        with passing_folder() as folder:
            announcer = FileAnnouncer(files=FolderFileStore(folder))
            yield AnnouncerAtHand(announcer, lambda: told(folder))


def told(folder: Path) -> list[str]:
    return [json.loads(path.read_bytes())["summary"] for path in folder.glob("alerts/*")]


def test_what_was_told_before_a_restart_is_not_told_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for summary in ("before", "after"):
        announcer = FileAnnouncer(files=FolderFileStore(tmp_path))
        announcer.announce(alert("a", summary))
    assert told(tmp_path) == ["before"]
    assert caplog.messages == ["a: before"]
