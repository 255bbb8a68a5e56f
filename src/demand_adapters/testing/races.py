"""What an ItemTable promises to many who call it at the same moment."""

import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import Barrier
from typing import TypeVar

from demand_adapters.item_table import Did, Value, Wrote
from demand_adapters.testing.contract import Contract
from demand_adapters.testing.item_table import TableAtHand, altered, an_item, stood

T = TypeVar("T")


def at_once(calls: Sequence[Callable[[], T]]) -> list[T]:
    """What each call answers, all begun together and each in a thread of its own."""
    gate = Barrier(len(calls))

    def behind_the_gate(call: Callable[[], T]) -> T:
        gate.wait()
        return call()

    # Threads that take turns more often than usual meet in more places.
    usual = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(len(calls)) as pool:
            return list(pool.map(behind_the_gate, calls))
    finally:
        sys.setswitchinterval(usual)


class ItemTableRaces(Contract[TableAtHand]):
    """For an empty table that many threads may call at once; the one in memory is for one."""

    port = "ItemTable, many threads"

    def test_one_of_64_who_store_the_same_key_wins_and_all_others_see_it(
        self, hand: TableAtHand
    ) -> None:
        writers = [partial(hand.table.put_new, [an_item(n=n)]) for n in range(64)]
        self.assert_one_won(hand, at_once(writers))

    def test_one_of_64_who_knew_the_same_revision_wins_and_all_others_see_it(
        self, hand: TableAtHand
    ) -> None:
        (known,) = hand.put(an_item())
        claims = [altered(known, body={"n": n}) for n in range(64)]
        self.assert_one_won(
            hand, at_once([partial(hand.table.replace, [claim]) for claim in claims])
        )

    def assert_one_won(self, hand: TableAtHand, answers: list[Sequence[Wrote]]) -> None:
        winner = next(stood(wrote) for (wrote,) in answers if wrote.did is Did.DONE)
        assert sorted(wrote.did.name for (wrote,) in answers) == ["DONE"] + ["LOST"] * 63
        assert all(wrote.item == winner for (wrote,) in answers)
        assert hand.rows() == [winner]

    def test_none_of_64_increments_by_16_threads_is_lost(self, hand: TableAtHand) -> None:
        key = hand.put(an_item(n=0))[0].key

        def increment() -> None:
            for _ in range(4):
                did = Did.LOST
                while did is not Did.DONE:
                    item = hand.table.get_many([key])[key]
                    more = altered(item, body={"n": number(item.body["n"]) + 1})
                    ((did, _),) = hand.table.replace([more])

        at_once([increment] * 16)
        assert hand.bodies() == {"a": {"n": 64}}

    def test_each_of_16_who_delete_what_others_delete_too_is_told_what_it_did(
        self, hand: TableAtHand
    ) -> None:
        stored = hand.put(*[an_item(f"{n:02}") for n in range(16)])
        answers = at_once([partial(hand.table.delete, stored)] * 16)
        for of_one_item in zip(*answers, strict=True):
            assert sorted(wrote.did.name for wrote in of_one_item) == ["DONE"] + ["LOST"] * 15
            assert not any(wrote.item for wrote in of_one_item)
        assert hand.rows() == []


def number(value: Value) -> int:
    """*value*, which is one."""
    assert type(value) is int
    return value
