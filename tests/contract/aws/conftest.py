"""One server for all tests; each takes tables, queues and buckets of its own names."""

from collections.abc import Iterator
from datetime import timedelta
from itertools import count
from random import Random
from typing import Final

import pytest
from hypothesis import settings

from demand_adapters.aws.calls import Access, Aws
from demand_adapters.memory.clock import MemoryClock
from demand_adapters.testing.strategies import NOON
from tests.contract.aws.serial_moto import serial_moto

EXAMPLES_MAX: Final = 10
# Where a test keeps its settings: hypothesis's own plugin changes them there too.
USED_SETTINGS: Final = "_hypothesis_internal_use_settings"

_NAMES = count(1)


@pytest.fixture(autouse=True)
def _few_examples(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """A call takes milliseconds here, and the other engines try the same property often."""
    usual = getattr(request.function, USED_SETTINGS, None)
    if usual:
        few = settings(usual, max_examples=min(usual.max_examples, EXAMPLES_MAX))
        test = getattr(request.function, "__func__", request.function)
        monkeypatch.setattr(test, USED_SETTINGS, few)


@pytest.fixture(scope="session")
def account() -> Iterator[None]:
    """Credentials of nobody, and none of the machine's own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ACCESS_KEY_ID", "nobody")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "nothing")
        patch.setenv("AWS_CONFIG_FILE", "none")
        patch.setenv("AWS_SHARED_CREDENTIALS_FILE", "none")
        patch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        patch.delenv("AWS_PROFILE", raising=False)
        yield


@pytest.fixture(scope="session")
def moto(account: None) -> Iterator[str]:
    """The address of a server that knows all services."""
    with serial_moto() as url:
        yield url


@pytest.fixture(scope="session")
def aws(moto: str) -> Iterator[Aws]:
    """That account, as a patient caller sees it whose pauses take no time."""
    clock = MemoryClock(NOON)
    account = Aws(
        clock=clock,
        sleep=lambda seconds: clock.advance(timedelta(seconds=seconds)),
        chance=Random(7),
        access=Access(region="us-east-1", endpoint_url=moto),
    )
    yield account
    account.close()


@pytest.fixture
def fresh_name() -> str:
    """A name that no other test takes."""
    return f"test-{next(_NAMES)}"
