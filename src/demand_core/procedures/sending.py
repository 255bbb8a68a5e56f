"""One sender at work: check, claim, hand over, record, for one row after the other."""

from collections.abc import Collection, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Final

from attrs import evolve, frozen

from demand_core.domain.alerts import held_back, unlisted
from demand_core.domain.answers import (
    Accepted,
    Answer,
    Faulted,
    Refused,
    Returned,
    Told,
    recorded,
)
from demand_core.domain.checks import Clear, Standing, checked, decided
from demand_core.domain.delivery import Errand, Next, absent, before_call, lapsed, looked_at
from demand_core.domain.ids import NotificationId
from demand_core.domain.notifications import Channel, Notification, NotificationRef
from demand_core.domain.opt_outs import Consent, ConsentSource, OptOut
from demand_core.domain.planning import ReminderPolicy
from demand_core.domain.reports import unreported
from demand_core.domain.statuses import Status
from demand_core.errors import Transient, WiringError
from demand_core.ports.announcer import Announcer
from demand_core.ports.clock import Clock
from demand_core.ports.contact_guard import ContactGuard
from demand_core.ports.notification_store import NotificationStore
from demand_core.ports.opt_out_book import OptOutBook
from demand_core.ports.pace import Pace
from demand_core.procedures.couriers import NOT_TAKEN, Courier
from demand_core.procedures.standings import Standings, contact

# How a provider says that the fan wants nothing from us.
UNWANTED: Final = frozenset({"opted_out", "blocked"})
# A provider that asks for more rest than this is not just busy.
BURST: Final = timedelta(minutes=5)
# When a look-up that got no answer is worth another.
LOOK_UP_AGAIN: Final = timedelta(seconds=30)
# So many pass the check, and their gate, together.
SLAB: Final = 100


