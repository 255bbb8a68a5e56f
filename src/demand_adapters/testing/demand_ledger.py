"""What every DemandLedger promises, and what one over a table keeps in it."""

from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final

import pytest
from attrs import evolve, frozen
from hypothesis import given
from hypothesis import strategies as st

from demand_adapters.item_table import Body, Item, Page
from demand_adapters.stores.demand_ledger import TableDemandLedger
from demand_adapters.testing.contract import Contract, inherited
from demand_adapters.testing.item_table import TableAtHand, all_pages
from demand_adapters.testing.stored import Stored
from demand_adapters.testing.strategies import MILLISECOND, NOON, a_demand
from demand_adapters.wire.converters import instant
from demand_adapters.wire.item_keys import demand_key
from demand_core.domain.contacts import Email, Phone
from demand_core.domain.demands import Demand, DemandDates, DemandRef, any_sale
from demand_core.domain.ids import DemandSaleId, EventId, FanId, shard
from demand_core.domain.notifications import Channel
from demand_core.errors import Permanent, Transient, Unknown
from demand_core.ports.demand_ledger import DemandLedger, Step

MINUTE: Final = timedelta(minutes=1)
D1, D2, D3 = (a_demand(n).ref for n in (1, 2, 3))
PUBLIC: Final = D1.sale_id
ANY: Final = any_sale(D1.event_id)
BOTH: Final = {"channels": (Channel.SMS, Channel.EMAIL), "email": Email("fan@mail.example")}


def asked_at(minutes: float, n: int = 1, /, **differing: Any) -> Demand:
    """A wish of that many minutes past noon."""
    requested = NOON + minutes * MINUTE
    return a_demand(n, date=DemandDates(requested=requested), **differing)


def marked(**dates: datetime) -> Step:
    """The step of one who notes when something was."""
    return lambda demand: evolve(demand, date=evolve(demand.date, **dates))


@frozen(kw_only=True)
class LedgerAtHand:
    """An empty ledger, *another* that knows what it knows, and a way to let indexes settle."""

    ledger: DemandLedger
    another: DemandLedger
    settle: Callable[[], None]

    def demand(self, ref: DemandRef = D1) -> Demand:
        """What is known of a wish."""
        return self.ledger.get_many([ref])[ref]

    def asking(
        self,
        sale_id: DemandSaleId = PUBLIC,
        *,
        since: datetime | None = None,
        limit: int = 100,
    ) -> Mapping[str, Sequence[DemandRef]]:
        """All pages of each shard in which anybody asks."""
        self.settle()
        pages = {
            number: all_pages(partial(self._page, sale_id, number, since, limit))
            for number in self.ledger.shards()
        }
        return {number: refs for number, refs in pages.items() if refs}

    def _page(
        self,
        sale_id: DemandSaleId,
        number: str,
        since: datetime | None,
        limit: int,
        after: str | None,
    ) -> Page[DemandRef]:
        page = self.ledger.asking(sale_id, number, after, limit, since=since)
        assert len(page.refs) <= limit
        return Page(page.refs, page.after)


def by_shard(demands: Sequence[Demand]) -> Mapping[str, Sequence[DemandRef]]:
    """Each in the shard of its fan, in the order of their requests."""
    found = dict[str, list[DemandRef]]()
    for demand in sorted(demands, key=lambda d: (d.date.requested, d.fan_id)):
        found.setdefault(shard(demand.fan_id), []).append(demand.ref)
    return found


