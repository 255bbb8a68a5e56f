"""A sale: one opening of tickets of one event, its kind, and the id that it keeps."""

import unicodedata
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from enum import Enum
from functools import lru_cache
from typing import Final

from attrs import evolve, frozen

from demand_core.domain.ids import EventId, SaleId, digest
from demand_core.domain.sale_kinds import SaleKind, told_kind, without_symbols, words

# Sources write a far past or future for a start that nobody has set.
EARLIEST: Final = datetime(2000, 1, 1, tzinfo=UTC)
LATEST: Final = datetime(2100, 1, 1, tzinfo=UTC)
_ID_DIGITS: Final = 12


@frozen(kw_only=True)
class SaleRef:
    """Which sale of which event."""

    event_id: EventId
    sale_id: SaleId


class GenerationState(Enum):
    """Whether all reminders of a sale are made."""

    OPEN = "OPEN"
    DONE = "DONE"


@frozen(kw_only=True)
class Generation:
    """How far the reminders of a sale are made, for the start that it had when it was ordered.

    *shards* are those whose fans have all been seen.
    """

    start_at: datetime
    ordered_at: datetime
    state: GenerationState = GenerationState.OPEN
    shards: tuple[str, ...] = ()


@frozen(kw_only=True)
class SaleDates:
    """When we first saw a sale, and when what it says last became something else."""

    first_seen: datetime | None = None
    updated: datetime | None = None


@frozen(kw_only=True, cache_hash=True)
class Sale:
    """One opening of tickets.

    The id is made of *name_key* and stays; *aliases* are the keys of later names. *told_by* are
    the words that told the kind, absent when none was familiar.
    """

    sale_id: SaleId
    event_id: EventId
    name: str
    kind: SaleKind
    name_key: str | None = None
    aliases: tuple[str, ...] = ()
    told_by: str | None = None
    start_at: datetime | None = None
    end_at: datetime | None = None
    url: str | None = None
    # As an event's, with the reasons of its event.
    suppression: tuple[str, ...] = ()
    withdrawn_at: datetime | None = None
    generation: Generation | None = None
    date: SaleDates = SaleDates()

    @property
    def is_public(self) -> bool:
        """Whether it is the event's public sale, of which there is only one."""
        return self.sale_id == public_id(self.event_id)


@frozen(kw_only=True)
class ListedSale:
    """A sale as the source lists it: presales come without an id, the public one unnamed."""

    name: str | None = None
    description: str | None = None
    start_at: datetime | None = None
    end_at: datetime | None = None
    url: str | None = None
    # Also where it leads nowhere that a fan may be sent to.
    listed_url: str | None = None


def announced(at: datetime | None) -> datetime | None:
    """*at*, unless it only stands for a time that nobody has set."""
    return at if at and EARLIEST <= at < LATEST else None


@lru_cache(maxsize=1024)
def name_key(name: str) -> str:
    """What of *name* identifies a presale: its letters and digits, in words."""
    return words(unicodedata.normalize("NFKC", without_symbols(name)).casefold())


def public_id(event_id: EventId) -> SaleId:
    """The id of an event's public sale."""
    return SaleId(f"{event_id}.public")


def presale_id(event_id: EventId, key: str, ordinal: int = 1) -> SaleId:
    """The id of the presale with this name key, the *ordinal*-th of its event that has it."""
    further = () if ordinal == 1 else (str(ordinal),)
    hashed = digest("demand.sale/1", event_id, key, *further)
    return SaleId(f"{event_id}.p{hashed[:_ID_DIGITS]}")


def public_sale(event_id: EventId, listed: ListedSale) -> Sale:
    """The public sale of one event, unless its name tells that nothing is sold in it."""
    told = told_kind(listed.name or "")
    registers = told is not None and told[0] is SaleKind.REGISTRATION
    return Sale(
        sale_id=public_id(event_id),
        event_id=event_id,
        name=listed.name or "Public sale",
        kind=SaleKind.REGISTRATION if registers else SaleKind.PUBLIC,
        told_by=told[1] if told else None,
        start_at=listed.start_at,
        end_at=listed.end_at,
        url=listed.url,
    )


