"""What every OptOutBook promises: the last word on a contact holds, whenever we learn of it."""

from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import timedelta
from functools import partial, reduce
from typing import Any, Final

import pytest
from attrs import evolve, frozen
from hypothesis import given
from hypothesis import strategies as st

from demand_adapters.stores.opt_outs import TableOptOutBook
from demand_adapters.testing.contract import Contract, inherited
from demand_adapters.testing.item_table import TableAtHand
from demand_adapters.testing.stored import Stored
from demand_adapters.testing.strategies import NOON, opt_outs
from demand_adapters.wire.item_keys import opt_out_key
from demand_core.domain.contacts import ContactKey, Email, Phone, contact_hash
from demand_core.domain.notifications import Channel
from demand_core.domain.opt_outs import Consent, ConsentSource, OptOut, latest, opted_out
from demand_core.errors import Transient, Unknown
from demand_core.ports.opt_out_book import Contact, OptOutBook

HOUR: Final = timedelta(hours=1)
NEW, OLD, FORGOTTEN = (ContactKey(key_id, key_id.encode() * 8) for key_id in ("k3", "k2", "k1"))
PHONE: Final = Phone("+12125550123")
OTHER_PHONE: Final = Phone("+12125550124")
ADDRESS: Final = Email("fan@mail.example")
STOP: Final = OptOut(state=Consent.OUT, at=NOON, source=ConsentSource.KEYWORD, word="stop")
START: Final = evolve(STOP, state=Consent.IN, at=NOON + HOUR, word="start")


@frozen(kw_only=True)
class BookAtHand:
    """An empty book, and *another* that knows what it knows."""

    book: OptOutBook
    another: OptOutBook

    def is_out(self, contact: Contact = PHONE) -> bool:
        """What both must say."""
        (said,) = {contact in book.out([contact]) for book in (self.book, self.another)}
        return said


class OptOutBookContract(Contract[BookAtHand]):
    """For an empty book, wherever it is kept."""

    port = "OptOutBook"

    def test_nobody_is_out_who_never_said_so(self, hand: BookAtHand) -> None:
        assert hand.book.out([PHONE, ADDRESS]) == frozenset()
        assert hand.book.out([]) == frozenset()

    def test_who_wants_no_more_is_out_until_he_comes_back(self, hand: BookAtHand) -> None:
        assert hand.book.record(PHONE, STOP) == STOP
        assert hand.is_out()
        assert hand.another.record(PHONE, START) == START
        assert not hand.is_out()

    def test_the_later_word_holds_in_whatever_order_they_come(self, hand: BookAtHand) -> None:
        hand.book.record(PHONE, START)
        assert hand.another.record(PHONE, STOP) == START
        assert not hand.is_out()
        later = evolve(STOP, at=NOON + 2 * HOUR)
        assert hand.book.record(PHONE, later) == later
        assert hand.book.record(PHONE, START) == later
        assert hand.is_out()

    @pytest.mark.parametrize("first", Consent)
    def test_of_two_words_at_once_the_one_that_sends_nothing_holds(
        self, hand: BookAtHand, first: Consent
    ) -> None:
        words = [evolve(START, at=NOON), STOP]
        for said in sorted(words, key=lambda said: said.state is not first):
            hand.book.record(PHONE, said)
        assert hand.is_out()
        assert hand.book.record(PHONE, evolve(START, at=NOON)) == STOP

    def test_nobody_speaks_for_another(self, hand: BookAtHand) -> None:
        hand.book.record(PHONE, STOP)
        hand.book.record(ADDRESS, START)
        asked: list[Contact] = [OTHER_PHONE, ADDRESS, PHONE, PHONE, Email("other@mail.example")]
        assert hand.another.out(asked) == {PHONE}

    def test_an_address_is_out_however_it_is_spelled(self, hand: BookAtHand) -> None:
        hand.book.record(Email("Fan@Mail.example"), STOP)
        spellings = [ADDRESS, Email("FAN@mail.EXAMPLE")]
        assert hand.book.out(spellings) == frozenset(spellings)

    def test_any_number_may_be_asked_for_at_once(self, hand: BookAtHand) -> None:
        phones = [Phone(f"+1212555{n:04}") for n in range(101)]
        for phone in phones[::20]:
            hand.book.record(phone, STOP)
        assert hand.another.out(phones) == frozenset(phones[::20])


@frozen(kw_only=True)
class TableBookAtHand(BookAtHand):
    """Two books over one table; *old* is one from before the key was changed."""

    old: OptOutBook
    stored: Stored


def book_over(below: TableAtHand) -> TableBookAtHand:
    """Books over a table."""
    stored = Stored.over(below)
    make = partial(TableOptOutBook, clock=below.clock)
    return TableBookAtHand(
        book=make(table=stored.meddled, keys=[NEW, OLD]),
        another=make(table=below.table, keys=[NEW, OLD]),
        old=make(table=below.table, keys=[OLD, FORGOTTEN]),
        stored=stored,
    )


def where(contact: Contact = PHONE, key: ContactKey = NEW) -> tuple[str, str]:
    """Where the last word on a contact lies."""
    channel = Channel.SMS if isinstance(contact, Phone) else Channel.EMAIL
    return opt_out_key(contact_hash(contact, key), channel)


# What another writer of the table, or an accident, may have left of an item's own fields.
UNREADABLE: Final[Mapping[str, Mapping[str, Any]]] = {
    "a field is missing": {"state": ...},
    "a state is none": {"state": "MAYBE"},
    "a source is not known yet": {"source": "web"},
    "a time is naive": {"at": "2025-02-14T12:00:00"},
}


