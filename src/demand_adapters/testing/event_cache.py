"""What every EventCache promises, and what one over a table keeps in it."""

from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from datetime import datetime, timedelta
from functools import partial
from itertools import chain, pairwise
from typing import Any, Final

import pytest
from attrs import evolve, frozen
from hypothesis import given
from hypothesis import strategies as st

from demand_adapters.item_table import Body, Change, Item
from demand_adapters.stores.event_cache import TableEventCache
from demand_adapters.testing.change_feed import everything
from demand_adapters.testing.contract import Contract, inherited
from demand_adapters.testing.item_table import TableAtHand, altered, stood
from demand_adapters.testing.meddled_table import MeddledTable
from demand_adapters.testing.strategies import NOON, an_event
from demand_adapters.wire.converters import instant, structured
from demand_adapters.wire.item_keys import event_key
from demand_core.domain.events import Event, EventDates
from demand_core.domain.ids import EventId, shard
from demand_core.domain.links import LinkState, link_state
from demand_core.errors import Permanent, Transient, Unknown
from demand_core.ports.event_cache import EventCache

E1: Final = EventId("E1")
HOUR: Final = timedelta(hours=1)
URL: Final = an_event().url
OTHER_URL: Final = "https://www.ticketmaster.com/event/moved"


@frozen(kw_only=True)
class CacheAtHand:
    """An empty cache, *another* that knows what it knows, and a way to let indexes settle."""

    cache: EventCache
    another: EventCache
    settle: Callable[[], None]

    def event(self, event_id: EventId = E1) -> Event:
        """What the cache knows of an event."""
        return self.cache.get_many([event_id])[event_id]

    def stale(self, now: datetime = NOON, *, limit: int = 1000) -> dict[str, list[EventId]]:
        """What is found in each shard once the indexes show what was written."""
        self.settle()
        return {shard: self._all_of(shard, now, limit) for shard in self.cache.shards()}

    def _all_of(self, shard: str, now: datetime, limit: int) -> list[EventId]:
        found, after = list[EventId](), None
        for _ in range(1000):
            ids, after = self.cache.stale(shard, now, after, limit)
            assert len(ids) <= limit
            found += ids
            if after is None:
                return found
        raise AssertionError("a shard comes to an end")

    def due(self, now: datetime = NOON) -> list[EventId]:
        """Of all shards together, by id."""
        return sorted(chain.from_iterable(self.stale(now).values()))


