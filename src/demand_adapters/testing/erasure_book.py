"""What every ErasureBook promises: who is to be forgotten is known under each of his names."""

from abc import abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from datetime import timedelta
from functools import partial
from typing import Any, Final

import pytest
from attrs import evolve, frozen

from demand_adapters.stores.erasure_book import TableErasureBook
from demand_adapters.stores.rows import Rows
from demand_adapters.testing.contract import Contract
from demand_adapters.testing.item_table import TableAtHand
from demand_adapters.testing.stored import Stored
from demand_adapters.testing.strategies import NOON, a_demand, a_notification
from demand_adapters.wire.item_keys import demand_key, erasure_key, tombstone_key
from demand_adapters.wire.items import DEMAND, NOTIFICATION, Kind
from demand_core.domain.contacts import ContactKey, Email
from demand_core.domain.demands import DemandDates
from demand_core.domain.erasures import (
    Erasure,
    ErasureState,
    PersonalName,
    Salt,
    Touched,
    finished,
    learned,
    moved,
    restarted,
)
from demand_core.domain.ids import ErasureId, FanId
from demand_core.domain.notifications import Timeline
from demand_core.domain.subjects import Name, keyed_hash
from demand_core.errors import Permanent, Transient, Unknown
from demand_core.ports.erasure_book import ErasureBook

HOUR: Final = timedelta(hours=1)
NEW, OLD = (ContactKey(key_id, key_id.encode() * 8) for key_id in ("k2", "k1"))
FAN: Final[Name] = ("fan", "F1")
PHONE: Final[Name] = ("phone", "+12125550001")
EMAIL: Final[Name] = ("email", "fan@mail.example")
NAMES: Final = (EMAIL, FAN, PHONE)
TOUCHED: Final = Touched(
    store="data", object="data/x.avro", action="rewritten", records=2, before="a", after="b"
)


def an_erasure(n: int = 1, names: tuple[Name, ...] = NAMES) -> Erasure:
    """The *n*-th one, asked for an hour after the one before."""
    at = NOON + n * HOUR
    return Erasure(
        erasure_id=ErasureId(f"{at:%Y%m%dT%H%M%SZ}-{n:08x}"),
        subject=keyed_hash(FAN, NEW),
        requested_at=at,
        requested_by="somebody",
        until=at,
        salt=Salt(f"{n:064x}"),
        names=tuple(map(PersonalName.of, names)),
    )


@frozen(kw_only=True)
class ErasuresAtHand:
    """An empty book, and *another* that knows what it knows, of fans of one table."""

    book: ErasureBook
    another: ErasureBook
    old: ErasureBook
    stored: Stored

    def put(self, kind: Kind[Any], *values: Any) -> None:
        """Store values as their own store does."""
        rows = Rows(table=self.stored.below.table, clock=self.stored.below.clock, kind=kind)
        assert kind.key
        for value in values:
            rows.keep(kind.key(value), value)


