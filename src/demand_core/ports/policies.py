"""What can be set, as workers are given it."""

from typing import Protocol

from demand_core.domain.delivery import DeliveryPolicy
from demand_core.domain.event_details import LookUpPolicy
from demand_core.domain.links import LinkPolicy
from demand_core.domain.planning import ReminderPolicy
from demand_core.domain.refreshing import RefreshPolicy


class Policies(Protocol):
    """Each by the name that workers call it."""

    @property
    def delivery(self) -> DeliveryPolicy:
        """How often a message is tried, and how long anything takes."""
        ...

    @property
    def links(self) -> LinkPolicy:
        """How often the shortener is called for one url."""
        ...

    @property
    def look_ups(self) -> LookUpPolicy:
        """How old an event may be that is shown."""
        ...

    @property
    def refreshing(self) -> RefreshPolicy:
        """When an event is looked up again."""
        ...

    @property
    def reminders(self) -> ReminderPolicy:
        """When reminders go out, and of what."""
        ...
