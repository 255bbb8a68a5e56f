"""What the messages themselves say of a sale: nobody counts along, so no count can be wrong."""

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any, Final

from attrs import field, frozen

from demand_core.domain.notifications import Channel, Notification
from demand_core.domain.spoken_times import Locale
from demand_core.domain.statuses import Status
from demand_core.ports.notification_store import NotificationStore

PAGE_MAX: Final = 100
_SECOND: Final = timedelta(seconds=1)
# Nobody meant to send these.
_SILENT: Final = frozenset({Status.DROPPED, Status.SUPPRESSED})
LOCALES: Final = frozenset(locale.value for locale in Locale)
# What each rate should reach, or must stay under.
GOALS: Final[Mapping[str, tuple[float, float]]] = {
    "deliveryRate": (0.95, 1.0),
    "failureRate": (0.0, 0.05),
    "inTimeRate": (0.98, 1.0),
    "meanDeliveryS": (0.0, 120.0),
}
# Near its sale an event is looked up every quarter of an hour: who knows it for so long was
# without the source.
OLD: Final = timedelta(minutes=45)
# How a message ends whose fan has another one for the same sale on the same handset.
_SPARED: Final = "duplicate_contact"


@frozen(kw_only=True)
class Totals:
    """How many messages of one subject got how far, why no further, and how quickly."""

    by_status: Counter[Status] = field(factory=Counter)
    by_reason: Counter[str] = field(factory=Counter)
    # As their events have it; whoever reads a locale that is none of ours gets the nearest.
    by_locale: Counter[str] = field(factory=Counter)
    # Of texts: whether they carry the short link, or the long one in its place.
    by_link: Counter[str] = field(factory=Counter)
    attempts: Counter[int] = field(factory=Counter)
    # Whole seconds from the hand-over to the phone.
    took: Counter[int] = field(factory=Counter)
    # Single counts by name.
    of: Counter[str] = field(factory=Counter)

    def add(self, row: Notification) -> None:
        """Count one message."""
        self.by_status[row.status] += 1
        self.attempts[row.send_attempts] += 1
        if row.reason:
            self.by_reason[f"{row.status.value}: {row.reason}"] += 1
        self.by_locale[row.locale] += 1
        if row.link_kind:
            self.by_link[row.link_kind] += 1
        triggered, delivered = row.date.triggered, row.date.delivered
        if triggered and delivered:
            self.took[max(0, (delivered - triggered) // _SECOND)] += 1
        mailed = row.channel is Channel.EMAIL and row.status is Status.SENT
        self.of.update(
            unsettled=not row.settled,
            doubtful=row.in_doubt,
            meant=row.status not in _SILENT,
            arrived=mailed or row.status is Status.DELIVERED,
            in_time=triggered is not None and row.not_before <= triggered < row.not_after,
            spared=row.reason == _SPARED,
            stale=bool(triggered and row.known_at and triggered - row.known_at > OLD),
        )

    @property
    def total(self) -> int:
        """All of them."""
        return self.by_status.total()

    @property
    def finished(self) -> bool:
        """Whether nobody will hand any of them over again; delivery may still be reported."""
        return self.total > 0 and self.of["unsettled"] == 0

    def document(self) -> Mapping[str, Any]:
        """As plain data; a share of nothing, and a time that nobody measured, are left out."""
        meant = self.of["meant"]
        figures = {
            "deliveryRate": _share(self.of["arrived"], meant),
            "failureRate": _share(self.by_status[Status.FAILED], meant),
            "inTimeRate": _share(self.of["in_time"], meant),
            "meanDeliveryS": self._mean(),
            "p95DeliveryS": self._quantile(0.95),
        }
        known = {name: figure for name, figure in figures.items() if figure is not None}
        return {
            "total": self.total,
            "finished": self.finished,
            "unsettled": self.of["unsettled"],
            "doubtful": self.of["doubtful"],
            "spared": self.of["spared"],
            "stale": self.of["stale"],
            "byStatus": {s.value: self.by_status[s] for s in Status if self.by_status[s]},
            "byReason": dict(sorted(self.by_reason.items())),
            "byLocale": dict(sorted(self.by_locale.items())),
            "fellBack": sum(n for asked, n in self.by_locale.items() if asked not in LOCALES),
            "byLink": dict(sorted(self.by_link.items())),
            "attempts": {str(n): count for n, count in sorted(self.attempts.items())},
            **known,
            "missed": [
                name
                for name, (lo, hi) in GOALS.items()
                if name in known and not lo <= known[name] <= hi
            ],
        }

    def _mean(self) -> float | None:
        known = self.took.total()
        return round(sum(s * n for s, n in self.took.items()) / known, 1) if known else None

    def _quantile(self, part: float) -> int | None:
        seen = 0
        for seconds, count in sorted(self.took.items()):
            seen += count
            if seen >= part * self.took.total():
                return seconds
        return None


def totals(store: NotificationStore, subject: str) -> Totals:
    """Count all messages about *subject*, page by page."""
    found = Totals()
    for row in _rows(store, subject):
        found.add(row)
    return found


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, 4) if whole else None


def _rows(store: NotificationStore, subject: str) -> Iterator[Notification]:
    for shard in store.shards():
        page = store.about(subject, shard, None, PAGE_MAX)
        while True:
            yield from store.get_many(tuple(dict.fromkeys(page.refs))).values()
            if page.after is None:
                break
            page = store.about(subject, shard, page.after, PAGE_MAX)