class TableOptOutBookContract(OptOutBookContract):
    """What lies in the table, and who else writes there: for any ItemTable of an engine."""

    port = "OptOutBook over its table"

    @abstractmethod
    def fresh_table(self) -> AbstractContextManager[TableAtHand]:
        """An empty table, closed on the way out."""

    @contextmanager
    def fresh(self) -> Iterator[TableBookAtHand]:
        """Books over it."""
        with self.fresh_table() as below:
            yield book_over(below)

    def test_no_contact_lies_in_the_table(self, hand: TableBookAtHand) -> None:
        hand.book.record(PHONE, STOP)
        hand.book.record(ADDRESS, STOP)
        written = [(item.key, item.body) for c in hand.stored.changes() if (item := c.new)]
        assert len(written) == 2
        for text in (PHONE.reveal()[2:], ADDRESS.reveal().partition("@")[0]):
            assert text not in str(written)

    def test_a_word_is_kept_for_good(self, hand: TableBookAtHand) -> None:
        hand.book.record(PHONE, STOP)
        assert hand.stored.item(where()).expires_at is None

    def test_who_was_out_under_an_older_key_is_out(self, hand: TableBookAtHand) -> None:
        hand.old.record(PHONE, STOP)
        assert hand.is_out()
        assert hand.book.record(PHONE, START) == START
        assert not hand.is_out()

    def test_a_later_word_under_an_older_key_holds(self, hand: TableBookAtHand) -> None:
        later = evolve(STOP, at=START.at + HOUR)
        hand.old.record(PHONE, later)
        assert hand.book.record(PHONE, START) == later
        assert hand.is_out()

    def test_what_was_said_moves_to_the_key_in_force(self, hand: TableBookAtHand) -> None:
        hand.old.record(PHONE, STOP)
        hand.book.record(PHONE, evolve(START, at=NOON - HOUR))
        hand.stored.remove(where(key=OLD))
        assert hand.is_out()

    @pytest.mark.parametrize("what", UNREADABLE)
    @pytest.mark.parametrize("said", [STOP, START])
    def test_where_nobody_can_read_what_was_said_nothing_is_sent(
        self, hand: TableBookAtHand, what: str, said: OptOut
    ) -> None:
        hand.book.record(PHONE, said)
        hand.stored.plant(where(), theirs={"n": 1}, **UNREADABLE[what])
        assert hand.is_out()
        assert hand.book.out([OTHER_PHONE]) == frozenset()
        assert hand.book.record(PHONE, START) == START
        assert not hand.is_out()
        assert hand.stored.item(where()).body["theirs"] == {"n": 1}

    def test_what_changes_nothing_writes_nothing(self, hand: TableBookAtHand) -> None:
        hand.book.record(PHONE, START)
        for said in (START, STOP):
            hand.book.record(PHONE, said)
            hand.another.record(PHONE, said)
        assert len(hand.stored.changes()) == 1

    @pytest.mark.parametrize(("mine", "theirs"), [(STOP, START), (START, STOP)])
    def test_of_two_words_that_are_learned_at_once_the_later_holds(
        self, hand: TableBookAtHand, mine: OptOut, theirs: OptOut
    ) -> None:
        hand.stored.meddled.others.append(lambda: hand.another.record(PHONE, theirs))
        assert hand.book.record(PHONE, mine) == START
        assert not hand.is_out()

    @pytest.mark.parametrize("reached", [True, False])
    def test_a_word_without_answer_may_be_told_again(
        self, hand: TableBookAtHand, *, reached: bool
    ) -> None:
        hand.stored.meddled.reached = reached
        hand.stored.meddled.unsure.add(where())
        with pytest.raises(Unknown):
            hand.book.record(PHONE, STOP)
        assert hand.is_out() is reached
        hand.stored.meddled.unsure.clear()
        assert hand.book.record(PHONE, STOP) == STOP
        assert hand.is_out()

    def test_who_is_always_too_late_is_told_so(self, hand: TableBookAtHand) -> None:
        others = (
            partial(hand.another.record, PHONE, evolve(STOP, at=NOON + n * HOUR / 60))
            for n in range(100)
        )
        hand.stored.meddled.others.extend(others)
        with pytest.raises(Transient) as late:
            hand.book.record(PHONE, evolve(START, at=NOON + 9 * HOUR))
        assert not isinstance(late.value, Unknown)
        assert hand.is_out()


WORDS = st.lists(
    st.tuples(st.sampled_from(["book", "another", "old", "meanwhile"]), opt_outs), max_size=8
)


class TableOptOutBookProperties(TableOptOutBookContract):
    """All of that, and more for engines that are quick enough for some hundred tables."""

    port = "OptOutBook, any calls"

    @inherited
    @given(words=WORDS, asked=opt_outs)
    def test_whoever_writes_under_whatever_key_the_last_word_holds(
        self, words: list[tuple[str, OptOut]], asked: OptOut
    ) -> None:
        with self.fresh() as hand:
            for who, said in words:
                if who == "meanwhile":
                    later = partial(hand.another.record, PHONE, said)
                    hand.stored.meddled.others.append(later)
                else:
                    getattr(hand, who).record(PHONE, said)
            while hand.stored.meddled.others:
                hand.stored.meddled.others.popleft()()
            every: Sequence[OptOut] = [said for _, said in words]
            last = reduce(latest, every, None)
            assert hand.is_out() is opted_out(last)
            assert hand.book.record(PHONE, asked) == latest(last, asked)
