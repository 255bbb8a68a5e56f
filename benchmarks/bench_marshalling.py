"""What it costs to write an item for DynamoDB, against boto3. Target: at most an eighth.

Both go from a body to the bytes of a put: boto3's `TypeSerializer`, and the serializer that
botocore takes the result apart with; ours writes the bytes at once. The way back is reported:
there botocore has parsed the answer before either of us begins.
"""

import json
import statistics
import time
from collections.abc import Callable
from typing import Any

import botocore.session
from boto3.dynamodb.types import TypeDeserializer, TypeSerializer
from botocore.serialize import create_serializer

from demand_adapters.item_table import Body, Item
from demand_adapters.wire.attributes import attributes, decode

ITEMS = 2000
ROUNDS = 7
TARGET = 8.0
AT = "2027-03-01T09:00:00.000Z"

# A reminder that is being sent again, as 14 attributes: texts, numbers, maps and a list.
BODY: Body = {
    "type": "notification",
    "schemaVersion": 1,
    "version": 1_739_556_000_123,
    "fanId": "fan00000001",
    "status": "CLAIMED",
    "messageBody": "It's almost time! Tickets for Beyoncé go on sale at 10:00 https://s/1",
    "segments": 1,
    "sendAttempts": 1,
    "errors": [{"at": AT, "attempt": 1, "kind": "known", "code": "30001"}],
    "claim": {"by": "run1", "until": AT, "number": 2},
    "date": {"created": AT, "triggered": AT},
}
ITEM = Item(("fan:fan00000001", "ntf#E1.public#sms"), BODY)
REVISION = "0123456789abcdef" * 2


def cost_us(work: Callable[[], object]) -> float:
    """CPU microseconds of one item."""
    began = time.process_time()
    for _ in range(ITEMS):
        work()
    return (time.process_time() - began) / ITEMS * 1e6


def compared(ours: Callable[[], object], theirs: Callable[[], object]) -> tuple[float, float]:
    """Both in turn: our cost, and the median of how many times theirs is."""
    pairs = [(cost_us(ours), cost_us(theirs)) for _ in range(ROUNDS)]
    mine = statistics.median(mine for mine, _ in pairs)
    return mine, statistics.median(other / mine for mine, other in pairs)


def main() -> None:
    """Assert that both say the same, and that ours is so much cheaper."""
    keys: Body = {"PK": ITEM.key[0], "SK": ITEM.key[1], "rev": REVISION}
    whole = keys | BODY
    service = botocore.session.Session().get_service_model("dynamodb")
    put = service.operation_model("PutItem")
    rest = create_serializer("json", include_validation=False)
    serialize, deserialize = TypeSerializer().serialize, TypeDeserializer().deserialize

    def typed() -> dict[str, Any]:
        return {name: serialize(value) for name, value in whole.items()}

    def by_boto3() -> Any:
        call = {"TableName": "demand-table", "Item": typed()}
        return rest.serialize_to_request(call, put)["body"]

    def by_us() -> bytes:
        return b'{"TableName":"demand-table","Item":%b}' % attributes(ITEM, REVISION).encode()

    answer = typed()
    assert len(answer) == 14
    assert json.loads(by_us()) == json.loads(by_boto3())
    assert decode(answer) == {name: deserialize(value) for name, value in answer.items()}

    cost, ratio = compared(by_us, by_boto3)
    _, alone = compared(by_us, typed)
    back, ratio_back = compared(
        lambda: decode(answer),
        lambda: {name: deserialize(value) for name, value in answer.items()},
    )
    print(f"an item written {cost:4.1f} us, boto3 {ratio:.1f} times that (target {TARGET:.0f})")
    print(f"its TypeSerializer alone, which makes no bytes yet: {alone:.1f} times")
    print(f"an item read    {back:4.1f} us, its TypeDeserializer {ratio_back:.1f} times")
    if ratio < TARGET:
        raise SystemExit("less than the target")


if __name__ == "__main__":
    main()
