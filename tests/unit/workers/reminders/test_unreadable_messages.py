"""A message that nobody can read waits for whoever mends it, and holds nobody up."""

from datetime import timedelta
from typing import Final

from demand_adapters.item_table import Item
from demand_adapters.testing.strategies import NOON, a_notification
from demand_adapters.wire.item_keys import notification_key
from demand_core.domain.notifications import DuePage
from demand_core.domain.statuses import Status
from demand_core.topology.channels import SEND
from tests.unit.workers.reminders.desk import Desk, batch

MINUTE: Final = timedelta(minutes=1)
# By then the due index has caught up.
LATER: Final = NOON + 3 * MINUTE


def spoil(desk: Desk, number: int) -> None:
    key = notification_key(a_notification(number).ref)
    item = desk.engines.table.get_many([key])[key]
    body = {**item.body, "status": "NOBODY KNOWS"}
    (answer,) = desk.engines.table.replace(
        [Item(key, body, item.index, item.expires_at, item.revision)]
    )
    assert answer.item


def woken(desk: Desk) -> set[str]:
    desk.tray(SEND).taken.clear()
    desk.worker("wake_due_notifications")(desk.clock.now())
    return {ref.fan_id for page in desk.tray(SEND).taken for ref in page.refs}


def test_it_is_woken_once_told_to_people_and_left_as_it_is() -> None:
    desk, rows = Desk(), [a_notification(n) for n in (1, 2, 3)]
    desk.ports.notifications.create(rows)
    spoil(desk, 2)
    desk.clock.move_to(LATER)
    assert woken(desk) == {"F1", "F2", "F3"}
    send, page = desk.worker("send_notifications"), DuePage(tuple(row.ref for row in rows))
    for _ in range(2):
        assert not send(batch(page)).retry
    (told,) = desk.engines.announcer.told.values()
    assert "nobody can read the REMINDER of E1.public to F2 by sms" in told.summary
    ends = desk.ports.notifications.get_many(page.refs)
    assert [row.status for row in ends.values()] == [Status.DROPPED] * 2
    desk.clock.move_to(LATER + MINUTE)
    assert woken(desk) == set()
    key = notification_key(rows[1].ref)
    assert desk.engines.table.get_many([key])[key].body["status"] == "NOBODY KNOWS"
