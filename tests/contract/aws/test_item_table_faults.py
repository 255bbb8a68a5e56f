"""What becomes of a write, a read or a page when the wire or the service fails."""

import json
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from typing import Final

import pytest
from attrs import evolve, frozen

from demand_adapters.aws.calls import Aws
from demand_adapters.aws.errors import Refused
from demand_adapters.aws.item_table import AwsItemTable
from demand_adapters.item_table import Did, Entry, Item, Wrote
from demand_adapters.testing.item_table import altered, an_item, at, stood
from demand_adapters.testing.strategies import NOON
from demand_adapters.wire.attributes import attributes
from demand_core.errors import Permanent, Transient, Unknown, WiringError
from entrypoints.twins.serving import JSON, PAGE, Said, WireFault, document
from tests.contract.aws.tables import a_table
from tests.contract.aws.wire_faults import TRIES, Wire, breaking_wire, refusal

# The service says that it did nothing.
NO_EFFECT: Final[dict[str, WireFault | Said]] = {
    "throttled": WireFault.THROTTLED,
    "busy": WireFault.BUSY,
    "over its throughput": refusal("ProvisionedThroughputExceededException"),
    "over a limit": refusal("RequestLimitExceeded"),
    "in a transaction": refusal("TransactionConflictException"),
}
# Nothing was done, and who asked can't know.
UNDONE: Final[dict[str, WireFault | Said]] = {
    "reset": WireFault.RESET_BEFORE,
    "error inside": refusal("InternalServerError", 500),
    "error on the way": Said(502, b"<h1>Oops</h1>", PAGE),
    "rubbish": Said(200, b"<h1>Welcome</h1>", PAGE),
    "nothing at all": Said(200, b""),
    "a list": Said(200, b"[]"),
    "another checksum": Said(200, b"{}", {**JSON, "x-amz-crc32": "1"}),
}
# It was done, and who asked can't know.
DONE: Final[dict[str, WireFault | Said]] = {
    "reset": WireFault.RESET_AFTER,
    "error on the way": WireFault.BARE_500,
    "half an answer": WireFault.TRUNCATED,
    "no answer in time": WireFault.HANG,
}
UNANSWERED: Final[dict[str, WireFault | Said]] = {
    **{f"undone, {name}": fault for name, fault in UNDONE.items()},
    **{f"done, {name}": fault for name, fault in DONE.items()},
}
ALL: Final = NO_EFFECT | UNANSWERED


@frozen(kw_only=True)
class Broken:
    """A table behind a wire that breaks, and the same table *beside* it, reached safely."""

    wire: Wire
    table: AwsItemTable
    beside: AwsItemTable

    def there(self) -> dict[str, object]:
        """What stands in the table, whatever anybody was told."""
        return {item.key[1]: item.body.get("n") for item in self.rows()}

    def rows(self) -> list[Item]:
        return [*self.beside.query("p", limit=1000, after=None).rows]

    def put(self, *items: Item) -> list[Item]:
        return [stood(wrote) for wrote in self.beside.put_new(items)]


@pytest.fixture(scope="module")
def wire(aws: Aws) -> Iterator[Wire]:
    with breaking_wire(aws) as wire:
        yield wire


@pytest.fixture
def broken(aws: Aws, wire: Wire) -> Iterator[Broken]:
    wire.mend()
    with a_table(aws) as beside:
        yield Broken(wire=wire, table=evolve(beside, aws=wire.aws), beside=beside)


@pytest.mark.parametrize("fault", NO_EFFECT.values(), ids=NO_EFFECT)
def test_what_was_not_done_is_tried_again_after_a_pause(
    broken: Broken, fault: WireFault | Said
) -> None:
    broken.wire.coming.extend([fault, fault])
    (wrote,) = broken.table.put_new([an_item(n=1)])
    assert wrote == Wrote(Did.DONE, broken.rows()[0])
    assert len(broken.wire.slept) == 2


@pytest.mark.parametrize("fault", NO_EFFECT.values(), ids=NO_EFFECT)
def test_a_batch_of_which_nothing_was_done_raises(
    broken: Broken, fault: WireFault | Said
) -> None:
    broken.wire.coming.extend([fault] * 2 * TRIES)
    with pytest.raises(Transient) as failure:
        broken.table.put_new([an_item("a"), an_item("b")])
    assert not isinstance(failure.value, Unknown)
    assert broken.rows() == []


