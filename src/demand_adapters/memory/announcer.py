"""A channel of operations that anybody can look into."""

from attrs import define, field

from demand_core.domain.alerts import Alert


@define
class MemoryAnnouncer:
    """*told* is what people read, *history* every call in its order."""

    told: dict[str, Alert] = field(factory=dict)
    history: list[Alert] = field(factory=list)

    def announce(self, alert: Alert, /) -> None:
        """Keep the first alert of each key."""
        self.history.append(alert)
        self.told.setdefault(alert.key, alert)