class DemandLedgerContract(Contract[LedgerAtHand]):
    """For an empty ledger, wherever it keeps its wishes."""

    port = "DemandLedger"

    def test_unknown_wishes_are_left_out(self, hand: LedgerAtHand) -> None:
        assert hand.ledger.get_many([D1]) == {}
        hand.ledger.ask([a_demand(2)])
        assert hand.ledger.get_many([D1, D2]).keys() == {D2}
        assert hand.ledger.get_many([]) == {}

    def test_wishes_come_in_the_order_asked_for(self, hand: LedgerAtHand) -> None:
        hand.ledger.ask([a_demand(n) for n in (1, 2, 3)])
        unknown = a_demand(9).ref
        assert [*hand.ledger.get_many([D3, D1, unknown, D3, D2, D1])] == [D3, D1, D2]

    @pytest.mark.parametrize("size", [0, 1, 26, 101])
    def test_batches_of_any_size_are_stored_and_forgotten_whole(
        self, hand: LedgerAtHand, size: int
    ) -> None:
        demands = [a_demand(n) for n in range(size)]
        refs = [demand.ref for demand in demands]
        assert not hand.ledger.ask(demands)
        assert list(hand.another.get_many(refs).values()) == demands
        assert not hand.ledger.withdraw([*refs, *refs])
        assert hand.another.get_many(refs) == {}

    def test_a_fan_has_one_wish_for_each_sale(self, hand: LedgerAtHand) -> None:
        wanted = [a_demand(), a_demand(sale_id=ANY)]
        wanted.append(a_demand(sale_id=DemandSaleId("E1.p0123456789ab")))
        assert not hand.ledger.ask([*wanted, *wanted])
        assert hand.ledger.get_many([d.ref for d in wanted]) == {d.ref: d for d in wanted}
        assert not hand.ledger.withdraw([wanted[1].ref])
        assert hand.ledger.get_many([d.ref for d in wanted]).keys() == {D1, wanted[2].ref}

    def test_who_asks_again_brings_new_wishes_and_keeps_what_became_of_the_old(
        self, hand: LedgerAtHand
    ) -> None:
        hand.ledger.ask([a_demand()])
        hand.ledger.amend(D1, marked(triggered=NOON + MINUTE))
        hand.another.ask([asked_at(5, **BOTH)])
        assert hand.demand().channels == BOTH["channels"]
        assert hand.demand().email == BOTH["email"]
        assert hand.demand().date == DemandDates(
            requested=NOON, updated=NOON + 5 * MINUTE, triggered=NOON + MINUTE
        )

    def test_who_asks_for_the_same_again_changes_nothing(self, hand: LedgerAtHand) -> None:
        hand.ledger.ask([a_demand()])
        assert not hand.another.ask([asked_at(5)])
        assert hand.demand() == a_demand()

    def test_of_two_wishes_for_one_sale_the_later_counts(self, hand: LedgerAtHand) -> None:
        assert not hand.ledger.ask([a_demand(**BOTH), a_demand(2), a_demand()])
        assert hand.demand() == a_demand()

    def test_what_is_not_there_is_forgotten(self, hand: LedgerAtHand) -> None:
        hand.ledger.ask([a_demand(2)])
        assert not hand.ledger.withdraw([D1, D2, D1])
        assert not hand.another.withdraw([D2])
        assert hand.ledger.get_many([D1, D2]) == {}

    def test_a_wish_made_again_begins_anew(self, hand: LedgerAtHand) -> None:
        hand.ledger.ask([a_demand()])
        hand.ledger.amend(D1, marked(notified=NOON))
        hand.ledger.withdraw([D1])
        assert not hand.ledger.ask([asked_at(5)])
        assert hand.demand() == asked_at(5)

    def test_a_change_is_stored_and_answered_and_touches_no_other(
        self, hand: LedgerAtHand
    ) -> None:
        hand.ledger.ask([a_demand(), a_demand(2)])
        answer = hand.ledger.amend(D1, marked(triggered=NOON))
        assert answer == marked(triggered=NOON)(a_demand()) == hand.demand()
        assert hand.demand(D2) == a_demand(2)

    def test_nothing_is_done_to_a_wish_that_is_not_there(self, hand: LedgerAtHand) -> None:
        assert hand.ledger.amend(D1, marked(triggered=NOON)) is None
        assert hand.ledger.get_many([D1]) == {}

    def test_whoever_asks_is_found_by_the_sale_until_the_wish_is_withdrawn(
        self, hand: LedgerAtHand
    ) -> None:
        hand.ledger.ask([a_demand(), a_demand(2), a_demand(3, sale_id=ANY)])
        assert hand.asking() == by_shard([a_demand(), a_demand(2)])
        assert hand.asking(ANY) == by_shard([a_demand(3, sale_id=ANY)])
        assert hand.asking(DemandSaleId("E2.public")) == {}
        hand.ledger.withdraw([D1])
        assert hand.asking() == by_shard([a_demand(2)])

    @pytest.mark.parametrize("limit", [1, 2, 3, 100])
    def test_pages_of_any_size_lead_to_all_who_ask_by_the_time_of_their_request(
        self, hand: LedgerAtHand, limit: int
    ) -> None:
        demands = [asked_at(n * 7 % 41, n) for n in range(40)]
        hand.ledger.ask(demands)
        assert hand.asking(limit=limit) == by_shard(demands)

    def test_whoever_asked_before_may_be_left_out(self, hand: LedgerAtHand) -> None:
        demands = [asked_at(n, n) for n in range(9)]
        hand.ledger.ask(demands)
        for n in range(9):
            since = NOON + n * MINUTE
            assert hand.asking(since=since) == by_shard(demands[n:])
            assert hand.asking(since=since + MILLISECOND) == by_shard(demands[n + 1 :])

    def test_all_wishes_of_a_fan_are_found_and_nobody_elses(self, hand: LedgerAtHand) -> None:
        other = a_demand(event_id=EventId("E2"), sale_id=DemandSaleId("E2.any"))
        hand.ledger.ask([a_demand(), other, a_demand(2)])
        assert sorted(d.event_id for d in hand.another.of_fan(D1.fan_id)) == ["E1", "E2"]
        hand.ledger.withdraw([D1])
        assert hand.another.of_fan(D1.fan_id) == [other]
        assert not hand.ledger.of_fan(D3.fan_id)

    def test_who_changes_a_wish_keeps_the_place_in_line(self, hand: LedgerAtHand) -> None:
        hand.ledger.ask([a_demand()])
        hand.ledger.ask([asked_at(5, **BOTH)])
        assert hand.asking(since=NOON) == by_shard([a_demand()])
        assert hand.asking(since=NOON + MILLISECOND) == {}


