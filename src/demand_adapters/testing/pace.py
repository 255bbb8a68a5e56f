"""What every Pace promises: nobody waits at a gate, and nobody passes it too early."""

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime, timedelta
from typing import Any, Final

import pytest
from attrs import frozen
from hypothesis import example, given
from hypothesis import strategies as st

from demand_adapters.stores.pace import TablePace
from demand_adapters.testing.contract import Contract, inherited
from demand_adapters.testing.item_table import TableAtHand, altered
from demand_adapters.testing.meddled_table import MeddledTable
from demand_adapters.testing.strategies import MILLISECOND, NOON
from demand_adapters.wire.item_keys import rate_key
from demand_core.errors import Permanent, Unknown, WiringError
from demand_core.ports.pace import Pace

SECOND: Final = timedelta(seconds=1)


@frozen(kw_only=True)
class PaceAtHand:
    """Open gates: "sms" lets 10 units a second pass, "mail" 1. *another* shares them."""

    pace: Pace
    another: Pace


class PaceContract(Contract[PaceAtHand]):
    """For open gates, wherever they are kept."""

    port = "Pace"

    def test_an_open_gate_lets_pass(self, hand: PaceAtHand) -> None:
        assert hand.pace.take("sms", 5, NOON) <= NOON

    def test_a_shut_gate_says_when_it_opens(self, hand: PaceAtHand) -> None:
        hand.pace.take("sms", 5, NOON)
        for pace in (hand.pace, hand.another):
            assert pace.take("sms", 1, NOON) == NOON + SECOND / 2

    def test_whoever_was_turned_away_took_nothing(self, hand: PaceAtHand) -> None:
        hand.pace.take("sms", 5, NOON)
        for _ in range(3):
            hand.another.take("sms", 100, NOON)
        assert hand.pace.take("sms", 5, NOON + SECOND / 2 - MILLISECOND) == NOON + SECOND / 2
        assert hand.another.take("sms", 5, NOON + SECOND / 2) <= NOON + SECOND / 2

    def test_more_than_a_second_s_worth_may_be_taken_at_once(self, hand: PaceAtHand) -> None:
        assert hand.pace.take("sms", 100, NOON) <= NOON
        assert hand.another.take("sms", 1, NOON + SECOND) == NOON + 10 * SECOND

    def test_time_without_takers_is_not_saved_up(self, hand: PaceAtHand) -> None:
        hand.pace.take("sms", 1, NOON)
        later = NOON + timedelta(hours=1)
        assert hand.pace.take("sms", 10, later) <= later
        assert hand.pace.take("sms", 1, later) == later + SECOND

    def test_every_sender_has_a_gate_of_its_own(self, hand: PaceAtHand) -> None:
        hand.pace.take("sms", 10, NOON)
        assert hand.pace.take("mail", 1, NOON) <= NOON
        assert hand.pace.take("sms", 1, NOON) == hand.pace.take("mail", 1, NOON)

    def test_a_gate_that_is_held_stays_shut(self, hand: PaceAtHand) -> None:
        hand.pace.hold("sms", NOON + 5 * SECOND)
        for at in (NOON, NOON + 5 * SECOND - MILLISECOND):
            assert hand.another.take("sms", 1, at) == NOON + 5 * SECOND
        assert hand.another.take("sms", 1, NOON + 5 * SECOND) <= NOON + 5 * SECOND

    def test_a_hold_moves_a_gate_on_and_never_back(self, hand: PaceAtHand) -> None:
        hand.pace.hold("sms", NOON + 5 * SECOND)
        hand.another.hold("sms", NOON + SECOND)
        assert hand.pace.take("sms", 1, NOON) == NOON + 5 * SECOND
        hand.another.hold("sms", NOON + 9 * SECOND)
        assert hand.pace.take("sms", 1, NOON) == NOON + 9 * SECOND
        hand.pace.hold("mail", NOON - SECOND)
        assert hand.pace.take("mail", 1, NOON) <= NOON

    def test_a_hold_ends_no_earlier_than_it_says(self, hand: PaceAtHand) -> None:
        hand.pace.hold("sms", NOON + MILLISECOND / 2)
        assert hand.pace.take("sms", 1, NOON) > NOON

    def test_an_unknown_sender_is_a_mistake_of_ours(self, hand: PaceAtHand) -> None:
        with pytest.raises(WiringError):
            hand.pace.take("fax", 1, NOON)
        with pytest.raises(WiringError):
            hand.pace.hold("fax", NOON)


def pace_over(below: TableAtHand, **per_second: int) -> PaceAtHand:
    """Gates in a table."""
    one, other = (
        TablePace(table=below.table, clock=below.clock, per_second=per_second) for _ in range(2)
    )
    return PaceAtHand(pace=one, another=other)