def test_where_something_was_done_the_rest_of_the_batch_is_unsure(broken: Broken) -> None:
    broken.put(an_item("there"))
    broken.wire.coming.extend([WireFault.THROTTLED] * (3 * TRIES))
    broken.wire.coming.appendleft(None)
    answers = broken.table.put_new([an_item(sk) for sk in "abcd"])
    assert sorted(wrote.did.name for wrote in answers) == ["DONE", "UNSURE", "UNSURE", "UNSURE"]
    assert len(broken.rows()) == 2


@pytest.mark.parametrize("fault", UNANSWERED.values(), ids=UNANSWERED)
@pytest.mark.parametrize("how", ["put_new", "replace"])
def test_a_write_whose_answer_was_lost_is_known_by_its_revision(
    broken: Broken, how: str, fault: WireFault | Said
) -> None:
    known = broken.put(an_item(n=0)) if how == "replace" else [an_item()]
    broken.wire.coming.append(fault)
    (wrote,) = getattr(broken.table, how)([altered(known[0], body={"n": 1})])
    assert wrote == Wrote(Did.DONE, broken.rows()[0])
    assert broken.there() == {"a": 1}


def test_a_write_that_took_too_long_and_was_never_begun_is_done_at_the_next_try(
    broken: Broken,
) -> None:
    broken.wire.relay.deaf = 1
    broken.wire.coming.append(WireFault.HANG)
    assert stood(broken.table.put_new([an_item(n=1)])[0]) == broken.rows()[0]
    assert broken.wire.asked == ["PutItem"]


@pytest.mark.parametrize("fault", UNANSWERED.values(), ids=UNANSWERED)
@pytest.mark.parametrize("how", ["put_new", "replace", "delete"])
def test_a_write_that_is_never_answered_is_unsure(
    broken: Broken, how: str, fault: WireFault | Said
) -> None:
    known = [an_item()] if how == "put_new" else broken.put(an_item(n=0))
    broken.wire.coming.extend([fault] * TRIES)
    assert getattr(broken.table, how)(known) == [Wrote(Did.UNSURE, None)]


def test_a_refusal_after_a_lost_answer_does_not_make_it_sure(broken: Broken) -> None:
    broken.wire.coming.extend([WireFault.RESET_BEFORE, *[WireFault.THROTTLED] * (TRIES - 1)])
    assert broken.table.put_new([an_item()]) == [Wrote(Did.UNSURE, None)]
    assert broken.rows() == []


def test_who_finds_somebody_else_after_a_lost_answer_cannot_say_that_it_lost(
    broken: Broken,
) -> None:
    (known,) = broken.put(an_item(n=0))
    theirs = stood(broken.beside.replace([altered(known, body={"n": 1})])[0])
    for how in ("put_new", "replace", "delete"):
        broken.wire.coming.append(WireFault.RESET_BEFORE)
        answers = getattr(broken.table, how)([altered(known, body={"n": 2})])
        assert answers == [Wrote(Did.UNSURE, theirs)], how
    assert broken.rows() == [theirs]


def test_a_deletion_whose_answer_was_lost_finds_nothing_and_says_no_more(
    broken: Broken,
) -> None:
    broken.wire.coming.append(WireFault.RESET_AFTER)
    assert broken.table.delete(broken.put(an_item())) == [Wrote(Did.UNSURE, None)]
    assert broken.rows() == []


@pytest.mark.parametrize("how", ["put_new", "replace", "delete"])
def test_a_lost_race_of_which_nothing_is_shown_is_lost_all_the_same(
    broken: Broken, how: str
) -> None:
    broken.wire.coming.append(refusal("ConditionalCheckFailedException"))
    assert getattr(broken.table, how)([an_item()]) == [Wrote(Did.LOST, None)]


