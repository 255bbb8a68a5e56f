"""What people are told about the work itself."""

from attrs import frozen

from demand_core.domain.ids import digest
from demand_core.domain.notifications import NotificationRef


@frozen(kw_only=True)
class Alert:
    """One thing somebody should know. Saying the same *key* again is saying it once."""

    key: str
    summary: str


def unreadable(ref: NotificationRef) -> Alert:
    """Of a message that nobody can read, and so nobody sends."""
    named = (ref.kind.value, ref.fan_id, ref.subject, ref.channel.value)
    return Alert(
        key=f"unreadable:{digest('demand.alert/1', *named)[:8]}",
        summary=f"nobody can read the {ref.kind.value} of {ref.subject} to {ref.fan_id} by "
        f"{ref.channel.value}: it is not sent until its item is mended",
    )
