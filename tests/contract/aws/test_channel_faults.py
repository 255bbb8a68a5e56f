"""What becomes of messages and records when the wire or the service fails."""

from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from typing import Final

import pytest
from attrs import evolve, frozen

from demand_adapters.aws.calls import Aws
from demand_adapters.aws.errors import Refused
from demand_adapters.aws.queue import SqsQueue
from demand_adapters.aws.stream import KinesisStream
from demand_adapters.shard_reader import FeedTrimmed
from demand_adapters.testing.queue import bodies, receipts, received
from demand_adapters.testing.stream import read_on
from demand_core.errors import Transient, Unknown, WiringError
from entrypoints.twins.serving import Said, WireFault, document
from tests.contract.aws.channels import a_queue, a_stream, a_topic, moto_time, subscribe
from tests.contract.aws.wire_faults import TRIES, Wire, breaking_wire, refusal

NOW: Final = timedelta(0)
REFUSED: Final = (WireFault.THROTTLED, WireFault.BUSY)
UNANSWERED: Final = (
    WireFault.RESET_BEFORE,
    WireFault.RESET_AFTER,
    WireFault.BARE_500,
    WireFault.TRUNCATED,
    WireFault.HANG,
)
TEN: Final = [b"%d" % n for n in range(10)]
FORM: Final = {"Content-Type": "text/xml"}
THROTTLED: Final = refusal("ThrottlingException")
BUSY: Final = "<ErrorResponse><Error><Code>Throttling</Code></Error></ErrorResponse>"


@frozen(kw_only=True)
class Channel:
    """A channel that is written over a breaking wire, and read safely beside it.

    *busy* is how the service says that it did nothing, *partly* that it did not take some.
    """

    wire: Wire
    send: Callable[[Sequence[bytes]], Sequence[int]]
    arrived: Callable[[], list[bytes]]
    partly: Callable[[set[int]], Said]
    busy: Said = THROTTLED


def partly_queued(failed: set[int]) -> Said:
    return document(
        200,
        {
            "Successful": [
                {"Id": str(n), "MessageId": "m", "MD5OfMessageBody": ""}
                for n in range(10)
                if n not in failed
            ],
            "Failed": [
                {"Id": str(n), "SenderFault": False, "Code": "InternalError"} for n in failed
            ],
        },
    )


def partly_published(failed: set[int]) -> Said:
    taken = "".join(
        f"<member><Id>{n}</Id><MessageId>m</MessageId></member>"
        for n in range(10)
        if n not in failed
    )
    refused = "".join(
        f"<member><Id>{n}</Id><Code>InternalError</Code><SenderFault>false</SenderFault></member>"
        for n in failed
    )
    result = f"<Successful>{taken}</Successful><Failed>{refused}</Failed>"
    result = f"<PublishBatchResult>{result}</PublishBatchResult>"
    body = f"<PublishBatchResponse>{result}</PublishBatchResponse>"
    return Said(200, body.encode(), FORM)


def partly_streamed(failed: set[int]) -> Said:
    busy = {"ErrorCode": "ProvisionedThroughputExceededException", "ErrorMessage": "busy"}
    taken = {"SequenceNumber": "1", "ShardId": "shardId-000000000000"}
    return document(
        200,
        {
            "FailedRecordCount": len(failed),
            "Records": [busy if n in failed else taken for n in range(10)],
        },
    )


@pytest.fixture(scope="module")
def module_wire(aws: Aws) -> Iterator[Wire]:
    with breaking_wire(aws) as wire:
        yield wire


@pytest.fixture
def wire(module_wire: Wire) -> Iterator[Wire]:
    with moto_time():
        yield module_wire
    module_wire.coming.clear()
    module_wire.slept.clear()


@pytest.fixture
def safe_queue(aws: Aws) -> Iterator[SqsQueue]:
    with a_queue(aws) as queue:
        yield queue


@pytest.fixture
def queue(safe_queue: SqsQueue, wire: Wire) -> SqsQueue:
    return evolve(safe_queue, aws=wire.aws)


@pytest.fixture
def safe_stream(aws: Aws) -> Iterator[KinesisStream]:
    with a_stream(aws, shards=1) as stream:
        yield stream


