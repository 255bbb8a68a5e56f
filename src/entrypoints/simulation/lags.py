"""A scenario of the archive beside reminders: how long fans wait can be asked of its files."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from attrs import frozen

from demand_adapters.item_table import Change
from demand_adapters.testing.fault_plans import Plan
from demand_adapters.wire.archive import RECORD_TYPES
from demand_adapters.wire.converters import instant
from demand_core.topology.archive import ROWS
from entrypoints.settings import Settings
from entrypoints.simulation import checkers
from entrypoints.simulation.archiving import states, stored_rows
from entrypoints.simulation.reminders import TIDE, Crowd, Reminders
from entrypoints.simulation.world import Weather, World

SECOND: Final = timedelta(seconds=1)


@frozen
class NotificationLag:
    """Fans are told of a sale; what the archive says of each wish is what the table says."""

    reminders: Reminders

    @property
    def lasts(self) -> timedelta:
        """So long that the last change is in a file too."""
        return self.reminders.lasts

    @property
    def calm_after(self) -> timedelta:
        """As for the reminders alone."""
        return self.reminders.calm_after

    def world(self, seed: int, weather: Weather, plan: Plan, settings: Settings) -> World:
        """That of the reminders, in which the archive's rows look on."""
        return self.reminders.world(seed, weather, plan, settings)

    def expected(self, weather: Weather) -> Mapping[str, int]:
        """All that is expected of the reminders, and no difference."""
        return {
            **self.reminders.expected(weather),
            "missing": 0,
            "strange": 0,
            "differing": 0,
        }

    def observed(self, world: World) -> Mapping[str, int]:
        """The lag in whole seconds, beside what the two of them say of each change and wish."""
        rows = [*stored_rows(world.engines.files)]
        told = {change.change_id for change in checkers.changes(world) if _is_kept(change)}
        kept = {row["changeid"] for row in rows}
        wishes = {row["fanid"]: row for row in states(rows) if row["recordtype"] == "demand"}
        lags = [
            row["date"]["notified"] - row["date"]["triggered"]
            for row in wishes.values()
            # A report may tell of a hand-over whose receipt was lost.
            if row["date"]["notified"] and row["date"]["triggered"]
        ]
        return {
            **self.reminders.observed(world),
            "missing": len(told - kept),
            "strange": len(kept - told),
            "differing": len(_dates_of(world).items() ^ _dates_in(wishes).items()),
            "notified": len(lags),
            "lag_s": sum(lags, timedelta(0)) // SECOND // max(1, len(lags)),
        }

    def subjects(self) -> Mapping[str, str]:
        """As of the reminders."""
        return self.reminders.subjects()


def _is_kept(change: Change) -> bool:
    image = change.new or change.old
    return image is not None and image.body.get("type") in RECORD_TYPES


def _dates_of(world: World) -> Mapping[str, tuple[object, object]]:
    """When each wish was answered, as the table says."""
    bodies: list[Any] = [item.body for item in world.engines.table.items()]
    return {
        body["fanId"]: (body["date"].get("triggered"), body["date"].get("notified"))
        for body in bodies
        if body["type"] == "demand"
    }


def _dates_in(wishes: Mapping[str, Any]) -> Mapping[str, tuple[object, object]]:
    """The same, as the archive says."""

    def said(at: datetime | None) -> str | None:
        return instant(at) if at else None

    return {
        fan: (said(row["date"]["triggered"]), said(row["date"]["notified"]))
        for fan, row in wishes.items()
    }


def notification_lag(scale: float) -> NotificationLag:
    """Two hundred fans are told of one sale."""
    fans = max(1, round(200 * scale))
    return NotificationLag(
        Reminders(
            shows=(TIDE,),
            crowds=(Crowd(show=TIDE, fans=fans),),
            lasts=timedelta(minutes=102),
            goal={"total": fans, "delivered": fans, "failed": 0, "skipped": 0},
            beside=ROWS,
        )
    )
