"""What several commands share: the file and the profile, and being told to stop."""

import os
import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from queue import SimpleQueue
from types import FrameType
from typing import Final

import click
from attrs import frozen

from demand_core.errors import WiringError
from entrypoints.settings import Layer, Settings, lacking, layers, read

STOPPING: Final = (signal.SIGINT, signal.SIGTERM)


@frozen
class Given:
    """The options of `demand` itself."""

    file: Path | None = None
    profile: str | None = None

    def places(self, **flags: object) -> Sequence[Layer]:
        """Where settings come from; *flags* are the command's own."""
        return layers(os.environ, self.file, profile=self.profile, **flags)

    def settings(self, **flags: object) -> Settings:
        """The settings, whatever the profile may still need."""
        return read(self.places(**flags))

    def complete(self, **flags: object) -> Settings:
        """The settings with all that their profile needs; else WiringError."""
        settings = self.settings(**flags)
        if missing := lacking(settings, os.environ):
            raise WiringError("; ".join(missing))
        return settings


given = click.make_pass_decorator(Given, ensure=True)


@contextmanager
def signalled() -> Iterator["SimpleQueue[object]"]:
    """Where the first signal is put; the next one does what it always did."""
    told = SimpleQueue[object]()
    before = {number: signal.getsignal(number) for number in STOPPING}

    def first(number: int, frame: FrameType | None) -> None:
        del frame
        restore()
        told.put(number)

    def restore() -> None:
        for number, handler in before.items():
            signal.signal(number, handler)

    for number in STOPPING:
        signal.signal(number, first)
    try:
        yield told
    finally:
        restore()