@pytest.fixture
def stream(safe_stream: KinesisStream, wire: Wire) -> KinesisStream:
    return KinesisStream(aws=wire.aws, name=safe_stream.name)


def streamed(stream: KinesisStream) -> list[bytes]:
    (shard,) = stream.shards()
    return [record.payload for record in read_on(stream, shard.name)]


@pytest.fixture(params=["queue", "topic", "stream"])
def channel(request: pytest.FixtureRequest, aws: Aws, wire: Wire) -> Iterator[Channel]:
    if request.param == "stream":
        with a_stream(aws, shards=1) as stream:
            breaking = KinesisStream(aws=wire.aws, name=stream.name)
            yield Channel(
                wire=wire,
                send=lambda sent: breaking.put([(body.decode(), body) for body in sent]),
                arrived=lambda: sorted(streamed(stream)),
                partly=partly_streamed,
            )
    elif request.param == "queue":
        with a_queue(aws) as queue:
            yield Channel(
                wire=wire,
                send=evolve(queue, aws=wire.aws).put,
                arrived=lambda: bodies(received(queue)),
                partly=partly_queued,
            )
    else:
        with a_topic(aws) as topic, a_queue(aws) as queue:
            subscribe(topic, queue, raw=True)
            published = evolve(topic, aws=wire.aws)
            yield Channel(
                wire=wire,
                send=lambda sent: published.publish([(body, {}) for body in sent]),
                arrived=lambda: bodies(received(queue)),
                partly=partly_published,
                busy=Said(503, BUSY.encode(), FORM),
            )


def test_what_was_refused_is_sent_again_after_a_pause(channel: Channel) -> None:
    channel.wire.coming.extend([channel.busy, channel.busy])
    assert not channel.send(TEN)
    assert channel.arrived() == TEN
    assert len(channel.wire.slept) == 2


def test_when_nothing_was_taken_that_is_said(channel: Channel) -> None:
    channel.wire.coming.extend([channel.busy] * TRIES)
    with pytest.raises(Transient) as failure:
        channel.send(TEN)
    assert not isinstance(failure.value, Unknown)
    assert channel.arrived() == []


@pytest.mark.parametrize("fault", UNANSWERED)
def test_what_was_not_answered_is_sent_again_and_may_come_twice(
    channel: Channel, fault: WireFault
) -> None:
    channel.wire.coming.append(fault)
    assert not channel.send(TEN)
    twice = fault is not WireFault.RESET_BEFORE
    assert channel.arrived() == sorted([*TEN, *(TEN if twice else ())])


@pytest.mark.parametrize("fault", UNANSWERED)
def test_what_is_never_answered_is_unknown(channel: Channel, fault: WireFault) -> None:
    channel.wire.coming.extend([fault, *[channel.busy] * (TRIES - 1)])
    with pytest.raises(Unknown):
        channel.send(TEN)
    assert channel.arrived() == ([] if fault is WireFault.RESET_BEFORE else TEN)


@pytest.mark.check("CONST-004")
def test_only_entries_that_failed_are_sent_again(channel: Channel) -> None:
    channel.wire.coming.append(channel.partly({2, 5}))
    assert not channel.send(TEN)
    assert channel.arrived() == [b"2", b"5"]  # that answer told of the others, and lied


def test_entries_that_fail_every_time_are_answered(channel: Channel) -> None:
    channel.wire.coming.extend([channel.partly({2, 5}), *[channel.busy] * (TRIES - 1)])
    assert channel.send(TEN) == [2, 5]


def test_a_first_answer_that_was_lost_leaves_what_fails_later_unknown(
    channel: Channel,
) -> None:
    channel.wire.coming.extend([WireFault.RESET_AFTER, channel.partly({2, 5})])
    channel.wire.coming.extend([channel.busy] * (TRIES - 2))
    with pytest.raises(Unknown):
        channel.send(TEN)
    assert channel.arrived() == TEN


def test_where_one_call_was_taken_the_others_are_answered(
    queue: SqsQueue, safe_queue: SqsQueue, wire: Wire
) -> None:
    wire.coming.extend([None, *[WireFault.THROTTLED] * TRIES])
    sent = [b"%02d" % n for n in range(20)]
    left = queue.put(sent)
    assert [*left] in ([*range(10)], [*range(10, 20)])
    assert bodies(received(safe_queue)) == [sent[n] for n in range(20) if n not in left]


