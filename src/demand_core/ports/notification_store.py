"""Every message we mean to send, and how far it got: the only record of sending there is."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Protocol, TypeAlias

from demand_core.domain.ids import FanId, NotificationId
from demand_core.domain.notifications import Notification, NotificationPage, NotificationRef

Step: TypeAlias = Callable[[Notification], Notification]
Cursor: TypeAlias = str | None


class NotificationStore(Protocol):
    """Messages by what they are about. Batches of any size; repeats are allowed.

    What is answered *eventually* may lack one or have one twice, and loses none for good.
    Raises Transient, or Unknown after a write without answer.
    """

    def get_many(
        self, refs: Sequence[NotificationRef], /
    ) -> Mapping[NotificationRef, Notification]:
        """The messages that are there, read consistently, in the order asked for."""
        ...

    def create(self, rows: Sequence[Notification], /) -> Sequence[NotificationRef]:
        """Store each that is not there, the others stay; answer those not certainly stored."""
        ...

    def amend(self, ref: NotificationRef, step: Step, /) -> Notification | None:
        """Change one message by *step*, again if it moved meanwhile; answer it as it stands.

        None if it is gone. A step that changes nothing writes nothing.
        """
        ...

    def due(self, shard: str, now: datetime, after: Cursor, limit: int, /) -> NotificationPage:
        """Those of one shard that are due by *now*, longest due first; eventually."""
        ...

    def shelve(self, refs: Sequence[NotificationRef], /) -> Sequence[NotificationRef]:
        """Make what nobody can read due no more; answer which of *refs* that was."""
        ...

    def about(self, subject: str, shard: str, after: Cursor, limit: int, /) -> NotificationPage:
        """All messages about one subject, such as a sale, in one shard; eventually."""
        ...

    def of_fan(self, fan_id: FanId, /) -> Sequence[Notification]:
        """All messages to one fan, read consistently."""
        ...

    def shards(self) -> Sequence[str]:
        """The shards that `due` and `about` have."""
        ...

    def of_message(self, provider: str, message_id: str, /) -> NotificationRef | None:
        """Whose the provider's *message_id* is, as far as we were told; eventually."""
        ...

    def of_id(self, notification_id: NotificationId, /) -> NotificationRef | None:
        """What the id stands for; eventually."""
        ...
