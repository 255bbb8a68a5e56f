"""What becomes of files when S3 or the way to it fails, and of those longer than a part."""

from collections.abc import Iterator

import pytest
from attrs import evolve, frozen
from werkzeug.wrappers import Response

from demand_adapters.aws.calls import Aws
from demand_adapters.aws.errors import Refused
from demand_adapters.aws.file_store import PART_BYTES_MIN, S3FileStore
from demand_adapters.testing.file_store import contents, fill, listed
from demand_core.errors import Transient, Unknown, WiringError
from demand_core.ports.file_store import StoredFile
from tests.contract.aws.channels import a_bucket
from tests.contract.aws.unreliable_s3 import Fault, Unreliable, refused, unreliable_s3
from tests.contract.aws.wire_faults import TRIES

LONG = [bytes([n]) * 1_000_000 for n in range(6)]  # two parts
STEPS = ("create", "part", "part", "complete")
WHOLE = b"".join(LONG)


@frozen(kw_only=True)
class Broken:
    """A store that is reached by an unreliable way, and the same one *beside* it."""

    server: Unreliable
    store: S3FileStore
    beside: S3FileStore

    def coming(self, *faults: Fault | Response | None) -> None:
        self.server.coming.extend(faults)

    def uploads(self) -> int:
        """How many are not ended."""
        told = self.beside.aws.call("s3", "list_multipart_uploads", Bucket=self.beside.bucket)
        return len(told.get("Uploads", ()))


@pytest.fixture(scope="module")
def unreliable(aws: Aws) -> Iterator[tuple[Aws, Unreliable]]:
    with unreliable_s3(aws) as calling_and_server:
        yield calling_and_server


@pytest.fixture
def broken(aws: Aws, unreliable: tuple[Aws, Unreliable]) -> Iterator[Broken]:
    calling, server = unreliable
    with a_bucket(aws) as beside:
        yield Broken(server=server, store=evolve(beside, aws=calling), beside=beside)
    server.coming.clear()


def slow_down() -> Response:
    return refused(503, "SlowDown")


def conflict() -> Response:
    return refused(409, "ConditionalRequestConflict")


def test_a_busy_store_is_asked_again(broken: Broken) -> None:
    for call in (
        lambda store: store.put("a", [b"x"]),
        lambda store: store.find("a"),
        lambda store: store.list(""),
        lambda store: b"".join(store.read("a")),
        lambda store: store.copy("a", "b"),
        lambda store: store.delete(["b"]),
    ):
        broken.coming(slow_down(), slow_down())
        assert call(broken.store) == call(broken.beside)
        assert not broken.server.coming


@pytest.mark.parametrize("only_new", [False, True])
def test_a_write_that_was_done_without_answer_is_known_again(
    broken: Broken, *, only_new: bool
) -> None:
    broken.coming(Fault.LOST)
    stored = broken.store.put("a", [b"x"], only_new=only_new)
    assert stored is not None
    assert stored == broken.beside.find("a")


def test_a_write_that_is_never_answered_is_unknown(broken: Broken) -> None:
    broken.coming(Fault.LOST, *[slow_down() for _ in range(TRIES - 1)])
    with pytest.raises(Unknown):
        broken.store.put("a", [b"x"], only_new=True)
    assert contents(broken.beside, "a") == b"x"


def test_a_write_that_was_refused_for_being_too_busy_had_no_effect(broken: Broken) -> None:
    broken.coming(*[slow_down() for _ in range(TRIES)])
    with pytest.raises(Transient) as failure:
        broken.store.put("a", [b"x"])
    assert not isinstance(failure.value, Unknown)
    assert listed(broken.beside) == []


def test_the_same_bytes_of_another_writer_are_not_our_own(broken: Broken) -> None:
    fill(broken.beside, "a")
    assert broken.store.put("a", [b"a"], only_new=True) is None


def test_a_conflict_with_another_write_is_tried_again(broken: Broken) -> None:
    broken.coming(conflict(), conflict())
    assert broken.store.put("a", [b"x"], only_new=True) == broken.beside.find("a")