def test_a_queue_that_is_not_there_is_a_mistake_of_the_wiring(queue: SqsQueue) -> None:
    with pytest.raises(WiringError):
        evolve(queue, url=f"{queue.url}-never").put(TEN)


@pytest.mark.parametrize("fault", [*REFUSED, *UNANSWERED])
def test_messages_are_settled_for_good_whatever_happens_to_the_first_call(
    queue: SqsQueue, safe_queue: SqsQueue, wire: Wire, fault: WireFault
) -> None:
    safe_queue.put(TEN)
    found = received(safe_queue)
    wire.coming.append(fault)
    queue.delete(receipts(found[:4]))
    wire.coming.append(fault)
    queue.release(receipts(found[4:]), NOW)
    assert bodies(received(safe_queue)) == bodies(found[4:])


def test_a_settlement_that_fails_every_time_is_told(
    queue: SqsQueue, safe_queue: SqsQueue, wire: Wire
) -> None:
    safe_queue.put(TEN)
    found = receipts(received(safe_queue))
    wire.coming.extend([partly_queued({3})] * 2 * TRIES)
    with pytest.raises(Transient):
        queue.delete(found)
    with pytest.raises(Transient):
        queue.release(found, NOW)


def test_only_settlements_that_failed_are_sent_again(
    queue: SqsQueue, safe_queue: SqsQueue, wire: Wire
) -> None:
    safe_queue.put(TEN)
    found = received(safe_queue)
    wire.coming.append(partly_queued({3}))
    queue.release(receipts(found), NOW)
    assert bodies(received(safe_queue)) == [found[3].payload]


@pytest.mark.parametrize("fault", REFUSED)
def test_a_receive_is_repeated(
    queue: SqsQueue, safe_queue: SqsQueue, wire: Wire, fault: WireFault
) -> None:
    safe_queue.put(TEN)
    wire.coming.append(fault)
    assert bodies(queue.receive(10)) == TEN


def test_what_was_received_is_handed_out_though_the_next_call_fails(
    queue: SqsQueue, safe_queue: SqsQueue, wire: Wire
) -> None:
    safe_queue.put([b"%d" % n for n in range(20)])
    wire.coming.extend([None, *[WireFault.THROTTLED] * TRIES])
    assert len(queue.receive(20)) == 10
    wire.coming.extend([WireFault.THROTTLED] * TRIES)
    with pytest.raises(Transient):
        queue.receive(20)


def test_a_queue_without_dead_letters_has_none(aws: Aws, safe_queue: SqsQueue) -> None:
    aws.call(
        "sqs",
        "set_queue_attributes",
        QueueUrl=safe_queue.url,
        Attributes={"RedrivePolicy": ""},
    )
    assert safe_queue.dead_letters() == ()


@pytest.mark.parametrize("wait", [-1, 10, 25])
def test_a_receive_waits_no_longer_than_an_answer_may_take(queue: SqsQueue, wait: int) -> None:
    with pytest.raises(WiringError):
        evolve(queue, wait=timedelta(seconds=wait))


@pytest.mark.parametrize("delay", [timedelta(seconds=-1), timedelta(hours=13)])
def test_delays_that_sqs_refuses_are_refused_before(queue: SqsQueue, delay: timedelta) -> None:
    with pytest.raises(WiringError):
        queue.put(TEN, delay=delay)
    with pytest.raises(WiringError):
        queue.release([], delay)


def test_a_part_of_a_second_is_a_second(queue: SqsQueue, wire: Wire) -> None:
    queue.put([b"x"], delay=timedelta(milliseconds=1))
    assert queue.receive(1) == []


def test_nothing_of_a_key_follows_what_was_not_taken(
    stream: KinesisStream, safe_stream: KinesisStream, wire: Wire
) -> None:
    wire.coming.extend([None, *[WireFault.THROTTLED] * TRIES])
    sent = [("a", b"a1"), ("b", b"b1"), ("a", b"a2"), ("c", b"c1"), ("a", b"a3"), ("b", b"b2")]
    assert stream.put(sent) == [2, 4, 5]
    assert sorted(streamed(safe_stream)) == [b"a1", b"b1", b"c1"]


