"""How AWS is called: again and again, side by side, in pieces, and what each failure means."""

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from datetime import timedelta
from itertools import pairwise
from random import Random
from subprocess import run
from threading import Barrier, Event, active_count, get_ident
from typing import Any, Final

import pytest
from botocore import exceptions as of
from botocore.parsers import ResponseParserError
from hypothesis import given
from hypothesis import strategies as st

from demand_adapters.aws.calls import Access, Aws, Patience, chunks, part
from demand_adapters.aws.errors import LATER, MEND, Busy, Refused, translated
from demand_adapters.memory.clock import MemoryClock
from demand_adapters.testing.strategies import NOON
from demand_core.errors import DemandError, Permanent, Transient, Unknown, Unsent, WiringError

SECOND: Final = timedelta(seconds=1)
CANARY: Final = "canary-4111"


class Waiting:
    """An account whose pauses move its clock."""

    def __init__(self, **patience: Any) -> None:
        self.clock = MemoryClock(NOON)
        self.slept = list[float]()
        self.aws = Aws(
            clock=self.clock,
            sleep=self.sleep,
            chance=Random(7),
            access=Access(region="us-east-1", connections=4),
            patience=Patience(**patience),
        )

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.clock.advance(timedelta(seconds=seconds))


@pytest.fixture
def waiting() -> Iterator[Waiting]:
    waiting = Waiting()
    with closing(waiting.aws):
        yield waiting


def failing(*faults: DemandError) -> Callable[[], str]:
    """Work that raises these first."""
    coming = iter(faults)

    def work() -> str:
        for fault in coming:
            raise fault
        return "done"

    return work


def test_work_is_repeated_until_it_is_done_with_growing_pauses(waiting: Waiting) -> None:
    faults = [Transient("busy"), Unknown("no answer")] * 2
    assert waiting.aws.persist(failing(*faults)) == "done"
    longest = [0.05 * 2**n for n in range(4)]
    assert all(0 <= slept <= most for slept, most in zip(waiting.slept, longest, strict=True))
    assert max(waiting.slept) > longest[0]


def test_patience_ends_after_so_many_tries() -> None:
    waiting = Waiting(tries=3)
    with pytest.raises(Transient, match="fault 2"):
        waiting.aws.persist(failing(*[Transient(f"fault {n}") for n in range(9)]))
    assert len(waiting.slept) == 2


def test_patience_ends_with_its_deadline_and_the_first_try_is_always_made() -> None:
    waiting = Waiting(deadline=SECOND, tries=1000)
    until = waiting.aws.until()
    with pytest.raises(Transient):
        waiting.aws.persist(failing(*[Transient("busy")] * 999), until)
    assert waiting.clock.now() <= until
    waiting.clock.advance(2 * SECOND)
    assert waiting.aws.persist(failing(), until) == "done"
    with pytest.raises(Transient):
        waiting.aws.persist(failing(Transient("busy")), until)


def test_what_was_unknown_once_stays_so_when_patience_ends() -> None:
    waiting = Waiting(tries=3)
    with pytest.raises(Unknown, match="no answer"):
        waiting.aws.persist(failing(Unknown("no answer"), *[Transient("busy")] * 2))


@pytest.mark.parametrize("fault", [Unknown("no answer"), Transient("busy"), Permanent("no")])
def test_who_must_not_do_it_twice_repeats_only_what_never_left(
    waiting: Waiting, fault: DemandError
) -> None:
    lost = Unsent("no connection")
    assert waiting.aws.persist(failing(lost, lost), after=Unsent) == "done"
    with pytest.raises(type(fault)) as raised:
        waiting.aws.persist(failing(lost, fault), after=Unsent)
    assert raised.value is fault
    assert len(waiting.slept) == 3


@pytest.mark.parametrize("fault", [Permanent("no"), WiringError("no")])
def test_what_will_never_work_is_not_repeated(waiting: Waiting, fault: DemandError) -> None:
    with pytest.raises(type(fault)):
        waiting.aws.persist(failing(fault))
    assert waiting.slept == []


