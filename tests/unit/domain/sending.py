"""A provider, a table of one row and two senders whose steps interleave at random."""

from collections.abc import Generator, Iterator
from datetime import datetime, timedelta
from random import Random
from typing import Final

from attrs import define, field

from demand_adapters.testing.strategies import NOON, a_notification
from demand_core.domain.answers import (
    Accepted,
    Answer,
    Doubted,
    Faulted,
    Refused,
    Returned,
    Told,
    recorded,
)
from demand_core.domain.delivery import (
    Errand,
    Keyed,
    Next,
    Queryable,
    Silent,
    Terms,
    absent,
    barred,
    before_call,
    claimed,
    given_up,
    held,
    lapsed,
    looked_at,
    silenced,
)
from demand_core.domain.notifications import Notification, due_at
from demand_core.domain.reports import SIGNALS, Report, reported

RECEIPT: Final = Accepted(provider="twin", message_id="m1")
SKEW: Final = timedelta(minutes=5)
STEPS: Final = 120
# What this provider does more often than the rest.
MOODS: Final = (("fine",) * 3, ("busy",) * 9, ("lost",) * 3, ("unheard",) * 3, ("late",) * 3)


@define
class Provider:
    """Takes messages as one of the three capabilities says; *taken* is what really happened."""

    terms: Terms
    not_after: datetime
    refuses: bool
    moods: tuple[str, ...]
    taken: list[datetime] = field(factory=list)
    late: list[datetime] = field(factory=list)

    def now_is(self, now: datetime) -> None:
        for at in [at for at in self.late if at <= now]:
            self.late.remove(at)
            self.take(at)

    def take(self, at: datetime) -> Answer:
        capability = self.terms.capability
        if isinstance(capability, Keyed) and self.taken and at < self.taken[0] + capability.ttl:
            return RECEIPT
        if self.refuses:
            return Refused(code="invalid_number")
        if at > self.not_after:
            return Refused(code="expired")
        self.taken.append(at)
        return RECEIPT

    def call(self, now: datetime, chance: Random, *, faults: bool) -> Answer:
        kind = chance.choice([*self.moods, "fine", "busy", "lost", "unheard", "late"])
        if not faults or kind == "fine":
            return self.take(now)
        if kind == "busy":
            return Faulted(code="busy", jitter=chance.random())
        if kind == "unheard":
            self.take(now)
        if kind == "late":
            self.late.append(now + chance.random() * self.terms.policy.deadline)
        return Doubted(code="timed_out")

    def finds(self, now: datetime) -> bool:
        capability = self.terms.capability
        lag = capability.lag if isinstance(capability, Queryable) else timedelta()
        return any(at <= now - lag for at in self.taken)


