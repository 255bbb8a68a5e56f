"""What every NotificationStore promises, and what one over a table keeps in it."""

from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final

import pytest
from attrs import evolve, frozen
from hypothesis import given
from hypothesis import strategies as st

from demand_adapters.item_table import Body, Change, Item, Page
from demand_adapters.stores.notifications import TableNotificationStore
from demand_adapters.testing.change_feed import everything
from demand_adapters.testing.contract import Contract, inherited
from demand_adapters.testing.item_table import TableAtHand, all_pages, altered, stood
from demand_adapters.testing.meddled_table import MeddledTable
from demand_adapters.testing.races import at_once
from demand_adapters.testing.strategies import (
    MILLISECOND,
    NOON,
    a_notification,
    notifications,
)
from demand_adapters.wire.converters import instant
from demand_adapters.wire.item_keys import notification_key
from demand_adapters.wire.keys import build, build_index
from demand_core.domain.contacts import Email
from demand_core.domain.ids import NotificationId, SaleId, shard
from demand_core.domain.notifications import (
    Channel,
    Claim,
    MessageBody,
    Notification,
    NotificationRef,
    due_at,
)
from demand_core.domain.statuses import SETTLED, Status
from demand_core.errors import Permanent, Transient, Unknown
from demand_core.ports.notification_store import NotificationStore, Step

MINUTE: Final = timedelta(minutes=1)
SOME_TIME: Final = 7 * MINUTE
N1, N2, N3 = (a_notification(n).ref for n in (1, 2, 3))
NOWHERE: Final = NotificationId("0" * 32)
BY_EMAIL: Final = a_notification(channel=Channel.EMAIL, phone_number=None, email=Email("a@b.c"))
RECEIPT: Final = {"provider": "twin", "provider_message_id": "m1"}


def changed(**parts: Any) -> Step:
    """The step to the same message with other *parts*."""
    return lambda row: evolve(row, **parts)


def taken(by: str) -> Step:
    """The step of one who claims what nobody has claimed."""
    claim = Claim(by=by, until=NOON + SOME_TIME, number=1)
    return lambda row: (
        evolve(row, status=Status.CLAIMED, claim=claim) if row.status is Status.CREATED else row
    )


def becoming(then: Notification) -> Step:
    """The step to what shall stand there, whatever does."""
    return lambda _: then


def counted(row: Notification) -> Notification:
    """The step of one who counts."""
    return evolve(row, replays=row.replays + 1)


@frozen(kw_only=True)
class StoreAtHand:
    """An empty store, *another* that knows what it knows, and a way to let indexes settle."""

    store: NotificationStore
    another: NotificationStore
    settle: Callable[[], None]

    def row(self, ref: NotificationRef = N1) -> Notification:
        """What the store knows of a message."""
        return self.store.get_many([ref])[ref]

    def due(
        self, now: datetime, *, limit: int = 100
    ) -> Mapping[str, Sequence[NotificationRef]]:
        """All pages of each shard in which anything is due."""
        pages = {
            number: all_pages(partial(self._page, number, now, limit))
            for number in self.store.shards()
        }
        return {number: refs for number, refs in pages.items() if refs}

    def _page(
        self, number: str, now: datetime, limit: int, after: str | None
    ) -> Page[NotificationRef]:
        page = self.store.due(number, now, after, limit)
        assert len(page.refs) <= limit
        return Page(page.refs, page.after)


