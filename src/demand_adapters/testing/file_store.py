"""What every FileStore promises."""

from collections.abc import Iterator, Sequence

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import invariant, rule

from demand_adapters.testing.contract import Contract, Machine, assert_any_calls
from demand_core.errors import Permanent, Transient
from demand_core.ports.file_store import FileStore, StoredFile

# Empty parts, dots, control characters, a backslash, what is no character, half a surrogate
# pair, 1,025 bytes in all and 256 in one part.
BAD_KEYS = (
    "", "/a", "a/", "a//b", "a/./b", "../a", "a/..", "a\0b", "a\n", "a\x7f", "a\x85b", "a\\b",
    "a\ufffe", "a\uffff", "a\ud800", "/".join(["a" * 204] * 5) + "a", "a/" + "é" * 128,
)  # fmt: skip
ODD_KEYS = (
    "a", "...", ".a/b..", "a b+c%2F=&?#", "partition_date=2025-02-14/x.avro", "événement/ü",
    "🎟", "/".join(["a" * 204] * 5), "é" * 127 + "a",
)  # fmt: skip
# No folder holds both of a pair, for everybody's file system.
CLASHES = (
    ("a/B", "a/b"), ("a/B/c", "a/b/d"), ("\u00e9", "e\u0301"), ("a", "a/b"), ("a/b/c", "a/b")
)  # fmt: skip


def contents(store: FileStore, key: str) -> bytes | None:
    pieces = store.read(key)
    return None if pieces is None else b"".join(pieces)


def listed(store: FileStore, prefix: str = "", *, limit: int = 1000) -> Sequence[StoredFile]:
    found: list[StoredFile] = []
    after = ""
    while page := store.list(prefix, after=after, limit=limit):
        assert len(page) <= limit
        assert page[0].key.encode() > after.encode()
        found += page
        after = page[-1].key
    return found


def fill(store: FileStore, *keys: str) -> None:
    for key in keys:
        store.put(key, [key.encode()])


