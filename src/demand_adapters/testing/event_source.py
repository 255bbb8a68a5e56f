"""What every EventSource promises, and what is added by one that puts us off."""

import json
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

import pytest
from attrs import frozen

from demand_adapters.testing.contract import Contract
from demand_core.domain.ids import EventId
from demand_core.domain.sales import presale_id, public_id
from demand_core.errors import Permanent, Transient, Unknown
from demand_core.ports.clock import Clock
from demand_core.ports.event_source import EventSource

E1: Final = EventId("E1")
E2: Final = EventId("E2")
# An id that no source has an event for by itself.
NONE: Final = EventId("none-such")
MINUTE: Final = timedelta(minutes=1)
OPENS: Final = datetime.fromisoformat("2025-02-21T15:00:00Z")
CANARY: Final = "c4nary"


def described(event_id: EventId, /, **differing: Any) -> Mapping[str, Any]:
    """Any event will do as its service words it, or any but for what is *differing*."""
    plain = {
        "id": event_id,
        "type": "event",
        "name": f"Show {event_id}",
        "url": f"https://www.ticketmaster.com/event/{event_id}",
        "sales": {
            "public": {"startDateTime": "2025-02-21T15:00:00Z"},
            "presales": [{"name": "Fan Club", "startDateTime": "2025-02-20T15:00:00Z"}],
        },
    }
    return plain | differing


@frozen(kw_only=True)
class SourceAtHand:
    """A source and the other side of it: what it knows of an id, and whether it answers."""

    source: EventSource
    clock: Clock
    pass_time: Callable[[timedelta], None]
    put: Callable[[EventId, bytes], None]
    goes_down: Callable[[], None]
    comes_back: Callable[[], None]

    def show(self, asked_for: EventId, /, **differing: Any) -> None:
        """Let it answer with an event of that id, or any but for what is *differing*."""
        self.put(asked_for, json.dumps(described(asked_for, **differing)).encode())


# What has all the looks of an answer and is no event.
NO_EVENTS: Final[Mapping[str, Mapping[str, Any]]] = {
    "nothing in it": {},
    "the service's error": {"errors": [{"code": "DIS0000", "detail": CANARY}]},
    "the gateway's error": {"fault": {"faultstring": CANARY, "detail": {"errorcode": "a.b"}}},
    "no id": described(E1, id=None),
    "an id that is none": described(E1, id=f"{CANARY} #1"),
    "an id that is a number": described(E1, id=1),
    "an artist": described(E1, type="attraction"),
    "no name": described(E1, name=" "),
    "no link": described(E1, url=None),
    "a link into nowhere": described(E1, url=f"https://{CANARY}.example/"),
    "a script for a link": described(E1, url=f"javascript:{CANARY}"),
    "sales that are a text": described(E1, sales=CANARY),
}