def test_a_record_that_fails_is_not_overtaken_by_those_of_its_key(
    stream: KinesisStream, safe_stream: KinesisStream, wire: Wire
) -> None:
    busy = {"ErrorCode": "InternalFailure"}
    wire.coming.append(document(200, {"FailedRecordCount": 1, "Records": [busy]}))
    assert not stream.put([("a", b"%d" % n) for n in range(4)])
    assert streamed(safe_stream) == [b"0", b"1", b"2", b"3"]


@pytest.mark.parametrize("fault", [*REFUSED, *UNANSWERED])
def test_a_stream_is_read_whatever_happens_to_the_first_calls(
    stream: KinesisStream, safe_stream: KinesisStream, wire: Wire, fault: WireFault
) -> None:
    safe_stream.put([("a", b"1")])
    wire.coming.extend([fault, None, fault, None, fault, None])
    assert streamed(stream) == [b"1"]


def test_a_place_that_expired_is_found_again(
    stream: KinesisStream, safe_stream: KinesisStream, wire: Wire
) -> None:
    (shard,) = stream.shards()
    safe_stream.put([("a", b"1")])
    (one,) = stream.read(shard.name, None, 1)
    safe_stream.put([("a", b"2")])
    wire.coming.append(refusal("ExpiredIteratorException"))
    (two,) = stream.read(shard.name, one.sequence, 1)
    assert two.payload == b"2"
    wire.coming.extend([refusal("ExpiredIteratorException"), None, None])
    assert stream.read(shard.name, two.sequence, 1) == []


def page(behind: int, *told: tuple[int, str]) -> Said:
    records = [
        {
            "SequenceNumber": str(sequence),
            "ApproximateArrivalTimestamp": 1739556000,
            "PartitionKey": "a",
            "Data": data,
        }
        for sequence, data in told
    ]
    answer = {"Records": records, "MillisBehindLatest": behind, "NextShardIterator": "on"}
    return document(200, answer)


def test_a_refusal_of_another_kind_flies(stream: KinesisStream, wire: Wire) -> None:
    denied = refusal("KMSDisabledException")
    for calls_before, after in ((0, None), (0, 7), (1, None)):
        wire.coming.extend([*[None] * calls_before, denied])
        with pytest.raises(Refused):
            stream.read("shardId-000000000000", after, 10)


def test_an_empty_page_before_the_end_is_not_the_end(stream: KinesisStream, wire: Wire) -> None:
    place = document(200, {"ShardIterator": "here"})
    wire.coming.extend([place, page(5000), page(3000), page(10, (7, "eA=="))])
    (record,) = stream.read("shardId-000000000000", None, 10)
    assert (record.sequence, record.payload) == (7, b"x")


@pytest.mark.parametrize(
    "answers",
    [
        [document(200, {"ShardIterator": "here"}), page(0, (8, "eA=="))],
        [document(200, {"ShardIterator": "here"}), page(5000), page(0)],
        [refusal("InvalidArgumentException")],
    ],
    ids=["goes on behind", "has nothing", "knows no such number"],
)
def test_a_checkpoint_that_is_no_longer_kept_never_passes_silently(
    stream: KinesisStream, wire: Wire, answers: list[Said]
) -> None:
    wire.coming.extend(answers)
    with pytest.raises(FeedTrimmed):
        stream.read("shardId-000000000000", 7, 10)


def test_a_shard_that_is_gone_was_trimmed(stream: KinesisStream) -> None:
    with pytest.raises(FeedTrimmed):
        stream.read("shardId-000000000009", None, 10)


def test_a_stream_that_is_not_there_is_a_mistake_of_the_wiring(stream: KinesisStream) -> None:
    with pytest.raises(WiringError):
        KinesisStream(aws=stream.aws, name="never").read("shardId-000000000000", None, 10)


def test_more_shards_are_listed_than_a_page_has(stream: KinesisStream, wire: Wire) -> None:
    open_range = {"SequenceNumberRange": {"StartingSequenceNumber": "1"}}
    child = {"ShardId": "child", "ParentShardId": "parent", **open_range}
    parent = {"ShardId": "parent", **open_range}
    wire.coming.append(document(200, {"Shards": [child], "NextToken": "on"}))
    wire.coming.append(document(200, {"Shards": [parent]}))
    assert [shard.name for shard in stream.shards()] == ["parent", "child"]