def test_a_service_is_left_alone_until_it_said_to_come_again(waiting: Waiting) -> None:
    away = Transient("busy", retry_at=NOON + 9 * SECOND)
    assert waiting.aws.persist(failing(away)) == "done"
    assert waiting.clock.now() >= NOON + 9 * SECOND


def test_nobody_waits_for_what_comes_after_the_deadline(waiting: Waiting) -> None:
    late = Transient("busy", retry_at=NOON + timedelta(hours=1))
    with pytest.raises(Transient) as raised:
        waiting.aws.persist(failing(late))
    assert raised.value is late
    assert waiting.slept == []


@given(st.lists(st.integers(), max_size=40))
def test_answers_come_in_the_order_of_the_items(items: list[int]) -> None:
    with closing(Waiting().aws) as aws:
        assert aws.in_parallel(str, items) == [*map(str, items)]


@pytest.mark.check("N-UC2-batch")
def test_as_much_is_under_way_at_once_as_there_are_connections(waiting: Waiting) -> None:
    gate = Barrier(4, timeout=30)

    def work(_: int) -> int:
        gate.wait()
        return get_ident()

    assert len({*waiting.aws.in_parallel(work, range(8))}) == 4


def test_after_a_failure_nothing_is_under_way(waiting: Waiting) -> None:
    begun, ended = list[int](), list[int]()
    failed = Event()

    def work(n: int) -> None:
        begun.append(n)
        if n == 1:
            failed.set()
            raise WiringError("no table")
        failed.wait(30)
        ended.append(n)

    with pytest.raises(WiringError, match="no table"):
        waiting.aws.in_parallel(work, range(1000))
    assert sorted([*ended, 1]) == sorted(begun)


def test_threads_end_when_it_is_closed_and_come_back_when_it_is_used() -> None:
    before = active_count()
    aws = Waiting().aws
    for _ in range(2):
        assert aws.in_parallel(str, [1, 2]) == ["1", "2"]
        assert active_count() > before
        aws.close()
        assert active_count() == before


sizes: st.SearchStrategy[list[int]] = st.lists(st.integers(0, 10), max_size=30)


@given(sizes, st.integers(1, 5), st.integers(10, 25))
def test_pieces_are_whole_in_order_within_both_limits_and_as_few_as_that_allows(
    items: list[int], count: int, size_max: int
) -> None:
    pieces = [*chunks(items, count=count, size=int, size_max=size_max)]
    assert [item for piece in pieces for item in piece] == items
    assert all(0 < len(piece) <= count and sum(piece) <= size_max for piece in pieces)
    for piece, after in pairwise(pieces):
        assert len(piece) == count or sum(piece) + after[0] > size_max


def test_what_no_call_carries_is_refused_for_good() -> None:
    pieces = chunks([1, 11], count=5, size=int, size_max=10)
    with pytest.raises(Permanent) as refusal:
        list(pieces)
    assert refusal.value.code == "too_large"


def test_an_answer_that_lacks_what_it_must_hold_is_unknown() -> None:
    assert part({"Items": []}, "Items") == []
    with pytest.raises(Unknown):
        part({}, "Items")


def raised(error: Exception) -> DemandError:
    with pytest.raises(DemandError) as caught, translated("x.y", MemoryClock(NOON)):
        raise error
    said = f"{caught.value} {caught.value!r}"
    assert CANARY not in said
    assert caught.value.__suppress_context__, "a trace would show the service's words"
    assert caught.value.__cause__ is None
    return caught.value


def refused(code: str, status: int = 400, **headers: str) -> of.ClientError:
    about = {"HTTPStatusCode": status, "RequestId": "r1", "HTTPHeaders": headers}
    answer = {"Error": {"Code": code, "Message": CANARY}, "ResponseMetadata": about}
    return of.ClientError(answer, "PutItem")


@pytest.mark.parametrize("code", sorted(LATER))
@pytest.mark.parametrize("status", [400, 503])
def test_throttling_had_no_effect(code: str, status: int) -> None:
    fault = raised(refused(code, status))
    assert type(fault) is Busy
    assert fault.status == status
    assert "request r1" in str(fault)