class EventCacheContract(Contract[CacheAtHand]):
    """For an empty cache, wherever it keeps its events."""

    port = "EventCache"

    def test_unknown_events_are_left_out(self, hand: CacheAtHand) -> None:
        assert hand.cache.get_many([E1]) == {}
        hand.cache.refresh([an_event(2)])
        assert hand.cache.get_many([E1, EventId("E2")]).keys() == {"E2"}

    @pytest.mark.parametrize("size", [0, 1, 25, 26, 101])
    def test_batches_of_any_size_are_stored_whole(self, hand: CacheAtHand, size: int) -> None:
        events = [an_event(n) for n in range(size)]
        assert not hand.cache.refresh(events)
        found = hand.cache.get_many([event.event_id for event in events])
        assert list(found.values()) == events
        moved = [evolve(event, name="Moved") for event in events]
        assert not hand.cache.refresh(moved)
        found = hand.cache.get_many([event.event_id for event in events])
        assert [event.name for event in found.values()] == ["Moved"] * size

    def test_events_come_in_the_order_asked_for(self, hand: CacheAtHand) -> None:
        hand.cache.refresh([an_event(n) for n in range(4)])
        asked = [EventId(f"E{n}") for n in (3, 1, 9, 3, 2, 1)]
        assert [*hand.cache.get_many(asked)] == ["E3", "E1", "E2"]
        assert hand.cache.get_many([]) == {}

    def test_the_later_of_two_look_ups_of_one_event_counts(self, hand: CacheAtHand) -> None:
        hand.cache.refresh([an_event(name="First"), an_event(2), an_event(name="Second")])
        assert hand.event().name == "Second"

    def test_a_cache_knows_what_another_wrote(self, hand: CacheAtHand) -> None:
        hand.cache.refresh([an_event()])
        hand.another.link(E1, URL, "https://s/1")
        assert hand.event().short_url == "https://s/1"
        hand.another.refresh([an_event(name="Moved")])
        assert (hand.event().name, hand.event().short_url) == ("Moved", "https://s/1")

    def test_a_refresh_keeps_the_link_of_the_same_url(self, hand: CacheAtHand) -> None:
        hand.cache.refresh([an_event()])
        hand.cache.link(E1, URL, "https://s/1")
        hand.cache.refresh([an_event(name="Moved", short_url="https://s/theirs")])
        assert (hand.event().name, hand.event().short_url) == ("Moved", "https://s/1")
        assert link_state(hand.event()) is LinkState.LINKED

    def test_the_link_of_another_url_is_kept_and_does_not_count(
        self, hand: CacheAtHand
    ) -> None:
        hand.cache.refresh([an_event()])
        hand.cache.link(E1, URL, "https://s/1")
        hand.cache.refresh([an_event(url=OTHER_URL)])
        assert (hand.event().short_url, hand.event().short_url_for) == ("https://s/1", URL)
        assert link_state(hand.event()) is LinkState.WANTED
        hand.cache.refresh([an_event()])
        assert link_state(hand.event()) is LinkState.LINKED

    def test_failures_count_against_one_url_only(self, hand: CacheAtHand) -> None:
        hand.cache.refresh([an_event()])
        hand.cache.link_failed(E1, URL, NOON, 1)
        hand.cache.refresh([an_event(name="Moved", link_attempts=0)])
        assert (hand.event().link_attempts, hand.event().link_failed_at) == (1, NOON)
        assert link_state(hand.event()) is LinkState.FAILED
        hand.cache.refresh([an_event(url=OTHER_URL)])
        assert (hand.event().link_attempts, hand.event().link_failed_at) == (0, None)
        assert link_state(hand.event()) is LinkState.WANTED

    def test_the_first_look_up_stays_the_first(self, hand: CacheAtHand) -> None:
        for n in range(3):
            hand.cache.refresh([an_event(name=f"Name {n}", cached_at=NOON + n * HOUR)])
            assert hand.event().dates.first_seen == NOON

    def test_only_another_content_is_an_update(self, hand: CacheAtHand) -> None:
        hand.cache.refresh([an_event()])
        for n in (1, 2):
            same = an_event(cached_at=NOON + n * HOUR, refresh_at=NOON + 2 * n * HOUR)
            hand.cache.refresh([same])
            assert (hand.event().cached_at, hand.event().dates.updated) == (
                NOON + n * HOUR,
                NOON,
            )
        hand.cache.refresh([an_event(status="canceled", cached_at=NOON + 3 * HOUR)])
        assert hand.event().dates == EventDates(first_seen=NOON, updated=NOON + 3 * HOUR)

    def test_an_empty_text_is_none_at_all(self, hand: CacheAtHand) -> None:
        for n in range(3):
            assert not hand.cache.refresh([an_event(time_zone="", cached_at=NOON + n * HOUR)])
            assert (hand.event().time_zone, hand.event().dates.updated) == (None, NOON)

    def test_a_link_is_no_update(self, hand: CacheAtHand) -> None:
        hand.cache.refresh([an_event()])
        hand.cache.link_failed(E1, URL, NOON + HOUR, 3)
        hand.cache.link(E1, URL, "https://s/1")
        hand.cache.refresh([an_event(cached_at=NOON + 2 * HOUR)])
        assert hand.event().dates == EventDates(first_seen=NOON, updated=NOON)

    def test_a_link_is_stored_and_the_event_answered_as_it_stands(
        self, hand: CacheAtHand
    ) -> None:
        hand.cache.refresh([an_event(), an_event(2)])
        linked = hand.cache.link(E1, URL, "https://s/1")
        assert linked == an_event(short_url="https://s/1", short_url_for=URL) == hand.event()
        assert hand.event(EventId("E2")) == an_event(2)

    def test_the_first_link_stays(self, hand: CacheAtHand) -> None:
        hand.cache.refresh([an_event()])
        first = hand.cache.link(E1, URL, "https://s/1")
        assert hand.cache.link(E1, URL, "https://s/2") == first == hand.event()

    def test_a_link_for_another_url_is_ignored(self, hand: CacheAtHand) -> None:
        hand.cache.refresh([an_event()])
        assert hand.cache.link(E1, OTHER_URL, "https://s/1") == an_event() == hand.event()

    def test_a_link_comes_in_time_for_who_had_given_up(self, hand: CacheAtHand) -> None:
        hand.cache.refresh([an_event()])
        hand.cache.link_failed(E1, URL, NOON, 1)
        linked = hand.cache.link(E1, URL, "https://s/1")
        assert linked
        assert link_state(linked) is link_state(hand.event()) is LinkState.LINKED

    def test_an_unknown_event_gets_no_link_and_no_failure(self, hand: CacheAtHand) -> None:
        assert hand.cache.link(E1, URL, "https://s/1") is None
        assert hand.cache.link_failed(E1, URL, NOON, 3) is None
        assert hand.cache.get_many([E1]) == {}

    def test_failures_are_counted_until_the_link_is_given_up(self, hand: CacheAtHand) -> None:
        hand.cache.refresh([an_event()])
        for n in (1, 2, 3):
            at = NOON + n * HOUR
            after = hand.cache.link_failed(E1, URL, at, 3)
            assert after == hand.event()
            assert after.link_attempts == n
            assert after.link_failed_at == (at if n == 3 else None)
        assert link_state(hand.event()) is LinkState.FAILED

    def test_what_is_given_up_stays_as_it_was_given_up(self, hand: CacheAtHand) -> None:
        hand.cache.refresh([an_event()])
        given_up = hand.cache.link_failed(E1, URL, NOON, 1)
        for calls_max in (1, 3):
            again = hand.cache.link_failed(E1, URL, NOON + HOUR, calls_max)
            assert again == given_up == hand.event()

    def test_a_failure_that_says_nothing_new_is_not_counted(self, hand: CacheAtHand) -> None:
        hand.cache.refresh([an_event()])
        assert hand.cache.link_failed(E1, OTHER_URL, NOON, 1) == an_event() == hand.event()
        linked = hand.cache.link(E1, URL, "https://s/1")
        assert hand.cache.link_failed(E1, URL, NOON, 1) == linked == hand.event()

    def test_an_event_that_is_wanted_stays_so_and_is_answered_as_it_stands(
        self, hand: CacheAtHand
    ) -> None:
        hand.cache.refresh([an_event(refresh_at=NOON + HOUR), an_event(2)])
        hand.cache.link(E1, URL, "https://s/1")
        before = hand.event()
        wanted = hand.cache.wanted(E1)
        assert wanted == evolve(before, has_demand=True) == hand.event()
        assert hand.another.wanted(E1) == wanted == hand.event()
        hand.cache.refresh([an_event(name="Moved")])
        assert (hand.event().name, hand.event().has_demand) == ("Moved", True)
        assert hand.event(EventId("E2")) == an_event(2)

    def test_what_nobody_knows_cannot_be_wanted(self, hand: CacheAtHand) -> None:
        assert hand.cache.wanted(E1) is None
        assert hand.cache.get_many([E1]) == {}
        hand.cache.refresh([an_event()])
        assert not hand.event().has_demand

    def test_an_event_that_was_never_to_be_refreshed_is_due_when_it_is_wanted(
        self, hand: CacheAtHand
    ) -> None:
        hand.cache.refresh([an_event()])
        assert hand.due(NOON + HOUR) == []
        hand.cache.wanted(E1)
        assert hand.due(NOON) == [E1]

    def test_only_what_is_wanted_and_due_is_stale(self, hand: CacheAtHand) -> None:
        due = {n: NOON + n * timedelta(milliseconds=1) for n in range(-2, 3)}
        events = [an_event(n + 10, refresh_at=at) for n, at in due.items()]
        hand.cache.refresh(
            [*events, *(an_event(n + 20, refresh_at=at) for n, at in due.items())]
        )
        for event in events:
            hand.cache.wanted(event.event_id)
        assert hand.due(NOON) == ["E10", "E8", "E9"]
        assert hand.due(NOON - HOUR) == []
        assert len(hand.due(NOON + HOUR)) == 5

    def test_a_look_up_says_when_an_event_is_stale_again_if_ever(
        self, hand: CacheAtHand
    ) -> None:
        hand.cache.refresh([an_event(refresh_at=NOON)])
        hand.cache.wanted(E1)
        assert hand.due() == [E1]
        hand.another.refresh([an_event(refresh_at=NOON + HOUR)])
        assert (hand.due(), hand.due(NOON + HOUR)) == ([], [E1])
        hand.cache.refresh([an_event(refresh_at=None)])
        assert hand.due(NOON + 1000 * HOUR) == []
        assert hand.event().has_demand

    def test_no_look_up_makes_an_event_wanted(self, hand: CacheAtHand) -> None:
        hand.cache.refresh([an_event(refresh_at=NOON)])
        hand.cache.refresh([an_event(refresh_at=NOON, has_demand=True)])
        assert not hand.event().has_demand
        assert hand.due() == []

    @pytest.mark.parametrize("limit", [1, 2, 7, 100])
    def test_shards_of_any_size_are_read_whole_by_pages_of_any_size(
        self, hand: CacheAtHand, limit: int
    ) -> None:
        events = [an_event(n, refresh_at=NOON) for n in range(60)]
        hand.cache.refresh(events)
        for event in events:
            hand.cache.wanted(event.event_id)
        found = hand.stale(limit=limit)
        assert {event_id for ids in found.values() for event_id in ids} == {
            event.event_id for event in events
        }
        assert max(len(ids) for ids in found.values()) > 1

    def test_each_event_is_in_one_shard_and_stays_there(self, hand: CacheAtHand) -> None:
        events = [an_event(n, refresh_at=NOON) for n in range(20)]
        hand.cache.refresh(events)
        for event in events:
            hand.cache.wanted(event.event_id)
        first = hand.stale()
        assert sum(len({*ids}) for ids in first.values()) == 20
        hand.cache.refresh([an_event(n, name="Moved", refresh_at=NOON) for n in range(20)])
        moved = hand.stale()
        assert {shard: {*ids} for shard, ids in moved.items()} == {
            shard: {*ids} for shard, ids in first.items()
        }

    def test_the_shards_are_the_same_for_all(self, hand: CacheAtHand) -> None:
        shards = list(hand.cache.shards())
        assert len(set(shards)) == len(shards) > 0
        hand.cache.refresh([an_event()])
        assert list(hand.another.shards()) == list(hand.cache.shards()) == shards
        assert hand.due() == []

    def test_what_was_said_to_be_stored_can_be_read(self, hand: CacheAtHand) -> None:
        for n, text in enumerate(["", " ", "\x00", "é🎟", "x" * 100_000]):
            stored = an_event(n, name=text)
            with suppress(Permanent):
                if not hand.cache.refresh([stored]):
                    assert hand.cache.get_many([stored.event_id]) == {stored.event_id: stored}


