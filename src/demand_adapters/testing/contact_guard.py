"""What every ContactGuard promises: a contact is one message's for each sale and channel."""

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from datetime import timedelta
from functools import partial
from itertools import product
from typing import Final

import pytest
from attrs import frozen
from hypothesis import given
from hypothesis import strategies as st

from demand_adapters.stores.contact_guard import TableContactGuard
from demand_adapters.testing.contract import Contract, inherited
from demand_adapters.testing.item_table import TableAtHand
from demand_adapters.testing.races import at_once
from demand_adapters.testing.stored import Stored
from demand_adapters.testing.strategies import NOON
from demand_adapters.wire.item_keys import guard_key
from demand_core.domain.contacts import ContactKey, Email, Phone, contact_hash
from demand_core.domain.ids import NotificationId, SaleId
from demand_core.domain.notifications import Channel
from demand_core.errors import Transient, Unknown
from demand_core.ports.contact_guard import ContactGuard
from demand_core.ports.opt_out_book import Contact

KEY: Final = ContactKey("k1", b"a secret of sixteen bytes or more")
MINE, THEIRS = (NotificationId(digit * 32) for digit in "12")
PHONE: Final = Phone("+12125550123")
OTHER_PHONE: Final = Phone("+12125550124")
ADDRESS: Final = Email("fan@mail.example")
PUBLIC, PRESALE = SaleId("E1.public"), SaleId("E1.p0123456789ab")
WHERE: Final = guard_key(contact_hash(PHONE, KEY), PUBLIC, Channel.SMS)


@frozen(kw_only=True)
class GuardAtHand:
    """A guard that nobody has asked yet, and *another* that knows what it knows."""

    guard: ContactGuard
    another: ContactGuard


def taken(
    guard: ContactGuard,
    owner: NotificationId,
    contact: Contact = PHONE,
    sale_id: SaleId = PUBLIC,
    channel: Channel = Channel.SMS,
) -> NotificationId:
    """Whose it is after *owner* asked for it."""
    return guard.first(contact, sale_id, channel, owner, NOON)


class ContactGuardContract(Contract[GuardAtHand]):
    """For a new guard, wherever it keeps what it knows."""

    port = "ContactGuard"

    def test_the_first_to_come_has_a_contact_and_all_others_learn_whose_it_is(
        self, hand: GuardAtHand
    ) -> None:
        assert taken(hand.guard, MINE) == MINE
        for guard in (hand.guard, hand.another):
            assert taken(guard, THEIRS) == MINE

    def test_the_owner_may_ask_again(self, hand: GuardAtHand) -> None:
        for guard in (hand.guard, hand.another, hand.guard):
            assert taken(guard, MINE) == MINE

    def test_each_contact_sale_and_channel_is_taken_by_itself(self, hand: GuardAtHand) -> None:
        contacts: Sequence[Contact] = (PHONE, OTHER_PHONE, ADDRESS)
        places = list(product(contacts, (PUBLIC, PRESALE), Channel))
        owners = [NotificationId(f"{n:032x}") for n in range(len(places))]
        for place, owner in zip(places, owners, strict=True):
            assert taken(hand.guard, owner, *place) == owner
        assert [taken(hand.another, THEIRS, *place) for place in places] == owners

    def test_an_address_is_one_however_it_is_spelled(self, hand: GuardAtHand) -> None:
        spellings = [Email(text) for text in ("Fan@Mail.example", "fan@mail.EXAMPLE")]
        owners = [
            taken(hand.guard, owner, address, PUBLIC, Channel.EMAIL)
            for owner, address in zip((MINE, THEIRS), spellings, strict=True)
        ]
        assert owners == [MINE, MINE]


class ContactGuardRaces(Contract[GuardAtHand]):
    """For a new guard that many threads may ask at once."""

    port = "ContactGuard, many threads"

    def test_one_of_16_who_ask_gets_it_and_all_learn_who(self, hand: GuardAtHand) -> None:
        owners = [NotificationId(f"{n:032x}") for n in range(16)]
        guards = [hand.guard, hand.another] * 8
        answers = at_once([partial(taken, *who) for who in zip(guards, owners, strict=True)])
        assert len(set(answers)) == 1
        assert taken(hand.guard, MINE) == answers[0] in owners


@frozen(kw_only=True)
class TableGuardAtHand(GuardAtHand):
    """Two guards over one table, and what lies below them; one comes to it `meddled`."""

    stored: Stored


def guard_over(below: TableAtHand, keys: Sequence[ContactKey] = (KEY,)) -> TableGuardAtHand:
    """Guards over a table."""
    stored = Stored.over(below)
    one, other = (
        TableContactGuard(table=table, clock=below.clock, keys=keys)
        for table in (stored.meddled, below.table)
    )
    return TableGuardAtHand(guard=one, another=other, stored=stored)


