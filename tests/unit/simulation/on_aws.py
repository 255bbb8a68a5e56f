"""The engines of an account on an emulator whose time passes with ours."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import TypeAlias

import pytest
from attrs import evolve

from demand_adapters.memory.clock import MemoryClock
from demand_core.topology import TOPOLOGY
from demand_core.topology.shapes import Worker
from entrypoints.engines.aws import AwsEngines
from entrypoints.settings import Settings
from entrypoints.simulation.world import START
from tests.contract.aws.channels import moto_time
from tests.contract.aws.serial_moto import serial_moto
from tests.provisioned import provision

Account: TypeAlias = tuple[AwsEngines, MemoryClock, Callable[[timedelta], None]]


@contextmanager
def an_account(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, rows: tuple[Worker, ...] = TOPOLOGY
) -> Iterator[Account]:
    """All that *rows* need is there; the last part lets time pass."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "nobody")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "nothing")
    clock = MemoryClock(START)
    with serial_moto() as url, moto_time() as service_time:
        there = evolve(settings, aws_endpoint=url)

        def pass_time(by: timedelta) -> None:
            clock.advance(by)
            service_time.advance(by)

        with AwsEngines.opened(there, clock, wait=timedelta(0)) as engines:
            provision(engines.aws, there, rows)
            yield engines, clock, pass_time
