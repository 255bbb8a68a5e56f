"""What our own books hold that no domain value stands for."""

from datetime import datetime

from attrs import frozen

from demand_core.domain.ids import NotificationId


@frozen(kw_only=True)
class Rate:
    """The gate before one remote service: nobody may call before it opens."""

    next_free_at: datetime
    per_second: int


@frozen(kw_only=True)
class Watermark:
    """How far something has come: whoever finds another number looks again."""

    reached: int


@frozen(kw_only=True)
class Guard:
    """Whose a contact is, for one sale and channel."""

    owner: NotificationId
    until: datetime