@frozen(kw_only=True)
class TableLedgerAtHand(LedgerAtHand):
    """Two ledgers over one table, and what lies below them; one comes to it `meddled`."""

    stored: Stored

    def item(self, ref: DemandRef = D1) -> Item:
        """What is stored of a wish."""
        return self.stored.item(demand_key(ref))

    def plant(self, ref: DemandRef = D1, /, **fields: Any) -> Item:
        """Make of it what another writer may have made of it."""
        return self.stored.plant(demand_key(ref), **fields)


def ledger_over(below: TableAtHand) -> TableLedgerAtHand:
    """Ledgers over a table."""
    stored = Stored.over(below)
    one, other = (
        TableDemandLedger(table=table, clock=below.clock)
        for table in (stored.meddled, below.table)
    )
    return TableLedgerAtHand(ledger=one, another=other, settle=below.settle, stored=stored)


# What another writer of the table, or an accident, may have left of an item's own fields.
UNREADABLE: Final[Mapping[str, Mapping[str, Any]]] = {
    "a field is missing": {"date": ...},
    "no channel is left": {"channels": []},
    "a channel is none": {"channels": ["fax"]},
    "a channel is without contact": {"channels": ["sms", "email"]},
    "a phone is none": {"phoneNumber": "555"},
    "a time is naive": {"date": {"requested": "2025-02-14T12:00:00"}},
    "the sale is of another event": {"saleId": "E2.public"},
    "it says that it is another fan's": {"fanId": "F3"},
}