@pytest.mark.parametrize("code", ["InternalServerError", "InternalFailure", "500", "502"])
def test_a_failure_inside_the_service_may_have_had_its_effect(code: str) -> None:
    assert type(raised(refused(code, 500))) is Unknown


@pytest.mark.parametrize("code", sorted(MEND))
def test_what_somebody_must_mend_says_what_to_do(code: str) -> None:
    fault = raised(refused(code))
    assert type(fault) is WiringError
    assert str(fault).endswith(MEND[code])


def test_any_other_refusal_is_for_good_and_keeps_its_answer() -> None:
    fault = raised(refused("ValidationException"))
    assert isinstance(fault, Refused)
    assert fault.code == "ValidationException"
    assert fault.answer["Error"]["Message"] == CANARY


@pytest.mark.parametrize("wait", ["", "soon", "-1", "١", "9" * 30])
def test_only_a_plain_number_of_seconds_says_when_to_come_again(wait: str) -> None:
    fault = raised(refused("Throttling", 429, **{"retry-after": "60"}))
    assert isinstance(fault, Transient)
    assert fault.retry_at == NOON + 60 * SECOND
    fault = raised(refused("Throttling", 429, **{"retry-after": wait}))
    assert isinstance(fault, Transient)
    assert fault.retry_at is None


WITHOUT_ANSWER: Final[Sequence[tuple[Exception, type[DemandError]]]] = [
    (of.EndpointConnectionError(endpoint_url=CANARY), Unsent),
    (of.ConnectTimeoutError(endpoint_url=CANARY), Unsent),
    (of.ProxyConnectionError(proxy_url=CANARY), Unsent),
    (of.ReadTimeoutError(endpoint_url=CANARY), Unknown),
    (of.ConnectionClosedError(endpoint_url=CANARY), Unknown),
    (of.HTTPClientError(error=CANARY), Unknown),
    (of.SSLError(endpoint_url=CANARY, error=CANARY), Unknown),
    (of.ResponseStreamingError(error=CANARY), Unknown),
    (of.IncompleteReadError(actual_bytes=1, expected_bytes=2), Unknown),
    (ResponseParserError(CANARY), Unknown),
    (of.ParamValidationError(report=CANARY), Permanent),
    (of.NoCredentialsError(), WiringError),
    (of.ProfileNotFound(profile=CANARY), WiringError),
    (of.NoRegionError(), WiringError),
    (of.UnknownServiceError(service_name=CANARY, known_service_names=[]), WiringError),
]


@pytest.mark.parametrize(("error", "kind"), WITHOUT_ANSWER)
def test_a_call_without_answer_is_sorted_by_what_may_have_happened(
    error: Exception, kind: type[DemandError]
) -> None:
    assert type(raised(error)) is kind


def test_a_mistake_of_ours_flies_as_it_is() -> None:
    with pytest.raises(KeyError), translated("x.y", MemoryClock(NOON)):
        raise KeyError("ours")


def test_without_a_region_or_credentials_the_operator_is_told_before_anything_is_sent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE", "AWS_ACCESS_KEY_ID"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, "none")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    clock = MemoryClock(NOON)
    nowhere = Aws(clock=clock, sleep=lambda _: None, chance=Random(7))
    with closing(nowhere), pytest.raises(WiringError, match="name the region"):
        nowhere.once("dynamodb", "list_tables")
    with closing(Waiting().aws) as nobody, pytest.raises(WiringError, match="give credentials"):
        nobody.once("dynamodb", "list_tables")


def test_who_imports_the_engines_loads_no_client_of_aws() -> None:
    engines = ("calls", "change_feed", "item_table")
    imports = "".join(f"import demand_adapters.aws.{engine}; " for engine in engines)
    asked = f"{imports}import sys; print('boto3' in sys.modules, 'botocore' in sys.modules)"
    path = {"PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", asked]
    said = run(command, capture_output=True, text=True, check=True, env=path)
    assert said.stdout.split() == ["False", "False"]