class NotificationStoreContract(Contract[StoreAtHand]):
    """For an empty store, wherever it keeps its messages."""

    port = "NotificationStore"

    def test_unknown_messages_are_left_out(self, hand: StoreAtHand) -> None:
        assert hand.store.get_many([N1]) == {}
        hand.store.create([a_notification(2)])
        assert hand.store.get_many([N1, N2]).keys() == {N2}
        assert hand.store.get_many([]) == {}

    def test_messages_come_in_the_order_asked_for(self, hand: StoreAtHand) -> None:
        hand.store.create([a_notification(n) for n in (1, 2, 3)])
        unknown = a_notification(9).ref
        assert [*hand.store.get_many([N3, N1, unknown, N3, N2, N1])] == [N3, N1, N2]

    @pytest.mark.parametrize("size", [0, 1, 25, 26, 101])
    def test_batches_of_any_size_are_stored_whole(self, hand: StoreAtHand, size: int) -> None:
        rows = [a_notification(n) for n in range(size)]
        for _ in range(2):
            assert not hand.store.create(rows)
            assert list(hand.store.get_many([row.ref for row in rows]).values()) == rows

    def test_each_channel_and_each_sale_has_a_message_of_its_own(
        self, hand: StoreAtHand
    ) -> None:
        presale = a_notification(sale_id=SaleId("E1.p0123456789ab"))
        rows = [a_notification(), BY_EMAIL, presale]
        assert not hand.store.create(rows)
        assert hand.store.get_many([row.ref for row in rows]) == {row.ref: row for row in rows}

    @pytest.mark.parametrize("status", Status)
    def test_what_is_there_stays_whatever_became_of_it(
        self, hand: StoreAtHand, status: Status
    ) -> None:
        hand.store.create([a_notification()])
        there = hand.store.amend(N1, changed(status=status, send_attempts=1))
        assert not hand.another.create([a_notification(locale="fr-ca"), a_notification(2)])
        assert hand.store.get_many([N1, N2]) == {N1: there, N2: a_notification(2)}

    def test_of_two_for_one_message_the_first_is_kept(self, hand: StoreAtHand) -> None:
        assert not hand.store.create([a_notification(), a_notification(locale="fr-ca")])
        assert hand.row() == a_notification()

    def test_a_change_is_stored_and_answered_and_touches_no_other(
        self, hand: StoreAtHand
    ) -> None:
        hand.store.create([a_notification(), BY_EMAIL, a_notification(2)])
        answer = hand.store.amend(N1, taken("me"))
        assert answer == taken("me")(a_notification()) == hand.row()
        assert hand.row(BY_EMAIL.ref) == BY_EMAIL
        assert hand.row(N2) == a_notification(2)

    def test_nothing_is_done_to_a_message_that_is_not_there(self, hand: StoreAtHand) -> None:
        def fail(row: Notification) -> Notification:
            raise AssertionError(row)

        assert hand.store.amend(N1, fail) is None
        assert hand.store.get_many([N1]) == {}

    def test_a_step_that_fails_leaves_the_message_as_it_was(self, hand: StoreAtHand) -> None:
        def fail(row: Notification) -> Notification:
            raise Permanent("request_changed", row.notification_id)

        hand.store.create([a_notification()])
        with pytest.raises(Permanent) as failure:
            hand.store.amend(N1, fail)
        assert (failure.value.code, hand.row()) == ("request_changed", a_notification())

    def test_a_store_knows_what_another_wrote(self, hand: StoreAtHand) -> None:
        hand.another.create([a_notification()])
        for n in (1, 2):
            hand.store.amend(N1, counted)
            hand.another.amend(N1, counted)
            assert hand.row().replays == 2 * n

    def test_a_message_is_due_from_the_time_it_names_until_it_is_settled(
        self, hand: StoreAtHand
    ) -> None:
        home = {shard(N1.fan_id): [N1]}

        def assert_due_at(due: datetime) -> None:
            hand.settle()
            assert hand.due(due) == hand.due(due + 365 * 24 * 60 * MINUTE) == home
            assert hand.due(due - MILLISECOND) == {}

        hand.store.create([a_notification()])
        assert_due_at(NOON)
        hand.store.amend(N1, changed(wait_until=NOON + MINUTE))
        assert_due_at(NOON + MINUTE)
        hand.store.amend(N1, taken("me"))
        assert_due_at(NOON + SOME_TIME)
        hand.store.amend(N1, changed(status=Status.RETRY_WAIT, wait_until=NOON - MINUTE))
        assert_due_at(NOON - MINUTE)
        for status in SETTLED:
            hand.store.amend(N1, changed(status=status))
            hand.settle()
            assert hand.due(NOON + 365 * 24 * 60 * MINUTE) == {}

    @pytest.mark.parametrize("limit", [1, 2, 3, 100])
    def test_pages_of_any_size_lead_to_all_that_is_due_the_longest_due_first(
        self, hand: StoreAtHand, limit: int
    ) -> None:
        rows = [a_notification(n, not_before=NOON - n * 7 % 41 * MINUTE) for n in range(40)]
        hand.store.create(rows)
        hand.settle()
        by_time = sorted(rows, key=lambda row: row.not_before)
        assert hand.due(NOON, limit=limit) == {
            number: refs
            for number in hand.store.shards()
            if (refs := [row.ref for row in by_time if shard(row.fan_id) == number])
        }

    def test_a_message_is_found_by_its_id_and_by_its_provider_s(
        self, hand: StoreAtHand
    ) -> None:
        row = a_notification()
        hand.store.create([row, a_notification(2)])
        hand.settle()
        assert hand.store.of_id(row.notification_id) == N1
        assert hand.store.of_message("twin", "m1") is None
        hand.store.amend(N1, changed(**RECEIPT))
        hand.settle()
        assert hand.another.of_message("twin", "m1") == N1
        assert hand.another.of_message("other", "m1") is None
        assert hand.another.of_message("twin", "m2") is None
        assert hand.another.of_id(NOWHERE) is None

    def test_what_was_said_to_be_stored_can_be_read(self, hand: StoreAtHand) -> None:
        for n, text in enumerate([" ", "\x00", "é🎟", "x" * 100_000]):
            body = MessageBody(text)
            row = a_notification(n, message_body=body, variables={"": body, "a.b": body})
            with suppress(Permanent):
                if not hand.store.create([row]):
                    assert hand.store.get_many([row.ref]) == {row.ref: row}