def test_a_refusal_of_another_kind_flies(broken: Broken) -> None:
    for call in (
        lambda: broken.store.find("a"),
        lambda: broken.store.read("a"),
        lambda: broken.store.put("a", [b"x"]),
        lambda: broken.store.put("a", iter(LONG)),
    ):
        broken.coming(refused(405, "MethodNotAllowed"))
        with pytest.raises(Refused):
            call()


def test_a_refusal_in_the_midst_of_a_long_file_flies(broken: Broken) -> None:
    broken.coming(*[None] * 3, refused(400, "InvalidPart"))
    with pytest.raises(Refused):
        broken.store.put("a", iter(LONG))
    broken.beside.put("a", LONG)
    broken.coming(None, refused(405, "MethodNotAllowed"))
    with pytest.raises(Refused):
        contents(broken.store, "a")


def test_what_nobody_allowed_us_is_a_mistake_of_the_wiring(broken: Broken) -> None:
    for call in (lambda: broken.store.find("a"), lambda: broken.store.list("")):
        broken.coming(refused(403, "AccessDenied"))
        with pytest.raises(WiringError):
            call()


@pytest.mark.parametrize("call", range(4), ids=STEPS)
@pytest.mark.parametrize("only_new", [False, True])
def test_a_long_file_is_stored_though_an_answer_is_lost(
    broken: Broken, call: int, *, only_new: bool
) -> None:
    broken.coming(*[None] * call, Fault.LOST)
    stored = broken.store.put("a", iter(LONG), only_new=only_new)
    assert stored == broken.beside.find("a")
    assert stored is not None
    assert stored.size == len(WHOLE)
    assert contents(broken.store, "a") == WHOLE
    # Of an upload whose beginning had no answer nobody knows the name.
    assert broken.uploads() == (call == 0)


@pytest.mark.parametrize("call", range(4), ids=STEPS)
def test_a_long_file_that_fails_leaves_nothing_behind(broken: Broken, call: int) -> None:
    fill(broken.beside, "a")
    broken.coming(*[None] * call, *[slow_down() for _ in range(TRIES)])
    with pytest.raises(Transient):
        broken.store.put("a", iter(LONG))
    assert contents(broken.beside, "a") == b"a"
    assert broken.uploads() == 0


def test_a_long_file_whose_source_breaks_off_leaves_nothing_behind(broken: Broken) -> None:
    def breaking() -> Iterator[bytes]:
        yield from LONG
        raise Transient("the source went away")

    with pytest.raises(Transient, match="source"):
        broken.store.put("a", breaking())
    assert listed(broken.beside) == []
    assert broken.uploads() == 0


def test_a_long_file_is_only_new_too(broken: Broken) -> None:
    fill(broken.beside, "a")
    assert broken.store.put("a", iter(LONG), only_new=True) is None
    assert contents(broken.beside, "a") == b"a"
    assert broken.uploads() == 0


def test_a_long_file_in_conflict_is_written_again_by_the_caller(broken: Broken) -> None:
    broken.coming(*[None] * 3, conflict())
    with pytest.raises(Transient):
        broken.store.put("a", iter(LONG), only_new=True)
    assert listed(broken.beside) == []
    assert broken.uploads() == 0


def test_an_upload_that_somebody_else_ended_is_unknown(broken: Broken) -> None:
    fill(broken.beside, "a")
    broken.coming(*[None] * 3, refused(404, "NoSuchUpload"))
    with pytest.raises(Unknown):
        broken.store.put("a", iter(LONG))


@pytest.mark.parametrize("fault", Fault)
def test_a_read_whose_answer_breaks_off_begins_that_part_again(
    broken: Broken, fault: Fault
) -> None:
    broken.beside.put("a", LONG)
    broken.coming(fault, None, fault)
    assert contents(broken.store, "a") == WHOLE
    assert not broken.server.coming


