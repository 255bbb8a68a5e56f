"""Forget what was set aside long ago."""

from datetime import datetime

from attrs import frozen

from demand_core.batch import Outcome
from demand_core.domain.archive import ERRORS_KEPT
from demand_core.errors import Transient
from demand_core.ports.archive import Archive


@frozen(kw_only=True)
class ClearErrors:
    """What is left now is there at the next tick too."""

    archive: Archive

    def __call__(self, now: datetime) -> Outcome:
        """Look through all of it: there is little, or people were told."""
        try:
            self.archive.clear(now - ERRORS_KEPT)
        except Transient:
            return Outcome()
        return Outcome()