class NotificationStoreRaces(Contract[StoreAtHand]):
    """For an empty store that many threads may call at once."""

    port = "NotificationStore, many threads"

    def test_one_of_16_who_claim_a_message_gets_it(self, hand: StoreAtHand) -> None:
        hand.store.create([a_notification()])
        names = [f"run {n}" for n in range(16)]
        stores = [hand.store, hand.another] * 8
        answers = at_once(
            [partial(s.amend, N1, taken(by)) for s, by in zip(stores, names, strict=True)]
        )
        assert answers == [hand.row()] * 16
        assert hand.row() in [taken(by)(a_notification()) for by in names]

    def test_one_of_16_who_make_a_message_makes_it(self, hand: StoreAtHand) -> None:
        made = [a_notification(template=f"t/{n}") for n in range(16)]
        stores = [hand.store, hand.another] * 8
        answers = at_once(
            [partial(s.create, [row]) for s, row in zip(stores, made, strict=True)]
        )
        assert not any(answers)
        assert hand.row() in made

    def test_no_change_of_16_threads_is_lost(self, hand: StoreAtHand) -> None:
        def count_4(store: NotificationStore) -> None:
            done = 0
            while done < 4:
                # Others were always faster.
                with suppress(Transient):
                    done += store.amend(N1, counted) is not None

        hand.store.create([a_notification()])
        at_once([partial(count_4, store) for store in [hand.store, hand.another] * 8])
        assert hand.row().replays == 64


@frozen(kw_only=True)
class TableStoreAtHand(StoreAtHand):
    """Two stores over one table, and what lies *below* them; one goes through *meddled*."""

    meddled: MeddledTable
    below: TableAtHand

    def item(self, ref: NotificationRef = N1) -> Item:
        """What is stored of a message."""
        return self.below.table.get_many([notification_key(ref)])[notification_key(ref)]

    def plant(self, ref: NotificationRef = N1, /, **fields: Any) -> Item:
        """Make the stored item what another writer may have made of it; `...` takes away."""
        item = self.item(ref)
        body = {name: v for name, v in (item.body | fields).items() if v is not ...}
        return stood(self.below.table.replace([altered(item, body=body)])[0])

    def changes(self) -> list[Change]:
        """Everything that was ever written."""
        return everything(self.below)


def store_over(below: TableAtHand) -> TableStoreAtHand:
    """Stores over a table."""
    meddled = MeddledTable(below.table)
    return TableStoreAtHand(
        store=TableNotificationStore(table=meddled, clock=below.clock),
        another=TableNotificationStore(table=below.table, clock=below.clock),
        settle=below.settle,
        meddled=meddled,
        below=below,
    )


# What another writer of the table, or an accident, may have left of an item's own fields.
UNREADABLE: Final[Mapping[str, Mapping[str, Any]]] = {
    "a field is missing": {"notAfter": ...},
    "a number is a text": {"sendAttempts": "1"},
    "a map is a list": {"date": []},
    "a time is naive": {"notBefore": "2025-02-14T12:00:00"},
    "a status is none": {"status": "ASLEEP"},
    "a kind has no place yet": {"kind": "WAVE"},
    "a claim is half one": {"claim": {"by": "me"}},
    "an error is half one": {"errors": [{"code": "x"}]},
    "a phone is none": {"phoneNumber": "555"},
    "an id is none": {"fanId": "a#b"},
    "it says that it is another message": {"fanId": "F3"},
}