class FileStoreContract(Contract[FileStore]):
    """For an empty store."""

    port = "FileStore"

    @pytest.fixture
    def store(self, hand: FileStore) -> FileStore:
        """The same by its name."""
        return hand

    @pytest.mark.parametrize(
        "pieces", [[], [b""], [b"one ", b"", b"two"], [bytes(range(256)) * 400] * 10], ids=len
    )
    def test_what_was_put_is_found_and_read(
        self, store: FileStore, pieces: Sequence[bytes]
    ) -> None:
        stored = store.put("a/b", iter(pieces))
        assert stored is not None
        assert (stored.key, stored.size) == ("a/b", sum(map(len, pieces)))
        assert listed(store) == [store.find("a/b")] == [stored]
        assert contents(store, "a/b") == b"".join(pieces)

    def test_a_key_without_a_file_answers_none(self, store: FileStore) -> None:
        fill(store, "a/b")
        assert store.find("a/c") is None
        assert store.read("a/c") is None
        assert store.copy("a/c", "d") is None
        assert [stored.key for stored in listed(store)] == ["a/b"]

    @pytest.mark.parametrize("key", ODD_KEYS, ids=ascii)
    def test_odd_keys_are_kept_to_the_letter(self, store: FileStore, key: str) -> None:
        fill(store, key)
        assert contents(store, key) == key.encode()
        assert [stored.key for stored in listed(store)] == [key]

    @pytest.mark.parametrize("key", BAD_KEYS, ids=ascii)
    def test_a_bad_key_is_refused_everywhere(self, store: FileStore, key: str) -> None:
        fill(store, "a")
        for call in (
            lambda: store.find(key),
            lambda: store.read(key),
            lambda: store.put(key, [b"x"]),
            lambda: store.copy(key, "b"),
            lambda: store.copy("a", key),
            lambda: store.delete(["a", key]),
        ):
            with pytest.raises(Permanent) as refusal:
                call()
            assert refusal.value.code == "bad_key"
        assert [stored.key for stored in listed(store)] == ["a"]

    @pytest.mark.parametrize(("first", "second"), CLASHES, ids=ascii)
    def test_of_two_keys_that_clash_the_second_is_refused_or_kept_apart(
        self, store: FileStore, first: str, second: str
    ) -> None:
        fill(store, first)
        refused = None
        try:
            fill(store, second)
        except Permanent as refusal:
            refused = refusal.code
        assert refused in {None, "bad_key"}
        kept = [first] if refused else sorted([first, second])
        assert [stored.key for stored in listed(store)] == kept
        assert contents(store, first) == first.encode()

    @pytest.mark.parametrize(("first", "second"), CLASHES, ids=ascii)
    def test_a_key_clashes_with_nothing_that_is_gone(
        self, store: FileStore, first: str, second: str
    ) -> None:
        fill(store, first)
        store.delete([first])
        fill(store, second)
        assert [stored.key for stored in listed(store)] == [second]

    def test_a_replacement_shows_other_bytes_and_another_etag(self, store: FileStore) -> None:
        before, after = store.put("a", [b"one"]), store.put("a", [b"two"])
        assert before
        assert after
        assert before.etag != after.etag
        assert store.find("a") == after
        assert contents(store, "a") == b"two"

    def test_only_new_leaves_what_is_there(self, store: FileStore) -> None:
        assert store.put("a", [b"one"], only_new=True) is not None
        assert store.put("a", [b"two"], only_new=True) is None
        assert contents(store, "a") == b"one"

    def test_a_write_that_breaks_off_leaves_what_was_there(self, store: FileStore) -> None:
        def broken() -> Iterator[bytes]:
            yield b"half"
            raise Transient("the source went away")

        store.put("old", [b"whole"])
        for key in ("old", "new"):
            with pytest.raises(Transient):
                store.put(key, broken())
        assert contents(store, "old") == b"whole"
        assert [stored.key for stored in listed(store)] == ["old"]

    def test_nothing_shows_before_the_last_piece(self, store: FileStore) -> None:
        seen: list[bytes | None] = []

        def pieces() -> Iterator[bytes]:
            yield b"new "
            seen.append(contents(store, "a"))
            yield b"bytes"

        store.put("a", pieces())
        store.put("a", pieces())
        assert seen == [None, b"new bytes"]

    def test_a_read_goes_on_with_the_version_it_began(self, store: FileStore) -> None:
        store.put("a", [b"1" * 1_000_000])
        pieces = store.read("a")
        assert pieces is not None
        begun = next(pieces)
        store.put("a", [b"2" * 1_000_000])
        begun += next(pieces)
        store.delete(["a"])
        assert begun + b"".join(pieces) == b"1" * 1_000_000

    def test_a_copy_is_a_file_of_its_own(self, store: FileStore) -> None:
        store.put("a", [b"one"])
        store.put("b", [b"another"])
        assert store.copy("a", "b") == store.find("b")
        store.put("a", [b"two"])
        assert contents(store, "b") == b"one"

    def test_deleting_is_done_when_nothing_is_there(self, store: FileStore) -> None:
        fill(store, "a", "b", "c")
        assert not store.delete(["a", "b", "never", "a"])
        assert not store.delete(["a"])
        assert not store.delete([])
        assert [stored.key for stored in listed(store)] == ["c"]

    @pytest.mark.parametrize(
        ("start", "length"),
        [(0, 4), (3, None), (3, 4), (9, 1), (9, 100), (0, 0), (10, None), (11, None), (50, 3)],
    )
    def test_a_part_of_a_file_is_cut_out_of_it(
        self, store: FileStore, start: int, length: int | None
    ) -> None:
        whole = b"0123456789"
        store.put("a", [whole])
        pieces = store.read("a", start=start, length=length)
        assert pieces is not None
        assert b"".join(pieces) == whole[start : None if length is None else start + length]

    def test_a_list_is_in_the_order_of_the_bytes(self, store: FileStore) -> None:
        keys = ["a-b", "a/b", "a/c", "aZ", "b", "z", "é", "\ufffd", "🎟"]
        fill(store, *reversed(keys))
        assert [stored.key for stored in listed(store)] == sorted(keys, key=str.encode)

    def test_a_prefix_is_text_and_no_folder(self, store: FileStore) -> None:
        fill(store, "a/b/1", "a/b2", "a/c", "ab")
        assert [stored.key for stored in listed(store, "a/b")] == ["a/b/1", "a/b2"]
        assert [stored.key for stored in listed(store, "a/")] == ["a/b/1", "a/b2", "a/c"]
        assert listed(store, "x") == []

    def test_after_goes_on_behind_a_key_that_is_gone(self, store: FileStore) -> None:
        fill(store, "a", "b", "c")
        store.delete(["b"])
        assert [stored.key for stored in store.list("", after="b")] == ["c"]
        assert store.list("a", after="b") == []