def test_the_keys_that_a_read_left_out_are_asked_for_again(broken: Broken) -> None:
    stored = broken.put(*[an_item(f"{n}", n=n) for n in range(4)])
    keys = [{"PK": {"S": "p"}, "SK": {"S": f"{n}"}} for n in range(4)]
    some = json.loads(attributes(stored[2], stored[2].revision))
    for read, left in (
        ([some], [keys[0], keys[1], keys[3]]),
        ([], [keys[0], keys[1], keys[3]]),
    ):
        unread = {broken.table.name: {"Keys": left, "ConsistentRead": True}}
        broken.wire.coming.append(
            document(200, {"Responses": {broken.table.name: read}, "UnprocessedKeys": unread})
        )
    found = broken.table.get_many([item.key for item in stored])
    assert [*found.values()] == stored
    assert len(broken.wire.slept) == 2
    assert broken.wire.asked == ["BatchGetItem"]


def test_a_read_of_which_nothing_comes_raises_in_the_end(broken: Broken) -> None:
    left = {"Keys": [{"PK": {"S": "p"}, "SK": {"S": "a"}}]}
    nothing = document(200, {"Responses": {}, "UnprocessedKeys": {broken.table.name: left}})
    broken.wire.coming.extend([nothing] * TRIES)
    with pytest.raises(Transient):
        broken.table.get_many([("p", "a")])
    assert len(broken.wire.slept) == TRIES - 1


@pytest.mark.parametrize("fault", ALL.values(), ids=ALL)
@pytest.mark.parametrize("how", ["get_many", "query", "query_index"])
def test_a_read_never_takes_a_fault_for_absence(
    broken: Broken, how: str, fault: WireFault | Said
) -> None:
    (stored,) = broken.put(at("1", "a"))

    def read() -> list[Item | Entry]:
        table = broken.table
        if how == "get_many":
            return [*table.get_many([stored.key]).values()]
        if how == "query":
            return [*table.query("p", limit=9, after=None).rows]
        return [*table.query_index("byTime", "g", limit=9, after=None).rows]

    broken.wire.coming.append(fault)
    (found,) = read()
    assert found.key == stored.key
    broken.wire.coming.extend([fault] * TRIES)
    with pytest.raises(Transient):
        read()


@pytest.mark.parametrize("answer", [{}, {"Count": 1}])
def test_an_answer_without_what_was_asked_for_is_no_answer(
    broken: Broken, answer: dict[str, object]
) -> None:
    broken.wire.coming.extend([document(200, answer)] * 2 * TRIES)
    with pytest.raises(Unknown):
        broken.table.get_many([("p", "a")])
    with pytest.raises(Unknown):
        broken.table.query("p", limit=1, after=None)


def test_what_the_operator_must_mend_is_said_at_once_with_how(broken: Broken) -> None:
    elsewhere = evolve(broken.table, name="nowhere")
    with pytest.raises(WiringError, match=r"ResourceNotFoundException.*create what it names"):
        elsewhere.put_new([an_item()])
    broken.wire.coming.append(refusal("AccessDeniedException"))
    with pytest.raises(WiringError, match="allow it in the role's policy"):
        broken.table.get_many([("p", "a")])
    assert broken.wire.slept == []


def test_a_refusal_for_good_keeps_the_service_s_words_to_itself(broken: Broken) -> None:
    broken.wire.coming.append(refusal("ValidationException"))
    with pytest.raises(Refused) as refused:
        broken.table.put_new([an_item(phone="canary")])
    assert refused.value.code == "ValidationException"
    assert isinstance(refused.value, Permanent)
    assert "canary" not in f"{refused.value!r} {refused.value}"
    assert refused.value.answer["Error"]["Message"] == "canary"


def test_a_service_that_says_when_to_come_again_is_waited_for(broken: Broken) -> None:
    away = document(429, {"__type": "x#ThrottlingException"}, Retry_After="7")
    broken.wire.coming.append(away)
    broken.table.put_new([an_item()])
    (slept,) = broken.wire.slept
    assert 7 <= slept < 8
    broken.wire.coming.append(
        document(429, {"__type": "x#ThrottlingException"}, Retry_After="3600")
    )
    with pytest.raises(Transient) as fault:
        broken.table.put_new([an_item("b")])
    assert fault.value.retry_at == NOON + timedelta(hours=1)


def test_a_service_that_cannot_be_reached_had_no_effect(aws: Aws) -> None:
    with breaking_wire(aws) as gone:
        pass
    with closing(gone.aws), pytest.raises(Transient) as fault:
        gone.aws.once("dynamodb", "list_tables")
    assert not isinstance(fault.value, Unknown)
