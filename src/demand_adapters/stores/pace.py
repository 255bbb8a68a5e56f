"""Pace over the table: one item a sender, moved on by whoever takes."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from attrs import field, frozen

from demand_adapters.item_table import ItemTable
from demand_adapters.stores.rows import Rows
from demand_adapters.wire.books import Rate
from demand_adapters.wire.item_keys import rate_key
from demand_adapters.wire.items import RATE
from demand_core.errors import WiringError
from demand_core.ports.clock import Clock


@frozen(kw_only=True)
class TablePace:
    """*per_second* names the senders and how many units a second each may take."""

    table: ItemTable
    clock: Clock
    per_second: Mapping[str, int]
    _rows: Rows[Rate] = field(init=False)

    @_rows.default
    def _rates(self) -> Rows[Rate]:
        return Rows(table=self.table, clock=self.clock, kind=RATE)

    def take(self, sender: str, units: int, now: datetime, /) -> datetime:
        """Take at once, or learn when: the gate then opens for whoever comes first."""
        rate = self._rate(sender)
        used = timedelta(milliseconds=-(-units * 1000 // rate))
        opens = now

        def step(gate: Rate | None) -> Rate | None:
            nonlocal opens
            opens = max(gate.next_free_at, now) if gate else now
            if opens > now:
                return gate
            return Rate(next_free_at=_whole_ms(now) + used, per_second=rate)

        self._rows.amend(rate_key(sender), step)
        return opens

    def hold(self, sender: str, until: datetime, /) -> None:
        """Move the opening on, never back."""
        rate, opens = self._rate(sender), _whole_ms(until)

        def step(gate: Rate | None) -> Rate | None:
            kept = gate and gate.next_free_at >= opens
            return gate if kept else Rate(next_free_at=opens, per_second=rate)

        self._rows.amend(rate_key(sender), step)

    def _rate(self, sender: str) -> int:
        if sender not in self.per_second:
            raise WiringError(f"no rate is set for the sender {sender!r}")
        return self.per_second[sender]


def _whole_ms(at: datetime) -> datetime:
    """*at*, or the next instant that the table can hold: a gate never opens too early."""
    more = -at.microsecond % 1000
    return at + timedelta(microseconds=more)
