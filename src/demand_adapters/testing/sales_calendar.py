"""What every SalesCalendar promises, and what one over a table keeps in it."""

from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime, timedelta, timezone
from functools import partial
from typing import Any, Final

import pytest
from attrs import evolve, frozen
from hypothesis import given
from hypothesis import strategies as st

from demand_adapters.item_table import Body, Item
from demand_adapters.stores.event_cache import TableEventCache
from demand_adapters.stores.sales_calendar import TableSalesCalendar
from demand_adapters.testing.contract import Contract, inherited
from demand_adapters.testing.item_table import TableAtHand
from demand_adapters.testing.stored import Stored
from demand_adapters.testing.strategies import MILLISECOND, NOON, a_sale, an_event
from demand_adapters.wire.converters import instant
from demand_adapters.wire.item_keys import sale_key
from demand_core.domain.ids import EventId, SaleId
from demand_core.domain.sales import (
    Generation,
    ListedSale,
    Sale,
    SaleDates,
    presale_id,
    public_sale,
)
from demand_core.domain.windows import Span
from demand_core.errors import Permanent, Transient, Unknown
from demand_core.ports.event_cache import EventCache
from demand_core.ports.sales_calendar import SalesCalendar, Step

E1, E2 = EventId("E1"), EventId("E2")
S1, S2, S3 = (a_sale(n).sale_id for n in (1, 2, 3))
HOUR: Final = timedelta(hours=1)
ORDERED: Final = Generation(start_at=NOON, ordered_at=NOON - HOUR)
FIRST_SEEN: Final = SaleDates(first_seen=NOON, updated=NOON)
DAY: Final = Span(begin=NOON - 12 * HOUR, end=NOON + 12 * HOUR)


def elsewhere(n: int, /, **differing: Any) -> Sale:
    """A presale of E2."""
    sale_id = presale_id(E2, f"presale {n}")
    return a_sale(n, event_id=E2, sale_id=sale_id, **differing)


def changed(**parts: Any) -> Step:
    """The step to the same sale with other *parts*."""
    return lambda sale: evolve(sale, **parts)


def renamed(sale: Sale, n: int) -> Sale:
    """What a source lists that has another name for it: by that name it is another sale."""
    return a_sale(n, start_at=sale.start_at)


@frozen(kw_only=True)
class CalendarAtHand:
    """An empty calendar, *another* that knows what it knows, and the *events* beside it.

    After *settle* the indexes show all that was written.
    """

    calendar: SalesCalendar
    another: SalesCalendar
    events: EventCache
    settle: Callable[[], None]

    def sale(self, sale_id: SaleId = S1) -> Sale:
        """What is known of a sale."""
        return self.calendar.get_many([sale_id])[sale_id]

    def starting(self, span: Span = DAY) -> list[SaleId]:
        """What is found once the indexes show what was written."""
        self.settle()
        return list(self.calendar.starting(span))


