"""Fans who are to be forgotten: what is theirs, until when, and what stands in its place."""

import hmac
import re
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from enum import Enum
from typing import Final

from attrs import evolve, field, frozen

from demand_core.domain.contacts import ContactKey
from demand_core.domain.ids import ErasureId, netstring
from demand_core.domain.masked import Masked
from demand_core.domain.subjects import Name
from demand_core.errors import Permanent, WiringError

# How long changes that were made before may be under way, and whoever writes them at work.
SETTLES_AFTER: Final = timedelta(minutes=15)
ALIAS: Final = "erased-"
_ALIAS_BYTES: Final = 8
_SALT: Final = re.compile(r"[0-9a-f]{64}\Z")
_PURPOSE: Final = netstring("demand.erased/1")
_LATE: Final = "demand.late/1"


class Salt(Masked):
    """What makes the aliases of one fan; once it is gone nobody can make them again."""

    __slots__ = ()

    @staticmethod
    def _check(text: str) -> None:
        if not _SALT.match(text):
            raise Permanent("bad_salt", "64 hex digits")

    def _mask(self) -> str:
        return "…"


class PersonalName(Masked):
    """One name of a fan as our books keep it until he is forgotten."""

    __slots__ = ()

    @staticmethod
    def _check(text: str) -> None:
        if text.partition(":")[0] not in {"fan", "phone", "email"}:
            raise Permanent("bad_name", "no kind of name of ours")

    def _mask(self) -> str:
        return self._text.partition(":")[0]

    @classmethod
    def of(cls, name: Name) -> "PersonalName":
        """*name*, not to be seen."""
        return cls(":".join(name))

    @property
    def name(self) -> Name:
        """What it is made of."""
        named_by, _, text = self._text.partition(":")
        match named_by:
            case "fan" | "phone" | "email":
                return named_by, text
        raise WiringError("a name is checked when it is made")


class ErasureState(Enum):
    """How far an erasure got."""

    OPEN = "OPEN"
    REWRITING = "REWRITING"
    VERIFYING = "VERIFYING"
    # Nothing was found any more, and nothing is left that could say whose it was.
    DONE = "DONE"
    # Something can't be read or rewritten; it goes on once people have mended that.
    FAILED = "FAILED"


AFTER: Final[Mapping[ErasureState, frozenset[ErasureState]]] = {
    ErasureState.OPEN: frozenset({ErasureState.REWRITING, ErasureState.DONE}),
    ErasureState.REWRITING: frozenset({ErasureState.VERIFYING, ErasureState.FAILED}),
    ErasureState.VERIFYING: frozenset(
        {ErasureState.REWRITING, ErasureState.DONE, ErasureState.FAILED}
    ),
    ErasureState.DONE: frozenset(),
    ErasureState.FAILED: frozenset({ErasureState.REWRITING, ErasureState.VERIFYING}),
}


@frozen(kw_only=True)
class Erasure:
    """One fan's. *subject* is the keyed hash of the fan's id.

    What he asked for up to *until* is to be forgotten. Names and salt are what it works with,
    and are destroyed with its end.
    """

    erasure_id: ErasureId
    subject: str
    requested_at: datetime
    requested_by: str
    until: datetime
    # When something of the fan was last found, and taken away, where he himself had left it.
    removed_at: datetime | None = None
    state: ErasureState = ErasureState.OPEN
    reason: str | None = None
    salt: Salt | None = None
    names: tuple[PersonalName, ...] = ()
    finished_at: datetime | None = None

    @property
    def finished(self) -> bool:
        """Whether nothing is left to do."""
        return self.state is ErasureState.DONE

    @property
    def settled_at(self) -> datetime:
        """What was under way when the last of it was removed has arrived by then."""
        return max(self.until, self.removed_at or self.until) + SETTLES_AFTER


@frozen(kw_only=True)
class Tombstone:
    """What stays for good under each of a fan's names: older records are no longer his."""

    erasure_id: ErasureId
    at: datetime


@frozen(kw_only=True)
class Forgotten:
    """Somebody whose records up to *at* must not say who he is."""

    at: datetime
    salt: bytes = field(repr=False)

    def covers(self, since: datetime | None) -> bool:
        """Whether it holds of what was asked for at *since*; who comes back later is new."""
        return since is None or since <= self.at

    def alias(self, text: str) -> str:
        """What stands in the place of *text*: the same for the same fan, and only for him."""
        of = hmac.digest(self.salt, _PURPOSE + netstring(text), "sha256")
        return ALIAS + of[:_ALIAS_BYTES].hex()


def forgotten(tombstone: Tombstone, erasure: Erasure | None, key: ContactKey) -> Forgotten:
    """What *tombstone* means; where the salt is gone, what is late has aliases of its own."""
    salt = erasure.salt if erasure else None
    if salt:
        return Forgotten(at=tombstone.at, salt=bytes.fromhex(salt.reveal()))
    late = hmac.digest(key.secret, netstring(_LATE, tombstone.erasure_id), "sha256")
    return Forgotten(at=tombstone.at, salt=late)


def buried(known: Tombstone | None, fresh: Tombstone) -> Tombstone:
    """What stands after *fresh*: the later one, also of two that come in the wrong order."""
    if known is None or (known.at, known.erasure_id) < (fresh.at, fresh.erasure_id):
        return fresh
    return known


def moved(erasure: Erasure, state: ErasureState, reason: str | None = None) -> Erasure:
    """*erasure* in its next *state*; one that it can't come to is a mistake of ours."""
    if state is erasure.state:
        return evolve(erasure, reason=reason)
    if state not in AFTER[erasure.state]:
        raise WiringError(f"no erasure goes from {erasure.state.value} to {state.value}")
    return evolve(erasure, state=state, reason=reason)


def restarted(erasure: Erasure) -> Erasure:
    """*erasure* at work again, however far it was."""
    return erasure if erasure.finished else moved(erasure, ErasureState.REWRITING)


def learned(erasure: Erasure, names: Iterable[Name]) -> Erasure:
    """*erasure* with *names* that were found on the way."""
    known = dict.fromkeys(erasure.names)
    return evolve(erasure, names=tuple(known | dict.fromkeys(map(PersonalName.of, names))))


def finished(erasure: Erasure, now: datetime, reason: str | None = None) -> Erasure:
    """*erasure* at its end: its salt and names are gone."""
    done = moved(erasure, ErasureState.DONE, reason)
    return evolve(done, salt=None, names=(), finished_at=now)


@frozen(kw_only=True)
class Touched:
    """One file, or the items of one kind, that an erasure changed; digests and no values."""

    store: str
    object: str
    action: str
    records: int
    before: str | None = None
    after: str | None = None


@frozen(kw_only=True)
class Held:
    """How many items of a fan there are, and by which names they call him."""

    items: int
    names: frozenset[Name] = field(repr=False)
