"""A queue in the database: what was put is there after a power cut."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from sqlite3 import Cursor
from typing import Final

from demand_adapters.deliveries import DELAY_MAX, HIDDEN_MAX, Delivery, check_messages
from demand_adapters.local.clock import milliseconds, moment
from demand_adapters.local.database import Database
from demand_core.errors import WiringError
from demand_core.ports.clock import Clock

PUT: Final = """
    INSERT INTO messages (queue, visible_at, attributes, payload) VALUES (?, ?, ?, ?)"""
VISIBLE: Final = """
    SELECT number, received, attributes, payload FROM messages
    WHERE queue = ? AND visible_at <= ? ORDER BY visible_at, number LIMIT ?"""
HOLD: Final = """
    UPDATE messages SET visible_at = ?, received = received + 1, held = TRUE WHERE number = ?"""
BURY: Final = "UPDATE messages SET visible_at = NULL WHERE number = ?"
# The receipt of the last delivery, unless the message is dead by now.
RECEIPT: Final = """
    queue = ? AND visible_at IS NOT NULL
    AND number = CAST(? AS INTEGER) AND number || '.' || received = ?"""
DELETE: Final = f"DELETE FROM messages WHERE {RECEIPT}"  # noqa: S608  # no text from outside
HIDDEN: Final = f"visible_at > ? AND {RECEIPT}"
RELEASE: Final = f"""
    UPDATE messages SET visible_at = ?, held = FALSE WHERE {HIDDEN}"""  # noqa: S608  # as above
DEAD: Final = """
    SELECT number, received, attributes, payload FROM messages
    WHERE queue = ? AND visible_at IS NULL ORDER BY number"""
NEXT: Final = "SELECT min(visible_at) FROM messages WHERE queue = ?"
WAITING: Final = "SELECT count(visible_at) FROM messages WHERE queue = ?"
SHOW_ALL: Final = """
    UPDATE messages SET visible_at = :now, held = FALSE WHERE held AND visible_at > :now"""
COUNT_ALL: Final = """
    SELECT queue, count(visible_at), count(*) - count(visible_at) FROM messages
    GROUP BY queue ORDER BY queue"""

_NOW: Final = timedelta(0)


class LocalQueue:
    """The messages of one *name*, shared by all who open it under that name.

    A receive is one write: of any number of threads and processes one gets a message. Whoever
    dies with it has hidden it, no more.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        *,
        visibility: timedelta,
        max_receive: int,
        name: str,
    ) -> None:
        """Find what was left in it."""
        if not _NOW < visibility <= HIDDEN_MAX or max_receive < 1:
            raise WiringError(f"{name}: hides for {visibility}, {max_receive} times")
        self._database = database
        self._clock = clock
        self._visibility = visibility
        self._max_receive = max_receive
        self._name = name

    def put(
        self,
        payloads: Sequence[bytes],
        /,
        *,
        delay: timedelta = _NOW,
        attributes: Mapping[str, str] | None = None,
    ) -> Sequence[int]:
        """Take all of *payloads*, each with these *attributes*; answers as an Outlet does."""
        kept = attributes or {}
        check_messages(payloads, kept)
        if not _NOW <= delay <= DELAY_MAX:
            raise WiringError(f"{self._name}: a new message can't be delayed by {delay}")
        with self._database.write() as cursor:
            self.put_within(cursor, payloads, delay=delay, attributes=kept)
        return ()

    def put_within(
        self,
        cursor: Cursor,
        payloads: Sequence[bytes],
        /,
        *,
        delay: timedelta = _NOW,
        attributes: Mapping[str, str],
    ) -> None:
        """Put what was checked, as a part of what else *cursor* writes."""
        at, told = milliseconds(self._clock.now() + delay), json.dumps(attributes)
        cursor.executemany(PUT, [(self._name, at, told, payload) for payload in payloads])

    def receive(self, limit: int, /) -> Sequence[Delivery]:
        """Hand out what is visible, bury what was handed out often enough."""
        taken: list[Delivery] = []
        with self._database.write() as cursor:
            now = self._clock.now()
            until = milliseconds(now + self._visibility)
            while found := cursor.execute(
                VISIBLE, (self._name, milliseconds(now), limit - len(taken))
            ).fetchall():
                for number, received, attributes, payload in found:
                    if received >= self._max_receive:
                        cursor.execute(BURY, (number,))
                    else:
                        cursor.execute(HOLD, (until, number))
                        taken.append(self._delivery(number, received + 1, attributes, payload))
        return taken

    def delete(self, receipts: Sequence[str], /) -> None:
        """Forget them; a receipt that is no longer good deletes nothing."""
        with self._database.write() as cursor:
            cursor.executemany(DELETE, [(self._name, r, r) for r in receipts])

    def release(self, receipts: Sequence[str], delay: timedelta, /) -> None:
        """Change when hidden messages come back; SQS too refuses it for visible ones."""
        if not _NOW <= delay <= HIDDEN_MAX:
            raise WiringError(f"{self._name}: a message can't be hidden for {delay}")
        with self._database.write() as cursor:
            now = self._clock.now()
            times = milliseconds(now + delay), milliseconds(now)
            cursor.executemany(RELEASE, [(*times, self._name, r, r) for r in receipts])

    def dead_letters(self) -> Sequence[Delivery]:
        """In the order in which they were put."""
        with self._database.read() as cursor:
            return [self._delivery(*row) for row in cursor.execute(DEAD, (self._name,))]

    def next_at(self) -> datetime | None:
        """When the next message is or was visible, None when none is waiting at all."""
        with self._database.read() as cursor:
            (first,) = cursor.execute(NEXT, (self._name,)).fetchone()
        return None if first is None else moment(first)

    def waiting(self) -> int:
        """How many messages there are, visible or hidden: not deleted, not dead."""
        with self._database.read() as cursor:
            (count,) = cursor.execute(WAITING, (self._name,)).fetchone()
        return int(count)

    def _delivery(
        self, number: int, received: int, attributes: str, payload: bytes
    ) -> Delivery:
        return Delivery(
            record_id=f"{self._name}-{number}",
            payload=payload,
            received=received,
            receipt=f"{number}.{received}",
            attributes=json.loads(attributes),
        )


def show_all(database: Database, clock: Clock) -> None:
    """Show what was worked on when the process before this one ended.

    Only who knows that no other has the queues open may call it. What was released for later
    stays hidden.
    """
    with database.write() as cursor:
        cursor.execute(SHOW_ALL, {"now": milliseconds(clock.now())})


def counted(database: Database) -> Mapping[str, tuple[int, int]]:
    """How many messages wait in each queue that has any, and how many are dead letters."""
    with database.read() as cursor:
        return {name: (waiting, dead) for name, waiting, dead in cursor.execute(COUNT_ALL)}