class TableDemandLedgerContract(DemandLedgerContract):
    """What lies in the table, and who else writes there: for any ItemTable of an engine."""

    port = "DemandLedger over its table"

    @abstractmethod
    def fresh_table(self) -> AbstractContextManager[TableAtHand]:
        """An empty table, closed on the way out."""

    @contextmanager
    def fresh(self) -> Iterator[TableLedgerAtHand]:
        """Ledgers over it."""
        with self.fresh_table() as below:
            yield ledger_over(below)

    @pytest.mark.parametrize("what", UNREADABLE)
    def test_what_nobody_can_read_harms_no_neighbour_and_is_mended_by_the_next_wish(
        self, hand: TableLedgerAtHand, what: str
    ) -> None:
        demands = [a_demand(n) for n in (1, 2, 3)]
        hand.ledger.ask(demands)
        hand.plant(D2, theirs={"n": 1}, **UNREADABLE[what])
        assert hand.ledger.get_many([D3, D2, D1]) == {D3: demands[2], D1: demands[0]}
        assert hand.ledger.amend(D2, marked(triggered=NOON)) is None
        assert not hand.ledger.ask(demands)
        assert hand.demand(D2) == demands[1]
        assert hand.item(D2).body["theirs"] == {"n": 1}

    def test_what_nobody_can_read_can_be_withdrawn(self, hand: TableLedgerAtHand) -> None:
        hand.ledger.ask([a_demand()])
        hand.plant(channels=[])
        assert not hand.ledger.withdraw([D1])
        assert hand.asking() == {}
        assert not hand.stored.below.table.get_many([demand_key(D1)])

    def test_what_another_version_wrote_stays(self, hand: TableLedgerAtHand) -> None:
        hand.ledger.ask([a_demand()])
        theirs: Body = {"seats": 2, "tour": None, "from": {"page": "", "n": [1]}}
        hand.plant(**theirs, date={"requested": instant(NOON), "read": instant(NOON)})
        hand.ledger.ask([asked_at(5, **BOTH)])
        hand.another.amend(D1, marked(triggered=NOON))
        assert theirs.items() <= hand.item().body.items()
        dates = hand.item().body["date"]
        assert isinstance(dates, dict)
        assert dates["read"] == instant(NOON)
        assert hand.demand().date.triggered == NOON

    def test_what_changes_nothing_writes_nothing(self, hand: TableLedgerAtHand) -> None:
        hand.ledger.ask([a_demand(), asked_at(1)])
        hand.ledger.amend(D1, marked(triggered=NOON))
        before = hand.stored.changes()
        hand.another.ask([asked_at(5)])
        hand.ledger.amend(D1, marked(triggered=NOON))
        hand.ledger.amend(D2, marked(triggered=NOON))
        hand.ledger.withdraw([D2])
        assert hand.stored.changes() == before

    def test_each_write_is_one_change_and_one_version_more(
        self, hand: TableLedgerAtHand
    ) -> None:
        hand.ledger.ask([a_demand(), a_demand(2)])
        hand.stored.below.pass_time(MINUTE)
        hand.ledger.ask([asked_at(5, **BOTH)])
        hand.another.amend(D1, marked(triggered=NOON))
        first = NOON.timestamp() * 1000
        mine = [c.new for c in hand.stored.changes() if c.key == demand_key(D1)]
        assert [new and new.body["version"] for new in mine] == [first + n for n in range(3)]
        assert len(hand.stored.changes()) == 4

    def test_a_wish_and_a_mark_made_at_once_both_stand(self, hand: TableLedgerAtHand) -> None:
        hand.ledger.ask([a_demand(), a_demand(2)])
        others = hand.stored.meddled.others
        others.append(lambda: hand.another.amend(D1, marked(triggered=NOON)))
        assert not hand.ledger.ask([asked_at(5, **BOTH), asked_at(5, 2, **BOTH)])
        others.append(lambda: hand.another.ask([asked_at(9, locale="fr-ca", **BOTH)]))
        answer = hand.ledger.amend(D1, marked(notified=NOON))
        assert answer == hand.demand()
        assert (answer.email, answer.locale) == (BOTH["email"], "fr-ca")
        assert answer.date == DemandDates(
            requested=NOON, updated=NOON + 9 * MINUTE, triggered=NOON, notified=NOON
        )
        assert hand.demand(D2).email == BOTH["email"]

    def test_two_first_wishes_at_once_make_one(self, hand: TableLedgerAtHand) -> None:
        hand.stored.meddled.others.append(lambda: hand.another.ask([a_demand()]))
        assert not hand.ledger.ask([asked_at(5, **BOTH), asked_at(5, 2)])
        assert hand.demand().email == BOTH["email"]
        assert hand.demand().date.requested == NOON
        assert hand.demand(D2) == asked_at(5, 2)

    def test_a_wish_that_is_changed_while_it_is_withdrawn_is_gone(
        self, hand: TableLedgerAtHand
    ) -> None:
        hand.ledger.ask([a_demand(), a_demand(2)])
        others = hand.stored.meddled.others
        others.append(lambda: hand.another.amend(D1, marked(triggered=NOON)))
        assert not hand.ledger.withdraw([D1, D2])
        assert hand.another.get_many([D1, D2]) == {}

    def test_a_wish_that_is_withdrawn_twice_at_once_is_gone(
        self, hand: TableLedgerAtHand
    ) -> None:
        hand.ledger.ask([a_demand(), a_demand(2)])
        hand.stored.meddled.others.append(lambda: hand.another.withdraw([D1]))
        assert not hand.ledger.withdraw([D1, D2])
        assert len(hand.stored.changes()) == 4

    def test_a_mark_does_not_bring_back_what_was_withdrawn_meanwhile(
        self, hand: TableLedgerAtHand
    ) -> None:
        hand.ledger.ask([a_demand()])
        hand.stored.meddled.others.append(lambda: hand.another.withdraw([D1]))
        assert hand.ledger.amend(D1, marked(triggered=NOON)) is None
        assert hand.ledger.get_many([D1]) == {}

    def test_who_is_always_too_late_is_told_so(self, hand: TableLedgerAtHand) -> None:
        hand.ledger.ask([a_demand(), a_demand(2)])
        others = hand.stored.meddled.others
        others.extend([lambda: hand.plant(theirs=len(hand.stored.changes()))] * 100)
        assert hand.ledger.ask([asked_at(5, **BOTH), asked_at(5, 2, **BOTH)]) == [D1]
        assert hand.demand(D2).email == BOTH["email"]
        assert hand.ledger.withdraw([D2, D1]) == [D1]
        with pytest.raises(Transient) as late:
            hand.ledger.amend(D1, marked(triggered=NOON))
        assert not isinstance(late.value, Unknown)
        assert hand.ledger.get_many([D1, D2]) == {D1: a_demand()}

    @pytest.mark.parametrize("reached", [True, False])
    def test_wishes_that_may_not_be_stored_are_listed_and_may_be_repeated(
        self, hand: TableLedgerAtHand, *, reached: bool
    ) -> None:
        demands = [a_demand(n) for n in range(5)]
        hand.stored.meddled.reached = reached
        hand.stored.meddled.unsure |= {demand_key(D1), demand_key(D3)}
        assert sorted(hand.ledger.ask(demands), key=str) == [D1, D3]
        hand.stored.meddled.unsure.clear()
        assert not hand.ledger.ask([demands[1], demands[3]])
        found = hand.ledger.get_many([demand.ref for demand in demands])
        assert [demand.ref for demand in found.values()] == [d.ref for d in demands]

    @pytest.mark.parametrize("reached", [True, False])
    def test_a_mark_without_answer_is_unknown_and_may_be_repeated(
        self, hand: TableLedgerAtHand, *, reached: bool
    ) -> None:
        hand.ledger.ask([a_demand()])
        hand.stored.meddled.reached = reached
        hand.stored.meddled.unsure.add(demand_key(D1))
        with pytest.raises(Unknown):
            hand.ledger.amend(D1, marked(triggered=NOON))
        assert (hand.demand().date.triggered is not None) is reached
        hand.stored.meddled.unsure.clear()
        assert hand.ledger.amend(D1, marked(triggered=NOON)) == hand.demand()
        assert hand.demand().date.triggered == NOON

    def test_a_wish_that_may_still_be_there_is_listed(self, hand: TableLedgerAtHand) -> None:
        hand.ledger.ask([a_demand(), a_demand(2)])
        hand.stored.meddled.reached = False
        hand.stored.meddled.unsure.add(demand_key(D1))
        assert hand.ledger.withdraw([D1, D2]) == [D1]
        assert hand.ledger.get_many([D1, D2]) == {D1: a_demand()}
        hand.stored.meddled.unsure.clear()
        assert not hand.ledger.withdraw([D1])
        assert hand.ledger.get_many([D1]) == {}

    def test_a_wish_whose_end_was_not_confirmed_is_seen_to_be_gone(
        self, hand: TableLedgerAtHand
    ) -> None:
        hand.ledger.ask([a_demand()])
        hand.stored.meddled.unsure.add(demand_key(D1))
        assert not hand.ledger.withdraw([D1])
        assert hand.ledger.get_many([D1]) == {}

    def test_a_hostile_name_is_refused(self, hand: TableLedgerAtHand) -> None:
        for hostile in ("", "a#b", "x" * 65, "F1\n"):
            with pytest.raises(Permanent):
                hand.ledger.ask([a_demand(fan_id=FanId(hostile))])
            with pytest.raises(Permanent):
                hand.ledger.withdraw([evolve(D1, fan_id=FanId(hostile))])
            with pytest.raises(Permanent):
                hand.ledger.asking(DemandSaleId(hostile), "0", None, 9)
        assert not hand.stored.changes()


