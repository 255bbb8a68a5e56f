"""Every minute all that is due is found again, whatever earlier minutes missed."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

import pytest
from attrs import evolve

from demand_adapters.testing.strategies import NOON, a_notification
from demand_core.batch import Outcome
from demand_core.domain.notifications import Notification, NotificationPage, NotificationRef
from demand_core.domain.statuses import Status
from demand_core.errors import Transient
from demand_core.topology.channels import SEND
from demand_core.workers.reminders.wake_due_notifications import WakeDueNotifications
from tests.unit.workers.reminders.desk import Desk, Tray

MINUTE: Final = timedelta(minutes=1)
# The index has caught up by then.
LATER: Final = NOON + 5 * MINUTE


def rows(count: int) -> list[Notification]:
    return [a_notification(n) for n in range(count)]


def due(count: int) -> Desk:
    desk = Desk()
    desk.ports.notifications.create(rows(count))
    desk.clock.move_to(LATER)
    return desk


def woken(tray: Tray) -> list[NotificationRef]:
    return [ref for page in tray.taken for ref in page.refs]


@pytest.mark.parametrize("count", [0, 1, 100, 450])
def test_all_that_is_due_is_found_each_once_in_pages(count: int) -> None:
    desk = due(count)
    assert desk.worker("wake_due_notifications")(LATER) == Outcome()
    found = woken(desk.tray(SEND))
    assert len(found) == count
    assert set(found) == {row.ref for row in rows(count)}
    assert all(0 < len(page.refs) <= 100 for page in desk.tray(SEND).taken)


def test_what_a_minute_missed_the_next_one_finds() -> None:
    desk = due(30)
    desk.tray(SEND).away = True
    assert desk.worker("wake_due_notifications")(LATER) == Outcome()
    desk.tray(SEND).away = False
    desk.worker("wake_due_notifications")(LATER + MINUTE)
    assert len(woken(desk.tray(SEND))) == 30


def test_what_is_settled_or_not_due_is_left_alone() -> None:
    desk = Desk()
    settled = evolve(a_notification(1), status=Status.DELIVERED)
    early = evolve(a_notification(2), not_before=LATER + MINUTE)
    desk.ports.notifications.create([settled, early, a_notification(3)])
    desk.clock.move_to(LATER)
    desk.worker("wake_due_notifications")(LATER)
    assert woken(desk.tray(SEND)) == [a_notification(3).ref]


class Broken:
    """A store of four shards of which one does not answer, and which notes who was asked."""

    def __init__(self, broken: str) -> None:
        self.broken = broken
        self.asked = list[str]()

    def shards(self) -> Sequence[str]:
        return ("0", "1", "2", "3")

    def due(
        self, shard: str, now: datetime, after: str | None, limit: int, /
    ) -> NotificationPage:
        del now, after, limit
        self.asked.append(shard)
        if shard == self.broken:
            raise Transient("this shard is throttled")
        return NotificationPage((a_notification(int(shard)).ref,))


def test_a_shard_that_does_not_answer_costs_no_other_anything() -> None:
    store, tray = Broken("1"), Tray()
    WakeDueNotifications(notifications=store, pages=tray)(NOON)  # type: ignore[arg-type]  # all it asks for
    assert {ref.fan_id for ref in woken(tray)} == {"F0", "F2", "F3"}


def test_each_minute_begins_with_another_shard() -> None:
    firsts: Mapping[int, str] = {}
    for minute in range(8):
        store = Broken("none")
        wake = WakeDueNotifications(notifications=store, pages=Tray())  # type: ignore[arg-type]  # as above
        wake(NOON + minute * MINUTE)
        assert sorted(store.asked) == ["0", "1", "2", "3"]
        firsts = {**firsts, minute: store.asked[0]}
    assert set(firsts.values()) == {"0", "1", "2", "3"}
    assert all(firsts[n] == firsts[n + 4] for n in range(4))