@frozen(kw_only=True)
class Sending:
    """One run, under a name that no other has: by it a claim is known to be its own."""

    by: str
    clock: Clock
    announcer: Announcer
    notifications: NotificationStore
    guard: ContactGuard
    pace: Pace
    opt_outs: OptOutBook
    standings: Standings
    couriers: Mapping[Channel, Courier]
    reminders: ReminderPolicy

    def work_on(
        self, rows: Mapping[NotificationRef, Notification], enough: datetime
    ) -> Iterator[NotificationRef]:
        """Do what each of *rows* wants until *enough*; give those that must come again soon."""
        shut, pairs = set[Channel](), tuple(rows.items())
        for start in range(0, len(pairs), SLAB):
            slab = dict(pairs[start : start + SLAB])
            open_to = {ref: row for ref, row in slab.items() if row.channel not in shut}
            standings = self.standings.of(open_to)
            going = {
                ref: row for ref, row in open_to.items() if self._goes(row, standings[ref])
            }
            shut |= self._shut(going.values())
            for ref, row in slab.items():
                if row.channel in shut or self.clock.now() >= enough:
                    yield ref
                    continue
                try:
                    if self._settle(ref, row, standings[ref], goes=ref in going):
                        shut.add(row.channel)
                except Transient:
                    # The row says itself when somebody must look again.
                    continue

    def _shut(self, going: Collection[Notification]) -> frozenset[Channel]:
        """The channels whose gate is shut; what one lets through is taken for all at once."""
        found = list[Channel]()
        for channel, courier in self.couriers.items():
            now = self.clock.now()
            units = sum(row.segments for row in going if row.channel is channel)
            if courier.gate and units and self.pace.take(courier.gate, units, now) > now:
                found.append(channel)
        return frozenset(found)

    def _goes(self, row: Notification, standing: Standing) -> bool:
        terms = self.couriers[row.channel].terms
        if looked_at(row, self.clock.now(), terms)[0] is not Errand.CLAIM:
            return False
        return isinstance(checked(row, standing, terms, self.reminders), Clear)

    def _errand(self, row: Notification) -> Errand:
        return looked_at(row, self.clock.now(), self.couriers[row.channel].terms)[0]

    def _settle(
        self, ref: NotificationRef, row: Notification, standing: Standing, *, goes: bool
    ) -> bool:
        """Answer whether all of us were asked to leave the provider alone."""
        courier = self.couriers[row.channel]
        if self._errand(row) is Errand.LAST_LOOK_UP:
            self._ask_once_more(row, courier)
            return False
        if goes:
            standing = evolve(standing, owner=self._owner(row))
        mine = self.notifications.amend(
            ref,
            lambda known: decided(
                known, standing, self.by, self.clock.now(), courier.terms, self.reminders
            ),
        )
        if mine is None or mine.status is not Status.CLAIMED or mine.claim is None:
            return False
        if mine.claim.by != self.by:
            return False
        try:
            told = self._handed_over(mine, mine.claim.number, standing, courier)
        except WiringError:
            # Whoever is refused at the door has sent nothing: the next one need not wonder.
            now = self.clock.now()
            back = Told(claim_number=mine.claim.number, at=now, answer=Returned(look_again=now))
            self._record(ref, mine, back, courier)
            raise
        self._record(ref, mine, told, courier)
        return isinstance(told.answer, Returned) and told.answer.throttled

    def _owner(self, row: Notification) -> NotificationId | None:
        """Whose the contact is: two accounts with one handset are told once."""
        to = contact(row)
        if to is None or row.sale_id is None:
            return None
        key = row.notification_id
        return self.guard.first(to, row.sale_id, row.channel, key, row.not_after)

    def _ask_once_more(self, row: Notification, courier: Courier) -> None:
        """The last chance to learn what became of a row for which it is too late."""
        now = self.clock.now()
        _, seen = looked_at(row, now, courier.terms)
        try:
            found = courier.find(row)
        except Transient:
            after = lapsed(seen)
        else:
            told = found and Told(claim_number=0, at=now, answer=found)
            after = recorded(seen, told, courier.terms) if told else lapsed(absent(seen))
        self.notifications.amend(row.ref, lambda known: after if known == row else known)

    def _handed_over(
        self, mine: Notification, number: int, standing: Standing, courier: Courier
    ) -> Told:
        """Call, if nothing has come between; a check is good for a few seconds only."""
        not_found = False
        answer: Answer | None = None
        while answer is None:
            now = self.clock.now()
            match before_call(mine, standing.at, now, courier.terms):
                case Next.RETURN:
                    answer = Returned(look_again=now)
                case Next.LOOK_UP:
                    try:
                        answer = courier.find(mine)
                    except Transient:
                        answer = Returned(look_again=now + LOOK_UP_AGAIN)
                    if answer is None:
                        mine, not_found = absent(mine), True
                case Next.CHECK:
                    standing = self.standings.of({mine.ref: mine})[mine.ref]
                    if checked(mine, standing, courier.terms, self.reminders) != Clear(mine):
                        answer = Returned(look_again=now)
                case Next.HAND_OVER:
                    answer = courier.call(mine)
        return Told(
            claim_number=number, at=self.clock.now(), answer=answer, not_found=not_found
        )

    def _record(
        self, ref: NotificationRef, mine: Notification, told: Told, courier: Courier
    ) -> None:
        """Merge what we were told into the row as it stands by then."""

        def step(known: Notification) -> Notification:
            after = recorded(known, told, courier.terms)
            if isinstance(told.answer, Accepted) and not courier.reports:
                return unreported(after, told.answer, told.at)
            return after

        self.notifications.amend(ref, step)
        match told.answer:
            case Returned(look_again=until, throttled=True) if courier.gate:
                self.pace.hold(courier.gate, until)
                if until - told.at > BURST:
                    self.announcer.announce(held_back(courier.gate, until))
            case Faulted(code=code) if code != NOT_TAKEN:
                self.announcer.announce(unlisted(courier.gate or mine.channel.value, code))
            case Refused(code=code) if code in UNWANTED and (to := contact(mine)):
                said = OptOut(
                    state=Consent.OUT,
                    at=told.at,
                    source=ConsentSource.PROVIDER,
                    evidence=mine.notification_id,
                )
                self.opt_outs.record(to, said)
            case _:
                pass