class SalesCalendarContract(Contract[CalendarAtHand]):
    """For an empty calendar, wherever it keeps its sales."""

    port = "SalesCalendar"

    def test_unknown_sales_are_left_out(self, hand: CalendarAtHand) -> None:
        assert hand.calendar.get_many([S1]) == {}
        hand.calendar.relist(E1, [a_sale(2)], NOON)
        assert hand.calendar.get_many([S1, S2]).keys() == {S2}
        assert hand.calendar.get_many([]) == {}
        assert list(hand.calendar.of_event(E2)) == []

    def test_sales_come_in_the_order_asked_for(self, hand: CalendarAtHand) -> None:
        hand.calendar.relist(E1, [a_sale(n) for n in (1, 2, 3)], NOON)
        asked = [S3, S1, a_sale(9).sale_id, S3, S2, S1]
        assert [*hand.calendar.get_many(asked)] == [S3, S1, S2]

    @pytest.mark.parametrize("size", [0, 1, 26, 205])
    def test_listings_of_any_length_are_stored_whole(
        self, hand: CalendarAtHand, size: int
    ) -> None:
        listed = [a_sale(n) for n in range(size)]
        hand.calendar.relist(E1, listed, NOON)
        ids = [sale.sale_id for sale in listed]
        found = {sale.sale_id: sale for sale in hand.another.of_event(E1)}
        assert found == {sale.sale_id: evolve(sale, date=FIRST_SEEN) for sale in listed}
        assert hand.calendar.get_many(ids) == found
        assert hand.starting() == sorted(ids)

    def test_each_event_has_sales_of_its_own(self, hand: CalendarAtHand) -> None:
        public = public_sale(E1, ListedSale(start_at=NOON))
        hand.calendar.relist(E1, [public, a_sale(1)], NOON)
        hand.calendar.relist(E2, [elsewhere(1)], NOON)
        hand.calendar.relist(E2, [], NOON + HOUR)
        known = [hand.calendar.of_event(event_id) for event_id in (E1, E2)]
        assert {sale.sale_id for sale in known[0]} == {public.sale_id, S1}
        assert [sale.sale_id for sale in known[1]] == [elsewhere(1).sale_id]
        assert not any(sale.withdrawn_at for sale in known[0])

    def test_an_event_and_its_sales_are_one_read(self, hand: CalendarAtHand) -> None:
        hand.calendar.relist(E1, [a_sale(n) for n in range(205)], NOON)
        assert hand.calendar.listing(E1) is None
        event = an_event(event_id=E1)
        hand.events.refresh([event])
        found = hand.another.listing(E1)
        assert found is not None
        assert found.event == event
        assert list(found.sales) == list(hand.calendar.of_event(E1))
        hand.calendar.relist(E1, [], NOON)
        withdrawn = hand.calendar.listing(E1)
        assert withdrawn is not None
        assert all(sale.withdrawn_at for sale in withdrawn.sales)
        assert hand.calendar.listing(E2) is None

    def test_only_news_is_an_update(self, hand: CalendarAtHand) -> None:
        for n in range(3):
            hand.calendar.relist(E1, [a_sale()], NOON + n * HOUR)
            assert hand.sale() == evolve(a_sale(), date=FIRST_SEEN)
        hand.calendar.relist(E1, [a_sale(start_at=NOON + HOUR)], NOON + 5 * HOUR)
        assert hand.sale().date == SaleDates(first_seen=NOON, updated=NOON + 5 * HOUR)

    def test_what_is_no_longer_listed_is_withdrawn_until_it_is(
        self, hand: CalendarAtHand
    ) -> None:
        hand.calendar.relist(E1, [a_sale(1), a_sale(2)], NOON)
        for n in (1, 2):
            hand.calendar.relist(E1, [a_sale(2)], NOON + n * HOUR)
            assert hand.sale().withdrawn_at == NOON + HOUR
            assert hand.sale().date.updated == NOON + HOUR
        assert hand.sale(S2) == evolve(a_sale(2), date=FIRST_SEEN)
        hand.another.relist(E1, [a_sale(1), a_sale(2)], NOON + 3 * HOUR)
        assert hand.sale().withdrawn_at is None
        assert hand.sale().date == SaleDates(first_seen=NOON, updated=NOON + 3 * HOUR)

    def test_a_sale_that_is_renamed_keeps_its_id(self, hand: CalendarAtHand) -> None:
        hand.calendar.relist(E1, [a_sale()], NOON)
        hand.calendar.relist(E1, [renamed(a_sale(), 2)], NOON + HOUR)
        (sale,) = hand.another.of_event(E1)
        assert (sale.sale_id, sale.name, sale.aliases) == (S1, "Presale 2", ("presale 2",))
        hand.calendar.relist(E1, [a_sale(2, start_at=NOON + HOUR)], NOON + 2 * HOUR)
        assert hand.sale().start_at == NOON + HOUR

    def test_marks_stay_whatever_the_source_says(self, hand: CalendarAtHand) -> None:
        hand.calendar.relist(E1, [a_sale()], NOON)
        hand.calendar.amend(S1, changed(generation=ORDERED))
        listings = [[a_sale(start_at=NOON + HOUR)], [], [a_sale()], [renamed(a_sale(), 2)]]
        for n, listed in enumerate(listings):
            hand.another.relist(E1, listed, NOON + n * HOUR)
            assert hand.sale().generation == ORDERED

    def test_a_change_is_stored_and_answered_and_touches_no_other(
        self, hand: CalendarAtHand
    ) -> None:
        hand.calendar.relist(E1, [a_sale(1), a_sale(2)], NOON)
        answer = hand.calendar.amend(S1, changed(generation=ORDERED))
        assert answer == evolve(a_sale(), date=FIRST_SEEN, generation=ORDERED) == hand.sale()
        assert hand.sale(S2) == evolve(a_sale(2), date=FIRST_SEEN)

    def test_nothing_is_done_to_a_sale_that_is_not_there(self, hand: CalendarAtHand) -> None:
        assert hand.calendar.amend(S1, changed(generation=ORDERED)) is None
        assert hand.calendar.get_many([S1]) == {}

    def test_a_sale_is_found_from_its_start_up_to_the_end(self, hand: CalendarAtHand) -> None:
        hand.calendar.relist(E1, [a_sale()], NOON)
        for begin, end, found in (
            (NOON, NOON + MILLISECOND, [S1]),
            (NOON - HOUR, NOON, []),
            (NOON + MILLISECOND, NOON + HOUR, []),
            (NOON - MILLISECOND / 2, NOON + MILLISECOND / 2, [S1]),
            (NOON + MILLISECOND / 2, NOON + HOUR, []),
            (NOON, NOON, []),
            (NOON + HOUR, NOON - HOUR, []),
        ):
            assert hand.starting(Span(begin=begin, end=end)) == found

    def test_sales_of_many_hours_and_events_are_found_by_their_start(
        self, hand: CalendarAtHand
    ) -> None:
        minutes = [n * 37 % 240 for n in range(30)]
        starts = [NOON + m * HOUR / 60 for m in minutes]
        mine = [a_sale(n, start_at=start) for n, start in enumerate(starts)]
        theirs = [elsewhere(n, start_at=start + HOUR / 90) for n, start in enumerate(starts)]
        hand.calendar.relist(E1, mine, NOON)
        hand.calendar.relist(E2, theirs, NOON)
        by_start = sorted([*mine, *theirs], key=lambda sale: sale.start_at or NOON)
        assert hand.starting() == [sale.sale_id for sale in by_start]

    def test_nobody_finds_a_sale_that_is_withdrawn_or_without_a_start(
        self, hand: CalendarAtHand
    ) -> None:
        hand.calendar.relist(E1, [a_sale(1), a_sale(2, start_at=None), a_sale(3)], NOON)
        assert hand.starting() == sorted([S1, S3])
        hand.calendar.relist(E1, [a_sale(2, start_at=NOON), a_sale(3)], NOON)
        assert hand.starting() == sorted([S2, S3])
        hand.calendar.relist(E1, [a_sale(2), a_sale(3, start_at=None)], NOON)
        assert hand.starting() == [S2]

    def test_a_sale_that_moves_leaves_its_hour(self, hand: CalendarAtHand) -> None:
        hours = [Span(begin=NOON + n * HOUR, end=NOON + (n + 1) * HOUR) for n in range(3)]
        for n in (0, 2, 1):
            hand.calendar.relist(E1, [a_sale(start_at=NOON + (n + 0.5) * HOUR)], NOON)
            assert [hand.starting(hour) for hour in hours] == [
                [S1] if hour is hours[n] else [] for hour in hours
            ]

    @pytest.mark.parametrize("minutes", [-210, 330, 345])
    def test_a_span_may_be_told_in_any_zone(self, hand: CalendarAtHand, minutes: int) -> None:
        zone = timezone(timedelta(minutes=minutes))
        starts = [NOON + n * HOUR / 4 for n in range(11)]
        sales = [a_sale(n, start_at=start) for n, start in enumerate(starts)]
        hand.calendar.relist(E1, sales, NOON)
        for n in range(11):
            begin, end = (at.astimezone(zone) for at in (starts[n], starts[-1]))
            found = hand.starting(Span(begin=begin, end=end))
            assert found == [sale.sale_id for sale in sales[n:-1]]