class ErasureBookContract(Contract[ErasuresAtHand]):
    """For an empty book over any table."""

    port = "ErasureBook"

    @abstractmethod
    def fresh_table(self) -> AbstractContextManager[TableAtHand]:
        """An empty table, closed on the way out."""

    @contextmanager
    def fresh(self) -> Iterator[ErasuresAtHand]:
        """Books over it; *old* is one from before the key was changed."""
        with self.fresh_table() as below:
            stored = Stored.over(below)
            make = partial(TableErasureBook, clock=below.clock)
            yield ErasuresAtHand(
                book=make(table=stored.meddled, keys=[NEW, OLD]),
                another=make(table=below.table, keys=[NEW, OLD]),
                old=make(table=below.table, keys=[OLD]),
                stored=stored,
            )

    def test_nobody_is_forgotten_of_whom_nobody_asked_it(self, hand: ErasuresAtHand) -> None:
        assert hand.book.forgotten(NAMES) == {}
        assert hand.book.forgotten(()) == {}
        assert hand.book.last(FAN) is None
        assert list(hand.book.all()) == []
        assert hand.book.mark() == ""

    def test_who_is_to_be_forgotten_is_known_by_each_of_his_names(
        self, hand: ErasuresAtHand
    ) -> None:
        erasure = an_erasure()
        hand.book.open(erasure)
        found = hand.another.forgotten([*NAMES, ("fan", "F2"), ("phone", "F1")])
        assert found.keys() == set(NAMES)
        assert {one.at for one in found.values()} == {erasure.requested_at}
        assert len({one.alias("F1") for one in found.values()}) == 1
        assert hand.another.last(PHONE) == erasure

    def test_the_mark_is_another_after_each_opening(self, hand: ErasuresAtHand) -> None:
        marks = [hand.another.mark()]
        for erasure in (an_erasure(1), an_erasure(2), an_erasure(1)):
            hand.book.open(erasure)
            marks.append(hand.another.mark())
        assert len(set(marks)) == len(marks)
        assert hand.book.mark() == marks[-1]

    def test_names_that_are_learned_later_are_known_too(self, hand: ErasuresAtHand) -> None:
        erasure, more = an_erasure(), ("phone", "+12125550009")
        hand.book.open(erasure)
        hand.another.open(learned(erasure, [more]))  # type: ignore[list-item]
        assert hand.book.last(FAN) == learned(erasure, [more])  # type: ignore[list-item]
        found = hand.book.forgotten([*NAMES, more])  # type: ignore[list-item]
        assert len(found) == len(NAMES) + 1
        hand.book.open(erasure)
        assert hand.book.last(FAN) == learned(erasure, [more])  # type: ignore[list-item]

    def test_of_two_erasures_the_later_one_holds(self, hand: ErasuresAtHand) -> None:
        for erasure in (an_erasure(2), an_erasure(1)):
            hand.book.open(erasure)
        assert hand.book.forgotten([FAN])[FAN].at == an_erasure(2).requested_at
        assert hand.another.last(FAN) == an_erasure(2)

    def test_without_its_salt_an_alias_is_another_and_always_the_same(
        self, hand: ErasuresAtHand
    ) -> None:
        erasure = an_erasure()
        hand.book.open(erasure)
        before = hand.book.forgotten([FAN])[FAN].alias("F1")
        for step in (restarted, partial(moved, state=ErasureState.VERIFYING)):
            hand.book.amend(erasure.erasure_id, step)
        done = hand.book.amend(erasure.erasure_id, partial(finished, now=NOON + 9 * HOUR))
        assert (done.names, done.salt) == ((), None)
        (after,) = {
            book.forgotten([name])[name].alias("F1")
            for book in (hand.book, hand.another)
            for name in NAMES
        }
        assert after != before

    def test_what_is_finished_gets_no_names_again(self, hand: ErasuresAtHand) -> None:
        erasure = an_erasure()
        hand.book.open(erasure)
        for state in (ErasureState.REWRITING, ErasureState.VERIFYING):
            hand.book.amend(erasure.erasure_id, partial(moved, state=state))
        done = hand.book.amend(erasure.erasure_id, partial(finished, now=NOON + 9 * HOUR))
        hand.another.open(erasure)
        assert hand.book.last(FAN) == done

    def test_whoever_was_buried_under_an_older_key_is_found(self, hand: ErasuresAtHand) -> None:
        hand.old.open(an_erasure())
        assert hand.book.forgotten(NAMES).keys() == set(NAMES)
        hand.book.open(an_erasure(2))
        assert hand.book.forgotten([FAN])[FAN].at == an_erasure(2).requested_at

    def test_an_address_is_one_however_it_is_spelled(self, hand: ErasuresAtHand) -> None:
        hand.book.open(an_erasure())
        spelled: Name = ("email", "FAN@mail.example")
        assert hand.book.forgotten([spelled]).keys() == {spelled}

    def test_any_number_of_names_may_be_asked_for_at_once(self, hand: ErasuresAtHand) -> None:
        hand.book.open(an_erasure())
        many: list[Name] = [("fan", f"F{n}") for n in range(250)]
        assert hand.another.forgotten(many).keys() == {FAN}

    def test_all_are_listed_oldest_first(self, hand: ErasuresAtHand) -> None:
        erasures = [an_erasure(n, (("fan", f"F{n}"),)) for n in range(1, 8)]
        for erasure in reversed(erasures):
            hand.book.open(erasure)
        hand.stored.below.settle()
        assert list(hand.another.all()) == erasures

    def test_one_that_is_not_there_can_not_be_changed(self, hand: ErasuresAtHand) -> None:
        with pytest.raises(Permanent, match="no_erasure"):
            hand.book.amend(an_erasure().erasure_id, restarted)

    def test_notes_are_kept_each_once(self, hand: ErasuresAtHand) -> None:
        erasure, other = an_erasure(1), an_erasure(2)
        hand.book.open(erasure)
        for n, book in enumerate((hand.book, hand.another, hand.book, hand.another)):
            book.note(erasure.erasure_id, TOUCHED)
            book.note(erasure.erasure_id, evolve(TOUCHED, records=n // 2))
        noted = hand.old.noted(erasure.erasure_id)
        assert sorted(one.records for one in noted) == [0, 1, 2]
        assert hand.book.noted(other.erasure_id) == []

    def test_what_lies_with_a_fan_goes_but_for_what_he_asked_for_later(
        self, hand: ErasuresAtHand
    ) -> None:
        later = a_demand(date=DemandDates(requested=NOON + HOUR), sale_id="E1.any")
        made_late = a_notification(date=Timeline(created=NOON + HOUR), asked_at=NOON)
        hand.put(DEMAND, a_demand(email=Email("Fan@mail.example")), a_demand(2), later)
        hand.put(NOTIFICATION, made_late)
        held = hand.book.held(FanId("F1"), NOON)
        assert held.items == 2
        assert held.names == set(NAMES)
        hand.book.forget(FanId("F1"), NOON)
        assert hand.another.held(FanId("F1"), NOON).items == 0
        assert hand.another.held(FanId("F1"), NOON + HOUR).items == 1
        assert hand.another.held(FanId("F2"), NOON).items == 1

    def test_what_nobody_can_read_goes_with_the_rest(self, hand: ErasuresAtHand) -> None:
        hand.put(DEMAND, a_demand())
        hand.stored.plant(demand_key(a_demand().ref), date="once", phoneNumber="+12125550001")
        assert PHONE in hand.book.held(FanId("F1"), NOON - HOUR).names
        hand.book.forget(FanId("F1"), NOON - HOUR)
        assert hand.book.held(FanId("F1"), NOON).items == 0

    def test_what_changes_while_it_is_removed_goes_too(self, hand: ErasuresAtHand) -> None:
        key = demand_key(a_demand().ref)
        hand.put(DEMAND, a_demand())
        hand.stored.meddled.others.extend(
            partial(hand.stored.plant, key, locale=locale) for locale in ("en-us", "fr-ca")
        )
        hand.book.forget(FanId("F1"), NOON)
        assert hand.book.held(FanId("F1"), NOON).items == 0

    def test_no_name_lies_in_the_table_once_it_is_finished(self, hand: ErasuresAtHand) -> None:
        erasure = an_erasure()
        hand.book.open(erasure)
        for state in (ErasureState.REWRITING, ErasureState.VERIFYING):
            hand.book.amend(erasure.erasure_id, partial(moved, state=state))
        hand.book.amend(erasure.erasure_id, partial(finished, now=NOON + 9 * HOUR))
        hand.book.note(erasure.erasure_id, TOUCHED)
        newest: Mapping[Any, Any] = {c.key: c.new for c in hand.stored.changes()}
        told = str([(key, item.body, dict(item.index)) for key, item in newest.items() if item])
        for text in ("F1", "2125550001", "fan@mail"):
            assert text not in told

    @pytest.mark.parametrize("reached", [True, False])
    def test_a_tombstone_without_answer_may_be_set_again(
        self, hand: ErasuresAtHand, *, reached: bool
    ) -> None:
        hand.stored.meddled.reached = reached
        hand.stored.meddled.unsure.add(tombstone_key(keyed_hash(PHONE, NEW)))
        with pytest.raises(Transient):
            hand.book.open(an_erasure())
        assert hand.another.last(FAN) == an_erasure()
        hand.stored.meddled.unsure.clear()
        hand.book.open(an_erasure())
        assert hand.another.forgotten(NAMES).keys() == set(NAMES)

    def test_an_erasure_without_answer_is_not_taken_for_one(self, hand: ErasuresAtHand) -> None:
        hand.stored.meddled.unsure.add(erasure_key(an_erasure().erasure_id))
        with pytest.raises(Unknown):
            hand.book.open(an_erasure())
        assert hand.another.forgotten(NAMES) == {}