class TableNotificationStoreContract(NotificationStoreContract):
    """What lies in the table, and who else writes there: for any ItemTable of an engine."""

    port = "NotificationStore over its table"

    @abstractmethod
    def fresh_table(self) -> AbstractContextManager[TableAtHand]:
        """An empty table, closed on the way out."""

    @contextmanager
    def fresh(self) -> Iterator[TableStoreAtHand]:
        """Stores over it."""
        with self.fresh_table() as below:
            yield store_over(below)

    @pytest.mark.parametrize("what", UNREADABLE)
    def test_what_nobody_can_read_harms_no_neighbour_and_is_not_made_again(
        self, hand: TableStoreAtHand, what: str
    ) -> None:
        rows = [a_notification(n) for n in (1, 2, 3)]
        hand.store.create(rows)
        planted = hand.plant(N2, **UNREADABLE[what])
        assert hand.store.get_many([N3, N2, N1]) == {N1: rows[0], N3: rows[2]}
        assert hand.store.amend(N2, counted) is None
        assert not hand.store.create(rows)
        assert hand.item(N2) == planted

    @pytest.mark.parametrize("what", UNREADABLE)
    def test_what_nobody_can_read_is_due_no_more_once_it_is_shelved(
        self, hand: TableStoreAtHand, what: str
    ) -> None:
        hand.store.create([a_notification(n) for n in (1, 2, 3)])
        hand.plant(N2, **UNREADABLE[what])
        assert hand.store.shelve([N1, N2, N3]) == [N2]
        hand.settle()
        assert {ref for refs in hand.due(NOON + MINUTE).values() for ref in refs} == {N1, N3}
        assert "byTime" not in hand.item(N2).index
        assert hand.another.shelve([N1, N2, N3]) == []

    def test_what_another_version_wrote_stays(self, hand: TableStoreAtHand) -> None:
        hand.store.create([a_notification()])
        theirs: Body = {"priority": 1, "tour": None, "seat": {"row": "", "n": [1]}}
        hand.plant(**theirs, date={"created": instant(NOON), "read": instant(NOON)})
        hand.store.amend(N1, taken("me"))
        hand.another.amend(N1, counted)
        assert theirs.items() <= hand.item().body.items()
        assert hand.item().body["date"] == {"created": instant(NOON), "read": instant(NOON)}
        assert (hand.row().status, hand.row().replays) == (Status.CLAIMED, 1)

    def test_a_message_is_kept_for_400_days_after_its_last_moment(
        self, hand: TableStoreAtHand
    ) -> None:
        row = a_notification()
        hand.store.create([row])
        last = row.not_after.timestamp()
        assert hand.item().expires_at == last + 400 * 86_400
        hand.store.amend(N1, changed(not_after=row.not_after + MINUTE))
        assert hand.item().expires_at == last + 60 + 400 * 86_400

    def test_each_write_is_one_change_and_one_version_more(
        self, hand: TableStoreAtHand
    ) -> None:
        hand.below.pass_time(MILLISECOND)
        hand.store.create([a_notification(), a_notification(), a_notification(2)])
        hand.below.pass_time(MINUTE)
        for n in range(3):
            (hand.store, hand.another)[n % 2].amend(N1, counted)
        epoch = datetime.fromisoformat("1970-01-01T00:00Z")
        first = (NOON - epoch) // MILLISECOND + 1
        mine = [c.new for c in hand.changes() if c.key == notification_key(N1)]
        assert [new and new.body["version"] for new in mine] == [first + n for n in range(4)]
        assert len(hand.changes()) == 5

    def test_what_changes_nothing_writes_nothing(self, hand: TableStoreAtHand) -> None:
        hand.store.create([a_notification()])
        hand.store.amend(N1, taken("me"))
        before = hand.changes()
        hand.store.create([a_notification()])
        hand.another.create([a_notification(locale="fr-ca")])
        hand.store.amend(N1, taken("another"))
        hand.store.amend(N2, counted)
        assert hand.changes() == before

    def test_what_else_is_due_in_the_table_is_passed_over(self, hand: TableStoreAtHand) -> None:
        key = build(
            "parkedReport", provider="twin", messageId="m1", at=instant(NOON), digest="0" * 32
        )
        number = shard(N1.fan_id)
        due = build_index("due", shard=number, dueAt=instant(NOON), notificationId=NOWHERE)
        hand.below.put(Item(key=key, body={}, index={"byTime": due}))
        hand.store.create([a_notification()])
        hand.settle()
        assert hand.due(NOON, limit=1) == {number: [N1]}

    def test_a_step_is_taken_again_from_what_another_wrote_meanwhile(
        self, hand: TableStoreAtHand
    ) -> None:
        hand.store.create([a_notification()])
        others = [lambda: hand.another.amend(N1, counted), lambda: hand.plant(theirs=7)]
        hand.meddled.others.extend(others)
        answer = hand.store.amend(N1, counted)
        assert answer == hand.row() == a_notification(replays=2)
        assert hand.item().body["theirs"] == 7

    def test_who_claims_too_late_is_shown_whose_it_is(self, hand: TableStoreAtHand) -> None:
        hand.store.create([a_notification()])
        hand.meddled.others.append(lambda: hand.another.amend(N1, taken("them")))
        assert hand.store.amend(N1, taken("me")) == taken("them")(a_notification())
        assert len(hand.changes()) == 2

    def test_a_message_that_goes_meanwhile_is_not_made_again(
        self, hand: TableStoreAtHand
    ) -> None:
        hand.store.create([a_notification()])
        hand.meddled.others.append(lambda: hand.below.table.delete([hand.item()]))
        assert hand.store.amend(N1, counted) is None
        assert hand.store.get_many([N1]) == {}

    def test_a_message_that_another_makes_meanwhile_is_the_other_s(
        self, hand: TableStoreAtHand
    ) -> None:
        theirs = a_notification(locale="fr-ca")
        hand.meddled.others.append(lambda: hand.another.create([theirs]))
        assert not hand.store.create([a_notification(), a_notification(2)])
        assert hand.store.get_many([N1, N2]) == {N1: theirs, N2: a_notification(2)}

    def test_who_is_always_too_late_is_told_so(self, hand: TableStoreAtHand) -> None:
        hand.store.create([a_notification()])
        hand.meddled.others.extend([lambda: hand.another.amend(N1, counted)] * 100)
        with pytest.raises(Transient) as late:
            hand.store.amend(N1, taken("me"))
        assert not isinstance(late.value, Unknown)
        assert hand.row().status is Status.CREATED

    @pytest.mark.parametrize("reached", [True, False])
    def test_a_change_without_answer_is_unknown_and_may_be_repeated(
        self, hand: TableStoreAtHand, *, reached: bool
    ) -> None:
        hand.store.create([a_notification()])
        hand.meddled.reached = reached
        hand.meddled.unsure.add(notification_key(N1))
        with pytest.raises(Unknown):
            hand.store.amend(N1, taken("me"))
        assert (hand.row().status is Status.CLAIMED) is reached
        hand.meddled.unsure.clear()
        answer = hand.store.amend(N1, taken("me"))
        assert answer == hand.row() == taken("me")(a_notification())

    @pytest.mark.parametrize("reached", [True, False])
    def test_messages_that_may_not_be_stored_are_listed_and_may_be_repeated(
        self, hand: TableStoreAtHand, *, reached: bool
    ) -> None:
        rows = [a_notification(n) for n in range(5)]
        hand.meddled.reached = reached
        hand.meddled.unsure |= {notification_key(N1), notification_key(N3)}
        assert list(hand.store.create(rows)) == [N1, N3]
        hand.meddled.unsure.clear()
        assert not hand.store.create([rows[1], rows[3]])
        assert list(hand.store.get_many([row.ref for row in rows]).values()) == rows


