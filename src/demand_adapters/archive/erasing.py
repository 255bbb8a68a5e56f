"""Makes fans forgotten wherever we keep anything of them, and shows that they are.

A fan's tombstones come first, so that what arrives meanwhile comes without him. Then all that
lies with him goes, what an index knows is rewritten, and everything is read, again and again,
until nothing is found. Killed at any moment, another run goes on.
"""

import logging
from collections.abc import Collection, Iterable, Sequence
from functools import partial
from typing import Final

from attrs import evolve, field, frozen

from demand_adapters.archive.forgetting import Forgetting, Look
from demand_adapters.archive.sweeping import Sweep, Swept
from demand_adapters.wire.receipts import Verified, encode_receipt, receipt_key
from demand_core.domain.contacts import ContactKey
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
from demand_core.domain.ids import ErasureId, FanId, checked, run_id
from demand_core.domain.subjects import Name
from demand_core.errors import Transient
from demand_core.ports.clock import Clock
from demand_core.ports.entropy import Entropy
from demand_core.ports.erasure_book import ErasureBook
from demand_core.ports.file_store import FileStore

# So often everything is read in a row before others are taken to be too fast.
ROUNDS: Final = 8
ITEMS: Final = "items"

_LOG: Final = logging.getLogger("demand.erasures")