class TablePaceContract(PaceContract):
    """For gates that lie in a table, of any engine."""

    port = "Pace over its table"

    @abstractmethod
    def fresh_table(self) -> AbstractContextManager[TableAtHand]:
        """An empty table, closed on the way out."""

    @contextmanager
    def fresh(self) -> Iterator[PaceAtHand]:
        """Gates in it."""
        with self.fresh_table() as below:
            yield pace_over(below, sms=10, mail=1)

    @pytest.fixture
    def below(self) -> Iterator[TableAtHand]:
        """A table in which gates are made by the test."""
        with self.fresh_table() as below:
            yield below

    def pace(self, below: TableAtHand, per_second: int, **parts: Any) -> TablePace:
        table = parts.get("table", below.table)
        return TablePace(table=table, clock=below.clock, per_second={"sms": per_second})

    def test_the_rate_that_is_set_wins_over_the_stored_one(self, below: TableAtHand) -> None:
        self.pace(below, 10).take("sms", 10, NOON)
        faster = self.pace(below, 100)
        assert faster.take("sms", 10, NOON) == NOON + SECOND
        assert faster.take("sms", 10, NOON + SECOND) <= NOON + SECOND
        assert faster.take("sms", 1, NOON + SECOND) == NOON + 1.1 * SECOND
        stored = below.table.get_many([rate_key("sms")])[rate_key("sms")]
        assert stored.body["perSecond"] == 100

    def test_a_sender_without_a_rate_is_refused_whatever_is_stored(
        self, below: TableAtHand
    ) -> None:
        self.pace(below, 1).take("sms", 10, NOON)
        forgetful = TablePace(table=below.table, clock=below.clock, per_second={})
        with pytest.raises(WiringError):
            forgetful.take("sms", 1, NOON)
        with pytest.raises(WiringError):
            forgetful.hold("sms", NOON)

    def test_a_gate_that_nobody_can_read_is_made_anew(self, below: TableAtHand) -> None:
        pace = self.pace(below, 10)
        pace.take("sms", 10, NOON)
        stored = below.table.get_many([rate_key("sms")])[rate_key("sms")]
        below.table.replace([altered(stored, body={"nextFreeAt": "soon", "perSecond": 10})])
        assert pace.take("sms", 10, NOON) <= NOON
        assert pace.take("sms", 10, NOON) == NOON + SECOND

    def test_of_two_takers_at_once_one_passes(self, below: TableAtHand) -> None:
        meddled = MeddledTable(below.table)
        mine, theirs = self.pace(below, 10, table=meddled), self.pace(below, 10)
        meddled.others.append(lambda: theirs.take("sms", 5, NOON))
        assert mine.take("sms", 1, NOON) == NOON + SECOND / 2
        meddled.others.append(lambda: theirs.take("sms", 5, NOON + SECOND))
        assert mine.take("sms", 1, NOON + SECOND) == NOON + 1.5 * SECOND

    def test_a_gate_whose_table_does_not_answer_lets_nobody_pass(
        self, below: TableAtHand
    ) -> None:
        meddled = MeddledTable(below.table, unsure={rate_key("sms")})
        with pytest.raises(Unknown):
            self.pace(below, 10, table=meddled).take("sms", 1, NOON)
        with pytest.raises(Unknown):
            self.pace(below, 10, table=meddled).hold("sms", NOON + 5 * SECOND)

    @pytest.mark.parametrize("sender", ["", "a#b", "x" * 65, "\ud800", "sms\n"])
    def test_a_hostile_sender_gets_no_key(self, below: TableAtHand, sender: str) -> None:
        pace = TablePace(table=below.table, clock=below.clock, per_second={sender: 1})
        with pytest.raises(Permanent):
            pace.take(sender, 1, NOON)
        with pytest.raises(Permanent):
            pace.hold(sender, NOON)


TURNS = st.lists(
    st.tuples(
        st.integers(0, 2000).map(lambda n: n * MILLISECOND),
        st.integers(1, 40),
        st.sampled_from(["one", "other", "hold", "as told"]),
    ),
    min_size=2,
    max_size=30,
)


def taken(
    hand: PaceAtHand, turns: Sequence[tuple[timedelta, int, str]]
) -> list[tuple[datetime, int]]:
    """What was let pass and when; who comes back as told comes when the gate opens."""
    now, passed = NOON, list[tuple[datetime, int]]()
    for wait, units, who in turns:
        now += wait
        if who == "hold":
            hand.another.hold("sms", now + wait)
            continue
        pace = hand.pace if who == "one" else hand.another
        opens = pace.take("sms", units, now)
        if opens > now and who == "as told":
            now = opens
            opens = pace.take("sms", units, now)
            assert opens <= now
        if opens <= now:
            passed.append((now, units))
    return passed


class TablePaceProperties(TablePaceContract):
    """All of that, and more for engines that are quick enough for some hundred tables."""

    port = "Pace, any calls"

    @inherited
    @given(turns=TURNS, rate=st.integers(1, 1000))
    @example(turns=[(0 * SECOND, 1, "as told")] * 3, rate=7).via("a rate dividing no second")
    @example(turns=[(0 * SECOND, 1, "one")] * 3, rate=5000).via("units below a millisecond")
    def test_no_window_lets_pass_more_than_its_rate_and_one_take(
        self, turns: list[tuple[timedelta, int, str]], rate: int
    ) -> None:
        with self.fresh_table() as below:
            passed = taken(pace_over(below, sms=rate), turns)
        largest = max((units for _, units in passed), default=0)
        for first, (begin, _) in enumerate(passed):
            units_passed = 0
            for end, units in passed[first:]:
                units_passed += units
                milliseconds = (end - begin) // MILLISECOND
                assert 1000 * (units_passed - largest) <= rate * milliseconds
