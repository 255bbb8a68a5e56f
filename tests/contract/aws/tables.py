"""Tables of an account, made for one test each."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from itertools import count
from typing import Final

from hypothesis import settings

from demand_adapters.aws.calls import Aws
from demand_adapters.aws.change_feed import AwsChangeFeed
from demand_adapters.aws.item_table import TIME_TO_LIVE, AwsItemTable, table_definition
from demand_adapters.memory.clock import MemoryClock
from demand_adapters.memory.entropy import MemoryEntropy
from demand_adapters.testing.item_table import TableAtHand
from demand_adapters.testing.strategies import NOON

# For a machine: each of its steps is a call or two of some milliseconds.
FEW: Final = settings(max_examples=10, stateful_step_count=20)

_NAMES = count(1)


@contextmanager
def a_table(aws: Aws, *, expiring: bool = True) -> Iterator[AwsItemTable]:
    """As a deployment makes it."""
    name = f"table-{next(_NAMES)}"
    aws.call("dynamodb", "create_table", **table_definition(name))
    while status(aws, name) != "ACTIVE":
        continue
    if expiring:
        aws.call(
            "dynamodb",
            "update_time_to_live",
            TableName=name,
            TimeToLiveSpecification=TIME_TO_LIVE,
        )
    yield AwsItemTable(aws=aws, name=name, fresh_id=MemoryEntropy(7).fresh_id)
    aws.call("dynamodb", "delete_table", TableName=name)


def status(aws: Aws, name: str) -> str:
    """What DynamoDB says of a table."""
    return str(aws.call("dynamodb", "describe_table", TableName=name)["Table"]["TableStatus"])


@contextmanager
def table_at_hand(aws: Aws, *, expiring: bool = True) -> Iterator[TableAtHand]:
    """For the contracts. The service's own time can't be moved, and its indexes are quick."""
    clock = MemoryClock(NOON)
    with a_table(aws, expiring=expiring) as table:
        yield TableAtHand(
            table=table,
            feed=AwsChangeFeed(aws=aws, name=table.name),
            clock=clock,
            pass_time=clock.advance,
            settle=lambda: clock.advance(timedelta(minutes=1)),
        )