@frozen(kw_only=True)
class TableCalendarAtHand(CalendarAtHand):
    """Two calendars over one table, and what lies below; one comes to it `meddled`."""

    stored: Stored

    def item(self, sale_id: SaleId = S1) -> Item:
        """What is stored of a sale."""
        return self.stored.item(sale_key(sale_id))

    def plant(self, sale_id: SaleId = S1, /, **fields: Any) -> Item:
        """Make of it what another writer may have made of it."""
        return self.stored.plant(sale_key(sale_id), **fields)


def calendar_over(below: TableAtHand) -> TableCalendarAtHand:
    """Calendars over a table."""
    stored = Stored.over(below)
    one, other = (
        TableSalesCalendar(table=table, clock=below.clock)
        for table in (stored.meddled, below.table)
    )
    return TableCalendarAtHand(
        calendar=one,
        another=other,
        events=TableEventCache(table=below.table, clock=below.clock),
        settle=below.settle,
        stored=stored,
    )


# What another writer of the table, or an accident, may have left of an item's own fields.
UNREADABLE: Final[Mapping[str, Mapping[str, Any]]] = {
    "a field is missing": {"kind": ...},
    "a kind is none": {"kind": "FLASH"},
    "a time is naive": {"startAt": "2025-02-14T12:00:00"},
    "a mark is half one": {"generation": {"state": "OPEN"}},
    "an id is none": {"id": "E1.any"},
    "it says that it is another sale": {"id": S3},
}