CALLS = st.lists(
    st.tuples(
        st.sampled_from(["ask", "ask", "change", "mark", "withdraw"]),
        st.integers(1, 5),
        st.integers(0, 9),
        st.sampled_from([PUBLIC, ANY]),
    ),
    max_size=20,
)


class TableDemandLedgerProperties(TableDemandLedgerContract):
    """All of that, and more for engines that are quick enough for some hundred tables."""

    port = "DemandLedger, any calls"

    @inherited
    @given(calls=CALLS, minutes=st.integers(-1, 10), limit=st.integers(1, 9))
    def test_whatever_was_asked_and_withdrawn_just_those_are_found_who_ask_now(
        self, calls: list[tuple[str, int, int, DemandSaleId]], minutes: int, limit: int
    ) -> None:
        with self.fresh() as hand:
            known = dict[DemandRef, Demand]()
            for n, (what, fan, minute, sale_id) in enumerate(calls):
                ledger = (hand.ledger, hand.another)[n % 2]
                demand = asked_at(minute, fan, sale_id=sale_id)
                if what in {"ask", "change"}:
                    changed = evolve(demand, phone_number=Phone("+12125559999"))
                    ledger.ask([changed if what == "change" else demand])
                    known.setdefault(demand.ref, demand)
                elif what == "mark":
                    ledger.amend(demand.ref, marked(triggered=NOON))
                else:
                    ledger.withdraw([demand.ref])
                    known.pop(demand.ref, None)
            since = NOON + minutes * MINUTE
            for sale_id in (PUBLIC, ANY):
                asking = [
                    demand
                    for demand in known.values()
                    if demand.sale_id == sale_id and demand.date.requested >= since
                ]
                assert hand.asking(sale_id, since=since, limit=limit) == by_shard(asking)