def turned(pair: tuple[Notification, Notification]) -> tuple[Notification, Notification]:
    """Two states of the first's message."""
    first, other = pair
    then = evolve(other, fan_id=first.fan_id, notification_id=first.notification_id)
    return first, then


HISTORIES: Final = st.lists(
    st.tuples(notifications, notifications).map(turned),
    unique_by=lambda states: states[0].ref,
    max_size=8,
)


class TableNotificationStoreProperties(TableNotificationStoreContract):
    """All of that, and more for engines that are quick enough for some hundred tables."""

    port = "NotificationStore, any rows"

    @inherited
    @given(
        histories=HISTORIES,
        nth=st.integers(0, 15),
        off=st.integers(-1, 1),
        limit=st.integers(1, 9),
    )
    def test_due_are_just_those_that_somebody_must_look_at_by_now(
        self,
        histories: list[tuple[Notification, Notification]],
        nth: int,
        off: int,
        limit: int,
    ) -> None:
        with self.fresh() as hand:
            assert not hand.store.create([first for first, _ in histories])
            for first, then in histories[::2]:
                assert hand.store.amend(first.ref, becoming(then)) == then
            stored = hand.store.get_many([first.ref for first, _ in histories]).values()
            assert [*stored] == [pair[n % 2 == 0] for n, pair in enumerate(histories)]
            dues = {row.ref: due for row in stored if (due := due_at(row))}
            now = [*dues.values(), NOON][nth % (len(dues) + 1)] + off * MILLISECOND
            hand.settle()
            found = [
                (number, ref)
                for number, refs in hand.due(now, limit=limit).items()
                for ref in refs
            ]
            expected = {(shard(ref.fan_id), ref) for ref, due in dues.items() if due <= now}
            assert len(found) == len(expected)
            assert set(found) == expected