class TableSalesCalendarContract(SalesCalendarContract):
    """What lies in the table, and who else writes there: for any ItemTable of an engine."""

    port = "SalesCalendar over its table"

    @abstractmethod
    def fresh_table(self) -> AbstractContextManager[TableAtHand]:
        """An empty table, closed on the way out."""

    @contextmanager
    def fresh(self) -> Iterator[TableCalendarAtHand]:
        """Calendars over it."""
        with self.fresh_table() as below:
            yield calendar_over(below)

    @pytest.mark.parametrize("what", UNREADABLE)
    def test_what_nobody_can_read_harms_no_neighbour_and_is_mended_by_the_next_look_up(
        self, hand: TableCalendarAtHand, what: str
    ) -> None:
        listed = [a_sale(n) for n in (1, 2, 3)]
        hand.calendar.relist(E1, listed, NOON)
        hand.plant(S2, theirs={"n": 1}, **UNREADABLE[what])
        assert [*hand.calendar.get_many([S3, S2, S1])] == [S3, S1]
        assert {sale.sale_id for sale in hand.calendar.of_event(E1)} == {S1, S3}
        assert hand.calendar.amend(S2, changed(generation=ORDERED)) is None
        hand.calendar.relist(E1, listed, NOON + HOUR)
        mended = SaleDates(first_seen=NOON + HOUR, updated=NOON + HOUR)
        assert hand.sale(S2) == evolve(a_sale(2), date=mended)
        assert hand.sale(S1).date == FIRST_SEEN
        assert hand.item(S2).body["theirs"] == {"n": 1}

    def test_what_else_lies_beside_a_sale_is_no_sale(self, hand: TableCalendarAtHand) -> None:
        hand.calendar.relist(E1, [a_sale()], NOON)
        entry = (f"sale#{instant(NOON)[:13]}", instant(NOON))
        hand.stored.below.put(
            Item(("event:E1", "event"), {"type": "event"}),
            Item(("event:E1", "salesroom"), {}, {"byTime": entry}),
        )
        assert list(hand.calendar.of_event(E1)) == [hand.sale()]
        assert hand.starting() == [S1]

    def test_what_another_version_wrote_stays(self, hand: TableCalendarAtHand) -> None:
        hand.calendar.relist(E1, [a_sale()], NOON)
        theirs: Body = {"seats": 2, "tour": None, "price": {"least": "", "n": [1]}}
        hand.plant(**theirs, date={"firstSeen": instant(NOON), "read": instant(NOON)})
        hand.calendar.relist(E1, [a_sale(start_at=NOON + HOUR)], NOON + HOUR)
        hand.another.amend(S1, changed(generation=ORDERED))
        assert theirs.items() <= hand.item().body.items()
        assert hand.item().body["date"] == {
            "firstSeen": instant(NOON),
            "updated": instant(NOON + HOUR),
            "read": instant(NOON),
        }

    def test_what_changes_nothing_writes_nothing(self, hand: TableCalendarAtHand) -> None:
        hand.calendar.relist(E1, [a_sale(1), a_sale(2)], NOON)
        hand.calendar.relist(E1, [a_sale(1)], NOON)
        hand.calendar.amend(S1, changed(generation=ORDERED))
        before = hand.stored.changes()
        for n in (1, 2):
            hand.another.relist(E1, [a_sale(1)], NOON + n * HOUR)
            hand.calendar.amend(S1, changed(generation=ORDERED))
        assert hand.stored.changes() == before

    def test_each_write_is_one_change_and_one_version_more(
        self, hand: TableCalendarAtHand
    ) -> None:
        hand.calendar.relist(E1, [a_sale(1), a_sale(2)], NOON)
        hand.stored.below.pass_time(HOUR)
        hand.calendar.relist(E1, [a_sale(2)], NOON)
        hand.another.amend(S1, changed(generation=ORDERED))
        first = NOON.timestamp() * 1000
        mine = [c.new for c in hand.stored.changes() if c.key == sale_key(S1)]
        assert [new and new.body["version"] for new in mine] == [first + n for n in range(3)]
        assert len(hand.stored.changes()) == 4

    def test_a_look_up_and_a_mark_made_meanwhile_both_stand(
        self, hand: TableCalendarAtHand
    ) -> None:
        hand.calendar.relist(E1, [a_sale(1), a_sale(2), a_sale(3)], NOON)
        others = hand.stored.meddled.others
        mark, moved = changed(generation=ORDERED), [a_sale(1, start_at=NOON + HOUR), a_sale(2)]
        for sale_id in (S1, S3):
            others.append(partial(hand.another.amend, sale_id, mark))
            hand.calendar.relist(E1, moved, NOON + HOUR)
            others.append(lambda: hand.another.relist(E1, [a_sale(1)], NOON + 2 * HOUR))
            hand.calendar.amend(sale_id, changed(name="Marked"))
        assert (hand.sale(S1).generation, hand.sale(S3).generation) == (ORDERED, ORDERED)

    def test_a_name_that_another_look_up_learns_of_meanwhile_is_kept(
        self, hand: TableCalendarAtHand
    ) -> None:
        hand.calendar.relist(E1, [a_sale()], NOON)
        theirs = renamed(a_sale(), 2)
        hand.stored.meddled.others.append(lambda: hand.another.relist(E1, [theirs], NOON))
        hand.calendar.relist(E1, [renamed(a_sale(), 3)], NOON)
        assert hand.sale().aliases == ("presale 2", "presale 3")
        for n in (2, 3, 1):
            hand.calendar.relist(E1, [a_sale(n, start_at=NOON + n * HOUR)], NOON)
            (sale,) = hand.calendar.of_event(E1)
            assert (sale.sale_id, sale.start_at) == (S1, NOON + n * HOUR)

    def test_two_first_look_ups_at_once_make_one_sale(self, hand: TableCalendarAtHand) -> None:
        def theirs() -> None:
            hand.another.relist(E1, [a_sale(), a_sale(2)], NOON)
            hand.another.amend(S1, changed(generation=ORDERED))

        hand.stored.meddled.others.append(theirs)
        hand.calendar.relist(E1, [a_sale(start_at=NOON + HOUR), a_sale(3)], NOON + HOUR)
        assert {sale.sale_id for sale in hand.calendar.of_event(E1)} == {S1, S2, S3}
        assert (hand.sale().start_at, hand.sale().generation) == (NOON + HOUR, ORDERED)
        assert hand.sale().date == SaleDates(first_seen=NOON, updated=NOON + HOUR)

    def test_a_sale_that_goes_meanwhile_is_made_again_by_a_look_up_only(
        self, hand: TableCalendarAtHand
    ) -> None:
        hand.calendar.relist(E1, [a_sale()], NOON)
        hand.stored.meddled.others.append(lambda: hand.stored.remove(sale_key(S1)))
        assert hand.calendar.amend(S1, changed(generation=ORDERED)) is None
        assert hand.calendar.get_many([S1]) == {}
        hand.calendar.relist(E1, [a_sale()], NOON + HOUR)
        hand.stored.meddled.others.append(lambda: hand.stored.remove(sale_key(S1)))
        hand.calendar.relist(E1, [a_sale(start_at=NOON + HOUR)], NOON + HOUR)
        assert hand.sale().start_at == NOON + HOUR

    def test_who_is_always_too_late_is_told_so(self, hand: TableCalendarAtHand) -> None:
        hand.calendar.relist(E1, [a_sale(1), a_sale(2)], NOON)
        others = hand.stored.meddled.others
        others.extend([lambda: hand.plant(theirs=len(hand.stored.changes()))] * 100)
        moved = [a_sale(n, start_at=NOON + HOUR) for n in (1, 2)]
        writes: Sequence[Callable[[], object]] = [
            lambda: hand.calendar.relist(E1, moved, NOON),
            lambda: hand.calendar.amend(S1, changed(generation=ORDERED)),
        ]
        for write in writes:
            with pytest.raises(Transient) as late:
                write()
            assert not isinstance(late.value, Unknown)
        assert hand.sale() == evolve(a_sale(), date=FIRST_SEEN)
        assert hand.sale(S2).start_at == NOON + HOUR

    @pytest.mark.parametrize("reached", [True, False])
    @pytest.mark.parametrize("known", [True, False])
    def test_a_look_up_that_may_not_be_stored_says_so_and_may_be_repeated(
        self, hand: TableCalendarAtHand, *, known: bool, reached: bool
    ) -> None:
        if known:
            hand.calendar.relist(E1, [a_sale(1), a_sale(2)], NOON)
        hand.stored.meddled.reached = reached
        hand.stored.meddled.unsure.add(sale_key(S1))
        moved = [a_sale(n, start_at=NOON + HOUR) for n in (1, 2)]
        with pytest.raises(Transient):
            hand.calendar.relist(E1, moved, NOON)
        assert hand.sale(S2).start_at == NOON + HOUR
        hand.stored.meddled.unsure.clear()
        hand.calendar.relist(E1, moved, NOON)
        found = {sale.sale_id: sale for sale in hand.calendar.of_event(E1)}
        assert found == {s.sale_id: evolve(s, date=FIRST_SEEN) for s in moved}

    @pytest.mark.parametrize("reached", [True, False])
    def test_a_mark_without_answer_is_unknown_and_may_be_repeated(
        self, hand: TableCalendarAtHand, *, reached: bool
    ) -> None:
        hand.calendar.relist(E1, [a_sale()], NOON)
        hand.stored.meddled.reached = reached
        hand.stored.meddled.unsure.add(sale_key(S1))
        with pytest.raises(Unknown):
            hand.calendar.amend(S1, changed(generation=ORDERED))
        assert (hand.sale().generation is not None) is reached
        hand.stored.meddled.unsure.clear()
        assert hand.calendar.amend(S1, changed(generation=ORDERED)) == hand.sale()
        assert hand.sale().generation == ORDERED

    def test_a_hostile_name_is_refused(self, hand: TableCalendarAtHand) -> None:
        for hostile in ("", "a#b", "x" * 65, "E1\n"):
            with pytest.raises(Permanent):
                hand.calendar.of_event(EventId(hostile))
            with pytest.raises(Permanent):
                hand.calendar.relist(EventId(hostile), [], NOON)
            with pytest.raises(Permanent):
                hand.calendar.get_many([SaleId(hostile)])
        assert not hand.stored.changes()