@frozen(kw_only=True)
class TableCacheAtHand(CacheAtHand):
    """Two caches over one table, and what lies *below* them; one goes through *meddled*."""

    meddled: MeddledTable
    below: TableAtHand

    def item(self, event_id: EventId = E1) -> Item:
        """What is stored of an event."""
        return self.below.table.get_many([event_key(event_id)])[event_key(event_id)]

    def plant(self, event_id: EventId = E1, /, **fields: Any) -> Item:
        """Make the stored item what another writer may have made of it; `...` takes away."""
        item = self.item(event_id)
        body = {name: v for name, v in (item.body | fields).items() if v is not ...}
        return stood(self.below.table.replace([altered(item, body=body)])[0])

    def changes(self) -> list[Change]:
        """Everything that was ever written."""
        return everything(self.below)


def cache_over(below: TableAtHand) -> TableCacheAtHand:
    """Caches over a table."""
    meddled = MeddledTable(below.table)
    return TableCacheAtHand(
        cache=TableEventCache(table=meddled, clock=below.clock),
        another=TableEventCache(table=below.table, clock=below.clock),
        settle=below.settle,
        meddled=meddled,
        below=below,
    )


# What another writer of the table, or an accident, may have left of an item's own fields.
UNREADABLE: Final[Mapping[str, Mapping[str, Any]]] = {
    "a field is missing": {"url": ...},
    "a field is empty": {"url": ""},
    "a field is null": {"url": None},
    "a number is a text": {"linkAttempts": "1"},
    "a text is a number": {"name": 7},
    "a map is a list": {"date": []},
    "a time is naive": {"cachedAt": "2025-02-14T12:00:00"},
    "a time is in no calendar": {"cachedAt": "2025-02-30T12:00:00Z"},
    "a time is before all time": {"cachedAt": "0001-01-01T00:00:00+01:00"},
    "an id is none": {"id": "a#b"},
    "the version is a text": {"version": "x", "name": 7},
}


