"""ItemTable on DynamoDB: one table, writes of single items on condition, in parallel."""

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any, Final

from attrs import frozen

from demand_adapters.aws.calls import Aws, part
from demand_adapters.aws.errors import Refused
from demand_adapters.item_table import Did, Entry, Item, Key, Page, Wrote
from demand_adapters.wire.attributes import (
    ENTRIES,
    EXPIRY,
    PK,
    REVISION,
    SK,
    attributes,
    item_of,
)
from demand_adapters.wire.values import check, check_index, check_key
from demand_core.errors import Transient, Unknown

SERVICE: Final = "dynamodb"
READ_MAX: Final = 100
CONDITION: Final = "ConditionalCheckFailedException"
TIME_TO_LIVE: Final = {"Enabled": True, "AttributeName": EXPIRY}

_ABSENT: Final = f"attribute_not_exists({PK})"
_UNMOVED: Final = f"{REVISION} = :revision"
_quoted: Final = json.JSONEncoder(ensure_ascii=False).encode


@frozen(kw_only=True)
class AwsItemTable:
    """Items of the table called *name*; each write stamps a *fresh_id* as its revision."""

    aws: Aws
    name: str
    fresh_id: Callable[[], str]

    def get_many(
        self, keys: Sequence[Key], /, *, consistent: bool = True
    ) -> Mapping[Key, Item]:
        """Read by the hundred, asking again for what was left out; refuses what is no key."""
        asked = tuple(dict.fromkeys(keys))
        for key in asked:
            check_key(key)
        batches = [asked[n : n + READ_MAX] for n in range(0, len(asked), READ_MAX)]
        read = partial(self._read, consistent=consistent)
        found = {
            item.key: item for items in self.aws.in_parallel(read, batches) for item in items
        }
        return {key: found[key] for key in asked if key in found}

    def put_new(self, items: Sequence[Item], /) -> Sequence[Wrote]:
        """Store what is not there."""
        check(items)
        return self._write_all(self._put_new, items)

    def replace(self, items: Sequence[Item], /) -> Sequence[Wrote]:
        """Store what has not moved since."""
        check(items)
        return self._write_all(self._replace, items)

    def delete(self, items: Sequence[Item], /) -> Sequence[Wrote]:
        """Remove what has not moved since."""
        check(items)
        return self._write_all(self._delete, items)

    def query(
        self, pk: str, /, *, lo: str = "", hi: str | None = None, limit: int, after: str | None
    ) -> Page[Item]:
        """One page of at most a megabyte."""
        begin = {} if after is None else {PK: {"S": pk}, SK: {"S": after}}
        found, last = self._page((PK, SK), (pk, lo, hi), limit, begin, ConsistentRead=True)
        return Page([item_of(one) for one in found], last[SK]["S"] if last else None)

    def query_index(
        self,
        name: str,
        pk: str,
        /,
        *,
        lo: str = "",
        hi: str | None = None,
        limit: int,
        after: str | None,
    ) -> Page[Entry]:
        """One page; where it ended is told by the last entry's sort key and item."""
        check_index(name)
        place = partition, range_ = ENTRIES[name]
        begin = {}
        if after is not None:
            names = (partition, range_, PK, SK)
            begin = {
                n: {"S": text} for n, text in zip(names, [pk, *json.loads(after)], strict=True)
            }
        found, last = self._page(place, (pk, lo, hi), limit, begin, IndexName=name)
        rows = [Entry(one[range_]["S"], (one[PK]["S"], one[SK]["S"])) for one in found]
        token = json.dumps([last[n]["S"] for n in (range_, PK, SK)]) if last else None
        return Page(rows, token)

    def _read(self, keys: Sequence[Key], *, consistent: bool) -> Sequence[Item]:
        wanted: Sequence[Any] = [{PK: {"S": pk}, SK: {"S": sk}} for pk, sk in keys]
        found = list[Item]()

        def some() -> Sequence[Any]:
            asked = {self.name: {"Keys": wanted, "ConsistentRead": consistent}}
            answer = self.aws.once(SERVICE, "batch_get_item", RequestItems=asked)
            read = part(answer, "Responses").get(self.name, ())
            left: Sequence[Any] = (
                part(answer, "UnprocessedKeys").get(self.name, {}).get("Keys", ())
            )
            if len(left) == len(wanted):
                raise Transient(f"{self.name}: none of {len(wanted)} keys was read")
            found.extend(map(item_of, read))
            return left

        while wanted := self.aws.persist(some):
            self.aws.pause()
        return found

    def _page(
        self,
        place: Key,
        bounds: tuple[str, str, str | None],
        limit: int,
        begin: Mapping[str, Any],
        **options: Any,
    ) -> tuple[Sequence[Any], Mapping[str, Any] | None]:
        """Items of one partition between bounds; nothing where the bounds leave nothing."""
        (partition, range_), (pk, lo, hi) = place, bounds
        if hi is not None and (hi < lo or not hi):
            return (), None
        values = {":pk": pk}
        condition = f"{partition} = :pk"
        if hi is not None and lo:
            condition += f" AND {range_} BETWEEN :lo AND :hi"
            values |= {":lo": lo, ":hi": hi}
        elif hi is not None:
            condition += f" AND {range_} <= :hi"
            values[":hi"] = hi
        elif lo:
            condition += f" AND {range_} >= :lo"
            values[":lo"] = lo
        if begin:
            options["ExclusiveStartKey"] = begin
        answer = self.aws.call(
            SERVICE,
            "query",
            TableName=self.name,
            KeyConditionExpression=condition,
            ExpressionAttributeValues={name: {"S": text} for name, text in values.items()},
            Limit=limit,
            **options,
        )
        return part(answer, "Items"), answer.get("LastEvaluatedKey")

    def _write_all(
        self, write: Callable[[datetime, Item], Wrote | Transient], items: Sequence[Item]
    ) -> Sequence[Wrote]:
        """Write each; when no write at all can have been done, say that the call failed."""
        answers = self.aws.in_parallel(partial(write, self.aws.until()), items)
        faults = [answer for answer in answers if isinstance(answer, Transient)]
        if faults and len(faults) == len(answers):
            raise faults[-1]
        return [
            Wrote(Did.UNSURE, None) if isinstance(answer, Transient) else answer
            for answer in answers
        ]

    def _put_new(self, until: datetime, item: Item) -> Wrote | Transient:
        return self._put(until, item, f'"ConditionExpression":"{_ABSENT}"')

    def _replace(self, until: datetime, item: Item) -> Wrote | Transient:
        known = f'{{":revision":{{"S":{_quoted(item.revision)}}}}}'
        condition = f'"ConditionExpression":"{_UNMOVED}","ExpressionAttributeValues":{known}'
        return self._put(until, item, condition)

    def _put(self, until: datetime, item: Item, condition: str) -> Wrote | Transient:
        revision = self.fresh_id()
        text = (
            f'{{"TableName":{_quoted(self.name)},"Item":{attributes(item, revision)},'
            f'{condition},"ReturnValuesOnConditionCheckFailure":"ALL_OLD"}}'
        )
        put = partial(self.aws.once, SERVICE, "put_item", TableName=self.name, json=text)
        now = Item(item.key, item.body, item.index, item.expires_at, revision)
        return self._written(put, until, now)

    def _delete(self, until: datetime, item: Item) -> Wrote | Transient:
        delete = partial(
            self.aws.once,
            SERVICE,
            "delete_item",
            TableName=self.name,
            Key={PK: {"S": item.key[0]}, SK: {"S": item.key[1]}},
            ConditionExpression=_UNMOVED,
            ExpressionAttributeValues={":revision": {"S": item.revision}},
            ReturnValuesOnConditionCheckFailure="ALL_OLD",
        )
        return self._written(delete, until, None)

    def _written(
        self, write: Callable[[], object], until: datetime, now: Item | None
    ) -> Wrote | Transient:
        """What became of one write that leaves *now*; a Transient when it had no effect.

        A try without an answer may have been done, and its repetition refused for that.
        """
        unanswered = False

        def attempt() -> None:
            nonlocal unanswered
            try:
                write()
            except Unknown:
                unanswered = True
                raise

        try:
            self.aws.persist(attempt, until)
        except Refused as refusal:
            if refusal.code != CONDITION:
                raise
            shown = refusal.answer.get("Item")
            there = item_of(shown) if shown else None
            if not unanswered:
                return Wrote(Did.LOST, there)
            if not (there and now and there.revision == now.revision):
                return Wrote(Did.UNSURE, there)
        except Transient as fault:
            return Wrote(Did.UNSURE, None) if unanswered else fault
        return Wrote(Did.DONE, now)


def table_definition(name: str) -> Mapping[str, Any]:
    """What `CreateTable` takes. `TIME_TO_LIVE` is set by a call of its own."""
    entries = [(index, partition, range_) for index, (partition, range_) in ENTRIES.items()]
    keys = dict.fromkeys((PK, SK, *(key for _, *place in entries for key in place)))
    return {
        "TableName": name,
        "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [{"AttributeName": k, "AttributeType": "S"} for k in keys],
        "KeySchema": _schema(PK, SK),
        "GlobalSecondaryIndexes": [
            {
                "IndexName": index,
                "KeySchema": _schema(partition, range_),
                "Projection": {"ProjectionType": "KEYS_ONLY"},
            }
            for index, partition, range_ in entries
        ],
        "StreamSpecification": {
            "StreamEnabled": True,
            "StreamViewType": "NEW_AND_OLD_IMAGES",
        },
    }


def _schema(partition: str, range_: str) -> Sequence[Mapping[str, str]]:
    return [
        {"AttributeName": partition, "KeyType": "HASH"},
        {"AttributeName": range_, "KeyType": "RANGE"},
    ]
