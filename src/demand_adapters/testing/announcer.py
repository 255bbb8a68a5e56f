"""What every Announcer promises."""

from collections.abc import Callable, Sequence

from attrs import frozen

from demand_adapters.testing.contract import Contract
from demand_core.domain.alerts import Alert
from demand_core.ports.announcer import Announcer


@frozen
class AnnouncerAtHand:
    """An announcer, and the summaries that people read there."""

    announcer: Announcer
    read: Callable[[], Sequence[str]]


def alert(key: str, summary: str = "look at this") -> Alert:
    return Alert(key=key, summary=summary)


class AnnouncerContract(Contract[AnnouncerAtHand]):
    """Whatever people read it with."""

    port = "Announcer"

    def test_people_read_what_was_announced(self, hand: AnnouncerAtHand) -> None:
        hand.announcer.announce(alert("a", "the gate is shut"))
        assert hand.read() == ["the gate is shut"]

    def test_a_key_is_told_once_however_often_it_is_said(self, hand: AnnouncerAtHand) -> None:
        for _ in range(3):
            hand.announcer.announce(alert("a"))
        assert len(hand.read()) == 1

    def test_the_key_counts_and_not_the_words(self, hand: AnnouncerAtHand) -> None:
        hand.announcer.announce(alert("a", "1 call failed"))
        hand.announcer.announce(alert("a", "2 calls failed"))
        hand.announcer.announce(alert("b", "1 call failed"))
        assert hand.read() == ["1 call failed", "1 call failed"]