class TableContactGuardContract(ContactGuardContract):
    """What lies in the table, and who else writes there: for any ItemTable of an engine."""

    port = "ContactGuard over its table"

    @abstractmethod
    def fresh_table(self) -> AbstractContextManager[TableAtHand]:
        """An empty table, closed on the way out."""

    @contextmanager
    def fresh(self) -> Iterator[TableGuardAtHand]:
        """Guards over it."""
        with self.fresh_table() as below:
            yield guard_over(below)

    def test_no_contact_lies_in_the_table(self, hand: TableGuardAtHand) -> None:
        taken(hand.guard, MINE)
        taken(hand.guard, MINE, ADDRESS, PUBLIC, Channel.EMAIL)
        written = [(item.key, item.body) for c in hand.stored.changes() if (item := c.new)]
        assert len(written) == 2
        for text in (PHONE.reveal()[2:], ADDRESS.reveal().partition("@")[0]):
            assert text not in str(written)

    def test_whose_it_was_is_kept_for_30_days(self, hand: TableGuardAtHand) -> None:
        until = NOON + timedelta(minutes=28)
        hand.guard.first(PHONE, PUBLIC, Channel.SMS, MINE, until)
        hand.another.first(PHONE, PUBLIC, Channel.SMS, THEIRS, until + timedelta(days=9))
        gone = until + timedelta(days=30)
        assert hand.stored.item(WHERE).expires_at == gone.timestamp()

    def test_whoever_is_not_the_first_writes_nothing(self, hand: TableGuardAtHand) -> None:
        taken(hand.guard, MINE)
        taken(hand.guard, MINE)
        taken(hand.guard, THEIRS)
        assert len(hand.stored.changes()) == 1

    def test_what_nobody_can_read_is_nobody_s_and_what_is_foreign_stays(
        self, hand: TableGuardAtHand
    ) -> None:
        for unreadable in ("me", "", 7, ...):
            taken(hand.guard, MINE)
            hand.stored.plant(WHERE, owner=unreadable, theirs={"n": 1})
            assert taken(hand.guard, THEIRS) == THEIRS
            assert hand.stored.item(WHERE).body["theirs"] == {"n": 1}
            hand.stored.remove(WHERE)

    def test_of_two_who_come_at_once_one_gets_it(self, hand: TableGuardAtHand) -> None:
        hand.stored.meddled.others.append(lambda: taken(hand.another, THEIRS))
        assert taken(hand.guard, MINE) == THEIRS
        assert len(hand.stored.changes()) == 1

    @pytest.mark.parametrize("reached", [True, False])
    def test_whoever_gets_no_answer_may_ask_again(
        self, hand: TableGuardAtHand, *, reached: bool
    ) -> None:
        hand.stored.meddled.reached = reached
        hand.stored.meddled.unsure.add(WHERE)
        with pytest.raises(Unknown):
            taken(hand.guard, MINE)
        hand.stored.meddled.unsure.clear()
        assert taken(hand.another, THEIRS) == (MINE if reached else THEIRS)
        assert taken(hand.guard, MINE) == (MINE if reached else THEIRS)

    def test_who_is_always_too_late_is_told_so(self, hand: TableGuardAtHand) -> None:
        def fleeting() -> None:
            # There at the next write, and gone again before whoever lost to it has looked.
            taken(hand.another, THEIRS)
            hand.stored.plant(WHERE, owner=...)

        hand.stored.meddled.others.extend([fleeting] * 100)
        with pytest.raises(Transient) as late:
            taken(hand.guard, MINE)
        assert not isinstance(late.value, Unknown)


ASKED = st.lists(
    st.tuples(
        st.sampled_from([PHONE, OTHER_PHONE]),
        st.sampled_from([PUBLIC, PRESALE]),
        st.sampled_from([MINE, THEIRS]),
        st.sampled_from(["one", "other", "meanwhile", "no answer"]),
    ),
    max_size=12,
)


class TableContactGuardProperties(TableContactGuardContract):
    """All of that, and more for engines that are quick enough for some hundred tables."""

    port = "ContactGuard, any calls"

    @inherited
    @given(asked=ASKED)
    def test_nobody_is_ever_told_of_two_owners(
        self, asked: list[tuple[Phone, SaleId, NotificationId, str]]
    ) -> None:
        told = list[tuple[tuple[Phone, SaleId], NotificationId]]()
        with self.fresh() as hand:

            def ask(guard: ContactGuard, to: Phone, sale: SaleId, by: NotificationId) -> None:
                told.append(((to, sale), taken(guard, by, to, sale)))

            for to, sale, by, how in asked:
                if how == "meanwhile":
                    later = partial(ask, hand.another, to, sale, by)
                    hand.stored.meddled.others.append(later)
                    continue
                if how == "no answer":
                    key = guard_key(contact_hash(to, KEY), sale, Channel.SMS)
                    hand.stored.meddled.unsure.add(key)
                with suppress(Unknown):
                    ask(hand.another if how == "other" else hand.guard, to, sale, by)
                hand.stored.meddled.unsure.clear()
        assert len(set(told)) == len({place for place, _ in told})