def presales(event_id: EventId, listed: Sequence[ListedSale]) -> Iterator[Sale]:
    """The presales of one event, in whatever order they are *listed*.

    Neither time, place in the list nor kind enters an id, but between presales of one name the
    times say which is the first.
    """
    ordinals = dict[str, int]()
    for presale in sorted(listed, key=_in_time):
        key = name_key(presale.name or "") or presale.listed_url or ""
        ordinals[key] = ordinals.get(key, 0) + 1
        told = told_kind(presale.name or "", presale.description or "")
        kind, told_by = told or (SaleKind.PRESALE, None)
        yield Sale(
            sale_id=presale_id(event_id, key, ordinals[key]),
            event_id=event_id,
            name=presale.name or "Presale",
            kind=kind,
            name_key=key,
            told_by=told_by,
            start_at=presale.start_at,
            end_at=presale.end_at,
            url=presale.url,
        )


def _in_time(presale: ListedSale) -> tuple[datetime, datetime, str, str, str]:
    return (
        presale.start_at or LATEST,
        presale.end_at or LATEST,
        presale.listed_url or "",
        presale.name or "",
        presale.description or "",
    )


def relisted(known: Sequence[Sale], listed: Sequence[Sale], now: datetime) -> Sequence[Sale]:
    """All sales of an event after a look-up: those *listed*, each under the id it is known by.

    Where exactly one known presale is gone and exactly one new one starts when that did, it was
    renamed. What is known and no longer listed is withdrawn, and comes back when it is listed.
    """
    before = {sale.sale_id: sale for sale in known}
    taken = {sale.sale_id for sale in listed if sale.sale_id in before}
    after = dict[SaleId, Sale]()
    strangers = list[Sale]()
    for sale in listed:
        old = before.get(sale.sale_id) or _renamed_before(sale, known, taken)
        if old:
            taken.add(old.sale_id)
            after[old.sale_id] = _kept(old, sale)
        else:
            strangers.append(sale)
    gone = [
        sale
        for sale in known
        if sale.sale_id not in taken and not sale.withdrawn_at and not sale.is_public
    ]
    new = [sale for sale in strangers if not sale.is_public]
    if len(gone) == len(new) == 1 and gone[0].start_at and gone[0].start_at == new[0].start_at:
        after[gone[0].sale_id] = _kept(gone[0], new[0])
        strangers.remove(new[0])
    after.update((sale.sale_id, sale) for sale in strangers)
    withdrawn = [
        sale if sale.withdrawn_at else evolve(sale, withdrawn_at=now)
        for sale in known
        if sale.sale_id not in after
    ]
    return [*after.values(), *withdrawn]


def resighted(known: Sale | None, listed: Sale, now: datetime) -> Sale:
    """*listed* with the marks, dates and names of *known*, changed by *now* if it is news."""
    if known is None:
        return evolve(listed, date=SaleDates(first_seen=now, updated=now))
    # Another look-up may have learned of a name meanwhile.
    aliases = tuple(dict.fromkeys((*known.aliases, *listed.aliases)))
    same = evolve(listed, aliases=aliases, generation=known.generation, date=known.date)
    return known if same == known else evolve(same, date=evolve(known.date, updated=now))


def _renamed_before(sale: Sale, known: Sequence[Sale], taken: set[SaleId]) -> Sale | None:
    free = (old for old in known if old.sale_id not in taken)
    return next((old for old in free if sale.name_key in old.aliases), None)


def _kept(old: Sale, sale: Sale) -> Sale:
    """*sale* under the identity of *old*."""
    aliases = old.aliases
    if sale.name_key and sale.name_key not in {old.name_key, *aliases}:
        aliases = (*aliases, sale.name_key)
    return evolve(
        sale,
        sale_id=old.sale_id,
        name_key=old.name_key,
        aliases=aliases,
        generation=old.generation,
        date=old.date,
    )
