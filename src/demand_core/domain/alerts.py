"""What people are told about the work itself."""

from collections.abc import Sequence
from datetime import datetime

from attrs import frozen

from demand_core.domain.ids import digest
from demand_core.domain.notifications import NotificationRef
from demand_core.domain.sales import Sale
from demand_core.domain.suppression import Silence


@frozen(kw_only=True)
class Alert:
    """One thing somebody should know. Saying the same *key* again is saying it once."""

    key: str
    summary: str


def silenced(sale: Sale, because: Sequence[Silence]) -> Alert:
    """Of a sale that fans asked for and nobody is told of: once for each set of reasons."""
    reasons = ", ".join(f"{silence.reason.value} ({silence.because!r})" for silence in because)
    return Alert(
        key=f"silent:{sale.sale_id}:{digest('demand.alert/1', reasons)[:8]}",
        summary=f"nobody is told of sale {sale.sale_id}: {reasons}",
    )


def unlisted(sender: str, code: str) -> Alert:
    """Of a refusal that we have no rule for: it is tried again until somebody gives it one."""
    return Alert(
        key=f"unlisted-code:{sender}:{code}",
        summary=f"{sender} refuses messages with {code!r}, which no rule is for: each is tried "
        "three times until that word is listed as final",
    )


def unreadable(ref: NotificationRef) -> Alert:
    """Of a message that nobody can read, and so nobody sends."""
    named = (ref.kind.value, ref.fan_id, ref.subject, ref.channel.value)
    return Alert(
        key=f"unreadable:{digest('demand.alert/1', *named)[:8]}",
        summary=f"nobody can read the {ref.kind.value} of {ref.subject} to {ref.fan_id} by "
        f"{ref.channel.value}: it is not sent until its item is mended",
    )


def set_aside(reason: str, at: datetime) -> Alert:
    """Of changes that the archive can't keep as they are: once a day for each reason."""
    return Alert(
        key=f"set-aside:{reason}:{at:%Y-%m-%d}",
        summary=f"the archive set changes aside ({reason}): mend and replay what "
        "`demand archive errors ls` shows",
    )


def held_back(sender: str, until: datetime) -> Alert:
    """Of a provider that wants nothing from us for longer than any burst lasts."""
    return Alert(
        key=f"held-back:{sender}:{until:%Y-%m-%dT%H}",
        summary=f"{sender} takes nothing before {until:%Y-%m-%dT%H:%M:%S}Z: what is due "
        "meanwhile waits, and lapses where it comes too late",
    )
