"""The announcer in memory keeps what every Announcer promises."""

from contextlib import AbstractContextManager, nullcontext

from demand_adapters.memory.announcer import MemoryAnnouncer
from demand_adapters.testing.announcer import AnnouncerAtHand, AnnouncerContract, alert


class TestMemoryAnnouncer(AnnouncerContract):
    engine = "memory"

    def fresh(self) -> AbstractContextManager[AnnouncerAtHand]:
        announcer = MemoryAnnouncer()

        def read() -> list[str]:
            return [told.summary for told in announcer.told.values()]

        return nullcontext(AnnouncerAtHand(announcer, read))


def test_the_memory_announcer_keeps_every_call_in_its_order() -> None:
    announcer = MemoryAnnouncer()
    calls = [alert("b"), alert("a"), alert("b", "again")]
    for call in calls:
        announcer.announce(call)
    assert announcer.history == calls
    assert announcer.told == {"b": calls[0], "a": calls[1]}