class EventSourceContract(Contract[SourceAtHand]):
    """For a source that knows nothing yet and has no limit to its calls."""

    port = "EventSource"

    def test_an_event_comes_with_its_sales(self, hand: SourceAtHand) -> None:
        hand.show(E1)
        found = hand.source.look_up(E1)
        assert found is not None
        assert (found.event.event_id, found.event.name) == (E1, "Show E1")
        assert found.event.url == "https://www.ticketmaster.com/event/E1"
        assert {sale.sale_id: sale.start_at for sale in found.sales} == {
            public_id(E1): OPENS,
            presale_id(E1, "fan club"): OPENS - timedelta(days=1),
        }

    def test_an_event_without_sales_is_one(self, hand: SourceAtHand) -> None:
        hand.show(E1, sales=None)
        found = hand.source.look_up(E1)
        assert found is not None
        assert found.sales == ()

    def test_each_id_has_its_own_event(self, hand: SourceAtHand) -> None:
        for event_id in (E1, E2):
            hand.show(event_id)
        for event_id in (E2, E1, E2):
            found = hand.source.look_up(event_id)
            assert found is not None
            assert found.event.event_id == event_id

    def test_it_tells_what_is_now_and_since_when(self, hand: SourceAtHand) -> None:
        for name in ("Before", "After"):
            hand.show(E1, name=name)
            found = hand.source.look_up(E1)
            assert found is not None
            assert (found.event.name, found.event.cached_at) == (name, hand.clock.now())
            hand.pass_time(timedelta(milliseconds=1))

    def test_an_id_that_nobody_has_is_an_answer(self, hand: SourceAtHand) -> None:
        hand.show(E1)
        assert hand.source.look_up(NONE) is None
        assert hand.source.look_up(NONE) is None

    def test_an_event_that_comes_to_be_is_found_within_minutes(
        self, hand: SourceAtHand
    ) -> None:
        assert hand.source.look_up(NONE) is None
        hand.pass_time(5 * MINUTE)
        hand.show(NONE)
        found = hand.source.look_up(NONE)
        assert found is not None
        assert found.event.event_id == NONE

    def test_another_event_than_was_asked_for_is_refused(self, hand: SourceAtHand) -> None:
        hand.show(E1, id=E2, name=CANARY)
        with pytest.raises(Permanent) as refusal:
            hand.source.look_up(E1)
        assert refusal.value.code == "wrong_event"
        assert CANARY not in str(refusal.value)

    @pytest.mark.parametrize("what", NO_EVENTS)
    def test_what_is_no_event_is_refused_without_being_shown(
        self, hand: SourceAtHand, what: str
    ) -> None:
        hand.put(E1, json.dumps(NO_EVENTS[what]).encode())
        with pytest.raises(Permanent) as refusal:
            hand.source.look_up(E1)
        assert CANARY not in str(refusal.value)

    def test_a_refusal_holds_no_longer_than_its_reason(self, hand: SourceAtHand) -> None:
        hand.show(E1, id=E2)
        with pytest.raises(Permanent):
            hand.source.look_up(E1)
        hand.show(E1)
        found = hand.source.look_up(E1)
        assert found is not None
        assert found.event.event_id == E1

    @pytest.mark.parametrize("event_id", [E1, NONE])
    def test_while_it_is_down_nobody_learns_whether_there_is_an_event(
        self, hand: SourceAtHand, event_id: EventId
    ) -> None:
        hand.show(E1)
        hand.goes_down()
        with pytest.raises(Transient) as fault:
            hand.source.look_up(event_id)
        assert not isinstance(fault.value, Unknown)
        assert fault.value.retry_at is None

    def test_it_answers_again_when_it_is_back(self, hand: SourceAtHand) -> None:
        hand.show(E1)
        hand.goes_down()
        with pytest.raises(Transient):
            hand.source.look_up(E1)
        hand.comes_back()
        found = hand.source.look_up(E1)
        assert found is not None
        assert found.event.event_id == E1


class HurriedEventSourceContract(Contract[SourceAtHand]):
    """For one that answers one call a second, and asks all others to stay away."""

    port = "EventSource, hurried"

    def test_who_comes_too_soon_is_told_when_to_come_again(self, hand: SourceAtHand) -> None:
        for event_id in (E1, E2):
            hand.show(event_id)
        assert hand.source.look_up(E1) is not None
        with pytest.raises(Transient) as fault:
            hand.source.look_up(E2)
        assert not isinstance(fault.value, Unknown)
        again = fault.value.retry_at
        assert again is not None
        assert timedelta(0) < again - hand.clock.now() <= timedelta(seconds=1)
        hand.pass_time(again - hand.clock.now())
        assert hand.source.look_up(E2) is not None

    def test_who_is_put_off_learns_nothing_of_an_id(self, hand: SourceAtHand) -> None:
        hand.show(E1)
        assert hand.source.look_up(E1) is not None
        with pytest.raises(Transient):
            hand.source.look_up(NONE)
        hand.pass_time(timedelta(seconds=1))
        assert hand.source.look_up(NONE) is None
