"""Merging and forgetting as processes of their own, killed at any moment and begun again."""

import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Any, Final

import pytest

from demand_adapters.archive.listing import listed, opened
from demand_adapters.archive.merge_log import every
from demand_adapters.local.contact_key import contact_key
from demand_adapters.local.file_store import FolderFileStore
from demand_adapters.testing.strategies import NOON, a_demand
from demand_adapters.wire.avro.reading import read
from demand_core.domain.changes import ChangeKind
from demand_core.ports.file_store import FileStore
from tests.unit.archive.canaries import FAN, Kept, entities, found_in, message, totals, wish

SRC: Final = Path(__file__).parents[2] / "src"
OBJECTS: Final = 200
KILLS: Final = 20
# A process takes some tenths of a second until it begins.
UNTIL_KILLED: Final = (0.2, 1.2)
ENDS_WITHIN: Final = 40


def started(folder: Path, *words: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "entrypoints.cli", *words, "--archive", str(folder)],
        env={"PYTHONPATH": str(SRC), "USER": "a test"},
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def killed(process: subprocess.Popen[bytes], after: float) -> bool:
    """Let it work for a while, and kill it; whether it was not done by then."""
    try:
        process.wait(after)
    except subprocess.TimeoutExpired:
        process.kill()
    process.communicate()
    return process.returncode == -signal.SIGKILL


def ended(folder: Path, *words: str, codes: Sequence[int] = (0,)) -> str:
    """Run it to its end; what it said."""
    process = started(folder, *words)
    told, complaints = process.communicate(timeout=ENDS_WITHIN)
    assert process.returncode in codes, complaints.decode()
    return told.decode()


def ids(files: FileStore, kind: str) -> Counter[str]:
    """Each change that a reader finds, as often as it does."""
    found = Counter[str]()
    for one in listed(files, kind):
        found.update(row["changeid"] for row in read(opened(files, one)))
    return found


def kept_in(folder: Path, **others: Any) -> Kept:
    return Kept(files=FolderFileStore(folder), keys=[contact_key(folder)], **others)


def test_a_merge_of_two_hundred_objects_counts_every_row_once_whenever_it_is_killed(
    tmp_path: Path,
) -> None:
    kept, chance = kept_in(tmp_path), Random(7)
    for n in range(OBJECTS):
        kept.deliver(kept.change(a_demand(2 * n)), kept.change(a_demand(2 * n + 1)))
    words = ("archive", "merge", "--day", NOON.date().isoformat())
    wanted = ids(kept.files, "demand")
    assert (len(wanted), len([*listed(kept.files, "demand")])) == (2 * OBJECTS, OBJECTS)
    died = 0
    for _ in range(KILLS):
        died += killed(started(tmp_path, *words), chance.uniform(*UNTIL_KILLED))
        assert ids(kept.files, "demand") == wanted
    assert died >= 3
    ended(tmp_path, *words)
    assert ids(kept.files, "demand") == wanted
    assert len([*every(kept.files, f"data/demand/partition_date={NOON.date()}/")]) == 1


@pytest.mark.check("P-UC3-prior")
def test_an_erasure_that_is_killed_again_and_again_comes_to_its_end(tmp_path: Path) -> None:
    kept, chance = kept_in(tmp_path), Random(7)
    for n in range(OBJECTS // 2):
        others = [kept.change(a_demand(n)), kept.change(a_demand(n, locale="fr-ca"))]
        own = [kept.change(wish(), ChangeKind.MODIFY), kept.change(message())]
        kept.deliver(*others, *own)
    before = totals(kept.files), entities(kept.files)
    died = 0
    for _ in range(KILLS):
        erasing = started(tmp_path, "privacy", "erase", FAN)
        died += killed(erasing, chance.uniform(*UNTIL_KILLED))
    assert died >= 3
    ended(tmp_path, "privacy", "erase", FAN, "--settled")
    assert found_in(kept) == []
    assert (totals(kept.files), entities(kept.files)) == before
    told = ended(tmp_path, "archive", "verify")
    assert "wrong" not in told