@pytest.mark.parametrize("start", [0, 3, PART_BYTES_MIN - 1, PART_BYTES_MIN, len(WHOLE) - 1])
@pytest.mark.parametrize("length", [1, PART_BYTES_MIN, PART_BYTES_MIN + 1, None])
def test_any_part_of_a_long_file_is_cut_out_of_it(
    broken: Broken, start: int, length: int | None
) -> None:
    broken.beside.put("a", LONG)
    pieces = broken.beside.read("a", start=start, length=length)
    assert pieces is not None
    end = None if length is None else start + length
    assert b"".join(pieces) == WHOLE[start:end]


@pytest.mark.parametrize("gone", [False, True])
def test_a_long_read_breaks_off_rather_than_mix_two_versions(
    broken: Broken, *, gone: bool
) -> None:
    broken.beside.put("a", LONG)
    pieces = broken.beside.read("a")
    assert pieces is not None
    begun = next(pieces)
    if gone:
        broken.beside.delete(["a"])
    else:
        broken.beside.put("a", reversed(LONG))
    rest = bytearray()
    with pytest.raises(Transient):  # noqa: PT012  # all that comes before is of the old one
        for piece in pieces:
            rest += piece
    assert begun + bytes(rest) == WHOLE[:PART_BYTES_MIN]


def test_a_copy_of_what_changes_meanwhile_is_tried_again_by_the_caller(broken: Broken) -> None:
    fill(broken.beside, "a")
    broken.coming(None, refused(412, "PreconditionFailed"))
    with pytest.raises(Transient):
        broken.store.copy("a", "b")
    broken.coming(None, refused(404, "NoSuchKey"))
    assert broken.store.copy("a", "b") is None
    broken.coming(None, refused(400, "InvalidRequest"))
    with pytest.raises(Refused):
        broken.store.copy("a", "b")


def test_what_could_not_be_deleted_is_deleted_again(broken: Broken) -> None:
    remains = "<Error><Key>b</Key><Code>InternalError</Code></Error>"
    partly = Response(f"<DeleteResult>{remains}</DeleteResult>", mimetype="text/xml")
    fill(broken.beside, "a", "b", "c")
    broken.coming(partly)
    assert broken.store.delete(["a", "b", "c"]) == []
    assert [stored.key for stored in listed(broken.beside)] == ["a", "c"]


def test_what_cannot_be_deleted_is_answered(broken: Broken) -> None:
    remains = "<Error><Key>b</Key><Code>InternalError</Code></Error>"
    partly = f"<DeleteResult>{remains}</DeleteResult>"
    broken.coming(*[Response(partly, mimetype="text/xml") for _ in range(TRIES)])
    assert broken.store.delete(["a", "b", "c", "b"]) == [1, 3]


def test_more_is_deleted_than_a_call_takes(broken: Broken) -> None:
    fill(broken.beside, "first", "last")
    keys = ["first", *(f"never/{n}" for n in range(1000)), "last"]
    assert broken.beside.delete(keys) == []
    assert listed(broken.beside) == []


def test_an_empty_page_that_goes_on_is_not_the_end(broken: Broken) -> None:
    more = "<IsTruncated>true</IsTruncated><NextContinuationToken>on</NextContinuationToken>"
    one = "<Contents><Key>a</Key><Size>1</Size><ETag>e</ETag></Contents>"
    last = f"<IsTruncated>false</IsTruncated>{one}"
    for page in (more, last):
        said = f"<ListBucketResult>{page}</ListBucketResult>"
        broken.coming(Response(said, mimetype="text/xml"))
    assert broken.store.list("") == [StoredFile(key="a", size=1, etag="e")]


@pytest.mark.parametrize(("start", "length"), [(-1, None), (0, -1)])
def test_a_range_that_no_file_has_is_a_mistake_of_ours(
    broken: Broken, start: int, length: int | None
) -> None:
    with pytest.raises(WiringError):
        broken.store.read("a", start=start, length=length)


def test_parts_that_s3_would_refuse_are_refused_before(broken: Broken) -> None:
    with pytest.raises(ValueError, match="must be >="):
        evolve(broken.store, part_bytes=PART_BYTES_MIN - 1)