# None is a part of another followed by a slash, none differs from another only in case.
KEYS = st.sampled_from(["a/1", "a/2", "a2", "ab/1", "b", "é/ü"])
BYTES = st.binary(max_size=20)


class FileStoreMachine(Machine[FileStore]):
    """Beside a plain dict."""

    def __init__(self) -> None:
        """Begin with nothing in either."""
        super().__init__()
        self.store = self.hand
        self.model: dict[str, bytes] = {}

    @rule(key=KEYS, pieces=st.lists(BYTES, max_size=3))
    def put(self, key: str, pieces: list[bytes]) -> None:
        before, whole = self.store.find(key), b"".join(pieces)
        stored = self.store.put(key, pieces)
        assert stored == self.store.find(key)
        if before and stored and before.etag == stored.etag:
            assert self.model[key] == whole
        self.model[key] = whole

    @rule(key=KEYS, whole=BYTES)
    def put_only_new(self, key: str, whole: bytes) -> None:
        stored = self.store.put(key, [whole], only_new=True)
        assert (stored is None) == (key in self.model)
        self.model.setdefault(key, whole)

    @rule(source=KEYS, copy=KEYS)
    def copy(self, source: str, copy: str) -> None:
        copied = self.store.copy(source, copy)
        assert (copied is None) == (source not in self.model)
        if copied:
            self.model[copy] = self.model[source]
            assert copied == self.store.find(copy)

    @rule(keys=st.lists(KEYS, max_size=3))
    def delete(self, keys: list[str]) -> None:
        assert not self.store.delete(keys)
        for key in keys:
            self.model.pop(key, None)

    @rule(key=KEYS, start=st.integers(0, 25), length=st.none() | st.integers(0, 25))
    def read(self, key: str, start: int, length: int | None) -> None:
        pieces = self.store.read(key, start=start, length=length)
        expected = self.model.get(key)
        if expected is not None:
            expected = expected[start:] if length is None else expected[start : start + length]
        assert (None if pieces is None else b"".join(pieces)) == expected

    @rule(prefix=st.sampled_from(["", "a", "a/", "b", "x"]), limit=st.integers(1, 4))
    def page(self, prefix: str, limit: int) -> None:
        expected = [key for key in self.model if key.startswith(prefix)]
        found = [stored.key for stored in listed(self.store, prefix, limit=limit)]
        assert found == sorted(expected, key=str.encode)

    @invariant()
    def every_file_is_listed_with_its_size(self) -> None:
        assert {stored.key: stored.size for stored in listed(self.store)} == {
            key: len(whole) for key, whole in self.model.items()
        }


class FileStoreProperties(Contract[FileStore]):
    """For engines that are quick enough for some hundred fresh stores."""

    port = "FileStore, any calls"

    def test_any_calls_in_any_order_answer_as_a_dict_would(self) -> None:
        assert_any_calls(FileStoreMachine, self.fresh)