class TableEventCacheContract(EventCacheContract):
    """What lies in the table, and who else writes there: for any ItemTable of an engine."""

    port = "EventCache over its table"

    @abstractmethod
    def fresh_table(self) -> AbstractContextManager[TableAtHand]:
        """An empty table, closed on the way out."""

    @contextmanager
    def fresh(self) -> Iterator[TableCacheAtHand]:
        """Caches over it."""
        with self.fresh_table() as below:
            yield cache_over(below)

    @pytest.mark.parametrize("what", UNREADABLE)
    def test_what_nobody_can_read_harms_no_neighbour(
        self, hand: TableCacheAtHand, what: str
    ) -> None:
        hand.cache.refresh([an_event(n) for n in (1, 2, 3)])
        hand.plant(EventId("E2"), **UNREADABLE[what])
        asked = [EventId(f"E{n}") for n in (3, 2, 1)]
        assert [*hand.cache.get_many(asked)] == ["E3", "E1"]
        assert hand.cache.link(EventId("E2"), an_event(2).url, "https://s/2") is None
        assert hand.cache.link_failed(EventId("E2"), an_event(2).url, NOON, 1) is None
        assert hand.cache.wanted(EventId("E2")) is None

    @pytest.mark.parametrize("what", UNREADABLE)
    def test_what_nobody_can_read_is_mended_by_the_next_look_up(
        self, hand: TableCacheAtHand, what: str
    ) -> None:
        hand.cache.refresh([an_event(n) for n in (1, 2, 3)])
        hand.plant(EventId("E2"), theirs={"n": 1}, **UNREADABLE[what])
        assert not hand.cache.refresh([an_event(n, name="Mended") for n in (1, 2, 3)])
        for n in (1, 2, 3):
            assert hand.event(EventId(f"E{n}")).name == "Mended"
        assert hand.item(EventId("E2")).body["theirs"] == {"n": 1}

    def test_an_item_that_says_it_is_another_event_harms_no_neighbour(
        self, hand: TableCacheAtHand
    ) -> None:
        hand.cache.refresh([an_event(1), an_event(2)])
        hand.plant(E1, id="E2")
        assert hand.cache.get_many([EventId("E2"), E1]) == {"E2": an_event(2)}

    def test_what_another_version_wrote_stays(self, hand: TableCacheAtHand) -> None:
        hand.cache.refresh([an_event()])
        theirs: Body = {
            "saleIds": ["E1.public"],
            "hasDemand": True,
            "seatMap": {"id": "v", "name": "", "city": None},
            "mapUrl": "",
            "tour": None,
        }
        hand.plant(**theirs)
        hand.cache.refresh([an_event(name="Moved")])
        hand.cache.link_failed(E1, URL, NOON, 3)
        hand.cache.link(E1, URL, "https://s/1")
        assert theirs.items() <= hand.item().body.items()
        assert hand.event().short_url == "https://s/1"

    def test_what_another_version_wrote_inside_a_map_of_ours_stays(
        self, hand: TableCacheAtHand
    ) -> None:
        hand.cache.refresh([an_event()])
        dates = hand.item().body["date"]
        assert isinstance(dates, dict)
        hand.plant(date=dates | {"archived": instant(NOON)})
        hand.cache.refresh([an_event(name="Moved", cached_at=NOON + HOUR)])
        assert hand.item().body["date"] == {
            "firstSeen": instant(NOON),
            "updated": instant(NOON + HOUR),
            "archived": instant(NOON),
        }

    def test_an_index_entry_of_another_version_stays(self, hand: TableCacheAtHand) -> None:
        hand.cache.refresh([an_event(refresh_at=NOON, has_demand=True)])
        ours = hand.item().index["byTime"]
        theirs = ("all#0", "E1")
        index = {"byTime": ours, "byGroup": theirs}
        hand.below.table.replace([altered(hand.item(), index=index)])
        hand.cache.refresh([an_event(refresh_at=None)])
        assert hand.item().index == {"byGroup": theirs}

    def test_the_time_to_live_that_somebody_gave_an_item_stays(
        self, hand: TableCacheAtHand
    ) -> None:
        hand.cache.refresh([an_event()])
        hand.below.table.replace([altered(hand.item(), expires_at=9_999_999_999)])
        hand.cache.refresh([an_event(name="Moved")])
        assert hand.item().expires_at == 9_999_999_999

    def test_an_event_to_be_refreshed_is_in_the_index_of_its_time(
        self, hand: TableCacheAtHand
    ) -> None:
        hand.cache.refresh([an_event(refresh_at=NOON, has_demand=True)])
        entry = (f"fresh#{shard('E1')}", f"{instant(NOON)}#E1")
        assert hand.item().index == {"byTime": entry}
        hand.cache.refresh([an_event(refresh_at=NOON + HOUR)])
        assert hand.item().index["byTime"][1] == f"{instant(NOON + HOUR)}#E1"
        hand.cache.refresh([an_event()])
        assert hand.item().index == {}

    def test_a_version_starts_at_the_time_and_grows_by_one(
        self, hand: TableCacheAtHand
    ) -> None:
        hand.below.pass_time(timedelta(milliseconds=1))
        hand.cache.refresh([an_event()])
        epoch = datetime.fromisoformat("1970-01-01T00:00Z")
        first = (hand.below.clock.now() - epoch) // timedelta(milliseconds=1)
        assert hand.item().body["version"] == first
        hand.below.pass_time(HOUR)
        writes: Sequence[Callable[[], object]] = [
            lambda: hand.cache.refresh([an_event(cached_at=NOON + HOUR)]),
            lambda: hand.another.link_failed(E1, URL, NOON, 3),
            lambda: hand.cache.link(E1, URL, "https://s/1"),
            lambda: hand.another.refresh([an_event(url=OTHER_URL)]),
        ]
        for n, write in enumerate(writes):
            write()
            assert hand.item().body["version"] == first + 1 + n

    def test_an_event_made_again_is_newer_than_its_past(self, hand: TableCacheAtHand) -> None:
        hand.cache.refresh([an_event()])
        hand.cache.link(E1, URL, "https://s/1")
        before = hand.item()
        hand.below.table.delete([before])
        hand.below.pass_time(HOUR)
        hand.cache.refresh([an_event()])
        version, past = hand.item().body["version"], before.body["version"]
        assert isinstance(version, int)
        assert isinstance(past, int)
        assert version > past
        assert hand.event().short_url is None

    @pytest.mark.parametrize(
        ("theirs", "next_version"), [(..., 1), (None, 1), ("x", 1), (41, 42)]
    )
    def test_a_version_that_is_missing_counts_as_none(
        self, hand: TableCacheAtHand, theirs: object, next_version: int
    ) -> None:
        hand.cache.refresh([an_event()])
        hand.plant(version=theirs)
        hand.cache.refresh([an_event(name="Moved")])
        assert hand.item().body["version"] == next_version

    def test_what_changes_nothing_writes_nothing(self, hand: TableCacheAtHand) -> None:
        hand.cache.refresh([an_event()])
        hand.cache.link(E1, URL, "https://s/1")
        hand.cache.wanted(E1)
        before = hand.changes()
        hand.cache.wanted(E1)
        hand.another.wanted(E1)
        hand.cache.wanted(EventId("E9"))
        hand.cache.link(E1, URL, "https://s/2")
        hand.cache.link(E1, OTHER_URL, "https://s/2")
        hand.cache.link_failed(E1, URL, NOON, 1)
        hand.cache.link(EventId("E9"), URL, "https://s/1")
        assert hand.changes() == before

    @pytest.mark.parametrize(
        "other",
        [
            lambda hand: hand.another.refresh([an_event(name="Moved")]),
            lambda hand: hand.another.link_failed(E1, URL, NOON, 3),
            lambda hand: hand.plant(hasDemand=True),
        ],
        ids=["a look-up", "a failure", "another version"],
    )
    def test_a_link_and_what_another_wrote_meanwhile_both_stand(
        self, hand: TableCacheAtHand, other: Callable[[TableCacheAtHand], object]
    ) -> None:
        hand.cache.refresh([an_event()])
        hand.meddled.others.append(lambda: other(hand))
        linked = hand.cache.link(E1, URL, "https://s/1")
        assert linked == hand.event()
        assert linked.short_url == "https://s/1"
        body = hand.item().body
        written = (linked.name, linked.link_attempts, body.get("hasDemand"))
        assert written in {("Moved", 0, None), ("Show 1", 1, None), ("Show 1", 0, True)}

    def test_a_look_up_and_what_another_wrote_meanwhile_both_stand(
        self, hand: TableCacheAtHand
    ) -> None:
        hand.cache.refresh([an_event(1), an_event(2)])
        hand.meddled.others.append(lambda: hand.another.link(E1, URL, "https://s/1"))
        assert not hand.cache.refresh([an_event(1, name="Moved"), an_event(2, name="Moved")])
        assert (hand.event().name, hand.event().short_url) == ("Moved", "https://s/1")
        assert hand.event(EventId("E2")).name == "Moved"

    def test_a_wish_and_a_look_up_at_once_both_stand(self, hand: TableCacheAtHand) -> None:
        moved = an_event(name="Moved", refresh_at=NOON + HOUR)
        hand.cache.refresh([an_event(refresh_at=NOON)])
        hand.meddled.others.append(lambda: hand.another.refresh([moved]))
        assert hand.cache.wanted(E1) == evolve(hand.event(), has_demand=True) == hand.event()
        assert (hand.event().name, hand.due(), hand.due(NOON + HOUR)) == ("Moved", [], [E1])

    def test_a_look_up_and_a_wish_at_once_both_stand(self, hand: TableCacheAtHand) -> None:
        hand.cache.refresh([an_event()])
        hand.meddled.others.append(lambda: hand.another.wanted(E1))
        assert not hand.cache.refresh([an_event(name="Moved", refresh_at=NOON)])
        assert (hand.event().name, hand.event().has_demand) == ("Moved", True)
        assert hand.due() == [E1]

    def test_two_failures_at_once_are_two(self, hand: TableCacheAtHand) -> None:
        hand.cache.refresh([an_event()])
        hand.meddled.others.append(lambda: hand.another.link_failed(E1, URL, NOON, 3))
        after = hand.cache.link_failed(E1, URL, NOON, 3)
        assert after == hand.event()
        assert after.link_attempts == 2

    def test_of_two_links_at_once_one_stays(self, hand: TableCacheAtHand) -> None:
        hand.cache.refresh([an_event()])
        hand.meddled.others.append(lambda: hand.another.link(E1, URL, "https://s/theirs"))
        linked = hand.cache.link(E1, URL, "https://s/mine")
        assert linked == hand.event()
        assert linked.short_url == "https://s/theirs"

    def test_two_first_look_ups_at_once_make_one_event(self, hand: TableCacheAtHand) -> None:
        def theirs() -> None:
            hand.another.refresh([an_event(name="Theirs")])
            hand.another.link(E1, URL, "https://s/1")

        hand.meddled.others.append(theirs)
        mine = an_event(name="Mine", cached_at=NOON + HOUR)
        assert not hand.cache.refresh([mine, an_event(2)])
        assert (hand.event().name, hand.event().short_url) == ("Mine", "https://s/1")
        assert hand.event().dates == EventDates(first_seen=NOON, updated=NOON + HOUR)

    def test_an_event_that_goes_meanwhile_gets_no_link(self, hand: TableCacheAtHand) -> None:
        hand.cache.refresh([an_event()])
        hand.meddled.others.append(lambda: hand.below.table.delete([hand.item()]))
        assert hand.cache.link(E1, URL, "https://s/1") is None
        assert hand.cache.get_many([E1]) == {}

    def test_an_event_that_goes_meanwhile_is_made_again_by_a_look_up(
        self, hand: TableCacheAtHand
    ) -> None:
        hand.cache.refresh([an_event()])
        hand.cache.link(E1, URL, "https://s/1")
        hand.meddled.others.append(lambda: hand.below.table.delete([hand.item()]))
        assert not hand.cache.refresh([an_event(name="Again")])
        assert hand.event() == an_event(name="Again")

    def test_who_is_always_too_late_is_told_so(self, hand: TableCacheAtHand) -> None:
        hand.cache.refresh([an_event(n) for n in (1, 2)])
        others = [lambda: hand.plant(theirs=len(hand.changes()))] * 100
        hand.meddled.others.extend(others)
        assert hand.cache.refresh([an_event(n, name="Moved") for n in (1, 2)]) == ["E1"]
        with pytest.raises(Transient) as late:
            hand.cache.link(E1, URL, "https://s/1")
        assert not isinstance(late.value, Unknown)
        hand.meddled.others.clear()
        assert hand.event() == an_event()
        assert hand.event(EventId("E2")).name == "Moved"

    @pytest.mark.parametrize("reached", [True, False])
    def test_a_write_without_answer_is_unknown_and_may_be_repeated(
        self, hand: TableCacheAtHand, *, reached: bool
    ) -> None:
        hand.cache.refresh([an_event()])
        hand.meddled.reached = reached
        hand.meddled.unsure.add(event_key("E1"))
        with pytest.raises(Unknown):
            hand.cache.link(E1, URL, "https://s/1")
        assert (hand.another.get_many([E1])[E1].short_url is not None) is reached
        hand.meddled.unsure.clear()
        linked = hand.cache.link(E1, URL, "https://s/1")
        assert linked == hand.event() == an_event(short_url="https://s/1", short_url_for=URL)

    @pytest.mark.parametrize("reached", [True, False])
    def test_a_wish_without_answer_is_unknown_and_may_be_repeated(
        self, hand: TableCacheAtHand, *, reached: bool
    ) -> None:
        hand.cache.refresh([an_event()])
        hand.meddled.reached = reached
        hand.meddled.unsure.add(event_key("E1"))
        with pytest.raises(Unknown):
            hand.cache.wanted(E1)
        assert hand.another.get_many([E1])[E1].has_demand is reached
        hand.meddled.unsure.clear()
        assert hand.cache.wanted(E1) == hand.event()
        assert hand.due() == [E1]

    def test_a_failure_counted_without_answer_is_unknown(self, hand: TableCacheAtHand) -> None:
        hand.cache.refresh([an_event()])
        hand.meddled.unsure.add(event_key("E1"))
        with pytest.raises(Unknown):
            hand.cache.link_failed(E1, URL, NOON, 1)
        assert link_state(hand.event()) is LinkState.FAILED

    @pytest.mark.parametrize("reached", [True, False])
    @pytest.mark.parametrize("known", [True, False])
    def test_a_look_up_lists_what_it_may_not_have_stored(
        self, hand: TableCacheAtHand, *, known: bool, reached: bool
    ) -> None:
        moved = [an_event(n, name="Moved") for n in range(5)]
        if known:
            hand.cache.refresh([an_event(n) for n in range(5)])
        hand.meddled.reached = reached
        hand.meddled.unsure |= {event_key("E1"), event_key("E3")}
        assert sorted(hand.cache.refresh(moved)) == ["E1", "E3"]
        hand.meddled.unsure.clear()
        assert not hand.cache.refresh([moved[1], moved[3]])
        assert list(hand.cache.get_many([e.event_id for e in moved]).values()) == moved


