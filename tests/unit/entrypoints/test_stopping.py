"""Whoever waits to be told is told, whenever that happens."""

import os
import signal
from threading import Thread
from time import monotonic
from typing import Final

import pytest

from entrypoints.stopping import SIGNALS, Stop, signalled

LONG_S: Final = 60.0


def waited(stop: Stop, seconds: float | None = LONG_S) -> float:
    began = monotonic()
    stop.wait(seconds)
    return monotonic() - began


def test_who_is_told_before_it_waits_does_not_wait() -> None:
    stop = Stop()
    stop.tell()
    assert waited(stop) < LONG_S / 2


def test_another_thread_can_tell() -> None:
    stop = Stop()
    thread = Thread(target=stop.tell)
    thread.start()
    assert waited(stop) < LONG_S / 2
    thread.join()


def test_the_time_tells_too() -> None:
    assert 0.01 <= waited(Stop(), 0.01) < LONG_S / 2


@pytest.mark.parametrize("number", SIGNALS)
def test_the_first_signal_tells_and_the_next_does_what_it_always_did(
    number: signal.Signals,
) -> None:
    came = list[int]()
    before = signal.signal(number, lambda told, _: came.append(told))
    try:
        with signalled() as stop:
            os.kill(os.getpid(), number)
            assert waited(stop) < LONG_S / 2
            assert came == []
            os.kill(os.getpid(), number)
            assert came == [number]
        os.kill(os.getpid(), number)
        assert came == [number, number]
    finally:
        signal.signal(number, before)
