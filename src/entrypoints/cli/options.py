"""What stands before a command's own words: the file and the profile, for whoever asks."""

import os
from collections.abc import Sequence
from pathlib import Path

import click
from attrs import frozen

from demand_core.errors import WiringError
from entrypoints.needs import lacking
from entrypoints.setting_places import Layer, layers, read
from entrypoints.settings import Settings


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