URLS: Final = ("https://a/1", "https://a/2")
LINKS: Final = ("https://s/1", "https://s/2", "https://s/3")
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["refresh", "link", "link_failed"]),
        st.sampled_from(URLS),
        st.sampled_from(LINKS),
        st.booleans(),
    ),
    max_size=12,
)


def step(cache: EventCache, what: str, url: str, short_url: str) -> object:
    match what:
        case "refresh":
            return cache.refresh([an_event(url=url)])
        case "link":
            return cache.link(E1, url, short_url)
        case _:
            return cache.link_failed(E1, url, NOON, 2)


def assert_link_kept(before: Event, after: Event) -> None:
    """What holds between any state of an event and the next."""
    if before.short_url is not None:
        assert after.short_url is not None
    if before.short_url_for == after.short_url_for:
        assert before.short_url == after.short_url
    else:
        assert after.short_url_for == after.url
        assert link_state(before) is not LinkState.LINKED
    if before.url == after.url and link_state(before) is LinkState.LINKED:
        assert link_state(after) is LinkState.LINKED
    assert 0 <= after.link_attempts <= 2


WISHES: Final = st.lists(
    st.tuples(
        st.sampled_from(["wanted", "refresh"]),
        st.sampled_from([1, 2, 3]),
        st.sampled_from([None, -1, 0, 1]),
    ),
    max_size=12,
)


