"""What every Announcer promises."""

from collections.abc import Callable, Sequence

import pytest
from attrs import frozen

from demand_adapters.memory.announcer import MemoryAnnouncer
from demand_core.domain.alerts import Alert
from demand_core.ports.announcer import Announcer


@frozen
class Room:
    """An announcer, and the summaries that people read there."""

    announcer: Announcer
    read: Callable[[], Sequence[str]]


def alert(key: str, summary: str = "look at this") -> Alert:
    return Alert(key=key, summary=summary)


class AnnouncerContract:
    """Subclasses provide one fixture: room."""

    def test_people_read_what_was_announced(self, room: Room) -> None:
        room.announcer.announce(alert("a", "the gate is shut"))
        assert room.read() == ["the gate is shut"]

    def test_a_key_is_told_once_however_often_it_is_said(self, room: Room) -> None:
        for _ in range(3):
            room.announcer.announce(alert("a"))
        assert len(room.read()) == 1

    def test_the_key_counts_and_not_the_words(self, room: Room) -> None:
        room.announcer.announce(alert("a", "1 call failed"))
        room.announcer.announce(alert("a", "2 calls failed"))
        room.announcer.announce(alert("b", "1 call failed"))
        assert room.read() == ["1 call failed", "1 call failed"]


class TestMemoryAnnouncer(AnnouncerContract):
    @pytest.fixture
    def room(self) -> Room:
        announcer = MemoryAnnouncer()
        return Room(announcer, lambda: [told.summary for told in announcer.told.values()])


def test_the_memory_announcer_keeps_every_call_in_its_order() -> None:
    announcer = MemoryAnnouncer()
    calls = [alert("b"), alert("a"), alert("b", "again")]
    for call in calls:
        announcer.announce(call)
    assert announcer.history == calls
    assert announcer.told == {"b": calls[0], "a": calls[1]}
