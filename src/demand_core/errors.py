"""Errors, sorted by what the caller must do about them.

* DemandError
  * Transient        had no effect, the same call may work later: try again
    * Unknown        may have had its effect: try again only what may happen twice
  * Permanent        never will work: record the reason, move on
  * WiringError      the program is put together wrongly: stop before work starts

What the domain expects (not eligible, stale, suppressed) is an answer and never one of these.
"""

from datetime import datetime


class DemandError(Exception):
    """Anything that `demand` raises on purpose."""


class Transient(DemandError):
    """The call had no effect. *retry_at* is the service's own word on when to come again."""

    def __init__(self, message: str, *, retry_at: datetime | None = None) -> None:
        """Keep the service's word beside the message."""
        super().__init__(message)
        self.retry_at = retry_at


class Unsent(Transient):
    """No byte was written: the service saw nothing, and any call may be tried again."""


class Unknown(Transient):
    """No answer came: the call may have had its effect.

    It is a Transient because most callers may simply repeat; whoever must not catches it first.
    """


class Permanent(DemandError):
    """The call is refused and always will be. *code* is counted, *detail* is for people."""

    def __init__(self, code: str, detail: str = "") -> None:
        """Make a message of both."""
        super().__init__(f"{code}: {detail}" if detail else code)
        self.code = code
        self.detail = detail


class WiringError(DemandError):
    """A mistake of ours in the tables, the settings or the wiring."""