class TableEventCacheProperties(TableEventCacheContract):
    """All of that, and more for engines that are quick enough for some hundred tables."""

    port = "EventCache, any calls"

    @inherited
    @given(wishes=WISHES)
    def test_exactly_what_is_wanted_and_due_is_stale_whatever_came_before(
        self, wishes: list[tuple[str, int, int | None]]
    ) -> None:
        with self.fresh() as hand:
            due, wanted = dict[str, datetime | None](), set[str]()
            for what, n, hours in wishes:
                event_id = EventId(f"E{n}")
                at = None if hours is None else NOON + hours * HOUR
                if what == "refresh":
                    hand.cache.refresh([an_event(n, refresh_at=at)])
                    due[event_id] = at
                elif hand.another.wanted(event_id) and event_id not in wanted:
                    wanted.add(event_id)
                    due[event_id] = due[event_id] or NOON
            for now in (NOON - HOUR, NOON, NOON + HOUR):
                stale = [i for i in wanted if (at := due[i]) is not None and at <= now]
                assert hand.due(now) == sorted(stale)

    @inherited
    @given(steps=STEPS)
    def test_the_link_of_a_url_never_changes_whatever_comes_between(
        self, steps: list[tuple[str, str, str, bool]]
    ) -> None:
        with self.fresh() as hand:
            hand.cache.refresh([an_event(url=URLS[0])])
            for what, url, short_url, meanwhile in steps:
                if meanwhile:
                    later = partial(step, hand.another, what, url, short_url)
                    hand.meddled.others.append(later)
                else:
                    with suppress(Unknown):
                        step(hand.cache, what, url, short_url)
            images = [change.new.body for change in hand.changes() if change.new]
            states = [structured(Event, body) for body in images]
            for before, after in pairwise(states):
                assert_link_kept(before, after)
            assert states[-1] == hand.event()