@define
class World:
    """One row, its provider, and what time it is."""

    chance: Random
    terms: Terms
    provider: Provider
    row: Notification
    now: datetime = NOON
    faults: bool = True
    history: list[Notification] = field(factory=list)

    def save(self, seen: Notification, row: Notification) -> bool:
        """Store *row* if nothing was stored since *seen*, as every store does it."""
        if self.row is not seen:
            return False
        self.row = row
        self.history.append(row)
        return True

    def sender(self, name: str, skew: timedelta) -> Iterator[None]:
        """One run over the row; it may be cut off at each yield."""
        seen = self.row
        yield
        errand, row = looked_at(seen, self.now + skew, self.terms)
        match errand:
            case Errand.GIVE_UP:
                self.save(seen, given_up(row))
            case Errand.LAPSE:
                self.save(seen, lapsed(row))
            case Errand.LAST_LOOK_UP:
                yield from self._last_look_up(seen, row, skew)
            case Errand.CLAIM:
                yield from self._send(name, seen, row, skew)

    def _last_look_up(
        self, seen: Notification, row: Notification, skew: timedelta
    ) -> Iterator[None]:
        yield
        if self.faults and self.chance.random() < 0.2:
            self.save(seen, lapsed(row))
        elif self.provider.finds(self.now):
            number = row.claim.number if row.claim else 0
            told = Told(claim_number=number, at=self.now + skew, answer=RECEIPT)
            yield from self._record(seen, told)
        else:
            self.save(seen, lapsed(absent(row)))

    def _send(
        self, name: str, seen: Notification, row: Notification, skew: timedelta
    ) -> Iterator[None]:
        checked_at = self.now + skew
        said = self._checked(row, checked_at)
        yield
        if said is not row:
            self.save(seen, said)
            return
        now = self.now + skew
        if now >= self.terms.horizon(row):
            return
        mine = claimed(row, name, now, self.terms, request_digest="d")
        if not self.save(seen, mine) or mine.claim is None:
            return
        told = yield from self._handed_over(mine, mine.claim.number, checked_at, skew)
        yield
        yield from self._record(mine, told)

    def _handed_over(
        self, mine: Notification, number: int, checked_at: datetime, skew: timedelta
    ) -> Generator[None, None, Told]:
        not_found = False
        answer: Answer | None = None
        while answer is None:
            yield
            now = self.now + skew
            match before_call(mine, checked_at, now, self.terms):
                case Next.RETURN:
                    answer = Returned(look_again=now)
                case Next.CHECK:
                    checked_at = now
                case Next.LOOK_UP if self.faults and self.chance.random() < 0.2:
                    answer = Returned(look_again=now + timedelta(seconds=30))
                case Next.LOOK_UP if self.provider.finds(self.now):
                    answer = RECEIPT
                case Next.LOOK_UP:
                    mine, not_found = absent(mine), True
                case Next.HAND_OVER:
                    yield
                    answer = self.provider.call(self.now, self.chance, faults=self.faults)
        at = self.now + skew
        return Told(claim_number=number, at=at, answer=answer, not_found=not_found)

    def _checked(self, row: Notification, now: datetime) -> Notification:
        match self.chance.randrange(25) if self.faults else None:
            case 0:
                return barred(row, "opted_out")
            case 1:
                return silenced(row, "artist")
            case 2 | 3:
                return held(row, now + timedelta(minutes=3), self.terms)
        return row

    def _record(self, seen: Notification, told: Told) -> Iterator[None]:
        while not self.save(seen, recorded(seen, told, self.terms)):
            yield
            seen = self.row
            yield

    def report(self) -> None:
        status = self.chance.choice([s for s in SIGNALS if s.value != "FAILED"])
        report = Report(
            status=status,
            occurred_at=self.now,
            arrived_at=self.now,
            provider="twin",
            message_id="m1",
        )
        self.save(self.row, reported(self.row, report))

    def pass_time(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)
        self.provider.now_is(self.now)


def a_world(seed: int, terms: Terms, provides: Terms | None = None) -> World:
    """What the provider really does is *provides*, if that is not what the terms say."""
    chance = Random(seed)
    not_after = NOON + timedelta(minutes=chance.choice([3, 10, 28]))
    row = a_notification(not_before=NOON, not_after=not_after)
    provider = Provider(
        provides or terms, not_after, chance.random() < 0.1, chance.choice(MOODS)
    )
    return World(chance, terms, provider, row)


def played(world: World) -> World:
    """Two senders at once, cut off and delayed at will; then one more in peace."""
    chance, policy = world.chance, world.provider.terms.policy
    queryable = isinstance(world.terms.capability, Queryable)
    most = policy.query_skew if queryable else SKEW
    skews = [chance.uniform(-1, 1) * most for _ in range(2)]
    runs: list[tuple[Iterator[None], datetime] | None] = [None, None]
    reports = chance.random() < 0.3
    pauses = [0, 0, 0, 0.1, 2, *chance.choice([(), (10, 20), (40, 100), (10, 300)])]
    for _ in range(STEPS):
        n = chance.randrange(2)
        world.pass_time(chance.choice(pauses) * chance.random())
        run, since = runs[n] or (world.sender(f"s{n}", skews[n]), world.now)
        # A run is ended from outside when its time is up: where answers are looked up, all
        # rests on that.
        dead = queryable and world.now - since > policy.timeout
        if dead or chance.random() < 0.05:
            runs[n] = None
            continue
        over = next(run, world) is world
        runs[n] = None if over else (run, since)
        if reports and world.provider.taken and chance.random() < 0.1:
            world.report()
    settle(world)
    return world


def settle(world: World) -> None:
    """Nothing goes wrong any more: a sender looks whenever the row asks for it."""
    world.faults = False
    for _ in range(6):
        due = due_at(world.row)
        if due is None:
            return
        world.pass_time(max(0.0, (due - world.now).total_seconds()))
        for _ in world.sender("last", timedelta()):
            pass


CAPABILITIES: Final = (Keyed(), Queryable(), Silent())