@frozen(kw_only=True)
class Eraser:
    """Works on every erasure that is not finished, whoever began it; any number may do so."""

    files: FileStore
    clock: Clock
    entropy: Entropy
    book: ErasureBook
    keys: Sequence[ContactKey] = field(repr=False)

    def ask(self, fan_id: str, by: str) -> Erasure:
        """Begin to forget a fan, or go on with what was begun; raises Permanent for no id."""
        fan = FanId(checked("fanId", fan_id))
        subject, last = self.book.subject(("fan", fan)), self.book.last(("fan", fan))
        for known in (*([last] if last else []), *self.unfinished()):
            if known.subject == subject and not known.finished:
                return self._opened(known)
        now = self.clock.now()
        erasure = Erasure(
            erasure_id=ErasureId(run_id(now, self.entropy.fresh_id())),
            subject=subject,
            requested_at=now,
            requested_by=by,
            until=now,
            salt=Salt(self.entropy.fresh_id() + self.entropy.fresh_id()),
            names=tuple(map(PersonalName.of, sorted(self.book.held(fan, now).names))),
        )
        return self._opened(erasure)

    def unfinished(self) -> list[Erasure]:
        """All of which something is left to do."""
        return [erasure for erasure in self.book.all() if not erasure.finished]

    def go_on(
        self, asked: Collection[ErasureId] = (), *, settled: bool = False
    ) -> Sequence[Erasure]:
        """Work on all until nothing is found any more; answers how each stands then.

        Those just *asked* for are among them, which a list of all may still lack. One is
        finished once it has settled; those asked for at once, or all if none is named, where
        whoever asks says that they have *settled*.
        Raises Transient where the store fails or others are too fast: say it again.
        """
        for _ in range(ROUNDS):
            begun = [self._begun(erasure) for erasure in self._at_work_on(asked)]
            erasures = [erasure for erasure in begun if not erasure.finished]
            if not erasures:
                return ()
            mark = self.book.mark()
            names = sorted({one.name for erasure in erasures for one in erasure.names})
            sweep = Sweep(
                forgetting=Forgetting(
                    files=self.files, keys=self.keys, known=self.book.forgotten(names)
                ),
                found=partial(self._note, erasures),
            )
            sweep.indexed()
            began, swept = self.clock.now(), sweep.whole()
            if swept.stuck:
                return [self._failed(erasure, swept) for erasure in erasures]
            if not swept.changed and self.book.mark() == mark:
                return [
                    self._finished(erasure, swept)
                    if erasure.settled_at <= began
                    or (settled and erasure.erasure_id in (asked or {erasure.erasure_id}))
                    else self._moved(erasure, ErasureState.VERIFYING)
                    for erasure in erasures
                ]
        raise Transient("files change as fast as they are rewritten: say it again")

    def _at_work_on(self, asked: Collection[ErasureId]) -> Sequence[Erasure]:
        known = {erasure.erasure_id: erasure for erasure in self.unfinished()}
        for missing in sorted(set(asked) - known.keys()):
            erasure = self.book.amend(missing, lambda known: known)
            known |= {} if erasure.finished else {missing: erasure}
        return [known[erasure_id] for erasure_id in sorted(known)]

    def _opened(self, erasure: Erasure) -> Erasure:
        """All tombstones stand, and hold of all that was made before they did.

        A message does not say in the archive when its fan asked for it, only when it was made:
        that may have been while the tombstones were set, and until all are they are set anew.
        """
        if erasure.state is not ErasureState.OPEN:
            return erasure
        if other := self._instead_of(erasure):
            # Two salts would give one fan two aliases.
            why = f"{other} is the same fan's"
            end = partial(finished, now=self.clock.now(), reason=why)
            return self.book.amend(erasure.erasure_id, end)
        self.book.open(erasure)
        now = self.clock.now()
        later = self.book.amend(erasure.erasure_id, partial(evolve, until=now))
        self.book.open(later)
        return self.book.amend(erasure.erasure_id, restarted)

    def _instead_of(self, erasure: Erasure) -> ErasureId | None:
        """Another one of the same fan, which was asked for when nobody knew of this one yet."""
        last = (self.book.last(one.name) for one in erasure.names if one.name[0] == "fan")
        other = next(last, None)
        if other is None or other.erasure_id <= erasure.erasure_id:
            return None
        return other.erasure_id

    def _begun(self, erasure: Erasure) -> Erasure:
        """Nothing lies with its fan any more, and by all that stood there he is known."""
        erasure = self.book.amend(self._opened(erasure).erasure_id, restarted)
        for named_by, text in (masked.name for masked in erasure.names):
            if named_by != "fan":
                continue
            held = self.book.held(FanId(text), erasure.until)
            if held.items:
                erasure = self._with(erasure, held.names)
                gone = Touched(
                    store="table", object=ITEMS, action="removed", records=held.items
                )
                self.book.note(erasure.erasure_id, gone)
                # Whoever is killed in between has not forgotten that something is under way.
                self._removed(erasure)
                self.book.forget(FanId(text), erasure.until)
                erasure = self._removed(erasure)
        return erasure

    def _removed(self, erasure: Erasure) -> Erasure:
        now = self.clock.now()
        return self.book.amend(erasure.erasure_id, partial(evolve, removed_at=now))

    def _with(self, erasure: Erasure, names: Iterable[Name]) -> Erasure:
        """*erasure* with *names* too, each under a tombstone before it is used."""
        more = learned(erasure, sorted(names))
        if more.names != erasure.names:
            self.book.open(more)
        return more

    def _note(self, erasures: Sequence[Erasure], look: Look) -> None:
        """Keep what is about to be gone: names that stood beside a fan's, and that it was so.

        Whoever is killed before it is gone finds it again, and notes the same.
        """
        for erasure in erasures:
            records = max((look.told.get(one.name, 0) for one in erasure.names), default=0)
            if records:
                self._with(erasure, look.learned)
                touched = Touched(
                    store=look.store,
                    object=look.key,
                    action="rewritten",
                    records=records,
                    before=look.before,
                    after=look.after,
                )
                self.book.note(erasure.erasure_id, touched)

    def _moved(self, erasure: Erasure, state: ErasureState, why: str | None = None) -> Erasure:
        return self.book.amend(
            erasure.erasure_id,
            lambda known: known if known.finished else moved(known, state, why),
        )

    def _failed(self, erasure: Erasure, swept: Swept) -> Erasure:
        first, *rest = sorted(swept.stuck.items())
        others = f", and {len(rest)} more" if rest else ""
        _LOG.warning("%s: %s: %s%s", erasure.erasure_id, *first, others)
        return self._moved(erasure, ErasureState.FAILED, f"{first[0]}: {first[1]}{others}")

    def _finished(self, erasure: Erasure, swept: Swept) -> Erasure:
        """The receipt first: afterwards nobody knows the names that it was looked for by."""
        now, noted = self.clock.now(), self.book.noted(erasure.erasure_id)
        self._moved(erasure, ErasureState.VERIFYING)
        verified = Verified(objects=swept.objects, size=swept.size, forms=swept.forms)
        receipt = encode_receipt(erasure, now, noted, verified)
        self.files.put(receipt_key(erasure.erasure_id), [receipt])
        return self.book.amend(
            erasure.erasure_id, lambda known: known if known.finished else finished(known, now)
        )