def starts(least: int, most: int) -> st.SearchStrategy[datetime]:
    """Some milliseconds around noon, often at the edge of an hour."""
    offsets = st.integers(least * 3_600_000, most * 3_600_000)
    edges = st.builds(
        lambda hour, off: hour * 3_600_000 + off, st.integers(least, most), st.integers(-1, 1)
    )
    return (offsets | edges).map(lambda n: NOON + n * MILLISECOND)


LIVES = st.lists(st.tuples(starts(-3, 3), st.none() | starts(-3, 3), st.booleans()), max_size=9)
ZONES: Final = (UTC, timezone(timedelta(hours=5, minutes=30)), timezone(timedelta(hours=-3.5)))


class TableSalesCalendarProperties(TableSalesCalendarContract):
    """All of that, and more for engines that are quick enough for some hundred tables."""

    port = "SalesCalendar, any sales"

    @inherited
    @given(
        lives=LIVES,
        begin=starts(-4, 4),
        lasting=st.integers(0, 5 * 3_600_000_000).map(lambda n: timedelta(microseconds=n)),
        zone=st.sampled_from(ZONES),
    )
    def test_every_sale_that_starts_within_a_span_is_found_once_and_no_other(
        self,
        lives: list[tuple[datetime, datetime | None, bool]],
        begin: datetime,
        lasting: timedelta,
        zone: timezone,
    ) -> None:
        first = [a_sale(n, start_at=start) for n, (start, *_) in enumerate(lives)]
        then = [
            a_sale(n, start_at=start) for n, (_, start, gone) in enumerate(lives) if not gone
        ]
        span = Span(begin=begin.astimezone(zone), end=(begin + lasting).astimezone(zone))
        with self.fresh() as hand:
            hand.calendar.relist(E1, first, NOON)
            hand.settle()
            hand.another.relist(E1, then, NOON + HOUR)
            expected = sorted(
                (s.start_at, s.sale_id) for s in then if s.start_at and s.start_at in span
            )
            assert hand.starting(span) == [sale_id for _, sale_id in expected]
