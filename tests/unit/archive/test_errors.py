"""What was set aside is mended, delivered once and out of the way; nothing of it gets lost."""

import json
from collections.abc import Sequence
from typing import Any, Final

import pytest
from attrs import frozen

from demand_adapters.archive.errors import ErrorFiles
from demand_adapters.memory.file_store import MemoryFileStore
from demand_adapters.wire.archive_errors import parsed
from demand_core.errors import Permanent, Transient, Unknown
from tests.unit.archive.test_delivery import FAULTY, Failing, an_archive, content, rows, told

GOOD: Final = [told(n).payload for n in range(4)]


def without_sale(payload: bytes) -> bytes:
    record = json.loads(payload)
    del record["dynamodb"]["NewImage"]["saleId"]
    return json.dumps(record).encode()


SPOILED: Final = [without_sale(payload) for payload in GOOD]


def errors_of(files: MemoryFileStore, broken: Any = None) -> ErrorFiles:
    at = files if broken is None else broken
    return ErrorFiles(files=at, archive=an_archive(at))


def a_file(payloads: Sequence[bytes] = SPOILED) -> tuple[MemoryFileStore, str]:
    """Files in which one batch was set aside, and where."""
    files = MemoryFileStore()
    an_archive(files).deliver([told(n, payload) for n, payload in enumerate(payloads)])
    (key,) = errors_of(files).waiting()
    return files, key


def moved(files: MemoryFileStore) -> list[str]:
    return [found.key for found in files.list("errors/replayed/")]


@pytest.mark.check("P-UC4-replay")
def test_mended_changes_are_in_the_archive_once_and_their_file_is_out_of_the_way() -> None:
    files, key = a_file()
    original = content(files, key)
    errors = errors_of(files)
    assert errors.replay(key, GOOD).mended == 4
    assert rows(files) == ["c0", "c1", "c2", "c3"]
    assert list(errors.waiting()) == []
    assert [content(files, there) for there in moved(files)] == [original]
    with pytest.raises(Permanent):
        errors.replay(key, GOOD)
    assert rows(files) == ["c0", "c1", "c2", "c3"]


def test_what_is_still_wrong_has_a_file_of_its_own() -> None:
    files, key = a_file()
    errors = errors_of(files)
    answer = errors.replay(key, [*GOOD[:3], SPOILED[3]])
    assert (answer.mended, answer.left) == (3, ["missing_field at $.saleId"])
    (left,) = errors.waiting()
    assert list(parsed(content(files, left)).originals) == [SPOILED[3]]
    assert errors.replay(left, [GOOD[3]]).mended == 1
    assert rows(files) == ["c0", "c1", "c2", "c3"]
    assert len(moved(files)) == 2


def test_what_nobody_mended_stays_where_it_is() -> None:
    files, key = a_file()
    before = {found.key: found.etag for found in files.list("")}
    answer = errors_of(files).replay(key)
    assert (answer.mended, len(answer.left)) == (0, 4)
    assert {found.key: found.etag for found in files.list("")} == before


def test_a_dry_run_says_what_would_be_and_changes_nothing() -> None:
    files, key = a_file()
    before = {found.key: found.etag for found in files.list("")}
    answer = errors_of(files).replay(key, GOOD, dry_run=True)
    assert (answer.mended, answer.left) == (4, [])
    assert {found.key: found.etag for found in files.list("")} == before


def test_a_rule_of_ours_that_was_mended_needs_no_other_events() -> None:
    files, key = a_file([FAULTY])
    text = content(files, key).replace(FAULTY, GOOD[0])
    files.put(key, [text])
    assert errors_of(files).replay(key).mended == 1
    assert rows(files) == ["c0"]


def test_as_many_events_are_needed_as_there_are_faults() -> None:
    files, key = a_file()
    with pytest.raises(Permanent, match="3 events for 4 faults"):
        errors_of(files).replay(key, GOOD[:3])


@pytest.mark.parametrize("key", ["errors/none.json", "data/none.avro"])
def test_a_file_that_is_not_there_is_said_so(key: str) -> None:
    with pytest.raises(Permanent, match="nothing stands"):
        errors_of(MemoryFileStore()).replay(key)


@frozen
class Stumbling(Failing):
    """Files that also fail to copy and to delete, in the order of all that is written."""

    def copy(self, source: str, target: str, /) -> Any:
        return self._tried(target, lambda: self.files.copy(source, target))

    def delete(self, keys: Sequence[str], /) -> Any:
        return self._tried(keys[0], lambda: self.files.delete(keys))

    def _tried(self, key: str, do: Any) -> Any:
        self.puts.append(key)
        if len(self.puts) == self.n and not self.after:
            raise Transient("the store is away")
        done = do()
        if len(self.puts) == self.n:
            raise Unknown("no answer")
        return done


@pytest.mark.parametrize("after", [False, True])
def test_wherever_a_replay_breaks_off_the_next_one_ends_it(after: bool) -> None:
    mended = [*GOOD[:3], SPOILED[3]]
    for n in range(1, 100):
        files, key = a_file()
        stumbling = Stumbling(files, n, after=after, puts=[])
        try:
            errors_of(files, stumbling).replay(key, mended)
        except Transient:
            waiting = list(errors_of(files).waiting())
            assert waiting
            if key in waiting:
                errors_of(files).replay(key, mended)
        assert rows(files) == ["c0", "c1", "c2"]
        (left,) = errors_of(files).waiting()
        assert list(parsed(content(files, left)).originals) == [SPOILED[3]]
        if len(stumbling.puts) < n:
            return
