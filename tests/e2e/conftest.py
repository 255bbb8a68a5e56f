"""One MiniStack for all tests; each takes tables, queues and buckets of its own names."""

from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from random import Random

import pytest

from demand_adapters.aws.calls import Access, Aws
from demand_adapters.memory.clock import MemoryClock
from demand_adapters.testing.strategies import NOON
from tests.contract.aws.conftest import _few_examples, account
from tests.e2e.ministack import ministack

__all__ = ["_few_examples", "account"]


@pytest.fixture(scope="session")
def aws(account: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Aws]:
    """Its account, as a patient caller sees it whose pauses take no time."""
    clock = MemoryClock(NOON)
    with ministack(tmp_path_factory.mktemp("ministack")) as url:
        calling = Aws(
            clock=clock,
            sleep=lambda seconds: clock.advance(timedelta(seconds=seconds)),
            chance=Random(7),
            access=Access(region="us-east-1", endpoint_url=url),
        )
        with closing(calling):
            yield calling
